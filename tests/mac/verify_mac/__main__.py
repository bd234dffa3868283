"""make verify-mac [VERIFY="--unattended --write --only ID ..."]"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from verify_mac.course import STEPS, chosen, rows_of, walk
from verify_mac.mac import Mac
from verify_mac.machine import in_short, machine_data
from verify_mac.report import report
from verify_mac.step import Verdict
from verify_mac.table import fill

_ROOT = Path(__file__).resolve().parents[3]
_TABLE = _ROOT / "docs" / "verification.md"
_REPORT = _ROOT / "build" / "verify-mac.md"


def main(words: list[str] | None = None, platform: str = sys.platform) -> int:
    """0 when nothing failed, else 1."""
    arguments = _parser().parse_args(words)
    if platform != "darwin":
        print("make verify-mac needs a Mac: it shows what cannot be seen anywhere else.")
        return 1
    steps = chosen(arguments.only or [step.id for step in STEPS])
    attended = not arguments.unattended and sys.stdin.isatty()
    work = Path(tempfile.mkdtemp(prefix="sdcam-"))
    try:
        mac = Mac(_ROOT, work, attended)
        seen = list(walk(mac, steps))
        machine = machine_data(mac)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    day = datetime.now(timezone.utc).date().isoformat()
    text = report(seen, machine, day)
    _REPORT.parent.mkdir(exist_ok=True)
    _REPORT.write_text(text, encoding="utf-8")
    print(f"\n{text}\nThis report is in {_REPORT}: please paste it into an issue.")
    if arguments.write:
        rows = rows_of(seen, f"{day}, {in_short(machine)}")
        _TABLE.write_text(fill(_TABLE.read_text("utf-8"), rows), encoding="utf-8")
        print(f"{len(rows)} rows of {_TABLE} are filled.")
    return int(any(result.verdict is Verdict.FAIL for _, result in seen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make verify-mac", description=__doc__)
    parser.add_argument("--unattended", action="store_true", help="leave out the steps that ask")
    parser.add_argument("--write", action="store_true", help="fill docs/verification.md")
    parser.add_argument(
        "--only",
        action="append",
        metavar="ID",
        choices=[step.id for step in STEPS],
        help="this step and what it needs; may be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
