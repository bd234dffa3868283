"""The service on Core ML: a minute without a crash, killed stages, sleep, an unplugged camera."""

from __future__ import annotations

from pathlib import Path

from verify_mac.cameras import listed
from verify_mac.coreml import pocket_bundle
from verify_mac.mac import Done, Mac, Status
from verify_mac.step import Result, Step, failed, passed, skipped

_REPORTS = Path("Library") / "Logs" / "DiagnosticReports"
_SETTLE = 8.0  # a process crashes up to a second after its last prediction; the report takes more
_OTHERS = ("daemon", "capture", "virtual-camera")  # processes that run no networks
_SLEPT = "the machine was asleep"


def crash_reports(mac: Mac) -> set[str]:
    """Of Python and of the app."""
    folder = mac.home / _REPORTS
    names = {path.name for path in folder.glob("*.ips")} if folder.is_dir() else set()
    return {n for n in names if n.lower().startswith(("python", "streamdiffusion"))}


def pids_of(status: Status) -> dict[str, int]:
    return {name: int(each["pid"]) for name, each in status.get("processes", {}).items()}


def _on_coreml(mac: Mac, source: str) -> tuple[str | Path, ...]:
    engine = ("--engine", "coreml", "--model", pocket_bundle(mac))
    return ("run", *engine, "--source", source, "--output", "null")


def _minute(mac: Mac) -> Result:
    before = crash_reports(mac)
    done = mac.sdcam(*_on_coreml(mac, "test"), "--seconds", "60", "--json", seconds=240)
    mac.wait(_SETTLE)
    crashes = sorted(crash_reports(mac) - before)
    summary = done.json()
    if crashes:
        return failed(f"Crash reports: {', '.join(crashes)}.", done.said)
    if not done.ok or not summary:
        return failed(f"It ended with {done.code}: {done.last_line}", done.said)
    if any(summary["restarts"].values()):
        return failed(f"Processes were restarted: {summary['restarts']}.", done.said)
    fps, latency = summary["fps_average"], summary["latency_ms"]["p50"]
    sentence = f"No crash; model {fps['model']} fps, output {fps['output']} fps, {latency} ms late."
    return passed(sentence, done.said)


def _stages(mac: Mac) -> Result:
    with mac.running(*_on_coreml(mac, "test")) as end:
        running = mac.until(lambda s: s["state"] == "running", 120)
        if running is None:
            return failed("No styled pictures came.", end().said)
        old = {n: pid for n, pid in pids_of(running).items() if n not in _OTHERS}
        for pid in old.values():
            mac.kill(pid)
        painted = running["frames"]["styled"]

        def is_back(status: Status) -> bool:
            now = {n: p for n, p in pids_of(status).items() if n not in _OTHERS}
            fresh = bool(now) and not set(now.values()) & set(old.values())
            return fresh and status["frames"]["styled"] > painted and not status["card"]

        back = mac.until(is_back, 60)
        done = end()
    if not old:
        return failed(f"No process to kill: {pids_of(running)}.", done.said)
    if back is None:
        return failed(f"{', '.join(old)} did not come back within 60 s.", done.said)
    if pids_of(back)["daemon"] != pids_of(running)["daemon"]:
        return failed("The daemon itself was replaced.", done.said)
    return passed(f"{', '.join(old)} are back, the daemon stayed.", done.said)


def _sleep(mac: Mac) -> Result:
    with mac.running("run", "--source", "camera", "--output", "null") as end:
        if mac.until(lambda s: s["state"] == "running" and s["frames"]["captured"] > 0, 90) is None:
            return failed("No pictures from the camera.", end().said)
        mac.tell("Put the Mac to sleep (Apple menu > Sleep), wait 30 s, wake it.")
        before = mac.status()
        captured = before["frames"]["captured"] if before else 0
        awake = mac.until(
            lambda s: s["frames"]["captured"] > captured + 30 and s["state"] == "running", 60
        )
        done = end()
    if _SLEPT not in done.err:
        return failed("The sleep was not noticed.", done.said)
    if awake is None:
        return failed("The camera did not come back within 60 s.", done.said)
    return passed("The sleep was noticed, the camera is back.", done.said)


def _replug(mac: Mac) -> Result:
    mac.tell("Plug a USB camera in, if there is one.")
    usb = next((c["name"] for c in listed(mac) or [] if c["kind"] == "USB"), None)
    if usb is None:
        return skipped("There is no USB camera.")
    with mac.running("run", "--source", f"camera:{usb}", "--output", "null") as end:
        running = mac.until(lambda s: s["state"] == "running" and s["frames"]["captured"] > 0, 90)
        if running is None:
            return failed("No pictures from the camera.", end().said)
        mac.tell(f"Unplug {usb}, and leave it unplugged.")
        away = mac.until(lambda s: bool(s["faults"]), 30)
        mac.tell("Plug it in again.")
        back = mac.until(lambda s: s["state"] == "running" and not s["faults"], 60)
        done = end()
    return judge_replug(running, away, back, done)


def judge_replug(running: Status, away: Status | None, back: Status | None, done: Done) -> Result:
    """Judges the status before, without the camera and after; None if it did not come in time."""
    if away is None:
        return failed("The service did not notice that it was unplugged.", done.said)
    if back is None:
        return failed("It did not come back within 60 s.", done.said)
    if pids_of(back)["daemon"] != pids_of(running)["daemon"]:
        return failed("The daemon itself was replaced.", done.said)
    return passed("A fault, then pictures again, of the same daemon.", done.said)


STEPS = (
    Step(
        "minute",
        "Runs the service with Core ML for a minute.",
        "it exits cleanly, no process was replaced, and macOS wrote no crash report.",
        _minute,
        row="coreml-minute",
        needs=("parity-pocket",),
    ),
    Step(
        "stages-killed",
        "Kills the processes that run the networks.",
        "others replace them and pictures come; the daemon stays.",
        _stages,
        row="stages-replaced",
        needs=("parity-pocket",),
    ),
    Step(
        "sleep",
        "A person puts the Mac to sleep while the service runs.",
        "the log names the sleep, and pictures come again.",
        _sleep,
        row="sleep",
        asks=True,
        needs=("install",),
    ),
    Step(
        "replug",
        "A person unplugs the camera and plugs it in again.",
        "there is a fault, then a picture, from the same daemon.",
        _replug,
        row="replug",
        asks=True,
        needs=("install",),
    ),
)
