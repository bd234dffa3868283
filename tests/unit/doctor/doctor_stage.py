"""A machine for the doctor: real files and programs below a folder, staged as the test wants."""

from __future__ import annotations

from pathlib import Path

from sdcam.capture.cameras import CameraDevice, ready_to_list
from sdcam.capture.listing import find_linux_cameras, macos_cameras
from sdcam.doctor import Finding, HostProbe, checks_for
from sdcam.platforms.avfoundation import Authorization
from sdcam.platforms.loopback import LoopbackState
from sdcam.platforms.macos import read_camera_report
from sdcam.platforms.v4l2 import Capability

LOOPBACK = "v4l2 loopback"


class Stage:
    def __init__(self, folder: Path, monkeypatch) -> None:
        self.root = folder / "root"
        self.home = folder / "home"
        self._programs = folder / "bin"
        for made in (self.root, self.home, self._programs):
            made.mkdir()
        self.states: dict[str, LoopbackState] = {}
        self.capabilities: dict[str, Capability] = {}
        self.versions: dict[str, str] = {}
        self.closed: set[Path] = set()
        self.report: str | None = None  # of system_profiler: a Mac
        self.facts: dict[str, object] = {}
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", str(self._programs))
        monkeypatch.setenv("HOME", str(self.home))
        for name in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
            monkeypatch.setenv(name, str(self.home / name.lower()))

    def host(self) -> HostProbe:
        facts = {
            "platform": "linux",
            "kernel": "6.1.0-9-amd64",
            "machine": "x86_64",
            "camera": False,
            "requirements": lambda: [],
            "authorization": lambda: Authorization.NOT_ASKED,
            **self.facts,
        }
        return HostProbe(
            root=self.root,
            list_cameras=self.list_cameras,
            loopback_state=self.states.__getitem__,
            may_use=lambda path: path not in self.closed,
            version=self.versions.get,
            **facts,
        )

    def finding(self, name: str, group: str = "") -> Finding:
        host = self.host()
        check = next(
            check
            for check in checks_for(host)
            if check.name == name and group in ("", check.group.value)
        )
        return check.examine(host)

    def list_cameras(self) -> list[CameraDevice]:
        """As the runtime's function does, from the staged facts."""
        if self.report is not None:
            return ready_to_list(macos_cameras(read_camera_report(self.report)))
        sysfs = self.root / "sys/class/video4linux"
        return ready_to_list(find_linux_cameras(sysfs, self.capabilities.__getitem__))

    def file(self, path: str, content: str | bytes = "") -> Path:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    def program(self, name: str, says: str = "", code: int = 0) -> None:
        """An executable of that name in PATH."""
        told = self._programs / f"{name}.says"
        told.write_text(says)
        self.script(name, f'/bin/cat "{told}"; exit {code}')

    def script(self, name: str, line: str) -> None:
        path = self._programs / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def loopback(self, number: int, label: str, state: LoopbackState = LoopbackState.FREE) -> str:
        captures = state in (LoopbackState.BOTH, LoopbackState.WRITTEN)
        node = self._node(number, label, "virtual", LOOPBACK, captures)
        self.states[node] = state
        return node

    def camera(self, number: int, name: str) -> str:
        return self._node(number, name, "platform/vivid.0", "vivid", True)

    def loaded(self, version: str = "0.12.7", **parameters: str) -> None:
        self.file("/sys/module/v4l2loopback/version", version)
        for name, value in parameters.items():
            self.file(f"/sys/module/v4l2loopback/parameters/{name}", value)

    def opened(self, node: str, program: str, pid: int) -> None:
        """A process that has a device open."""
        self.file(f"/proc/{pid}/comm", program)
        (self.root / f"proc/{pid}/fd").mkdir()
        (self.root / f"proc/{pid}/fd/3").symlink_to(node)

    def _node(self, number: int, name: str, place: str, driver: str, captures: bool) -> str:
        entry = f"sys/devices/{place}/video4linux/video{number}"
        self.file(f"{entry}/name", name)
        nodes = self.root / "sys/class/video4linux"
        nodes.mkdir(parents=True, exist_ok=True)
        (nodes / f"video{number}").symlink_to(self.root / entry)
        node = f"/dev/video{number}"
        self.file(node)
        self.capabilities[node] = Capability(driver, name, place, captures, ("YUYV",))
        return node
