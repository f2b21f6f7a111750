"""The child of one file: gives up what it does not need, reads, and answers."""

import ctypes
import json
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any, NoReturn

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.failures import Refused, too_long
from projectdavid.documents.reader.kinds import Asked, read
from projectdavid.engine.documents import Document

HANDLES = 64
DEATH_SIGNAL, NO_NEW_PRIVILEGES = 1, 38
"""`PR_SET_PDEATHSIG` and `PR_SET_NO_NEW_PRIVS` of Linux."""
BROKEN = "It is broken, or not what it seems to be, and cannot be read."
TOO_MUCH_MEMORY = "It takes too much memory to read. Split it, or save it anew in another format."


def run(file: int, asked: Asked, limits: Limits, answer: socket.socket, reader: int) -> NoReturn:
    """Read a file, answer on the socket, and end; at once, if the reader that it is a child of ended."""
    _give_up(limits)
    if os.getppid() != reader:  # it ended before we asked to be told
        os._exit(1)
    head, text = _read(file, asked, limits)
    answer.sendall(json.dumps(head).encode() + b"\n")
    answer.sendall(text)
    answer.shutdown(socket.SHUT_WR)  # the reader has this socket, too, and may be busy
    os._exit(0)


def _give_up(limits: Limits) -> None:
    """From now on memory, time and files are bounded, and it ends with the reader; no bound can be lifted again."""
    memory = _size() + limits.memory
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, HANDLES),
    ):
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.seconds)
    prctl = ctypes.CDLL(None).prctl
    prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _size() -> int:
    """Bytes of address space that this process has already."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _read(file: int, asked: Asked, limits: Limits) -> tuple[dict[str, Any], bytes]:
    try:
        with os.fdopen(file, "rb") as content:
            document = read(content, asked, limits)
        return _told(document, limits)
    except Refused as error:
        return {"code": error.code, "message": error.message}, b""
    except MemoryError:
        return {"code": "invalid_file", "message": TOO_MUCH_MEMORY}, b""
    except Exception:  # noqa: BLE001 - what is broken makes libraries raise anything, and this process is for that
        return {"code": "invalid_file", "message": BROKEN}, b""


def _told(document: Document, limits: Limits) -> tuple[dict[str, Any], bytes]:
    text = document.text.encode()
    if len(text) > limits.text:
        raise too_long(limits)
    return {"kind": document.kind, "pages": document.page_starts, "title": document.title, "size": len(text)}, text
