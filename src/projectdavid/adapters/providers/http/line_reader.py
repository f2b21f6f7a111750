"""Cuts the bytes of an answer into lines, regardless of how the network splits them.

Source: WHATWG HTML, "Server-sent events" (byte order mark, line ends).
"""

from abc import ABC, abstractmethod

from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.engine.deltas import Chunk
from projectdavid.ports.model import ModelError

MAX_BUFFERED = 4 * 1024 * 1024
"""Maximum bytes of an incomplete event or document."""
_BOM = b"\xef\xbb\xbf"


class LineReader(ABC):
    """The lines of one answer; a subclass takes them.

    `done` is True once nothing more needs to be read. `failure` is the error to raise after the chunks before it.
    """

    __slots__ = ("_failures", "_head", "_partial", "_pending", "_size", "_skip_lf", "_sniffing", "done", "failure")

    def __init__(self, failures: FailureParser) -> None:
        self.done = False
        self.failure: ModelError | None = None
        self._failures = failures
        self._pending: list[bytes] = []
        """The current line, which is incomplete."""
        self._partial: list[bytes] = []
        """The lines of an event or a document whose JSON is incomplete."""
        self._size = 0
        """Bytes in `_pending` and `_partial`."""
        self._head = b""
        """The first bytes of the answer."""
        self._sniffing = True
        self._skip_lf = False

    def feed(self, data: bytes) -> list[Chunk]:
        """Add the bytes of one read; return the chunks that they complete."""
        if self._sniffing and (data := self._begin(data)) == b"":
            return []
        if self._skip_lf or b"\r" in data:
            data = self._with_line_feeds(data)
        end = data.rfind(b"\n")
        if end < 0:
            self._keep(data)
            return []
        whole = data[:end]
        if self._pending:
            whole = b"".join((*self._pending, whole))
            self._size -= sum(map(len, self._pending))
            self._pending.clear()
        if end + 1 < len(data):
            self._keep(data[end + 1 :])
        return self._take_lines(whole.split(b"\n"))

    @abstractmethod
    def _take_lines(self, lines: list[bytes]) -> list[Chunk]:
        """Take complete lines, without their ends; return the chunks that they complete."""

    def _begin(self, data: bytes) -> bytes:
        """Check the first bytes of the answer: skip a byte order mark, and fail on a web page."""
        data = b"".join((*self._pending, data))
        self._pending.clear()
        start = data.removeprefix(_BOM).lstrip()
        if not start or _BOM.startswith(data):
            self._pending.append(data)
            return b""
        self._sniffing = False
        self._head = start[:80]
        if start[:1] == b"<":
            self._fail(self._failures.build_web_page())
            return b""
        return data.removeprefix(_BOM)

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._skip_lf:
            data = data.removeprefix(b"\n")
        self._skip_lf = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _keep(self, data: bytes) -> None:
        # Joined only when the line ends, because joining at every read would copy a long line each time.
        self._pending.append(data)
        self._grow(data)

    def _grow(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_BUFFERED:
            self._fail(self._failures.build_unreadable(f"an event is longer than {MAX_BUFFERED} bytes"))

    def _fail(self, failure: ModelError) -> None:
        self.done = True
        self.failure = failure
