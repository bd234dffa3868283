"""How a user gets access to a device node (Linux): by its group."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

_NO_GROUP = -1
_VIDEO = grp.struct_group(("video", "x", _NO_GROUP, []))


def how_to_get_access(node: Path) -> tuple[str, ...]:
    """What this user has to do, a line each, so that it may open `node`."""
    group = _group_of(node)
    if group.gr_gid in os.getgroups():
        return (f"sudo chmod g+rw {node}   (its own group, {group.gr_name}, may not use it)",)
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a user id without a name
        return (f"run as a user in the group {group.gr_name}",)
    if user in group.gr_mem:
        return (
            f'You are in the group "{group.gr_name}", but not since this login: log out and in.',
        )
    return (f"sudo usermod -aG {group.gr_name} {user}", "then log out and in")


def _group_of(node: Path) -> grp.struct_group:
    """Usually "video", which is also the answer for a node that belongs to root's group."""
    try:
        group = grp.getgrgid(node.stat().st_gid)
    except (OSError, KeyError):
        return _VIDEO
    return group if group.gr_gid != 0 else _VIDEO
