"""How the app gets permission for the camera."""

from __future__ import annotations

import pytest

from sdcam.install.camera_permission import Answer, ask
from sdcam.platforms.avfoundation import Authorization


class Mac:
    """A camera behind a question of macOS, which the user answers after some polls."""

    def __init__(self, before, after=None, pictures=True, looks=3):
        self.authorization, self.after, self.pictures = before, after, pictures
        self.looks, self.opened = looks, 0

    def try_camera(self):
        self.opened += 1
        granted = self.authorization is Authorization.GRANTED
        return Answer.GRANTED if granted and self.pictures else Answer.NO_PICTURES

    def look(self):
        self.looks -= 1
        if self.looks == 0 and self.after is not None:
            self.authorization = self.after
        return self.authorization


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("sdcam.install.camera_permission._POLL_SECONDS", 0.0)


@pytest.mark.parametrize(
    ("mac", "answer", "opened"),
    [
        (Mac(Authorization.GRANTED), Answer.GRANTED, 1),
        (Mac(Authorization.NOT_ASKED, Authorization.GRANTED), Answer.GRANTED, 2),
        (Mac(Authorization.NOT_ASKED, Authorization.DENIED), Answer.DENIED, 1),
        (Mac(Authorization.DENIED), Answer.DENIED, 1),
        (Mac(Authorization.RESTRICTED), Answer.RESTRICTED, 1),
        # Authorised, but no pictures: what an app with the wrong identity gets.
        (Mac(Authorization.GRANTED, pictures=False), Answer.NO_PICTURES, 2),
    ],
)
def test_answer_of_user_and_camera(mac, answer, opened):
    assert ask(mac.try_camera, mac.look) is answer
    assert mac.opened == opened


def test_unanswered_question_times_out():
    mac = Mac(Authorization.NOT_ASKED)
    assert ask(mac.try_camera, mac.look, patience=0.02) is Answer.UNANSWERED


def test_no_camera_no_question():
    assert ask(lambda: Answer.NO_CAMERA, pytest.fail) is Answer.NO_CAMERA


@pytest.mark.parametrize("answer", Answer)
def test_every_answer_says_what_to_do(answer):
    assert answer.sentence.endswith(".")
    assert answer is Answer.GRANTED or answer.todo.endswith(".")
