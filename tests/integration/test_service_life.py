"""The life of the service: parts that follow an edit alone, a pause that closes the camera, what is
missing and comes, a machine that sleeps, logs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from sdcam import __version__
from sdcam.control.client import ask

TEST = ("--source", "test", "--output", "null")
PIDS = ("daemon", "capture", "model")
OUTPUT = "output:virtual-camera:No Such Camera"


def pids(status):
    return {name: status["processes"][name]["pid"] for name in PIDS if name in status["processes"]}


def until_said(log, words):
    deadline = time.monotonic() + 30
    while not (log.exists() and words in log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("edit", "concerned", "there"),
    [
        ("[camera]\nfps = 15", "capture", lambda s: s["source"]["fps"] == 15),
        ("[model]\nrender_size = 128", "model", lambda s: s["model"]["size"] == "128x128"),
        ("[output]\nfps = 60\nwidth = 640\nheight = 360", None, lambda s: s["fps"]["output"] > 45),
    ],
    ids=["camera", "model", "output"],
)
def test_an_edit_restarts_the_part_that_it_concerns_and_no_other(
    start, tmp_path, edit, concerned, there
):
    config = tmp_path / "config.toml"
    config.write_text("")
    service = start(*TEST, "--config", str(config), size=None)
    before = service.until_styled()
    config.write_text(edit)
    after = service.until(lambda s: there(s) and s["card"] == "" and not s["faults"])
    changed = {n for n in PIDS if pids(before)[n] != pids(after)[n]}
    assert changed == ({concerned} if concerned else set())
    assert after["frames"]["late"] < 60  # of hundreds; a machine that tests in parallel stutters


@pytest.mark.alone
def test_a_pause_closes_the_camera_within_two_tenths_of_a_second(start):
    service = start(*TEST)
    taken = []
    for _ in range(5):
        camera = psutil.Process(service.until_styled()["processes"]["capture"]["pid"])
        begun = time.monotonic()
        ask(service.socket, "pause")
        camera.wait(10)
        taken.append(time.monotonic() - begun)
        ask(service.socket, "resume")
    assert min(taken) < 0.2


@pytest.mark.alone
def test_the_card_of_a_pause_is_there_within_two_tenths_of_a_second_at_any_rate(start):
    """The quickest of three, for the machine is shared."""
    service = start(*TEST, "--set", "output.fps=1")
    taken = []
    for _ in range(3):
        service.until_styled()
        begun = time.monotonic()
        ask(service.socket, "pause")
        service.until(lambda s: s["card"] == "Paused")
        taken.append(time.monotonic() - begun)
        ask(service.socket, "resume")
    assert min(taken) < 0.2


def test_the_status_says_whether_the_camera_is_open(start, sdcam):
    service = start(*TEST)
    assert service.until_styled()["source"]["open"] is True
    ask(service.socket, "pause")
    service.until(lambda s: s["source"]["open"] is False)
    assert " test pattern, closed" in sdcam("status").stdout
    ask(service.socket, "resume")
    assert service.until_styled()["source"]["open"] is True


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["crash", "restart"])
def test_a_pause_survives_until_it_is_resumed(start, end):
    service = start("--service", *TEST)
    service.until_styled()
    ask(service.socket, "pause")
    service.end(end)
    again = start("--service", *TEST)
    again.until(lambda s: s["card"] == "Paused" and s["model"]["runtime"])
    status = again.status()
    assert (status["state"], status["frames"]["captured"]) == ("paused", 0)
    assert "source open" not in again.log.read_text()
    assert status["frames"]["sent"] == 0
    ask(again.socket, "resume")
    again.until_styled()
    again.end()
    start("--service", *TEST).until_styled()


def test_after_a_resume_nothing_of_the_pause_is_left(start):
    service = start("--service", *TEST)
    service.until_styled()
    ask(service.socket, "pause")
    ask(service.socket, "resume")
    service.end(signal.SIGKILL)
    start("--service", *TEST).until_styled()


def test_a_model_that_died_in_a_pause_and_is_back_is_no_fault(start):
    """Else the first card after the pause would be that of a fault that is over."""
    service = start(*TEST)
    service.until_styled()
    ask(service.socket, "pause")
    service.until(lambda s: not s["source"]["open"])
    model = service.until(lambda s: s["state"] == "paused")["processes"]["model"]["pid"]
    os.kill(model, signal.SIGKILL)
    service.until(lambda s: "model" in s["faults"])
    service.until(lambda s: s["processes"].get("model", {}).get("pid") not in (None, model))
    service.until(lambda s: not s["faults"])
    ask(service.socket, "resume")
    service.until_styled()
    assert "The model does not run" not in service.log.read_text()


@pytest.mark.alone
def test_after_a_pause_the_picture_is_back_within_a_second(start):
    """The quickest of three, for the machine is shared; a camera adds what it needs to wake up."""
    service = start(*TEST)
    taken = []
    for _ in range(3):
        service.until_styled()
        ask(service.socket, "pause")
        service.until(lambda s: s["card"] == "Paused")
        time.sleep(1.5)
        begun = time.monotonic()
        ask(service.socket, "resume")
        service.until_styled()
        taken.append(time.monotonic() - begun)
    assert min(taken) < 1.0


@pytest.mark.alone
def test_a_camera_that_hangs_is_closed_by_a_pause_all_the_same(start):
    service = start(*TEST)
    camera = psutil.Process(service.until_styled()["processes"]["capture"]["pid"])
    camera.suspend()
    begun = time.monotonic()
    ask(service.socket, "pause")
    camera.wait(10)
    assert time.monotonic() - begun < 1.0


def test_a_service_waits_for_the_virtual_camera_the_camera_and_the_model(start, tmp_path):
    """Nobody reads the exit code of a service: it would be started again and again."""
    log = tmp_path / "log" / "sdcam.log"
    service = start(
        "--service",
        *("--output", "virtual-camera:No Such Camera", "--source", f"file:{tmp_path}/none.mp4"),
        *("--set", f"service.log_file={log}"),
        model=str(tmp_path / "no-model"),
    )
    status = service.until(lambda s: {"camera", "model", OUTPUT} <= s["faults"].keys())
    assert "No Such Camera" in status["faults"][OUTPUT]
    assert status["state"] == "fault"
    time.sleep(2.5)  # longer than the pause between two attempts
    assert service.process.poll() is None
    service.end()
    assert "No Such Camera" in log.read_text()
    # One line for a fault, however often it is tried again.
    assert log.read_text().count("There is no virtual camera") == 1


def test_a_second_service_waits_for_the_end_of_the_first(start, tmp_path):
    first = start(*TEST)
    first.until_styled()
    log = tmp_path / "second.log"
    second = start("--service", *TEST, "--set", f"service.log_file={log}")
    until_said(log, "Waiting until it ends")
    assert second.process.poll() is None
    first.end()
    status = second.until_styled()
    assert status["processes"]["daemon"]["pid"] == second.process.pid


def test_a_waiting_service_can_be_stopped(start, tmp_path):
    first = start(*TEST)
    first.until_styled()
    log = tmp_path / "second.log"
    second = start("--service", *TEST, "--set", f"service.log_file={log}")
    until_said(log, "Waiting until it ends")
    second.end()
    assert second.process.returncode == 0
    assert first.process.poll() is None


def test_the_log_of_a_service_is_begun_anew_and_kept_small(start, tmp_path):
    log = tmp_path / "sdcam.log"
    words = ("--set", f"service.log_file={log}", "--set", "service.log_bytes=10000")
    service = start("--service", *TEST, *words, "--set", "service.log_count=2")
    service.until_styled()
    for n in range(600):
        ask(service.socket, "set", values={"look.seed": n})
    service.end()
    files = sorted(p.name for p in tmp_path.glob("sdcam.log*"))
    assert files == ["sdcam.log", "sdcam.log.1", "sdcam.log.2"]
    assert all(p.stat().st_size <= 10_000 for p in tmp_path.glob("sdcam.log*"))


def test_a_crash_leaves_its_traceback_beside_the_log(start, tmp_path):
    log = tmp_path / "sdcam.log"
    service = start("--service", *TEST, "--set", f"service.log_file={log}")
    model = service.until_styled()["processes"]["model"]["pid"]
    os.kill(model, signal.SIGSEGV)
    service.until(lambda s: s["restarts"]["model"] == 1)
    assert "Fatal Python error: Segmentation fault" in log.with_suffix(".stderr").read_text()
    assert "killed by SIGSEGV" in log.read_text()


def test_a_service_whose_log_cannot_be_written_runs_all_the_same(start, tmp_path):
    (tmp_path / "file").write_text("")
    service = start("--service", *TEST, "--set", f"service.log_file={tmp_path}/file/sdcam.log")
    service.until_styled()
    assert "cannot be written" in service.log.read_text()


def test_a_full_disk_does_not_end_the_service(start):
    service = start("--service", *TEST, "--set", "service.log_file=/dev/full")
    service.until_styled()
    ask(service.socket, "set", values={"look.seed": 7})
    assert service.status()["look"]["seed"] == 7


def test_a_broken_file_at_the_start_is_told_and_waited_for(start, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[look]\nstrenght = 0.3\n")
    log = tmp_path / "sdcam.log"
    words = ("--config", str(config), "--set", f"service.log_file={log}")
    service = start("--service", *TEST, *words)
    status = service.until_styled()
    assert "strenght" in status["config"]["error"]["message"]
    config.write_text("[look]\nstrength = 0.3\n")
    service.until(lambda s: s["look"]["strength"] == 0.3 and s["config"]["error"] is None)
    begin, mistake, *_ = lines = log.read_text().splitlines()
    assert f"version {__version__}, process {service.process.pid}, configuration {config}" in begin
    assert "strenght" in mistake
    assert mistake.endswith("Until it is fixed: the defaults.")
    assert sum("strenght" in line for line in lines) == 1
    service.end()
    config.write_text("[look]\nstrenght = 0.2\n")
    again = start("--service", *TEST, *words)
    assert again.until_styled()["look"]["strength"] == 0.3
    assert "Until it is fixed: the last good file." in log.read_text()


def test_a_mistake_is_logged_once_and_so_is_its_end(start, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("")
    service = start(*TEST, "--config", str(config))
    service.until_styled()
    for text in ("[look]\nstrenght = 1\n", "[look]\nstrenght = 1\n\n"):
        config.write_text(text)
        service.until(lambda s: s["config"]["error"])
        time.sleep(0.5)
    config.write_text("")
    service.until(lambda s: s["config"]["error"] is None)
    service.end()
    assert service.log.read_text().count("strenght") == 1
    assert "the configuration file is right again" in service.log.read_text()


def test_not_even_a_wrong_command_line_ends_a_service(start, tmp_path):
    log = tmp_path / "sdcam.log"
    service = start(
        "--service", *TEST, "--set", f"service.log_file={log}", "--set", f"service.socket={log}/x"
    )
    until_said(log, "Trying again")
    assert service.process.poll() is None
    service.end()


@pytest.mark.parametrize("wait", ["for the first one", "for a right configuration"])
def test_systemd_is_told_that_a_service_lives_while_it_waits(start, tmp_path, monkeypatch, wait):
    """Else systemd would end it, again and again."""
    words = ("--set", f"service.log_file={tmp_path}/sdcam.log")
    if wait == "for the first one":
        start(*TEST).until_styled()
    else:
        (tmp_path / "file").write_text("")
        words += ("--set", f"service.socket={tmp_path}/file/control.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")
        service = start("--service", *TEST, *words)
        told = []
        while told.count("WATCHDOG=1") < 3:
            told.append(manager.recv(4096).decode())
    assert told[0] == "READY=1"
    service.end()


def test_systemd_is_told_that_it_is_ready_and_alive(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        process = subprocess.Popen(
            [sys.executable, "-m", "sdcam", "run", *TEST],
            env={
                **os.environ,
                "SDCAM_SERVICE__SOCKET": str(tmp_path / "control.sock"),
                "NOTIFY_SOCKET": str(tmp_path / "notify"),
                "WATCHDOG_USEC": "3000000",
            },
            stderr=subprocess.DEVNULL,
        )
        try:
            told = [manager.recv(4096).decode() for _ in range(4)]
            process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in told:
                told.append(manager.recv(4096).decode())
        finally:
            process.kill()
            process.wait()
    assert told[0] == "READY=1"
    assert "WATCHDOG=1" in told
