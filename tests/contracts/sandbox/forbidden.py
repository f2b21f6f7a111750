"""Runs a program under the filter of system calls that default containers have: no namespace can be made there.

`python -m tests.contracts.sandbox.forbidden PROGRAM [ARGUMENT ...]`
"""

import ctypes
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
NAMESPACES = 0x7E020000
NUMBER, FIRST_ARGUMENT = 0, 16
ARM = platform.machine() == "aarch64"
UNSHARE, SETNS, MOUNT, CLONE, CLONE3 = (97, 268, 40, 220, 435) if ARM else (272, 308, 165, 56, 435)


def forbid() -> None:
    """From now on no namespace can be made by this process, nor by what it starts."""
    lines = [
        (LOAD, 0, 0, NUMBER),
        (EQUAL, 6, 0, UNSHARE),
        (EQUAL, 5, 0, SETNS),
        (EQUAL, 4, 0, MOUNT),
        (EQUAL, 4, 0, CLONE3),
        (EQUAL, 0, 4, CLONE),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 0, 2, NAMESPACES),
        (RETURN, 0, 0, EPERM),
        (RETURN, 0, 0, ENOSYS),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(lines), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was not taken")


if __name__ == "__main__":
    forbid()
    os.execv(sys.argv[1], sys.argv[1:])
