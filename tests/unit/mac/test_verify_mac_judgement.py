"""What passes and what does not, by outputs that were made by hand."""

from __future__ import annotations

import json

import pytest
from verify_mac.bars import COLOURS, HEIGHT, WIDTH, bars_of, judge_bars
from verify_mac.cameras import avfoundation_names
from verify_mac.coreml import judge_layouts, judge_parity, judge_starts
from verify_mac.mac import Done
from verify_mac.running import crash_reports, judge_replug
from verify_mac.step import Verdict
from verify_mac.virtual_camera import judge_picture, judge_watchers

PASS, FAIL = Verdict.PASS, Verdict.FAIL


def as_json(value, code=0):
    return Done(code, json.dumps(value))


def test_cameras_are_read_from_ffmpegs_list_without_screens_and_microphones(made_up):
    assert avfoundation_names(made_up["listing"]) == [
        "FaceTime HD Camera",
        "OBS Virtual Camera",
        "Anna's iPhone Camera",
        "HD Pro Webcam C920",
    ]
    assert avfoundation_names("Unknown input format: 'avfoundation'") is None


def test_parity_passes_by_core_ml_alone(made_up):
    parity = made_up["parity"]
    good = judge_parity(as_json(parity()))
    assert (good.verdict, good.sentence) == (PASS, "1 outputs, largest relative L2 9.0e-04.")
    bad = judge_parity(as_json(parity(2e-2, passed=False), code=1))
    assert (bad.verdict, bad.sentence) == (FAIL, "Outside their gates: fused styled.")
    assert "2.0e-02" in bad.evidence
    not_a_number = judge_parity(as_json(parity(None, passed=False), code=1))
    assert not_a_number.verdict is FAIL
    elsewhere = judge_parity(as_json(parity(runtime="the evaluator, results stored as declared")))
    assert "the evaluator" in elsewhere.sentence
    assert elsewhere.verdict is FAIL
    assert judge_parity(Done(3, err="sdcam: no such bundle.\n")).verdict is FAIL


def test_layouts_pass_when_both_run_and_the_best_is_remembered():
    ways = [{"way": "coreml:fused", "fps": 29.0}, {"way": "coreml:staged", "fps": 38.5}]
    told = {"model": "pocket", "ways": ways, "remembered": "bench.json"}
    good = judge_layouts(as_json(told))
    assert good.verdict is PASS
    assert "coreml:staged 38.5 fps" in good.sentence
    assert judge_layouts(as_json({**told, "ways": ways[:1]})).verdict is FAIL
    assert judge_layouts(as_json({**told, "remembered": None})).verdict is FAIL
    still = [ways[0], {"way": "coreml:staged", "fps": 0.0}]
    assert judge_layouts(as_json({**told, "ways": still})).verdict is FAIL


def start(seconds, styled=50):
    return as_json({"frames": {"styled": styled}, "first_picture_after_seconds": seconds})


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (start(9.0), start(4.0), PASS),
        (start(2.0), start(2.1), PASS),  # compiled by an earlier run of verify-mac
        (start(9.0), start(9.1), FAIL),
        (start(9.0), start(None, styled=0), FAIL),
        (start(9.0), Done(0, "compiling...\n" + start(4.0).out), FAIL),
        (start(9.0), Done(-11), FAIL),
    ],
)
def test_the_second_start_is_quicker_and_says_nothing_but_json(first, second, verdict):
    assert judge_starts(first, second).verdict is verdict


def bars_as(change):
    return [change(*rgb) for rgb in COLOURS.values()]


def limited_for_full(*rgb):
    return tuple(16 + part * 219 / 255 for part in rgb)


def bt601_read_as_bt709(red, green, blue):
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = (blue - luma) / 1.772, (red - luma) / 1.402
    rgb = (luma + 1.5748 * cr, luma - 0.1873 * cb - 0.4681 * cr, luma + 1.8556 * cb)
    return tuple(min(255.0, max(0.0, part)) for part in rgb)


@pytest.mark.parametrize(
    ("change", "right"),
    [
        (lambda r, g, b: (r, g, b), True),
        (lambda r, g, b: (r * 0.98, g * 0.98, b * 0.98 + 3), True),
        (bt601_read_as_bt709, True),
        (lambda r, g, b: (b, g, r), False),
        (lambda r, g, b: (g, r, b), False),
        (limited_for_full, False),
        (lambda r, g, b: (r, r, r), False),
        (lambda r, g, b: (0, 0, 0), False),
        (lambda r, g, b: (255 - r, 255 - g, 255 - b), False),
    ],
)
def test_bars_pass_through_a_codec_and_another_matrix_and_through_nothing_worse(change, right):
    assert judge_bars(bars_as(change))[0] is right


def test_mirrored_bars_are_wrong_and_the_worst_one_is_named():
    right, sentence = judge_bars(bars_as(lambda *rgb: rgb)[::-1])
    assert not right
    assert " came as (" in sentence


def test_bars_are_found_in_the_picture_that_is_sent(made_up):
    frame = made_up["picture"]()
    assert bars_of(frame, WIDTH, HEIGHT) == [
        tuple(map(float, colour)) for colour in COLOURS.values()
    ]


@pytest.mark.parametrize(("order", "verdict"), [((0, 1, 2), PASS), ((2, 1, 0), FAIL)])
def test_a_picture_is_judged_by_its_bars(tmp_path, made_up, order, verdict):
    path = tmp_path / "picture.rgb"
    path.write_bytes(made_up["picture"](order))
    assert judge_picture(path, Done(0)).verdict is verdict


def test_a_picture_that_is_cut_short_or_never_came_fails(tmp_path, made_up):
    path = tmp_path / "picture.rgb"
    assert judge_picture(path, Done(0)).verdict is FAIL
    path.write_bytes(made_up["picture"]()[:-100])
    assert judge_picture(path, Done(0)).verdict is FAIL


def test_what_is_sent_are_those_bars_in_the_cameras_own_format():
    """The sender's picture through sdcam's own conversion to UYVY and back."""
    import cv2
    import numpy as np
    from verify_mac.bars import bars_picture

    from sdcam.compositor import Compositor
    from sdcam.settings import Fit

    sent = Compositor(WIDTH, HEIGHT, "UYVY").compose(bars_picture(), None, Fit.CROP, 0, False)
    shown = np.ascontiguousarray(cv2.cvtColor(sent, cv2.COLOR_YUV2RGB_UYVY))
    assert judge_bars(bars_of(shown.tobytes(), WIDTH, HEIGHT))[0]


def test_watchers_are_nobody_then_somebody():
    assert judge_watchers([], None).verdict is PASS
    assert judge_watchers([], ["ffmpeg (pid 7)"]).verdict is PASS
    assert "Our own sending" in judge_watchers(None, None).sentence
    assert "not noticed" in judge_watchers([], []).sentence


def test_crash_reports_of_python_and_the_app_count(mac):
    assert crash_reports(mac) == set()
    folder = mac.home / "Library/Logs/DiagnosticReports"
    folder.mkdir(parents=True)
    ours = {"python3.12-2026-12-01-101010.ips", "StreamDiffusion Cam-2026-12-01-1.ips"}
    for name in (*ours, "Safari-2026-12-01-1.ips", "python3.12.txt"):
        (folder / name).touch()
    assert crash_reports(mac) == ours


def test_a_new_crash_report_fails_the_minute(mac, monkeypatch):
    from verify_mac import running

    reports = iter([{"python-1.ips"}, {"python-1.ips", "python-2.ips"}])
    monkeypatch.setattr(running, "crash_reports", lambda mac: next(reports))
    minute = next(step for step in running.STEPS if step.id == "minute")
    result = minute.act(mac)
    assert (result.verdict, result.sentence) == (FAIL, "Crash reports: python-2.ips.")


def test_a_process_that_was_replaced_fails_the_minute(mac):
    from verify_mac import running

    mac.runs["restarts"] = {"capture": 0, "model": 1}
    minute = next(step for step in running.STEPS if step.id == "minute")
    assert minute.act(mac).verdict is FAIL


def test_memory_that_grows_by_every_frame_fails(mac):
    from verify_mac import virtual_camera

    memory = next(step for step in virtual_camera.STEPS if step.id == "obs-memory")
    assert memory.act(mac).verdict is PASS
    mac.growth = 1.8 * 30  # MB a second: no frame is ever freed
    result = memory.act(mac)
    assert result.verdict is FAIL


def test_a_camera_that_is_unplugged_comes_back_to_the_same_daemon():
    old, new = ({"processes": {"daemon": {"pid": pid}}} for pid in (7, 8))
    assert judge_replug(old, old, old, Done(0)).verdict is PASS
    for away, back in ((None, old), (old, None), (old, new)):
        assert judge_replug(old, away, back, Done(0)).verdict is FAIL
