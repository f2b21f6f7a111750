"""The lenient profile: makes possible requests of the impossible ones of the vendor's tests, and asks the real server.

Their tests check shapes, with ids that nobody has, with limits of 0, and with fields that exclude each other. The front
puts objects in the place of such ids that it makes for each request, and leaves out what cannot be. Every answer is
the server's own. It is a part of the tests alone: no request, and no setting, brings the server to do anything of this.
"""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.compat.vendor.seeds import Seeds

Json = Any
BASE = "/openai/v1"
MODEL = "scripted/script"
"""A model that there is, in the place of those that the tests name in paths."""
PLACES: dict[str, str] = {
    "assistant_id": "assistant",
    "thread_id": "thread",
    "message_id": "message",
    "run_id": "run",
    "step_id": "step",
    "file_id": "file",
    "file-abc123": "file",
    "vector_store_id": "store",
    "vs_abc123": "store",
    "batch_id": "batch",
    "vsfb_abc123": "batch",
    "upload_abc123": "upload",
}
"""What stands for the ids of paths, and of queries."""
FIELDS: dict[str, str] = {"assistant_id": "assistant", "file_id": "file"}
LISTS: dict[str, str] = {"file_ids": "file", "vector_store_ids": "store", "part_ids": "part"}
"""The same for the fields of bodies."""
OPEN_RUN = re.compile(r"/runs/run_id/(cancel|submit_tool_outputs)$")
"""The paths that want a run that is not over."""
DROPPED = {"after", "before"}
"""Cursors that name nothing."""


class Front:
    """An application in front of the server of a client."""

    def __init__(self, server: httpx2.AsyncClient) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        seeds = Seeds(self._server)
        path, query = await _path(request, seeds), await _query(request, seeds)
        content, kind = await request.body(), request.headers.get("content-type", "")
        if kind.startswith("application/json") and content:
            content = json.dumps(await _body(path, json.loads(content), seeds)).encode()
        headers = {"content-type": kind} if kind else {}
        answer = await self._server.request(request.method, f"{path}{query}", content=content, headers=headers)
        told = {name: answer.headers[name] for name in ("content-type", "x-request-id") if name in answer.headers}
        await Response(answer.content, answer.status_code, told)(scope, receive, send)


async def _path(request: Request, seeds: Seeds) -> str:
    path = request.url.path.removeprefix(BASE)
    if path.startswith("/models/"):
        return f"/models/{MODEL}"
    places = {**PLACES, "run_id": "waiting"} if OPEN_RUN.search(path) else PLACES
    parts = [await seeds.id_of(places[part]) if part in places else part for part in path.split("/")]
    return "/".join(parts)


async def _query(request: Request, seeds: Seeds) -> str:
    kept = [(name, value) for name, value in parse_qsl(request.url.query) if name not in DROPPED]
    pairs = [
        (name, "1" if name == "limit" else await seeds.id_of(PLACES[value]) if value in PLACES else value)
        for name, value in kept
    ]
    return f"?{urlencode(pairs)}" if pairs else ""


async def _body(path: str, body: Json, seeds: Seeds) -> Json:
    if path.endswith("/file_batches"):  # either of both has to be there
        body = {name: value for name, value in body.items() if name != "files"}
        body.setdefault("file_ids", ["string"])
    if "tool_outputs" in body:  # those of the calls that there are
        return {**body, "tool_outputs": await seeds.outputs()}
    if "md5" in body:
        body = {**body, "md5": seeds.md5}
    return await _filled(body, seeds)


async def _filled(value: Json, seeds: Seeds) -> Json:
    """The value with real ids; of two ways to name a vector store, the first."""
    if isinstance(value, list):
        return [await _filled(item, seeds) for item in value]
    if not isinstance(value, dict):
        return value
    filled: dict[str, Json] = {}
    for name, item in value.items():
        if name in FIELDS:
            filled[name] = await seeds.id_of(FIELDS[name])
        elif name in LISTS:
            filled[name] = [await seeds.id_of(LISTS[name])]
        elif name != "vector_stores" or "vector_store_ids" not in value:
            filled[name] = await _filled(item, seeds)
    return filled
