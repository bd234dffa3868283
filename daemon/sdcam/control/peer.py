"""Who is at the other end of the control socket, as the kernel says it."""

from __future__ import annotations

import socket
import struct
import sys

# <sys/un.h> and <sys/ucred.h> of macOS; Python has no names for them.
_SOL_LOCAL = 0
_LOCAL_PEERCRED = 1
_XUCRED = struct.Struct("=II")  # how it begins: version, effective uid
_XUCRED_BYTES = 76
_UCRED = struct.Struct("=iII")  # Linux: pid, uid, gid


def peer_uid(connection: socket.socket) -> int:
    """The effective user of the process that connected.

    Raises:
        OSError: the kernel does not say.
    """
    if sys.platform == "darwin":
        told = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
        return uid_in_xucred(told)
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return int(_UCRED.unpack(told)[1])


def may_command(uid: int, owner: int) -> bool:
    """The service's own user may, and root, who could do anything anyway."""
    return uid in (owner, 0)


def uid_in_xucred(told: bytes) -> int:
    """
    Raises:
        OSError: not the structure of macOS.
    """
    if len(told) < _XUCRED.size or _XUCRED.unpack_from(told)[0] != 0:
        raise OSError("the peer of the control socket is not known")
    return int(_XUCRED.unpack_from(told)[1])
