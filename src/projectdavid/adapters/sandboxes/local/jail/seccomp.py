"""The system call filter: a hand-written classic BPF program that the kernel runs for each call.

Calls that are not listed pass: the filter reduces the attack surface of the kernel, the namespaces contain the session.
"""

import errno
import platform
import struct
from typing import Final

from . import libc, system_calls
from .hardening_switches import HardeningSwitches

_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_AND: Final = 0x54
_RETURN: Final = 0x06

_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000

# Offsets in the filter's input: number, architecture, lower halves of the arguments.
_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_ARGUMENT: Final = (16, 24, 32, 40)

_X32: Final = 0x40000000
_UNIX: Final = 1
_INTERNET: Final = (2, 10)
_KIND: Final = 0xF
_KINDS: Final = (1, 2)
"""SOCK_STREAM and SOCK_DGRAM; the other bits are flags."""
_PROTOCOLS: Final = (0, 6, 17)
"""Protocols: default, TCP, UDP."""
_TERMINAL_INPUT: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which inject input into a terminal."""
_NAMESPACES: Final = (
    libc.CLONE_NEWNS
    | libc.CLONE_NEWCGROUP
    | libc.CLONE_NEWUTS
    | libc.CLONE_NEWIPC
    | libc.CLONE_NEWUSER
    | libc.CLONE_NEWPID
    | libc.CLONE_NEWNET
)
_SOCKET_LEVEL: Final = 1
_BUFFER_SIZES: Final = (7, 8, 32, 33)
"""SO_SNDBUF, SO_RCVBUF, and their FORCE variants."""
_SHARED: Final = 0x01
_OF_NO_FILE: Final = 0x20
_ASK_PERSONALITY: Final = 0xFFFFFFFF


class UnknownProcessor(Exception):
    """A processor without a known system call table."""


def _instruction(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def _answer(error: int) -> bytes:
    return _instruction(_RETURN, 0x00050000 | error)


_PASS: Final = _instruction(_RETURN, _ALLOW)
_DENY: Final = _answer(errno.EPERM)


def _when(number: int, *body: bytes) -> bytes:
    """Run `body`, which always ends with a verdict, only for this call number."""
    return _instruction(_EQUAL, number, 0, len(b"".join(body)) // 8) + b"".join(body)


def _argument(index: int) -> bytes:
    return _instruction(_LOAD, _ARGUMENT[index])


def _one_of(values: tuple[int, ...], inside: bytes, outside: bytes) -> bytes:
    tests = b"".join(_instruction(_EQUAL, value, len(values) - place) for place, value in enumerate(values))
    return tests + outside + inside


def program(hardening: HardeningSwitches, machine: str = "", *, counted: bool = False, bounded: bool = True) -> bytes:
    """The filter for this processor, or for `machine`.

    `counted`: a cgroup counts all memory. `bounded`: the session's user namespace limits the kernel objects that are
    counted per user; else the calls that create them are rejected.

    Raises:
        UnknownProcessor: the calls of the processor are not known.
    """
    machine = machine or platform.machine()
    if machine not in system_calls.ARCHITECTURES:
        raise UnknownProcessor(f"The system calls of {machine} processors are not known.")
    column = 0 if machine == system_calls.X86_64 else 1
    parts = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, system_calls.ARCHITECTURES[machine], 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if column == 0:
        parts += [_instruction(_AT_LEAST, _X32, 0, 1), _instruction(_RETURN, _KILL)]
    parts += [_instruction(_AT_LEAST, system_calls.NEWEST, 0, 1), _answer(errno.ENOSYS)]
    refused = system_calls.REFUSED | (system_calls.HIDDEN_MEMORY if hardening.hidden_memory else {})
    refused = refused | ({} if bounded else system_calls.COUNTED_BY_USER)
    parts += [_when(number, _DENY) for both in refused.values() if (number := both[column]) is not None]
    bodies = _always() | (_sockets() if hardening.socket_families else {})
    if hardening.hidden_memory:
        bodies |= _memory(counted=counted)
    for name, body in bodies.items():
        number = system_calls.CONDITIONAL[name][column]
        assert number is not None
        parts.append(_when(number, *body))
    return b"".join([*parts, _PASS])


_Bodies = dict[str, tuple[bytes, ...]]


def _always() -> _Bodies:
    return {
        "clone": (_argument(0), _instruction(_ANY_BIT, _NAMESPACES, 0, 1), _DENY, _PASS),
        "clone3": (_answer(errno.ENOSYS),),
        "ioctl": (_argument(1), _one_of(_TERMINAL_INPUT, _DENY, _PASS)),
        "personality": (_argument(0), _one_of((0, _ASK_PERSONALITY), _PASS, _DENY)),
    }


def _sockets() -> _Bodies:
    """Allow only TCP and UDP of the internet protocols: others load rarely audited kernel code."""
    no_family = _answer(errno.EAFNOSUPPORT)
    kind = (_argument(1), _instruction(_AND, _KIND), _one_of(_KINDS, b"", _DENY))
    protocol = (_argument(2), _one_of(_PROTOCOLS, _PASS, _DENY))
    local = _instruction(_EQUAL, _UNIX, 0, 1) + _PASS
    families = (_argument(0), local, _one_of(_INTERNET, b"", no_family), *kind, *protocol)
    return {"socket": families, "socketpair": (_argument(0), local, no_family)}


def _memory(*, counted: bool) -> _Bodies:
    # The buffer size is only a hint to the kernel, so programs work without it; buffered bytes are not counted.
    sizes = (_argument(2), _one_of(_BUFFER_SIZES, _answer(0), _PASS))
    found: _Bodies = {"setsockopt": (_argument(1), _instruction(_EQUAL, _SOCKET_LEVEL, 1, 0), _PASS, *sizes)}
    if not counted:
        # Anonymous shared memory: its pages stay while any of it is mapped, and cannot be counted.
        shared = (_instruction(_ANY_BIT, _SHARED, 0, 1), _DENY, _PASS)
        found["mmap"] = (_argument(3), _instruction(_ANY_BIT, _OF_NO_FILE, 1, 0), _PASS, *shared)
    return found
