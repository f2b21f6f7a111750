"""Frames the bytes of an answer into JSON events, regardless of how the network splits them.

Sources: WHATWG HTML, "Server-sent events" (byte order mark, line ends, comments, data over several lines). JSON lines
are accepted as well, and a JSON document in place of a stream is read as a whole.
"""

from typing import Any, Protocol

import msgspec

from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.adapters.providers.http.line_reader import LineReader
from projectdavid.engine.deltas import Chunk
from projectdavid.ports.model import ModelError

_DONE = b"[DONE]"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class AnswerFold(Protocol):
    """Collects the events of one answer in the format of a vendor.

    `finished`: the model has finished; `done`: nothing more must be read; `failure`: the error that ended
    the answer; `usage_reported`: whether it contained the usage.
    """

    @property
    def finished(self) -> bool: ...

    @property
    def done(self) -> bool: ...

    @property
    def failure(self) -> ModelError | None: ...

    @property
    def usage_reported(self) -> bool: ...

    def add(self, payload: bytes) -> None:
        """Add the JSON text of one event.

        Raises:
            msgspec.DecodeError: it is not JSON, or not an event of the vendor.
        """
        ...

    def take(self) -> list[Chunk]:
        """Return the chunks since the last call."""
        ...

    def end(self) -> None:
        """End the answer, because the server closed the connection."""
        ...


class JsonEventReader(LineReader):
    """The reader of one answer: see `AnswerReader`. With `lines`, each line is an event, without `data:`."""

    __slots__ = ("_began", "_document", "_fold", "_lines")

    def __init__(self, failures: FailureParser, fold: AnswerFold, *, lines: bool = False) -> None:
        super().__init__(failures)
        self._fold = fold
        self._lines = lines
        self._began = False
        """True once an event was added."""
        self._document = False

    @property
    def finished(self) -> bool:
        """Whether the model has finished."""
        return self._fold.finished

    def end(self) -> list[Chunk]:
        """End the answer, because the server closed the connection; return the remaining chunks."""
        rest = b"".join(self._pending)
        self._pending.clear()
        if rest and self.failure is None and (self._document or self._is_whole(rest)):
            self._take_line(rest)
        if self._partial and self.failure is None and not self.finished:
            self._end_partial()
        if self.failure is None:
            self._fold.end()
            self._check_fold()
        self.done = True
        if not self.finished and self.failure is None:
            self.failure = self._build_end_error()
        return self._fold.take()

    def _begin(self, data: bytes) -> bytes:
        data = super()._begin(data)
        self._document = not self._lines and self._head[:1] in (b"{", b"[")
        return data

    def _take_lines(self, lines: list[bytes]) -> list[Chunk]:
        for line in lines:
            self._take_line(line)
            if self.done:
                break
        return self._fold.take()

    def _take_line(self, line: bytes) -> None:
        if self._document:
            self._partial.append(line)
            self._grow(line)
        elif line[:5] == b"data:":
            self._add(line[5:])
        elif self._lines and line.strip():
            self._add(line)
        elif not line and self._partial:
            self._fail(self._failures.build_unreadable(f"an event is not JSON of the protocol: {self._quote()}"))

    def _is_whole(self, line: bytes) -> bool:
        """Return True if the last line is a complete event, although its line end is missing."""
        try:
            msgspec.json.decode(line.removeprefix(b"data:"), type=dict[str, msgspec.Raw])
        except UNREADABLE:
            return line.removeprefix(b"data:").strip() == _DONE
        return True

    def _add(self, payload: bytes) -> None:
        """Add the data of one line: an event, or a part of one."""
        if payload.strip() == _DONE or (not self._partial and not payload.strip()):
            return
        if self._partial:
            payload = b"\n".join((*self._partial, payload))
        try:
            self._fold.add(payload)
        except UNREADABLE:
            if self._lines:
                self._partial[:] = [payload]
                self._fail(self._failures.build_unreadable(f"a line is not JSON of the protocol: {self._quote()}"))
                return
            self._size += len(payload) - sum(map(len, self._partial))
            self._partial[:] = [payload]
            self._grow(b"")
            return
        self._began = True
        self._size -= sum(map(len, self._partial))
        self._partial.clear()
        self._check_fold()

    def _check_fold(self) -> None:
        if self._fold.failure is not None:
            self._fail(self._fold.failure)
        elif self._fold.done:
            self.done = True

    def _end_partial(self) -> None:
        """Take the end of a document, such as an error that was sent with a successful status."""
        if not self._document:
            return
        text = b"\n".join(self._partial)
        try:
            document: Any = msgspec.json.decode(text)
        except UNREADABLE:
            self._fail(self._failures.build_unreadable(f"the document is not JSON: {self._quote()}"))
            return
        said = document[0] if isinstance(document, list) and document else document
        if isinstance(said, dict) and said.get("error"):
            self._fail(self._failures.parse_error(said["error"]))
        else:
            self._fail(self._failures.build_unreadable(f"it is a document, not a stream: {self._quote()}"))

    def _build_end_error(self) -> ModelError:
        """Return the error for an answer that ended before the model finished."""
        return self._failures.build_interruption()

    def _quote(self) -> str:
        return f"{b''.join(self._partial)[:80].decode(errors='replace')!a}"
