"""What launchd tells of a job."""

from __future__ import annotations

import pytest

from sdcam.install.launchctl import Job, parse_job

# The shape of `launchctl print` on macOS 14: properties of the job one tab deep, others deeper.
PRINTED = """gui/501/com.streamdiffusion-cam.daemon = {
\tactive count = 1
\tpath = /Users/z/Library/LaunchAgents/com.streamdiffusion-cam.daemon.plist
\ttype = LaunchAgent
\tstate = running

\tprogram = /Users/z/Applications/StreamDiffusion Cam.app/Contents/MacOS/StreamDiffusion Cam
\targuments = {
\t\t/Users/z/Applications/StreamDiffusion Cam.app/Contents/MacOS/StreamDiffusion Cam
\t\tpid = 3
\t}

\tdomain = gui/501 [100005]
\tminimum runtime = 10
\texit timeout = 30
\truns = 2
\tpid = 4711
\timmediate reason = semaphore
\tlast exit code = (never exited)

\tsemaphores = {
\t\tsuccessful exit => 0
\t}

\tendpoints = {
\t\t"x" = {
\t\t\tstate = active
\t\t}
\t}
}
"""


def test_a_running_job():
    assert parse_job(PRINTED) == Job("running", 4711, "")


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("last exit code = 0", "0"),
        ("last exit code = 78: EX_CONFIG", "78: EX_CONFIG"),
        ("last terminating signal = Killed: 9", "Killed: 9"),
        ("last exit reason = JETSAM_REASON_MEMORY_HIGHWATER", "JETSAM_REASON_MEMORY_HIGHWATER"),
    ],
)
def test_a_job_that_has_ended(line, last):
    text = PRINTED.replace("state = running", "state = not running", 1)
    text = text.replace("\tpid = 4711\n", "").replace("last exit code = (never exited)", line)
    assert parse_job(text) == Job("not running", None, last)


def test_a_format_that_has_changed_is_no_crash():
    assert parse_job("something else") == Job("unknown", None, "")
