"""Tests the isolation of a session from inside; each barrier that fails becomes a reason."""

import ctypes
import errno
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from . import libc


def check(stream: int) -> NoReturn:
    """Write the failed barriers as JSON, then exit."""
    fallen = [sentence for sentence, attack in _ATTACKS.items() if attack()]
    os.write(stream, json.dumps(fallen).encode())
    os._exit(0)


def _writes_to_the_kernel() -> bool:
    return any(os.access(f"/proc/{name}", os.W_OK) for name in ("sys/kernel/core_pattern", "sysrq-trigger"))


def _makes_user_namespaces() -> bool:
    try:
        libc.unshare(libc.CLONE_NEWUSER)
    except OSError:
        return False
    return True


def _hides_memory() -> bool:
    try:
        os.close(os.memfd_create("check"))
    except OSError:
        return False
    return True


def _sees_others() -> bool:
    if not Path("/proc/self").exists():
        return False
    return any(one.name.isdigit() and int(one.name) != os.getpid() for one in Path("/proc").iterdir())


def _has_capabilities() -> bool:
    header = ctypes.create_string_buffer(b"\x22\x05\x08\x20" + bytes(4), 8)
    data = ctypes.create_string_buffer(24)
    return ctypes.CDLL(None).capget(header, data) != 0 or any(data.raw)


def _writes_to_the_root() -> bool:
    return any(os.access(place, os.W_OK) for place in ("/", "/usr", "/etc", "/opt"))


def _has_a_network() -> bool:
    try:
        lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    except OSError:
        return False
    return [line.split(":")[0].strip() for line in lines] != ["lo"]


def _opens_odd_sockets() -> bool:
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
    except OSError as error:
        return error.errno not in (errno.EAFNOSUPPORT, errno.EPERM)
    return True


def _inherits_files() -> bool:
    return sum(_is_open(number) for number in range(3, 1024)) > 1  # the stream


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


_ATTACKS: dict[str, Callable[[], bool]] = {
    "The code could write to settings of the kernel.": _writes_to_the_kernel,
    "The code could make user namespaces.": _makes_user_namespaces,
    "The code could hide memory from its limit.": _hides_memory,
    "The code could see processes of others.": _sees_others,
    "The code would have capabilities.": _has_capabilities,
    "The code could write to the file system that sessions share.": _writes_to_the_root,
    "The code would have a network.": _has_a_network,
    "The code could open sockets of any kind.": _opens_odd_sockets,
    "The code would inherit open files.": _inherits_files,
}
