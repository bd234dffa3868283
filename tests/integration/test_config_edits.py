"""The configuration of a running service: edits of its file, and what the commands save there."""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import time

import pytest

from sdcam.settings import load

PATIENCE = 60.0
FAST = 'look = { prompt = "oil", strength = 0.5, transition_seconds = 0.0 }\n'


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(FAST)
    return path


@pytest.fixture
def service(start, config):
    service = start("--source", "test", "--output", "null", "--config", str(config))
    service.until_styled()
    return service


def test_save_writes_the_file_and_keeps_comments(service, sdcam, config):
    config.write_text('# mine\n[look]\nprompt = "oil"  # to begin with\n')
    assert sdcam("prompt", "anime", "--save", "--config", str(config)).returncode == 0
    assert config.read_text() == '# mine\n[look]\nprompt = "anime" # to begin with\n'
    assert service.until(lambda s: s["look"]["prompt"] == "anime")
    done = sdcam("next", "--save", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == load(config).look.prompt
    assert service.until(lambda s: s["look"]["prompt"] == load(config).look.prompt)


def test_save_into_a_broken_file_changes_nothing(service, sdcam, config):
    before = service.status()["look"]
    config.write_text("[look\n")
    for words in (("prompt", "anime"), ("next",)):
        done = sdcam(*words, "--save", "--config", str(config))
        assert done.returncode == 2
        assert "line 1" in done.stderr
        assert "Nothing is saved" in done.stderr
    assert config.read_text() == "[look\n"
    assert service.status()["look"] == before


class Screen:
    """`sdcam status --watch` on a terminal."""

    def __init__(self, *words, **environment):
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sdcam", "status", "--watch", "--interval", "0.1", *words],
            env={**os.environ, **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.seen = ""

    def until(self, text):
        deadline = time.monotonic() + PATIENCE
        self.seen = ""
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self._ours], [], [], 0.1)[0]:
                self.seen += os.read(self._ours, 65536).decode(errors="replace")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self._ours, 65536).decode(errors="replace")
                except OSError:  # the other end is closed
                    break
        code = self.process.wait(PATIENCE)
        os.close(self._ours)
        return code


def test_status_watch_follows_the_service(start, tmp_path):
    screen = Screen(SDCAM_SERVICE__SOCKET=str(tmp_path / "control.sock"))
    screen.until("not running. Waiting for it.")
    service = start("--source", "test", "--output", "null")
    screen.until("running\033[0m")
    screen.until("% CPU")
    service.end()
    screen.until("not running. Waiting for it.")
    assert screen.end() == 0
    assert "\033[?25h" in screen.seen  # the cursor is back


@pytest.mark.alone
def test_live_key_takes_effect_and_no_frame_is_lost(service, config):
    """Within a third of a second and the time of the question, in the median of five."""
    service.status()
    taken = []
    for number, strength in enumerate((0.1, 0.2, 0.3, 0.4, 0.6)):
        time.sleep(0.05 * number)  # another moment between two looks of the watcher
        written = time.monotonic()
        config.write_text(FAST.replace("0.5", str(strength)))
        service.until(lambda s, wanted=strength: s["look"]["strength"] == wanted)
        taken.append(time.monotonic() - written)
    assert statistics.median(taken) < 0.4
    status = service.status()
    assert status["card"] == ""
    assert status["frames"]["dropped"] == 0
    assert status["restarts"] == {"capture": 0, "model": 0, "output": 0}


def test_mistake_changes_nothing_and_is_reported(service, sdcam, config):
    before = service.status()["look"]
    config.write_text("[look]\nprompt = 'anime'\n\nstrenght = 2\n")
    status = service.until(lambda s: s["config"]["error"])
    (mistake,) = status["config"]["error"]["mistakes"]
    assert (mistake["file"], mistake["line"]) == (str(config), 4)
    assert status["look"] == before
    assert f"{config}, line 4: unknown key" in sdcam("status").stdout
    assert f"{config}, line 4: unknown key" in service.log.read_text()
    config.write_text("[look]\nprompt = 'anime'\n")
    service.until(lambda s: s["look"]["prompt"] == "anime" and not s["config"]["error"])


def test_change_by_command_lasts_until_the_next_edit(service, sdcam, config):
    assert sdcam("set", "look.blend=0.3", "look.prompt=anime").returncode == 0
    assert sdcam("set", "look.strength=0.8", "--save").returncode == 0
    time.sleep(0.5)  # the watcher sees what was saved; the rest stays
    look = service.status()["look"]
    assert (look["blend"], look["prompt"], look["strength"]) == (0.3, "anime", 0.8)
    config.write_text(FAST.replace("0.5", "0.7"))
    look = service.until(lambda s: s["look"]["strength"] == 0.7)["look"]
    assert (look["blend"], look["prompt"]) == (0.0, "oil")


def test_save_keeps_the_prompt_and_names_what_is_covered(start, sdcam, config):
    words = ("--source", "test", "--output", "null", "--config", str(config))
    service = start(*words, "--set", "output.fps=5")
    service.until_styled()
    assert sdcam("prompt", "anime").returncode == 0
    done = sdcam("set", "output.fps=24", "camera.fps=5", "styles.mine=a linocut", "--save")
    assert done.stdout.splitlines() == [
        f"Saved in {config}.",
        "output.fps stays as it is: the command line of the running service is stronger than its "
        "file.",
    ]
    saved = load(config)
    assert (saved.output.fps, saved.camera.fps) == (24, 5)
    time.sleep(0.5)  # the watcher has seen it
    assert service.status()["look"]["prompt"] == "anime"
    assert "saved: output.fps = 24.0, camera.fps = 5.0" in service.log.read_text()


def test_save_into_another_file_is_refused(service, sdcam, config, tmp_path):
    other = tmp_path / "other.toml"
    for words in (("prompt", "anime"), ("set", "look.seed=1"), ("next",)):
        done = sdcam(*words, "--save", "--config", str(other))
        assert done.returncode == 2
        assert f"reads {config}, not {other}: nothing is changed or saved" in done.stderr
    assert config.read_text() == FAST
    assert not other.exists()
    assert service.status()["look"]["prompt"] == "oil"


def test_missing_model_keeps_the_picture(service, config):
    config.write_text(FAST + 'model.engine = "openvno"\n')
    error = service.until(lambda s: s["config"]["error"])["config"]["error"]
    assert (error["mistakes"][0]["line"], error["mistakes"][0]["key"]) == (2, "model.engine")
    config.write_text(FAST + 'model.engine = "replay:nowhere"\n')
    service.until(lambda s: "no profile" in (s["config"]["error"] or {}).get("message", ""))
    assert service.status()["card"] == ""
    assert service.status()["restarts"] == {"capture": 0, "model": 0, "output": 0}


def test_keys_that_need_a_restart_are_reported(service, sdcam, config):
    config.write_text(FAST + "service.log_count = 9\n")
    service.until(lambda s: s["config"]["restart"] == ["service.log_count"])
    assert "service.log_count: after `sdcam service restart`" in sdcam("status").stdout
    config.write_text(FAST)
    service.until(lambda s: s["config"]["restart"] == [])
    assert service.log.read_text().count("takes effect after a restart") == 1
