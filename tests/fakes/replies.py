"""What the fake model says: the directives of a message, and the bytes that they lead to."""

import json
import re
import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

ALWAYS = 1 << 30
PROMPT_TOKENS = 7
GREETING = "Hello from the fake model."
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"

_DIRECTIVE = re.compile(
    r"\[(tokens|delay|say|call|badargs|reason|finish|nousage|nodone|status|break|hang|echo|fragment|turns)(=|\])"
)
_SHELL = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1, "model": "fake-model"}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that goes wrong `times` times: `value` is a status or a number of deltas."""

    value: int
    times: int
    code: str | None = None
    retry_after: str | None = None


@dataclass(slots=True)
class Directives:
    """What the last message of the user asks the fake for."""

    tokens: int | None = None
    delay: float = 0.0
    say: str | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    badargs: list[str] = field(default_factory=list)
    reason: str = ""
    finish: str | None = None
    nousage: bool = False
    nodone: bool = False
    echo: bool = False
    fragment: bool = False
    turns: int = 0
    status: Trouble | None = None
    break_: Trouble | None = None
    hang: Trouble | None = None
    burst: bool = True
    """Nothing but a number of tokens, at once."""


@lru_cache(maxsize=1024)
def directives(text: str) -> Directives:
    """The directives within a text; everything else in it is ignored.

    Raises:
        ValueError: a directive has no value, or one that makes no sense.
    """
    found = Directives()
    at = 0
    while match := _DIRECTIVE.search(text, at):
        name, at = match[1], match.end()
        if match[2] == "]":
            _switch(found, name)
        elif name == "call":
            at = _call(found, text, at)
        else:
            end = text.index("]", at)
            _set(found, name, text[at:end])
            at = end + 1
    found.burst = found == Directives(tokens=found.tokens)
    return found


def _switch(found: Directives, name: str) -> None:
    if name not in ("nousage", "nodone", "echo", "fragment"):
        raise ValueError(f"[{name}] needs a value")
    setattr(found, name, True)


def _call(found: Directives, text: str, at: int) -> int:
    match = re.compile(r"([\w.-]+)(:?)").match(text, at)
    if match is None:
        raise ValueError("[call=] needs a name")
    arguments, end = "{}", match.end()
    if match[2]:
        _, end = json.JSONDecoder().raw_decode(text, match.end())
        arguments = text[match.end() : end]
    found.calls.append((match[1], arguments))
    return end + 1


def _set(found: Directives, name: str, value: str) -> None:
    first, *more = value.split(",")
    match name:
        case "tokens" | "turns":
            setattr(found, name, int(value))
        case "delay":
            found.delay = float(value)
        case "badargs":
            found.badargs.append(value)
        case "status" | "break" | "hang":
            options = dict(option.split("=", 1) for option in more)
            times = int(options.get("times", 1 if name == "break" else ALWAYS))
            trouble = Trouble(int(first), times, options.get("code"), options.get("retry_after"))
            setattr(found, "break_" if name == "break" else name, trouble)
        case _:
            setattr(found, name, value)


@dataclass(slots=True)
class Reply:
    """One answer of the model."""

    deltas: list[dict[str, Any]]
    finish: str
    usage: bool = True
    done: bool = True

    def events(self) -> list[bytes]:
        """The answer as HTTP chunks, one for each event: the role, the deltas, and what ends it."""
        events = [event(delta={"role": "assistant", "content": ""}), *(event(delta=delta) for delta in self.deltas)]
        events.append(event(delta={}, finish=self.finish))
        if self.usage:
            events.append(http_chunk(b"data: %b\n\n" % _encode({**_SHELL, "choices": [], "usage": self._usage()})))
        if self.done:
            events.append(http_chunk(b"data: [DONE]\n\n"))
        return events

    def document(self) -> bytes:
        """The answer as one JSON document, for a client that did not ask for a stream."""
        calls = [delta["tool_calls"][0] for delta in self.deltas if "tool_calls" in delta]
        whole: dict[int, dict[str, Any]] = {}
        for call in calls:
            known = whole.setdefault(call["index"], {**call, "function": {**call["function"], "arguments": ""}})
            known["function"]["arguments"] += call["function"]["arguments"]
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(delta.get("content", "") for delta in self.deltas) or None,
        }
        if whole:
            message["tool_calls"] = list(whole.values())
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        return _encode({**_SHELL, "object": "chat.completion", "choices": [choice], "usage": self._usage()})

    def _usage(self) -> dict[str, int]:
        spent = len(self.deltas)
        return {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": spent, "total_tokens": PROMPT_TOKENS + spent}


def reply(asked: Directives, messages: Any, outputs: list[str], *, turn: int, bad: bool, usage: bool) -> Reply:
    """The answer for these directives; `bad` says whether to write the arguments of `badargs` wrong."""
    calls: list[tuple[str, str]] = []
    if not outputs or turn < asked.turns:
        calls = [*asked.calls, *((name, '{"broken": ' if bad else "{}") for name in asked.badargs)]
    deltas: list[dict[str, Any]] = [{"reasoning_content": word} for word in words(asked.reason)]
    deltas += [{"content": word} for word in _text(asked, messages, outputs, silent=bool(calls))]
    for index, (name, arguments) in enumerate(calls):
        deltas += _call_deltas(index, name, arguments)
    finish = asked.finish or ("tool_calls" if calls else "stop")
    return Reply(deltas, finish, usage and not asked.nousage, not asked.nodone)


def _text(asked: Directives, messages: Any, outputs: list[str], *, silent: bool) -> list[str]:
    if asked.echo and not silent:
        heard = [{"role": message.role, "content": message.content} for message in messages]
        return words(_encode(heard).decode())
    if outputs and not silent:
        return words(f"The tools said: {'; '.join(outputs)}")
    said = words(asked.say or "")
    if asked.tokens is not None:
        said += numbered(asked.tokens)
    return said if said or silent or asked.say is not None or asked.tokens is not None else words(GREETING)


def _call_deltas(index: int, name: str, arguments: str) -> list[dict[str, Any]]:
    call_id = f"call_{uuid.uuid4().hex[:16]}"
    pieces = [arguments[at : at + 16] for at in range(0, len(arguments), 16)]
    first = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    more = ({"index": index, "function": {"arguments": piece}} for piece in pieces)
    return [{"tool_calls": [call]} for call in (first, *more)]


def words(text: str) -> list[str]:
    """The words of a text, with the space in front, so that joined they are the text again."""
    first, *more = text.split(" ")
    return [word for word in (first, *(f" {word}" for word in more)) if word]


def numbered(count: int) -> list[str]:
    """The tokens of `[tokens=count]`."""
    return ["w0", *(f" w{number}" for number in range(1, count))][:count]


def http_chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(*, delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One event of a stream, in an HTTP chunk of its own, as real servers send them."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return http_chunk(b"data: %b\n\n" % _encode({**_SHELL, "choices": [choice]}))


@lru_cache(maxsize=256)
def burst(tokens: int | None, *, usage: bool) -> bytes:
    """A whole response, head and all."""
    said = words(GREETING) if tokens is None else numbered(tokens)
    events = Reply([{"content": word} for word in said], "stop", usage).events()
    return b"".join((STREAM_HEAD, *events, LAST_CHUNK))
