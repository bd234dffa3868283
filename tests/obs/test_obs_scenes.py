"""OBS itself loads our scene collection, and shows in it what it should."""

from __future__ import annotations

import cv2
import pytest
from obs_program import HEIGHT, WIDTH
from obs_waiting import until

STYLED, SIDE_BY_SIDE, PROMPT = SCENES = ("Styled picture", "Side by side", "With the prompt")
TEXT = "Prompt"  # the source
KINDS = {"v4l2_input", "ffmpeg_source", "text_ft2_source_v2"}
CAPTION = slice(int(HEIGHT * 0.7), HEIGHT)  # where the letters are


def test_the_collection_loads_with_its_three_scenes(obs):
    print(f"measured: in OBS {obs.client.get_version().obs_version}")
    video = obs.client.get_video_settings()
    assert (video.base_width, video.base_height) == (1280, 720)
    names = [scene["sceneName"] for scene in obs.client.get_scene_list().scenes]
    assert sorted(names) == sorted(SCENES)
    assert obs.client.get_current_program_scene().current_program_scene_name == STYLED


@pytest.mark.parametrize("scene", SCENES)
def test_every_source_of_a_scene_is_there(obs, scene):
    assert set(obs.client.get_input_kind_list(False).input_kinds) >= KINDS
    inputs = {each["inputName"] for each in obs.client.get_input_list().inputs}
    items = [item["sourceName"] for item in obs.client.get_scene_item_list(scene).scene_items]
    assert items and set(items) <= inputs


def test_the_styled_picture_is_what_the_service_painted(obs, service):
    film = frames_of(service.film)
    obs.show(STYLED)
    picture = obs.picture_that(
        STYLED, lambda shown: distance_to_any(shown, film) < 6 and colourful(shown), "of the film"
    )
    obs.keep(STYLED, picture)
    print(f"measured: {distance_to_any(picture, film):.1f} of 255 from the film's nearest frame")


def test_side_by_side_are_the_camera_and_the_styled_picture(obs):
    obs.show(SIDE_BY_SIDE)
    picture = obs.picture_that(
        SIDE_BY_SIDE, lambda shown: all(map(colourful, halves(shown))), "there"
    )
    obs.keep(SIDE_BY_SIDE, picture)
    assert distance(*halves(picture)) > 8, "the camera is not styled"
    obs.picture_that(SIDE_BY_SIDE, lambda shown: distance(shown, picture) > 0.5, "moves")


def test_side_by_side_is_dark_in_a_pause(obs, service):
    obs.show(SIDE_BY_SIDE)
    obs.picture_that(SIDE_BY_SIDE, colourful, "there")
    service.say("pause")
    seconds = until(lambda: is_dark(obs.picture(SIDE_BY_SIDE)), "it is dark")
    print(f"measured: dark {seconds:.2f} s after the pause")
    service.say("resume")
    obs.picture_that(SIDE_BY_SIDE, colourful, "back")


def test_the_caption_is_the_prompt(obs, service):
    obs.show(PROMPT)
    service.say("prompt", "woodcut")
    until(lambda: 0 < text_size(obs)[0] < WIDTH // 3, "the caption is one word")
    word = text_size(obs)
    obs.keep(PROMPT, obs.picture(PROMPT))
    assert (obs.picture(PROMPT)[CAPTION] > 245).all(axis=2).sum() > 100, "no letters"
    service.say("prompt", "woodcut, a night train in the rain, and words enough for a second line")
    until(lambda: text_size(obs)[0] > WIDTH * 3 // 4, "the caption is a line of words")
    until(lambda: text_size(obs)[1] > 1.7 * word[1], "and another one")
    obs.keep(f"{PROMPT} (new prompt)", obs.picture(PROMPT))


def test_side_by_side_is_back_after_another_scene(obs):
    obs.show(SIDE_BY_SIDE)
    obs.picture_that(SIDE_BY_SIDE, colourful, "back")


def test_obs_has_nothing_to_complain_of(obs):
    assert obs.new_complaints == []


def test_side_by_side_is_back_after_a_restart_of_the_service(obs, service):
    obs.show(SIDE_BY_SIDE)
    service.stop()
    obs.picture_that(SIDE_BY_SIDE, is_dark, "dark")
    service.start()
    obs.picture_that(SIDE_BY_SIDE, colourful, "back")


def colourful(picture) -> bool:
    return bool(picture.std() > 20)


def is_dark(picture) -> bool:
    return bool(picture.max() < 10)


def halves(picture):
    """Left and right, without the dark bands above and below."""
    middle = picture[HEIGHT // 4 : HEIGHT * 3 // 4]
    return middle[:, : WIDTH // 2], middle[:, WIDTH // 2 :]


def text_size(obs):
    """Width of what is written, by the width of the photograph, and height in pixels of OBS."""
    written = (obs.picture(TEXT) > 245).all(axis=2).any(axis=0).nonzero()[0]
    return (
        int(written[-1] - written[0]) if written.size else 0,
        obs.size_of(PROMPT, TEXT)[1],
    )


def frames_of(film):
    reader, frames = cv2.VideoCapture(str(film)), []
    while (read := reader.read())[0]:
        frames.append(cv2.resize(read[1], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
    return frames


def distance(one, other) -> float:
    return float(cv2.absdiff(one, other).mean())


def distance_to_any(picture, frames) -> float:
    return min(distance(picture, frame) for frame in frames)
