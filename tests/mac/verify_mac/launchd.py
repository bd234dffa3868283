"""The service under launchd: install, crash, stop, start, uninstall."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verify_mac.mac import Mac
from verify_mac.running import pids_of
from verify_mac.step import Result, Step, failed, passed, skipped

_APP = Path("Applications") / "StreamDiffusion Cam.app"
_PLIST = Path("Library") / "LaunchAgents" / "com.streamdiffusion-cam.daemon.plist"
_TARGET = "com.streamdiffusion-cam.daemon"
_INSTALL_SECONDS = 400.0  # two minutes of them for the user's answer
_RESTART_SECONDS = 30  # ThrottleInterval is 10
_QUIET_SECONDS = 15.0
_BY_SSH = "Nobody is logged in at this Mac's screen"


def launcher(mac: Mac) -> Path:
    return mac.home / _APP / "Contents" / "MacOS" / "StreamDiffusion Cam"


def service(mac: Mac) -> dict[str, Any]:
    """What `sdcam service status --json` says."""
    found = mac.sdcam("service", "status", "--json").json()
    return found if isinstance(found, dict) else {}


def until_runs(mac: Mac, seconds: float, other_than: int | None = None) -> int | None:
    """The pid of the service, other than `other_than`; None if there is none in time."""
    end = mac.now() + seconds
    while mac.now() < end:
        pid = service(mac).get("pid")
        if isinstance(pid, int) and pid != other_than:
            return pid
        mac.wait(0.5)
    return None


def _install(mac: Mac) -> Result:
    if service(mac).get("installed"):
        return skipped("A service is installed already: `sdcam service uninstall`, then again.")
    if mac.attended:
        mac.tell("The service is installed now. Allow the camera when macOS asks.")
    done = mac.sdcam("service", "install", seconds=_INSTALL_SECONDS)
    if _BY_SSH in done.said:
        return skipped("Nobody is logged in at the screen.", done.said)
    pid = until_runs(mac, 20)
    if pid is None:
        evidence = f"{done.said}\n{service(mac)}\n{mac.sdcam('service', 'uninstall').said}"
        return failed(f"It does not run: {done.last_line}", evidence)
    return passed(f"It runs, process {pid}; install ended with {done.code}.", done.said)


def _app_loads_python(mac: Mac) -> Result:
    mine = mac.python("-c", "import sys; print(sys.prefix)")
    apps = mac.run(launcher(mac), "-c", "import sys; print(sys.prefix)")
    linked = mac.run("otool", "-L", launcher(mac)).said
    evidence = f"{mine.said}\n{apps.said}\n{linked}"
    if not apps.ok or apps.out != mine.out:
        return failed(f"The app's prefix is {apps.last_line}, not {mine.last_line}.", evidence)
    return passed("The app is the same Python with the same venv.", evidence)


def _print_is_understood(mac: Mac) -> Result:
    raw = mac.run("sh", "-c", f"launchctl print gui/$(id -u)/{_TARGET}").said
    told = service(mac)
    if told.get("state") != "running" or not isinstance(told.get("pid"), int):
        return failed(f"sdcam understands {told}.", raw)
    if f"pid = {told['pid']}" not in raw:
        return failed(f"launchctl names another process than {told['pid']}.", raw)
    return passed(f"Running, process {told['pid']}.", raw)


def _identity(mac: Mac) -> Result:
    status = mac.until(lambda s: len(pids_of(s)) > 1, 60)
    if status is None:
        return failed("The service has no processes of its own within 60 s.")
    pids = pids_of(status)
    # -ww: Apple's ps cuts lines at 79 columns, also in a pipe; the app's path alone is as long.
    listing = mac.run("ps", "-ww", "-o", "pid=,comm=", "-p", ",".join(map(str, pids.values()))).out
    images = dict(line.split(None, 1) for line in listing.splitlines() if line.strip())
    app = str(launcher(mac))
    others = [n for n, pid in pids.items() if images.get(str(pid), "").strip() != app]
    if others:
        return failed(f"Not the app itself: {', '.join(others)}.", listing)
    return passed(f"{', '.join(pids)} are the app.", listing)


def _crash(mac: Mac) -> Result:
    pid = until_runs(mac, 10)
    if pid is None:
        return failed("It does not run.")
    mac.kill(pid)
    again = until_runs(mac, _RESTART_SECONDS, other_than=pid)
    told = service(mac)
    if again is None:
        return failed(f"launchd did not start it again within {_RESTART_SECONDS} s.", str(told))
    return passed(f"Process {pid} was killed, {again} has taken its place.", str(told))


def _stop_and_start(mac: Mac) -> Result:
    told = [mac.sdcam("service", "stop")]
    mac.wait(_QUIET_SECONDS)
    if pid := service(mac).get("pid"):
        return failed(f"It was stopped, and runs as {pid}.", told[0].said)
    told.append(mac.sdcam("service", "start"))
    first = until_runs(mac, 20)
    told.append(mac.sdcam("service", "restart"))
    second = until_runs(mac, 20, other_than=first)
    evidence = "\n".join(done.said for done in told)
    if first is None or second is None or not all(done.ok for done in told):
        return failed("It did not start after `stop`, or not after `restart`.", evidence)
    return passed("Stopped and stayed so; started; restarted as another process.", evidence)


def _trust(mac: Mac) -> Result:
    plist = mac.home / _PLIST
    try:
        mac.run("chmod", "666", plist)
        done = mac.sdcam("service", "restart")
    finally:
        mac.run("chmod", "644", plist)
    started = mac.sdcam("service", "restart")
    if done.ok or "does not trust" not in done.err:
        return failed(f"A plist that others may write: {done.last_line}", done.said)
    if not started.ok or until_runs(mac, 20) is None:
        return failed("It did not start once the plist was fixed.", started.said)
    return passed("Explained, and started once the plist was fixed.", done.said)


def _uninstall(mac: Mac) -> Result:
    done = mac.sdcam("service", "uninstall")
    left = [str(p) for p in (mac.home / _APP, mac.home / _PLIST) if p.exists()]
    if not done.ok or left or service(mac).get("pid"):
        return failed(f"Left behind: {', '.join(left) or 'the process'}.", done.said)
    if not mac.attended:
        return passed("App, agent and process are gone.", done.said)
    where = "System Settings > Privacy & Security > Camera"
    if not mac.ask(f'Look at {where}: is "StreamDiffusion Cam" gone from it?'):
        return failed("The permission is still listed.", done.said)
    return passed("App, agent, process and permission are gone.", done.said)


STEPS = (
    Step(
        "service",
        "Runs `sdcam service install`.",
        "launchd keeps a process; the camera's permission is a step of its own.",
        _install,
        needs=("install",),
    ),
    Step(
        "app-python",
        "Asks the Python inside the app where it lives.",
        "it is this very venv.",
        _app_loads_python,
        row="launcher",
        needs=("service",),
    ),
    Step(
        "launchctl",
        "Compares `sdcam service status` with `launchctl print`.",
        "both name the same process.",
        _print_is_understood,
        row="launchctl-print",
        needs=("service",),
    ),
    Step(
        "identity",
        "Looks at the program image of every process of the service.",
        "each is the app's launcher.",
        _identity,
        row="app-identity",
        needs=("service",),
    ),
    Step(
        "crash",
        "Kills the service with SIGKILL.",
        f"launchd has started another within {_RESTART_SECONDS} s.",
        _crash,
        row="launchd-crash",
        needs=("service",),
    ),
    Step(
        "stop-start",
        "Runs `sdcam service stop`, `start` and `restart`.",
        f"it stays away for {_QUIET_SECONDS:.0f} s after stop, and is back after the others.",
        _stop_and_start,
        row="launchd-stop",
        needs=("service",),
    ),
    Step(
        "trust",
        "Lets others write the LaunchAgent, and restarts the service.",
        "sdcam says why launchd refuses, and it starts once that is fixed.",
        _trust,
        row="launchctl-122",
        needs=("service",),
    ),
)
LAST_STEPS = (
    Step(
        "uninstall",
        "Runs `sdcam service uninstall`.",
        "app, agent and process are gone; if attended, the permission, too.",
        _uninstall,
        row="uninstall",
        needs=("service",),
    ),
)
