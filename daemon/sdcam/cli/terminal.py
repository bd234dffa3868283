"""What the commands print and ask, and what Ctrl-C does to them.

Every text passes `plain_text` on its way out. rich is loaded only to draw on a terminal: it knows
the width of characters, which colours the terminal has, and NO_COLOR.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sdcam.errors import ExitCode, SdcamError, UsageError
from sdcam.plain_text import plain_text

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import FrameType

    from rich.text import Text

# A text, or a text with a style of rich ("green", "dim", "bold").
Cell = str | tuple[str, str]
_GAP = "  "


class InterruptionError(SdcamError):
    """Ctrl-C ended what the command did."""

    exit_code = ExitCode.INTERRUPTED


def say(text: str = "") -> None:
    """Prints lines on stdout, at once."""
    print(plain_text(text, lines=True), flush=True)


def warn(text: str) -> None:
    """Prints lines on stderr."""
    print(plain_text(text, lines=True), file=sys.stderr, flush=True)


def line(*cells: Cell) -> None:
    """Prints one line of pieces."""
    _draw([[_styled(cell) for cell in cells]])


def table(rows: Iterable[Sequence[Cell]], right: Iterable[int] = ()) -> None:
    """Prints rows in columns.

    Args:
        rows: may differ in length; a row's last cell may reach over the columns after it.
        right: the columns that are set flush right.
    """
    _draw(_laid_out(rows, frozenset(right)))


def pairs(rows: Iterable[tuple[str, Cell]]) -> None:
    """Prints names and what they are, one a line."""
    table(_with_dim_names(rows))


def is_terminal() -> bool:
    return sys.stdout.isatty()


def writes(text: str) -> bool:
    """Whether stdout's encoding has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def watch(pages: Iterable[Iterable[tuple[str, Cell]]]) -> None:
    """Draws each page of pairs over the one before, cut to the terminal's size, until Ctrl-C.
    Whatever ends it, the terminal shows again what it showed before."""
    import signal

    from rich.console import Console, Group
    from rich.live import Live

    console = Console(highlight=False)
    live = Live(console=console, screen=True, auto_refresh=False)
    with _on(signal.SIGTERM, _exit), live:
        for page in pages:
            texts = [_rich(pieces) for pieces in _laid_out(_with_dim_names(page))]
            for text in texts:
                text.no_wrap, text.overflow = True, "ellipsis"
            live.update(Group(*texts, "", "Ctrl-C ends this view."), refresh=True)


def agreed(question: str, yes: bool) -> bool:
    """Asks a question that is answered with yes or no.

    Args:
        yes: it was answered on the command line.

    Raises:
        UsageError: stdin is not a terminal, so nobody can answer.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"Nobody can answer: {question}", "Add --yes.")
    try:
        return input(f"{plain_text(question)} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False


@contextmanager
def interruptible(what: str = "", todo: str = "") -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt in here, so that what was begun is cleaned up. Elsewhere it
    ends the process at once (see `sdcam.cli.main`).

    Raises:
        InterruptionError: instead of KeyboardInterrupt, if `what` says what was interrupted.
    """
    import signal

    try:
        with _on(signal.SIGINT, signal.default_int_handler):
            yield
    except KeyboardInterrupt:
        if not what:
            raise
        raise InterruptionError(what, todo) from None


def left_to_the_child() -> AbstractContextManager[None]:
    """Ctrl-C does nothing to this process in here: an editor has a use of its own for it."""
    import signal

    # Unlike SIG_IGN, a child does not inherit it.
    return _on(signal.SIGINT, lambda number, frame: None)


@contextmanager
def _on(number: int, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handles a signal in here, unless it is ignored or has a handler."""
    import signal

    if signal.getsignal(number) is not signal.SIG_DFL:
        yield
        return
    signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _with_dim_names(rows: Iterable[tuple[str, Cell]]) -> list[Sequence[Cell]]:
    return [((name, "dim"), cell) for name, cell in rows]


def _styled(cell: Cell) -> tuple[str, str]:
    text, style = (cell, "") if isinstance(cell, str) else cell
    return plain_text(text), style


def _laid_out(
    rows: Iterable[Sequence[Cell]], right: frozenset[int] = frozenset()
) -> list[list[tuple[str, str]]]:
    """Rows as pieces of text with styles, padded to columns."""
    styled = [[_styled(cell) for cell in row] for row in rows]
    measure = _measure()
    widths: dict[int, int] = {}
    for row in styled:
        for column, (text, _) in enumerate(row[:-1]):
            widths[column] = max(widths.get(column, 0), measure(text))
    lines = []
    for row in styled:
        pieces = []
        for column, (text, style) in enumerate(row):
            space = " " * (widths.get(column, 0) - measure(text))
            gap = _GAP if column else ""
            if column in right:
                pieces += [(gap + space, ""), (text, style)]
            elif column < len(row) - 1:
                pieces += [(gap, ""), (text, style), (space, "")]
            else:
                pieces += [(gap, ""), (text, style)]
        lines.append(pieces)
    return lines


def _measure() -> Callable[[str], int]:
    """Columns that a text takes on the screen; in a file, its characters."""
    if not is_terminal():
        return len
    from rich.cells import cell_len

    return cell_len


def _draw(lines: Iterable[Sequence[tuple[str, str]]]) -> None:
    if not is_terminal():
        for pieces in lines:
            print("".join(text for text, _ in pieces).rstrip(), flush=True)
        return
    from rich.console import Console

    console = Console(highlight=False)
    for pieces in lines:
        console.print(_rich(pieces), soft_wrap=True)


def _rich(pieces: Iterable[tuple[str, str]]) -> Text:
    from rich.text import Text

    return Text.assemble(*pieces)
