"""Turn the bytes of an answer into chunks, whatever way the network cut them.

Sources: WHATWG HTML, "Server-sent events" (byte order mark, line ends, comments, data over several lines); OpenAI API
reference, "The chat completion chunk object". Beyond these, servers send events without blank lines between them, JSON
lines, or one whole JSON document, with any content type.
"""

from typing import Any

import msgspec

from projectdavid.adapters.providers.openai_compatible.answer_collector import AnswerCollector
from projectdavid.adapters.providers.openai_compatible.failures import FailureParser
from projectdavid.adapters.providers.openai_compatible.finish_reasons import find_ending
from projectdavid.adapters.providers.openai_compatible.wire import StreamChoice, StreamEvent
from projectdavid.engine.deltas import Chunk
from projectdavid.ports.model import ModelError

MAX_BUFFERED = 4 * 1024 * 1024
"""Bytes kept of an event (or of a whole document) that has not ended yet."""
_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"event", b"id", b"retry")

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder(StreamEvent).decode


class StreamReader:
    """One answer on its way in.

    `finished` is true once the model has said why it stopped, `done` once nothing more needs to be read, and `failure`
    is what to raise after the chunks that came before it were handed on. `calls` says whether functions were offered.
    """

    __slots__ = (
        *("_began", "_collector", "_document", "_event_name", "_failures", "_head", "_partial", "_pending", "_size"),
        *("_skip_lf", "_sniffing", "_understood"),
        *("done", "failure", "finished"),
    )

    def __init__(self, failures: FailureParser, *, calls: bool = False) -> None:
        self.done = False
        self.finished = False
        self.failure: ModelError | None = None
        self._failures = failures
        self._collector = AnswerCollector(calls=calls)
        self._pending: list[bytes] = []
        """The line that has not ended yet."""
        self._partial: list[bytes] = []
        """The lines of an event, or of a document, that is not whole JSON yet."""
        self._size = 0
        """Bytes in both."""
        self._document = False
        self._began = False
        """True once a message has begun, even if it says nothing yet."""
        self._event_name = b""
        self._sniffing = True
        self._head = b""
        """How the answer begins."""
        self._understood = False
        """True once an event was one of the protocol."""
        self._skip_lf = False

    @property
    def usage_reported(self) -> bool:
        """Whether the server reported what the answer took."""
        return self._collector.usage_reported

    def feed(self, data: bytes) -> list[Chunk]:
        """Take in what one read brought; returns the chunks that it completed."""
        if self._sniffing and (data := self._begin(data)) == b"":
            return []
        end = data.rfind(b"\n")
        if self._skip_lf or b"\r" in data:
            data, end = self._with_line_feeds(data)
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
        return self._lines(whole.split(b"\n"))

    def end(self) -> list[Chunk]:
        """The server has closed; returns the chunks of what had no end."""
        rest = b"".join(self._pending)
        self._pending.clear()
        whole = self._document or self._is_whole(rest.removeprefix(b"data:"))
        chunks = self._lines([rest]) if rest and whole and self.failure is None else []
        if self._partial and self.failure is None and not self.finished:
            chunks += self._end_partial()
        self.done = True
        if not self.finished and self.failure is None:
            self.failure = self._unfinished()
        self._collector.end()
        return chunks + self._collector.take()

    def _begin(self, data: bytes) -> bytes:
        """Look at the first bytes of the answer: skip a byte order mark, and notice a web page."""
        data = b"".join((*self._pending, data))
        self._pending.clear()
        start = data.removeprefix(_BOM).lstrip()
        if not start or _BOM.startswith(data):
            self._pending.append(data)
            return b""
        self._sniffing = False
        self._head = start[:80]
        if start[:1] == b"<":
            self._fail(self._failures.web_page())
            return b""
        return data.removeprefix(_BOM)

    def _with_line_feeds(self, data: bytes) -> tuple[bytes, int]:
        """The same lines, all ended by line feeds, and the place of the last end."""
        if self._skip_lf:
            data = data.removeprefix(b"\n")
        self._skip_lf = data.endswith(b"\r")
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data, data.rfind(b"\n")

    def _keep(self, data: bytes) -> None:
        # Joined only when the line ends: a long line in small reads would otherwise be copied again at every read.
        self._pending.append(data)
        self._grow(data)

    def _grow(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_BUFFERED:
            self._fail(self._failures.unreadable(f"an event is longer than {MAX_BUFFERED} bytes"))

    def _fail(self, failure: ModelError) -> None:
        self.done = True
        self.failure = failure

    def _lines(self, lines: list[bytes]) -> list[Chunk]:
        add, partial = self._collector.add, self._partial
        for line in lines:
            if line[:5] == b"data:" and not partial:
                try:
                    event = _decode(line[5:])
                except _UNREADABLE:
                    self._add_unreadable(line[5:])
                else:
                    choices = event.choices
                    if choices and choices[0].delta and not (choices[0].finish_reason or event.error or event.usage):
                        self._began = True  # nearly every event: the next token
                        add(choices[0].delta)
                        continue
                    self._take(event, line[5:])
            elif line or partial or self._event_name:
                self._take_line(line)
            if self.done:
                break
        return self._collector.take()

    def _take_line(self, line: bytes) -> None:
        """Take in a line that is not a whole event."""
        if self._document:
            self._partial.append(line)
            self._grow(line)
        elif line[:5] == b"data:":
            self._add(line[5:])
        elif not line:
            self._end_event()
        elif line[:1] in (b"{", b"[") and not self._partial:
            self._document = not self._is_whole(line)
            self._add(line)
        elif line[:6] == b"event:":
            self._event_name = line[6:].strip()

    def _is_whole(self, line: bytes) -> bool:
        """True if a line ends where an event does: an event that breaks off does not count."""
        try:
            msgspec.json.decode(line, type=dict[str, msgspec.Raw] | list[msgspec.Raw])
        except _UNREADABLE:
            return line.strip() == b"[DONE]"
        return True

    def _add(self, payload: bytes) -> None:
        """Take in the data of one line: an event, or a part of one."""
        if self._partial:
            payload = b"\n".join((*self._partial, payload))
        try:
            event = _decode(payload)
        except _UNREADABLE:
            self._add_unreadable(payload)
            return
        if self._partial:
            self._partial.clear()
            self._size = 0
        self._take(event, payload)

    def _add_unreadable(self, payload: bytes) -> None:
        text = payload.strip()
        if text == b"[DONE]":
            self.done = True
            if self.finished or self._collector.spoke:
                self.finished = True
                self._collector.end()
            else:
                self._fail(self._failures.unreadable(f"its answer ends without saying anything{self._quote()}"))
        elif text[:1] in (b"{", b"["):
            self._partial[:] = [payload]
            self._size = len(payload)
            self._grow(b"")
        elif text and text != b"null":  # which some servers send to keep the connection open
            self._fail(self._failures.unreadable("an event is not a JSON object"))

    def _end_event(self) -> None:
        """A blank line ends an event, and so one that is not whole."""
        self._event_name = b""
        if self._partial:
            self._fail(self._failures.unreadable("an event is not JSON"))

    def _end_partial(self) -> list[Chunk]:
        """The end of a document, or of an event that breaks off."""
        text = b"\n".join(self._partial)
        self._partial.clear()
        try:
            event = _decode(text)
        except _UNREADABLE:
            if self._document:
                self._fail(self._failures.unreadable("its answer is not JSON of the protocol"))
            return []
        self._take(event, text)
        return self._collector.take()

    def _take(self, event: StreamEvent, payload: bytes) -> None:
        self._understood = True
        if error := _error_in(event, payload, self._event_name):
            self._fail(self._failures.told(error))
            return
        if event.usage is not None:
            self._collector.usage = event.usage
        if not event.choices:
            return
        choice = event.choices[0]
        said = choice.delta or choice.message
        if said is not None:
            self._began = True
            self._collector.add(said)
        if choice.finish_reason:
            self._finish(choice, str(choice.finish_reason))
        elif choice.message is not None and choice.delta is None:
            self._finish(choice, "stop")  # a whole answer has ended, whether it says why or not

    def _finish(self, choice: StreamChoice, reason: str) -> None:
        ending = find_ending(reason)
        if ending.finish is None:
            self._fail(self._failures.ended(reason, choice.error, retryable=ending.retryable))
        elif not self.finished:
            self.finished = True
            self._collector.finish(ending.finish)

    def _unfinished(self) -> ModelError:
        """What an end is that comes before the model's."""
        if self._began or not self._head:
            return self._failures.broke_off()
        if self._understood:
            return self._failures.unreadable("its answer holds no message")
        return self._failures.unreadable(f"its answer holds no event of the protocol{self._quote()}")

    def _quote(self) -> str:
        """How an answer begins of which nothing was understood."""
        if self._began or self._understood:
            return ""
        return f": it begins with {self._head.decode(errors='replace')!a}"


def _error_in(event: StreamEvent, payload: bytes, name: bytes) -> Any:
    """The error that an event is, whatever way it is wrapped; None if it is not one."""
    if event.error or event.choices is not None or event.usage is not None:
        return event.error
    bare: dict[str, Any] = msgspec.json.decode(payload)
    if name == b"error" or bare.get("object") == "error":
        return bare
    return bare if bare.get("message") or bare.get("detail") else None
