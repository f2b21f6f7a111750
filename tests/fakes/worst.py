"""A model's server that is as unkind as real ones are allowed to be, all at once.

It plays the scenes of a script over HTTP. It refuses what some real server refuses, each in the words of another one:
fields that it does not know, the system role, roles that do not alternate, empty or null content, lists of content,
prompts above a small window, calls whose reasoning does not come back. The first request finds it loading. Its streams
have a byte order mark, lone CR line ends, comments and bytes cut anywhere; thoughts stand in `<think>` tags; calls
come whole, without an index, with ids that repeat or are missing, and end with `stop`; usage comes at the very end.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import cycle, pairwise
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest, PromptCall, PromptMessage
from projectdavid.ports.model import ModelError

Body = dict[str, Any]
Refusal = tuple[int, Body]
WINDOW = 6_000
"""Tokens that fit; three characters count as one."""
KNOWN = {
    *("model", "messages", "stream", "tools", "tool_choice", "max_completion_tokens", "temperature", "top_p"),
    *("response_format", "reasoning_effort"),
}
SIZES = (1, 2, 3, 5, 8, 64, 7)
"""Bytes of the pieces in which a stream comes."""


def _says(message: str, status: int = 400, **more: Any) -> Refusal:
    return status, {"error": {"message": message, "type": "invalid_request_error", **more}}


def _unknown_field(body: Body) -> Refusal | None:
    for field in body:
        if field not in KNOWN:
            detail = {"type": "extra_forbidden", "loc": ["body", field], "msg": "Extra inputs are not permitted"}
            return 422, {"detail": [detail]}
    for tool in body.get("tools", ()):
        if "strict" in tool["function"]:
            return _says("Unrecognized request argument supplied: strict")
    return None


def _bad_content(body: Body) -> Refusal | None:
    for message in body["messages"]:
        content = message.get("content", "")
        if content is None and "content" in message:
            return _says("'content' field must be a string, got null")
        if isinstance(content, list):
            return _says("messages: content must be a string")
        if not content and not message.get("tool_calls"):
            return _says("messages: text content blocks must be non-empty")
    return None


def _bad_roles(body: Body) -> Refusal | None:
    roles = [message["role"] for message in body["messages"]]
    if "system" in roles or "developer" in roles:
        return _says("System role not supported", 500)
    talk = [role for role in roles if role != "tool"]
    if talk[:1] != ["user"] or any(one == other == "user" for one, other in pairwise(roles)):
        return _says("Conversation roles must alternate user/assistant/user/assistant/...")
    return None


def _lost_reasoning(body: Body) -> Refusal | None:
    for message in body["messages"]:
        if message.get("tool_calls") and not message.get("reasoning_content"):
            return _says("The `reasoning_content` in the thinking mode must be passed back to the API.")
    return None


def _too_long(body: Body) -> Refusal | None:
    tokens = len(json.dumps(body["messages"], ensure_ascii=False)) // 3
    if tokens <= WINDOW:
        return None
    words = "try increasing it"
    return _says(f"request ({tokens} tokens) exceeds the available context size ({WINDOW} tokens), {words}")


RULES: Sequence[Callable[[Body], Refusal | None]] = (
    _unknown_field,
    _bad_roles,
    _bad_content,
    _lost_reasoning,
    _too_long,
)


class WorstAllowed:
    """The server; `asked` are the bodies that it took, `refused` what it answered to others."""

    def __init__(self, scene_for: Callable[[ModelRequest], Scene]) -> None:
        self._scene_for = scene_for
        self._runner: web.AppRunner | None = None
        self._loading = True
        self.asked: list[Body] = []
        self.refused: list[Refusal] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response([{"id": "hello", "object": None, "context_length": None}])

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body: Body = await request.json()
        if self._loading:
            self._loading = False
            loading = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
            return web.json_response(loading, status=503, headers={"Retry-After": "0"})
        for rule in RULES:
            if (refusal := rule(body)) is not None:
                self.refused.append(refusal)
                return web.json_response(refusal[1], status=refusal[0])
        self.asked.append(body)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        sizes = cycle(SIZES)
        async for event in _events(self._scene_for(_ask(body))):
            for piece in _cut(event, sizes):
                await response.write(piece)
            await asyncio.sleep(0)
        await response.write_eof()
        return response


def _cut(data: bytes, sizes: Iterator[int]) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = next(sizes)
        yield data[at : at + size]
        at += size


async def _events(scene: Scene) -> AsyncIterator[bytes]:
    """A scene in the words of such a server."""
    yield b"\xef\xbb\xbf: OPENROUTER PROCESSING\r\r"
    calls: dict[int, CallPart] = {}
    last: list[Chunk] = []
    spoken = False
    for step in scene:
        if isinstance(step, asyncio.Event):
            await step.wait()
            continue
        if isinstance(step, ModelError):
            status = 500 if step.retryable else 401  # final, and no refusal of what was sent
            yield b"event: error\r" + _data({"error": {"message": step.message, "code": status}})
            return
        for chunk in step:
            if isinstance(chunk, TextDelta):
                thought = "" if spoken else "<think>Let me see.</think>"
                spoken = True
                yield _delta({"content": thought + "".join(chunk.parts)})
                yield b": keep-alive\r"
            elif isinstance(chunk, CallPart):
                known = calls.get(chunk.index, CallPart(chunk.index))
                calls[chunk.index] = CallPart(
                    chunk.index, name=known.name or chunk.name, arguments=known.arguments + chunk.arguments
                )
            else:
                last.append(chunk)
    if calls:
        yield _delta({"role": None, "content": None, "reasoning_content": "Because."})
    for call in calls.values():
        yield _delta({"tool_calls": [_whole(call)]})
    for event in _ends(last):
        yield event
    yield b"data:[DONE]\r\r"


def _whole(call: CallPart) -> Body:
    """A call at once: no index; every other id is missing, and all others are the same."""
    whole = {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    return whole if call.index % 2 else {"id": "call_1", **whole}


def _ends(last: Iterable[Chunk]) -> Iterator[bytes]:
    for chunk in last:
        if isinstance(chunk, FinishDelta):
            reason = "stop" if chunk.reason == "tool_calls" else chunk.reason
            yield _data({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        elif isinstance(chunk, TokenUsage):
            usage = {"prompt_tokens": chunk.prompt_tokens, "completion_tokens": chunk.completion_tokens}
            yield _data({"choices": [], "usage": {**usage, "total_tokens": None}})


def _delta(delta: Body) -> bytes:
    return _data({"id": "", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None})


def _data(event: Body) -> bytes:
    """An event with lone CR line ends, an id, and its JSON over two lines."""
    text = json.dumps(event, ensure_ascii=False)
    return f"id: 7\rdata:{text[:1]}\rdata: {text[1:]}\r\r".encode()


def _ask(body: Body) -> ModelRequest:
    """The question as a script knows it."""
    messages = tuple(
        PromptMessage(
            message["role"],
            message.get("content") or "",
            tuple(
                PromptCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls", ())
            ),
            message.get("tool_call_id"),
        )
        for message in body["messages"]
    )
    tools = tuple(tool["function"] for tool in body.get("tools", ()))
    return ModelRequest(
        body["model"], messages, tools, body.get("tool_choice"), max_tokens=body.get("max_completion_tokens")
    )
