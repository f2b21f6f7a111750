"""A model's server that refuses what it does not take, and answers everything else."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Body = dict[str, Any]
Rule = tuple[Callable[[Body], bool], tuple[int, Body]]
FINE = {"choices": [{"delta": {"content": "fine"}, "finish_reason": "stop"}]}


class Refuser:
    """Plays by rules: the first that holds of a body refuses it with a status and a document.

    `asked` are the bodies, `refused` counts those that were refused. `documents` are answers by path, such as that to
    `/v1/models`, or a status and an answer; any other path is a 404. `stream` is the answer of
    another protocol, at the path `only`.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        documents: Mapping[str, Any] | None = None,
        stream: bytes | None = None,
        only: str = "/{path:.*}",
    ) -> None:
        self._only = only
        self._rules = rules
        self._stream = stream
        self._documents = documents or {}
        self._runner: web.AppRunner | None = None
        self.asked: list[Body] = []
        self.refused = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        if self._stream is not None:
            app.router.add_post(self._only, self._complete)
        app.router.add_route("*", "/{path:.*}", self._tell)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _tell(self, request: web.Request) -> web.Response:
        document = self._documents.get(request.path, (404, {"error": "404"}))
        status, document = document if isinstance(document, tuple) else (200, document)
        return web.json_response(document, status=status)

    async def _complete(self, request: web.Request) -> web.Response:
        body: Body = await request.json()
        self.asked.append(body)
        for refuses, (status, document) in self._rules:
            if refuses(body):
                self.refused += 1
                return web.json_response(document, status=status)
        events = self._stream or b"data: " + json.dumps(FINE).encode() + b"\n\ndata: [DONE]\n\n"
        return web.Response(body=events, content_type="text/event-stream")
