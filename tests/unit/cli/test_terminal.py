"""What reaches the terminal: columns, colours, and nothing that steers it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from sdcam import paths
from sdcam.cli import terminal
from sdcam.control.server import ControlServer
from sdcam.plain_text import plain_text

STEERING = "a\033[2J\033]0;title\007b\u009b31mc\u202ed\x7fe\nf\tg\r\udc80"
HARMLESS = "e\u0301 \N{FAMILY} \U0001f468\u200d\U0001f469\u200d\U0001f467 日本 \ue000"


@pytest.mark.parametrize("lines", [True, False])
def test_plain_text_steers_nothing(lines):
    plain = plain_text(STEERING, lines=lines)
    assert "\n" in plain if lines else "\n" not in plain
    assert plain.replace("\n", "").isprintable()
    assert plain.startswith("a�[2J�]0;title�b�31mc�d�e")
    assert plain.endswith("f g ��"[:-1])


def test_plain_text_keeps_what_people_write():
    assert plain_text(HARMLESS) == HARMLESS
    assert plain_text("no-break\u00a0space") == "no-break space"


def test_every_control_character_is_gone():
    controls = "".join(map(chr, [*range(32), *range(127, 160), *range(0x202A, 0x202F)]))
    assert not set(plain_text(controls)) & set(controls)


def test_columns_of_a_file_are_padded_and_last_cells_reach_over(capsys):
    terminal.table([("name", "1.5", "x"), ("n", ("22.5", "red"), "y"), ("longer", "over all")], {1})
    assert capsys.readouterr().out == "name     1.5  x\nn       22.5  y\nlonger  over all\n"


def test_what_is_piped_has_no_escape_code_and_needs_no_rich():
    script = (
        "import sys\n"
        "from sdcam.cli import terminal\n"
        "terminal.pairs([('state', ('running', 'green'))])\n"
        "terminal.say('done')\n"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"state  running\ndone\nFalse\n"


def on_terminal(words, seconds=20.0, columns=80, rows=24, until=b"", then=None, **environment):
    """Runs a command on a pseudo-terminal; returns its exit code and what it printed."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, *words],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**inherited, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(slave)
    output, deadline = b"", time.monotonic() + seconds
    with contextlib.suppress(OSError):  # EIO: the command has closed the terminal
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                output += os.read(master, 65536)
            if then is not None and until in output:
                process.send_signal(then)
                then = None
    os.close(master)
    process.wait(5)
    return process.returncode, output.decode()


class Service:
    """Its status has an evil prompt and a prompt in wide characters."""

    def status(self):
        return {
            "state": "running",
            "look": {"prompt": "evil \033[2J\u009b2J", "prompt_text": "日本" * 60},
            "source": {"name": "cam\033]0;x\007"},
        }

    def __getattr__(self, name):
        return lambda *given: None


@pytest.fixture
def service():
    with ControlServer(paths.control_socket("auto"), Service()):
        yield


COLOUR = re.compile(r"\033\[(\d+;)*3[0-7](;\d+)*m")


def test_status_on_a_terminal_is_coloured_and_cannot_be_steered(service):
    code, shown = on_terminal(["-m", "sdcam", "status"])
    assert code == 0
    assert COLOUR.search(shown)
    assert "\033[2J" not in shown and "\u009b" not in shown and "\033]0" not in shown
    assert "evil �[2J�2J: 日本" in shown


def test_no_color_is_respected(service):
    _, shown = on_terminal(["-m", "sdcam", "status"], NO_COLOR="1")
    assert "running" in shown and not COLOUR.search(shown)


def test_a_dumb_terminal_gets_no_escape_code(service):
    _, shown = on_terminal(["-m", "sdcam", "status"], TERM="dumb")
    assert "running" in shown and "\033" not in shown


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_watch_is_cut_to_the_terminal_and_restores_it(service, number, expected):
    words = ["-m", "sdcam", "status", "--watch", "--interval", "0.2"]
    code, shown = on_terminal(words, columns=40, until=b"Ctrl-C ends", then=number)
    assert code == expected
    assert "\033[?1049h" in shown and "\033[?1049l" in shown  # the alternate screen
    assert shown.rindex("\033[?25h") > shown.rindex("\033[?25l")  # the cursor is shown again
    (line,) = {line for line in shown.replace("\r", "\n").split("\n") if "evil" in line}
    assert "…" in line and line.count("日本") < 10
    assert "Traceback" not in shown


def test_watch_without_a_terminal_prints_one_status_after_the_other(service):
    words = [sys.executable, "-m", "sdcam", "status", "--watch", "--interval", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as each:
        for _ in range(2):
            assert each.stdout.readline() == "state   running\n"
            while each.stdout.readline() != "\n":
                pass
        each.send_signal(signal.SIGINT)
        out, err = each.communicate(timeout=10)
    assert (each.returncode, err) == (0, "")
    assert "\033" not in out


def test_watch_for_programs_is_one_object_a_line(service):
    words = [sys.executable, "-m", "sdcam", "status", "--watch", "--json", "--interval", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as each:
        for _ in range(3):
            assert json.loads(each.stdout.readline())["state"] == "running"
        each.send_signal(signal.SIGINT)
        assert each.wait(10) == 0


def test_errors_on_the_command_line_cannot_steer_the_terminal(capsys):
    from sdcam.cli import main

    assert main(["run", "--source", "file:\033[2J"]) != 0
    with pytest.raises(SystemExit):
        main(["status", "--interval", "\033[2J"])
    printed = capsys.readouterr()
    assert "\033" not in printed.out + printed.err


def test_nothing_but_this_module_prints_what_is_not_json():
    """So that no text reaches the terminal past `plain_text`."""
    folder = Path(terminal.__file__).parent
    for file in sorted(folder.glob("*.py")):
        if file.name == "terminal.py":
            continue
        for line in file.read_text().splitlines():
            if re.search(r"\b(print|stdout\.write|stderr\.write)\(", line):
                harmless = ("json.dumps", "as_json", "schema_text", "print(end=")
                assert any(word in line for word in harmless), f"{file}: {line}"
