"""Which programs have a device node open (Linux), as far as this user may see them."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sdcam.platforms import read_text

PROC = Path("/proc")
HIDDEN_PROGRAM = "a program that cannot be inspected"


@dataclass(frozen=True)
class DeviceUser:
    name: str  # "chrome": the kernel keeps 15 letters
    pid: int  # 0 where it is not known
    mapped: bool  # has mapped the node's memory: it takes pictures, or is about to

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else self.name


def users_of(node: str, proc: Path = PROC, without: Collection[int] | None = None) -> list[str]:
    """Programs that have `node` open, as "zoom (pid 4711)"; without this process, or `without`."""
    excluded = {os.getpid()} if without is None else without
    return [str(user) for user in DeviceUsers(node, proc).visible(excluded)]


class DeviceUsers:
    """Looks through /proc, and asks the module v4l2loopback how often its devices are open.

    The module's count costs nothing and includes every program. /proc costs 10 to 50 ms on a full
    desktop and hides the programs of other users. So the count says whether to look.
    """

    def __init__(self, node: str, proc: Path = PROC, sys_root: Path = Path("/sys")) -> None:
        """`node` is /dev/videoN, with links followed."""
        self._path = node
        self._name = Path(node).name
        self._node = _status(node)
        self._proc = str(proc)
        self._count = sys_root / "module" / "v4l2loopback" / "refcnt"
        self._nodes = sys_root / "devices" / "virtual" / "video4linux"

    def visible(self, without: Collection[int]) -> list[DeviceUser]:
        """Those that this user may see, without the processes `without`, by process id."""
        return self._look(without)[0]

    def others(self, own: Collection[int]) -> list[DeviceUser]:
        """Users of a loopback device, without the processes `own`. A HIDDEN_PROGRAM is among them
        where the driver counts more openings than this user may see."""
        opens = self._opens()
        if opens is None:
            return self.visible(own)
        foreign = opens - self.times_open(own)
        if foreign <= 0:
            return []
        users, seen = self._look(own)
        if foreign > seen and len(list(self._nodes.glob("video*"))) == 1:
            users.append(DeviceUser(HIDDEN_PROGRAM, 0, mapped=False))
        return users

    def times_open(self, pids: Collection[int]) -> int:
        """How often these processes have the node open."""
        return sum(len(self._links(pid)) for pid in pids)

    def _opens(self) -> int | None:
        """How often the module's devices are open; None where the module is not loaded."""
        count = read_text(self._count)
        return int(count) if count.isdecimal() else None

    def _look(self, without: Collection[int]) -> tuple[list[DeviceUser], int]:
        """The users, and how often they have the node open."""
        users: list[DeviceUser] = []
        seen = 0
        for pid in self._processes():
            if pid not in without and (links := self._links(pid)):
                users.append(DeviceUser(self._program(pid), pid, self._has_mapped(pid, links[0])))
                seen += len(links)
        return users, seen

    def _processes(self) -> list[int]:
        try:
            return sorted(int(name) for name in os.listdir(self._proc) if name.isdigit())  # noqa: PTH208
        except OSError:  # /proc is not mounted
            return []

    def _links(self, pid: int) -> list[str]:
        """What the process calls the node, once for each time that it has the node open."""
        # Plain strings: pathlib takes four times as long, with 10,000 descriptors on a desktop.
        folder = f"{self._proc}/{pid}/fd"
        found = []
        try:
            for descriptor in os.listdir(folder):  # noqa: PTH208
                link = os.readlink(f"{folder}/{descriptor}")  # noqa: PTH115
                if link.endswith(self._name) and self._is_node(f"{folder}/{descriptor}", link):
                    found.append(link)
        except OSError:  # another user's process, or one that ended or closed a file meanwhile
            pass
        return found

    def _is_node(self, descriptor: str, link: str) -> bool:
        """By device number: a container may have another device under the same name."""
        found = _status(descriptor)
        if self._node is None or found is None:
            return link == self._path
        if stat.S_ISCHR(self._node.st_mode):
            return stat.S_ISCHR(found.st_mode) and found.st_rdev == self._node.st_rdev
        return os.path.samestat(found, self._node)

    def _has_mapped(self, pid: int, link: str) -> bool:
        return any(
            line.endswith(f" {link}")
            for line in read_text(Path(f"{self._proc}/{pid}/maps")).splitlines()
        )

    def _program(self, pid: int) -> str:
        return read_text(Path(f"{self._proc}/{pid}/comm")) or "a program"


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 (see _links)
    except OSError:
        return None
