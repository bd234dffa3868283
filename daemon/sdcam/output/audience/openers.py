"""Which programs have a node open (Linux), by name as far as this user may see them."""

from __future__ import annotations

import os
import stat
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

UNSEEN = "a program that cannot be looked into"


@dataclass(frozen=True)
class Opener:
    name: str  # "chrome"
    pid: int  # 0: not known
    mapped: bool  # it has mapped the node's memory: it takes pictures, or is about to

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})" if self.pid else self.name


class Openers:
    """Asks /proc for the programs, and the driver's module for how often it is open altogether.

    The module's count costs nothing and leaves nobody out; /proc costs some 10 to 50 ms on a full
    desktop and hides the programs of other users. So the first says whether to ask the second.
    """

    def __init__(
        self, node: str, proc: Path = Path("/proc"), sys_root: Path = Path("/sys")
    ) -> None:
        """`node` is /dev/videoN, links followed.

        Raises:
            OSError: it is not there.
        """
        self._name = Path(node).name
        self._node = os.stat(node)  # noqa: PTH116 (as below)
        self._proc = str(proc)
        self._count = sys_root / "module" / "v4l2loopback" / "refcnt"
        self._nodes = sys_root / "devices" / "virtual" / "video4linux"

    def others(self, own: Set[int]) -> list[Opener]:
        """Everybody but the processes `own`."""
        opens = self._opens()
        if opens is None:
            return self._visible(own)[0]
        unseen = opens - self.times_open(own)
        if unseen <= 0:
            return []
        openers, seen = self._visible(own)
        if unseen > seen and len(list(self._nodes.glob("video*"))) == 1:
            openers.append(Opener(UNSEEN, 0, mapped=False))
        return openers

    def times_open(self, pids: Set[int]) -> int:
        """How often these processes have the node open."""
        return sum(len(self._links(pid)) for pid in pids)

    def _opens(self) -> int | None:
        """How often any node of the module is open; None where no module says it."""
        try:
            return int(self._count.read_text())
        except (OSError, ValueError):
            return None

    def _visible(self, own: Set[int]) -> tuple[list[Opener], int]:
        """The others, and how often they have the node open."""
        openers: list[Opener] = []
        seen = 0
        for pid in (int(name) for name in os.listdir(self._proc) if name.isdigit()):  # noqa: PTH208
            if pid not in own and (links := self._links(pid)):
                openers.append(Opener(self._program(pid), pid, self._has_mapped(pid, links[0])))
                seen += len(links)
        return openers, seen

    def _links(self, pid: int) -> list[str]:
        """What the process calls the node, once for each time that it has it open."""
        # Plain strings: pathlib takes four times as long, with 10,000 descriptors on a desktop.
        folder = f"{self._proc}/{pid}/fd"
        found = []
        try:
            for descriptor in os.listdir(folder):  # noqa: PTH208
                link = os.readlink(f"{folder}/{descriptor}")  # noqa: PTH115
                # By name first (another container may have it elsewhere), then for certain.
                if link.endswith(self._name) and self._is_node(f"{folder}/{descriptor}"):
                    found.append(link)
        except OSError:  # another user's, or one that has just ended or closed a file
            pass
        return found

    def _is_node(self, descriptor: str) -> bool:
        found = os.stat(descriptor)  # noqa: PTH116
        if stat.S_ISCHR(self._node.st_mode):
            return stat.S_ISCHR(found.st_mode) and found.st_rdev == self._node.st_rdev
        return os.path.samestat(found, self._node)

    def _has_mapped(self, pid: int, link: str) -> bool:
        try:
            maps = Path(f"{self._proc}/{pid}/maps").read_text(errors="replace")
        except OSError:
            return False
        return f" {link}\n" in maps

    def _program(self, pid: int) -> str:
        try:
            return Path(f"{self._proc}/{pid}/comm").read_text(errors="replace").strip()
        except OSError:
            return "a program"
