"""Parses the bytes of an answer into chunks, regardless of how the network splits them.

Sources: WHATWG HTML, "Server-sent events" (byte order mark, line ends, comments, data over several lines); OpenAI API
reference, "The chat completion chunk object". In addition, servers send events without blank lines between them, JSON
lines, or one JSON document, with any content type.
"""

from typing import Any

import msgspec

from projectdavid.adapters.providers.http.error_bodies import find_bare_error
from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.adapters.providers.http.line_reader import LineReader
from projectdavid.adapters.providers.openai_compatible.answer_collector import AnswerCollector
from projectdavid.adapters.providers.openai_compatible.call_text import Offered
from projectdavid.adapters.providers.openai_compatible.event_repair import EventRepair
from projectdavid.adapters.providers.openai_compatible.finish_reasons import find_ending
from projectdavid.adapters.providers.openai_compatible.wire import MessageDelta, StreamChoice, StreamEvent
from projectdavid.engine.deltas import Chunk
from projectdavid.ports.model import ModelError

_DONE = frozenset({b"[DONE]", b'"[DONE]"', b"DONE"})
_PINGS = frozenset({b"ping", b"heartbeat", b"keepalive", b"keep-alive"})
"""Names of events that only keep the connection open."""
_UNFINISHED = frozenset({"null", "none", "undefined"})
"""Finish reasons of servers that write the absence of one as text."""

_NONE_OFFERED: Offered = {}
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder(StreamEvent).decode


class StreamReader(LineReader):
    """The parser of one answer.

    `finished` is True once the model has finished, `done` once nothing more needs to be read. `failure` is the error to
    raise after the chunks before it have been emitted. `offered`: the functions that were offered. `opened`: whether
    the model's answers begin inside of reasoning, None if unknown.
    """

    __slots__ = (
        *("_began", "_collector", "_document", "_event_name", "_messages", "_repair", "_understood"),
        "finished",
    )

    def __init__(
        self, failures: FailureParser, *, offered: Offered = _NONE_OFFERED, opened: bool | None = False
    ) -> None:
        super().__init__(failures)
        self.finished = False
        self._collector = AnswerCollector(offered=offered, opened=opened)
        self._repair = EventRepair()
        self._document = False
        self._began = False
        """True once a message has begun, even if it is still empty."""
        self._messages = False
        """True once an event with a message, not a delta, has been added."""
        self._event_name = b""
        self._understood = False
        """True once an event of the protocol has been parsed."""

    @property
    def usage_reported(self) -> bool:
        """Whether the server reported the usage."""
        return self._collector.usage_reported

    @property
    def opened(self) -> bool | None:
        """Whether the answer began inside of reasoning; None if unknown."""
        return self._collector.opened

    def end(self) -> list[Chunk]:
        """End the answer, because the server has closed the connection; return the remaining chunks."""
        rest = b"".join(self._pending)
        self._pending.clear()
        whole = self._document or self._is_whole(rest.removeprefix(b"data:"))
        chunks = self._take_lines([rest]) if rest and whole and self.failure is None else []
        if self._partial and self.failure is None and not self.finished:
            chunks += self._end_partial()
        self.done = True
        if not self.finished and self.failure is None:
            self.failure = self._build_end_error()
        self._collector.end()
        return chunks + self._collector.take()

    def _take_lines(self, lines: list[bytes]) -> list[Chunk]:
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
                        self._began = True  # fast path for most events: the next token
                        add(choices[0].delta)
                        continue
                    self._take(event, line[5:])
            elif line or partial or self._event_name:
                self._take_line(line)
            if self.done:
                break
        return self._collector.take()

    def _take_line(self, line: bytes) -> None:
        """Add a line that is not a complete event."""
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
        """Return True if a line is a complete event."""
        try:
            msgspec.json.decode(line, type=dict[str, msgspec.Raw] | list[msgspec.Raw])
        except _UNREADABLE:
            return line.strip() in _DONE
        return True

    def _add(self, payload: bytes) -> None:
        """Add the data of one line: an event, or a part of one."""
        if self._partial:
            payload = b"\n".join((*self._partial, payload))
        try:
            event = _decode(payload)
        except _UNREADABLE:
            self._add_unreadable(payload)
        else:
            self._take(event, payload)

    def _add_unreadable(self, payload: bytes) -> None:
        """Add data that is not an event of the protocol as it stands."""
        text = payload.strip()
        while text[:5] == b"data:":  # a proxy framed the stream twice
            text = text[5:].strip()
        if (repaired := self._repair.repair(text)) is not None:
            self._take(_decode(repaired), repaired)
        elif text in _DONE:
            self._end_stream()
        elif text[:1] in (b"{", b"["):
            self._partial[:] = [payload]
            self._size = len(payload)
            self._grow(b"")
        elif self._event_name == b"error":
            self._fail(self._failures.parse_error(text.decode(errors="replace")))
        elif text[:1] != b":" and self._event_name not in _PINGS and not _is_scalar(text):
            self._fail(self._failures.build_unreadable(f"an event is not a JSON object: {_quote(text)}"))

    def _end_stream(self) -> None:
        self.done = True
        if self.finished or self._collector.spoke:
            self.finished = True
            self._collector.end()
        else:
            self._fail(self._failures.build_unreadable(f"it ends without content{self._quote_head()}"))

    def _end_event(self) -> None:
        """End an event at a blank line; fail if it is incomplete."""
        self._event_name = b""
        if self._partial:
            self._fail(self._failures.build_unreadable("an event is not JSON"))

    def _end_partial(self) -> list[Chunk]:
        """Parse the end of a document, or of an interrupted event."""
        text = b"\n".join(self._partial)
        self._partial.clear()
        repaired = self._repair.repair(text)
        if repaired is not None:
            self._take(_decode(repaired), repaired)
        elif self._document:
            self._fail(self._failures.build_unreadable("the document is not JSON of the protocol"))
        return self._collector.take()

    def _take(self, event: StreamEvent, payload: bytes) -> None:
        self._understood = True
        if self._partial:
            self._partial.clear()
            self._size = 0
        if error := _error_in(event, payload, self._event_name):
            self._fail(self._failures.parse_error(error))
            return
        if event.usage is not None:
            self._collector.usage = event.usage
        if not event.choices:
            return
        choice = event.choices[0]
        said = choice.delta or choice.message or (MessageDelta(choice.text) if choice.text else None)
        # Some servers repeat the whole answer as a message after its deltas.
        if said is not None and (choice.delta or self._messages or not self._collector.spoke):
            self._began = True
            self._messages = self._messages or choice.delta is None
            self._collector.add(said)
        reason = "" if choice.finish_reason is None else str(choice.finish_reason)
        if reason and reason.lower() not in _UNFINISHED:
            self._finish(choice, reason)
        elif choice.message is not None and choice.delta is None:
            self._finish(choice, "stop")  # a complete answer may lack a finish reason

    def _finish(self, choice: StreamChoice, reason: str) -> None:
        ending = find_ending(reason)
        if ending.finish is None:
            self._fail(self._failures.build_ending(reason, choice.error, retryable=ending.retryable))
        elif not self.finished:
            self.finished = True
            self._collector.finish(ending.finish)

    def _build_end_error(self) -> ModelError:
        """Return the error for an answer that ended before the model finished."""
        if self._began or not self._head:
            return self._failures.build_interruption()
        if self._understood:
            return self._failures.build_unreadable("it contains no message")
        return self._failures.build_unreadable(f"it contains no event of the protocol{self._quote_head()}")

    def _quote_head(self) -> str:
        """Return the beginning of an answer without any event of the protocol, for the error."""
        if self._began or self._understood:
            return ""
        return f": it begins with {_quote(self._head)}"


def _error_in(event: StreamEvent, payload: bytes, name: bytes) -> Any:
    """Return the error in an event, in any envelope; None if the event is not an error."""
    if event.error or event.choices is not None or event.usage is not None:
        return event.error
    return find_bare_error(msgspec.json.decode(payload), named=name == b"error")


def _is_scalar(text: bytes) -> bool:
    """Return True for the JSON values that some servers send to keep the connection open: null, "" and numbers."""
    try:
        return not msgspec.json.decode(text or b"null", type=None | float | bool | str) or not text.startswith(b'"')
    except _UNREADABLE:
        return False


def _quote(text: bytes) -> str:
    return f"{text[:80].decode(errors='replace')!a}"
