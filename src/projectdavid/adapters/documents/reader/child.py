"""The child of one file: drops privileges, parses the file, and sends the result."""

import ctypes
import json
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any, NoReturn

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.failures import UnreadableFile, too_long
from projectdavid.adapters.documents.reader.kinds import FileHint, read
from projectdavid.engine.documents import Document

HANDLES = 64
DEATH_SIGNAL, NO_NEW_PRIVILEGES = 1, 38
"""`PR_SET_PDEATHSIG` and `PR_SET_NO_NEW_PRIVS` of Linux."""
BROKEN = "It is broken or has another format than it claims, and cannot be read."
TOO_MUCH_MEMORY = "It takes too much memory to read. Split it, or save it in another format."


def run(file: int, asked: FileHint, limits: ReaderLimits, answer: socket.socket, reader: int) -> NoReturn:
    """Read a file, send the result and exit; exit at once if the parent reader has ended."""
    _give_up(limits)
    if os.getppid() != reader:  # it ended before we registered for its death signal
        os._exit(1)
    head, text = _read(file, asked, limits)
    answer.sendall(json.dumps(head).encode() + b"\n")
    answer.sendall(text)
    answer.shutdown(socket.SHUT_WR)  # the reader holds this socket, too, and can be busy
    os._exit(0)


def _give_up(limits: ReaderLimits) -> None:
    """Limit memory, time and files irrevocably, and end with the reader."""
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
    signal.setitimer(signal.ITIMER_REAL, limits.clock)
    prctl = ctypes.CDLL(None).prctl
    prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _size() -> int:
    """Return the bytes of address space that this process already uses."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _read(file: int, asked: FileHint, limits: ReaderLimits) -> tuple[dict[str, Any], bytes]:
    try:
        with os.fdopen(file, "rb") as content:
            document = read(content, asked, limits)
        return _encode_result(document, limits)
    except UnreadableFile as error:
        return {"code": error.code, "message": error.message}, b""
    except ImportError as error:  # a library is missing or incompatible
        return {"code": "missing", "message": str(error)}, b""
    except MemoryError:
        return {"code": "invalid_file", "message": TOO_MUCH_MEMORY}, b""
    except Exception:  # noqa: BLE001 - what is broken makes libraries raise anything, and this process is for that
        return {"code": "invalid_file", "message": BROKEN}, b""


def _encode_result(document: Document, limits: ReaderLimits) -> tuple[dict[str, Any], bytes]:
    text = document.text.encode()
    if len(text) > limits.text:
        raise too_long(limits)
    head = {
        "kind": document.kind,
        "pages": document.page_starts,
        "title": document.title,
        "warnings": document.warnings,
        "tables": [(table.start, table.header_end, table.end) for table in document.tables],
        "size": len(text),
    }
    return head, text
