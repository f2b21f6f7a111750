"""The filter of system calls, put together by hand: a program of classic BPF that the kernel runs for each call.

What is not named passes: the filter makes the kernel's surface smaller, the namespaces keep the session in.
"""

import errno
import platform
import struct
from typing import Final

from . import calls, libc
from .hardening import Hardening

_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06

_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000

# Where things are in what the filter sees: the number, the architecture, the lower halves of the arguments.
_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_ARGUMENT: Final = (16, 24)

_X32: Final = 0x40000000
_FAMILIES: Final = (1, 2, 10)
_TERMINAL_INPUT: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: they type into a terminal."""
_NAMESPACES: Final = (
    libc.CLONE_NEWNS
    | libc.CLONE_NEWCGROUP
    | libc.CLONE_NEWUTS
    | libc.CLONE_NEWIPC
    | libc.CLONE_NEWUSER
    | libc.CLONE_NEWPID
    | libc.CLONE_NEWNET
)
_ASK_PERSONALITY: Final = 0xFFFFFFFF


class Unknown(Exception):
    """A processor whose system calls are not known here."""


def _instruction(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def _answer(error: int) -> bytes:
    return _instruction(_RETURN, 0x00050000 | error)


def _when(number: int, *body: bytes) -> bytes:
    """Run `body`, which ends with an answer in each way, for the call of this number only."""
    return _instruction(_EQUAL, number, 0, len(b"".join(body)) // 8) + b"".join(body)


def _argument(index: int) -> bytes:
    return _instruction(_LOAD, _ARGUMENT[index])


def _one_of(values: tuple[int, ...], inside: bytes, outside: bytes) -> bytes:
    tests = b"".join(_instruction(_EQUAL, value, len(values) - place) for place, value in enumerate(values))
    return tests + outside + inside


def program(hardening: Hardening, machine: str = "") -> bytes:
    """The filter for this processor, or for `machine`.

    Raises:
        Unknown: the processor is none whose calls are known.
    """
    machine = machine or platform.machine()
    if machine not in calls.ARCHITECTURES:
        raise Unknown(f"The system calls of {machine} processors are not known.")
    column = 0 if machine == calls.X86_64 else 1
    allow, deny = _instruction(_RETURN, _ALLOW), _answer(errno.EPERM)
    parts = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, calls.ARCHITECTURES[machine], 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if column == 0:
        parts += [_instruction(_AT_LEAST, _X32, 0, 1), _instruction(_RETURN, _KILL)]
    parts += [_instruction(_AT_LEAST, calls.NEWEST, 0, 1), _answer(errno.ENOSYS)]
    refused = dict(calls.REFUSED)
    if hardening.hidden_memory:
        refused |= calls.HIDDEN_MEMORY
    parts += [_when(number, deny) for both in refused.values() if (number := both[column]) is not None]
    bodies = {
        "clone": (_argument(0), _instruction(_ANY_BIT, _NAMESPACES, 0, 1), deny, allow),
        "clone3": (_answer(errno.ENOSYS),),
        "ioctl": (_argument(1), _one_of(_TERMINAL_INPUT, deny, allow)),
        "personality": (_argument(0), _one_of((0, _ASK_PERSONALITY), allow, deny)),
    }
    if hardening.socket_families:
        families = (_argument(0), _one_of(_FAMILIES, allow, _answer(errno.EAFNOSUPPORT)))
        bodies |= {"socket": families, "socketpair": families}
    for name, body in bodies.items():
        number = calls.CONDITIONAL[name][column]
        assert number is not None
        parts.append(_when(number, *body))
    return b"".join([*parts, allow])
