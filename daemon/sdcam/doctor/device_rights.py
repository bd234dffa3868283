"""Who may open a device node on Linux, and how one comes to belong to them."""

from __future__ import annotations

import grp
import os
import pwd

from sdcam.doctor.world import World

_NOBODYS = -1  # a group id that no process has
_VIDEO = grp.struct_group(("video", "x", _NOBODYS, []))


def how_to_get_in(world: World, node: str) -> tuple[str, ...]:
    """What to do for the node's group to let this user in."""
    group = _group_of(world, node)
    if group.gr_gid in os.getgroups():
        return (f"sudo chmod g+rw {node}   (it keeps its own group, {group.gr_name}, out)",)
    user = pwd.getpwuid(os.getuid()).pw_name
    if user in group.gr_mem:
        return (
            f'You are in the group "{group.gr_name}", but not since this login: log out and in.',
        )
    return (f"sudo usermod -aG {group.gr_name} {user}", "then log out and in")


def _group_of(world: World, node: str) -> grp.struct_group:
    """Normally "video", which is also the answer where the node belongs to root alone."""
    try:
        group = grp.getgrgid(world.at(node).stat().st_gid)
    except (OSError, KeyError):
        return _VIDEO
    return group if group.gr_gid != 0 else _VIDEO
