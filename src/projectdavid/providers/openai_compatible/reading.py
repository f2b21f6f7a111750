"""Turn the bytes of an answer into chunks, whatever way the network cut them."""

import msgspec

from projectdavid.engine.deltas import Chunk, Finish
from projectdavid.ports.model import ModelError
from projectdavid.providers.openai_compatible.failures import Failures
from projectdavid.providers.openai_compatible.gathering import Calls, Gathered
from projectdavid.providers.openai_compatible.wire import Choice, Event

MAX_BUFFERED = 4 * 1024 * 1024
"""Bytes kept of a line (or of a plain answer) that has not ended yet."""

_FINISHES = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder(Event).decode


class Reading:
    """One answer on its way in.

    `plain` says that the server announced one JSON document and no stream. `finished` is true once the model has said
    why it stopped, `done` once nothing more is to be read, and `failure` is what to raise after the chunks that came
    before it have been handed on.
    """

    __slots__ = ("_calls", "_failures", "_pending", "_pending_size", "_plain", "done", "failure", "finished")

    def __init__(self, failures: Failures, *, plain: bool = False) -> None:
        self.done = False
        self.finished = False
        self.failure: ModelError | None = None
        self._failures = failures
        self._plain = plain
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._calls = Calls()

    def feed(self, data: bytes) -> list[Chunk]:
        """Take in what one read brought; returns the chunks that it completed."""
        if self._plain:
            if self._pending or data.lstrip()[:1] in (b"", b"{", b"["):
                self._keep(data)
                return []
            # A stream with the wrong content type.
            self._plain = False
        end = data.rfind(b"\n")
        if end < 0:
            self._keep(data)
            return []
        whole = data[:end]
        if self._pending:
            whole = b"".join((*self._pending, whole))
            self._pending.clear()
            self._pending_size = 0
        if end + 1 < len(data):
            self._keep(data[end + 1 :])
        return self._lines(whole.split(b"\n"))

    def end(self) -> list[Chunk]:
        """The server has closed; returns the chunks of a last line without an end."""
        rest = b"".join(self._pending).strip()
        self._pending.clear()
        self.done = True
        if self._plain and rest:
            return self._whole(rest)
        chunks = self._lines([rest]) if _is_whole(rest) else []
        if not self.finished and self.failure is None:
            self.failure = self._failures.broke_off()
        return chunks

    def _keep(self, data: bytes) -> None:
        # Joined only when the line ends: a long line in small reads would otherwise be copied again at every read.
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size > MAX_BUFFERED:
            self._fail(self._failures.unreadable(f"a line is longer than {MAX_BUFFERED} bytes"))

    def _fail(self, failure: ModelError) -> None:
        self.done = True
        self.failure = failure

    def _lines(self, lines: list[bytes]) -> list[Chunk]:
        gathered = Gathered(self._calls)
        add = gathered.add
        for line in lines:
            if line[:5] != b"data:" and line[:1] != b"{":
                continue  # a comment, a field that says nothing here, or the blank line behind an event
            try:
                event = _decode(line[5:] if line[:1] == b"d" else line)
            except _UNREADABLE:
                if self._is_end(line):
                    break
                continue
            if event.error:
                self._fail(self._failures.told(event.error))
                break
            if event.choices:
                choice = event.choices[0]
                if choice.delta is not None:
                    add(choice.delta)
                if choice.finish_reason:
                    self._finish(choice, gathered)
            if event.usage is not None:
                gathered.usage = event.usage
        return gathered.chunks()

    def _is_end(self, line: bytes) -> bool:
        """Whether a line that is no event ends the reading."""
        text = line.removeprefix(b"data:").strip()
        if not text:
            return False
        self.done = True
        if text == b"[DONE]":
            self.finished = True
        else:
            self._fail(self._failures.unreadable("a line is not JSON"))
        return True

    def _finish(self, choice: Choice, gathered: "Gathered") -> None:
        self.finished = True
        gathered.close(Finish(_FINISHES.get(choice.finish_reason or "", "stop")))

    def _whole(self, body: bytes) -> list[Chunk]:
        """The chunks of a server that does not stream."""
        try:
            event = _decode(body)
        except _UNREADABLE:
            self._fail(self._failures.unreadable("its answer is not JSON"))
            return []
        if event.error:
            self._fail(self._failures.told(event.error))
            return []
        choice = event.choices[0] if event.choices else None
        if choice is None or (said := choice.message or choice.delta) is None:
            self._fail(self._failures.unreadable("its answer holds no message"))
            return []
        gathered = Gathered(self._calls)
        gathered.add(said)
        self._finish(choice, gathered)
        gathered.usage = event.usage
        return gathered.chunks()


def _is_whole(line: bytes) -> bool:
    """Whether a line without an end is an event all the same, and not the first half of one."""
    try:
        _decode(line.removeprefix(b"data:"))
    except _UNREADABLE:
        return line.removeprefix(b"data:").strip() == b"[DONE]"
    return True
