"""AVFoundation (macOS): what macOS has on record about this program and the camera.

Not yet run on a Mac.
"""

from __future__ import annotations

import ctypes
import platform
from enum import IntEnum
from typing import Any

_AVFOUNDATION = "/System/Library/Frameworks/AVFoundation.framework/AVFoundation"
_OBJC = "/usr/lib/libobjc.A.dylib"


class Authorization(IntEnum):
    """AVAuthorizationStatus."""

    NOT_ASKED = 0
    RESTRICTED = 1
    DENIED = 2
    GRANTED = 3


def camera_authorization() -> Authorization:
    """The record for the program that calls this. Opens nothing and asks nobody. On Linux file
    permissions decide instead, and this is GRANTED."""
    if platform.system() != "Darwin":
        return Authorization.GRANTED
    return Authorization(_ask(ctypes.CDLL(_OBJC), ctypes.CDLL(_AVFOUNDATION)))


def _ask(objc: Any, avfoundation: Any) -> int:
    """[AVCaptureDevice authorizationStatusForMediaType: AVMediaTypeVideo]"""
    for lookup in (objc.objc_getClass, objc.sel_registerName):
        lookup.restype = ctypes.c_void_p
        lookup.argtypes = [ctypes.c_char_p]
    video = ctypes.c_void_p.in_dll(avfoundation, "AVMediaTypeVideo")
    # objc_msgSend has to be called with the type of the method: variadic calls differ on ARM.
    send = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
        ("objc_msgSend", objc)
    )
    return int(
        send(
            objc.objc_getClass(b"AVCaptureDevice"),
            objc.sel_registerName(b"authorizationStatusForMediaType:"),
            video,
        )
    )
