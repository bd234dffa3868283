"""Whether macOS asks in the app's name, and whether the answer lasts."""

from __future__ import annotations

import shutil

from verify_mac.launchd import launcher
from verify_mac.mac import Mac
from verify_mac.step import Result, Step, failed, passed

_NAMES = ("NOT_ASKED", "RESTRICTED", "DENIED", "GRANTED")
_ASK = "from sdcam.platforms.avfoundation import camera_authorization as a; print(a().name)"
_GRANTED = "The app may use the camera."


def _authorization(mac: Mac) -> Result:
    """The record for the app, which is another program than this terminal."""
    done = mac.run(launcher(mac), "-c", _ASK)
    mine = mac.python("-c", _ASK)
    evidence = f"app: {done.said}\nterminal: {mine.said}"
    if not done.ok or done.out.strip() not in _NAMES:
        return failed(f"AVFoundation did not tell: {done.last_line}", evidence)
    return passed(f"AVFoundation says {done.out.strip()}.", evidence)


def _asked(mac: Mac) -> Result:
    if not mac.ask('Did macOS ask for the camera in the name of "StreamDiffusion Cam"?'):
        return failed("macOS asked in another name, or did not ask.")
    frames = mac.until(lambda s: s["frames"]["captured"] > 30, 60)
    if frames is None:
        return failed("Allowed, and the service gets no pictures.", str(mac.status()))
    where = "System Settings > Privacy & Security > Camera"
    if not mac.ask(f'Does {where} list "StreamDiffusion Cam"?'):
        return failed("It is not in the list.")
    return passed(f"Asked in the app's name; {frames['frames']['captured']} pictures.")


def _rebuild(mac: Mac) -> Result:
    shutil.rmtree(launcher(mac).parents[2])
    done = mac.sdcam("service", "install", seconds=400)
    if not done.ok or _GRANTED not in done.out:
        return failed(f"The permission was lost: {done.last_line}", done.said)
    if mac.ask("Did macOS ask for the camera again?"):
        return failed("macOS asked again.", done.said)
    frames = mac.until(lambda s: s["frames"]["captured"] > 30, 60)
    if frames is None:
        return failed("The rebuilt app gets no pictures.", done.said)
    return passed("No second question, and pictures come.", done.said)


STEPS = (
    Step(
        "authorization",
        "Asks AVFoundation, through ctypes, what the app may do.",
        "it answers with one of the four that there are.",
        _authorization,
        row="authorization",
        needs=("service",),
    ),
    Step(
        "permission",
        "A person says what macOS asked.",
        "it asked in the app's name, lists the app, and the service gets pictures.",
        _asked,
        row="permission",
        asks=True,
        needs=("service",),
    ),
    Step(
        "rebuild",
        "Deletes the app and installs the service again.",
        "macOS does not ask again, and pictures come.",
        _rebuild,
        row="permission-rebuild",
        asks=True,
        needs=("permission",),
    ),
)
