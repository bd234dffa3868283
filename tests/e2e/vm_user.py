"""An ordinary user with a configuration of his own, and the commands that he gives."""

from __future__ import annotations

import grp
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcam import resources

_ID = 4242
_REPOSITORY = Path(__file__).parents[2]
_SECONDS = 240

# Small pictures at a low rate: Python is about 20 times slower here. The stand-in for Core ML takes
# its published milliseconds and computes next to nothing.
WIDTH, HEIGHT, FPS = 480, 270, 5
_CONFIGURATION = f"""
[camera]
width = 320
height = 180
fps = {FPS}.0

[model]
name = "pocket"
engine = "replay:m3-ultra:fused"
render_size = "448x256"

[output]
width = {WIDTH}
height = {HEIGHT}
fps = {FPS}.0
hold_seconds = 4.0
"""


@dataclass(frozen=True)
class User:
    name: str
    home: Path

    @classmethod
    def make(cls) -> User:
        user = cls("somebody", Path("/home/somebody"))
        with Path("/etc/passwd").open("a") as file:
            file.write(f"{user.name}:x:{_ID}:{_ID}::{user.home}:/bin/sh\n")
        with Path("/etc/group").open("a") as file:
            file.write(f"{user.name}:x:{_ID}:\n")
        settings = user.settings.parent
        for folder in (user.home, settings.parent, settings, user.runtime):
            folder.mkdir(parents=True)
            os.chown(folder, _ID, _ID)
            folder.chmod(0o700)
        user.settings.write_text(_CONFIGURATION)
        _let_everybody_read()
        return user

    @property
    def settings(self) -> Path:
        return self.home / ".config" / "streamdiffusion-cam" / "config.toml"

    @property
    def runtime(self) -> Path:
        return Path("/run/user") / str(_ID)

    @property
    def socket(self) -> Path:
        return self.runtime / "streamdiffusion-cam" / "control.sock"

    def start(
        self, words: list[str], *, cameras: bool = True, **options: Any
    ) -> subprocess.Popen[Any]:
        """A process of this user.

        Args:
            cameras: whether he is in the group "video".
        """
        environment = {
            "HOME": str(self.home),
            "USER": self.name,
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(self.runtime),
            **options.pop("env", {}),
        }
        groups = [grp.getgrnam("video").gr_gid] if cameras else []
        return subprocess.Popen(
            words,
            env=environment,
            user=_ID,
            group=_ID,
            extra_groups=groups,
            start_new_session=True,
            cwd="/",
            **{"text": True, **options},
        )

    def sdcam(self, *words: str, cameras: bool = True) -> subprocess.CompletedProcess[str]:
        """`sdcam WORDS` to its end; what it said is printed, too."""
        process = self.start(
            [sys.executable, "-m", "sdcam", *words],
            cameras=cameras,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            out, _ = process.communicate(timeout=_SECONDS)
        finally:
            process.kill()
        print(f"$ sdcam {' '.join(words)}\n{out}[{process.returncode}]")
        return subprocess.CompletedProcess(words, process.returncode, out)


def _let_everybody_read() -> None:
    """Where the checkout lies, and how closed, is no part of the test: it may be root's own."""
    python = Path(sys.executable).resolve().parent
    for top in (_REPOSITORY, Path(sys.prefix), python, resources.embedded_model()):
        for folder in (top, *top.parents):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    for top in (_REPOSITORY / "daemon", _REPOSITORY / "config", _REPOSITORY / "launchd"):
        for path in (top, *top.rglob("*")):
            mode = path.stat().st_mode
            wanted = mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
            if mode != wanted:
                path.chmod(wanted)
