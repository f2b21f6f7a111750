"""Viewers of a thread's terminal: a ticket over HTTP, and the output over a WebSocket."""

import re
from contextlib import AsyncExitStack
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Query, Request, Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import ApiError, envelope, missing_error, translate
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth
from projectdavid.api.resources.lookup import find
from projectdavid.api.terminal_viewers import MAX_VIEWERS, TerminalViewer
from projectdavid.ports import queries
from projectdavid.ports.store import Op, StoreUnavailable, UniqueClash, Value
from projectdavid.ports.terminal import TerminalService
from projectdavid.protocol.computer import ComputerSession
from projectdavid.security.tickets import LIFETIME, InvalidTicket, ViewerTicket, read_ticket
from projectdavid.services.platform import Platform
from projectdavid.services.terminal_relay import TerminalUnreachable
from projectdavid.settings import Settings

router = router("computer")

PATH = "/ws/computer"
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")

RoomId = Annotated[str, Query(max_length=64, description="The id of the thread.")]


@router.get("/computer/session", response_model=ComputerSession)
async def create_session(room_id: RoomId, caller: Auth, request: Request) -> Response:
    """Create a ticket to watch a thread's terminal: within 30 seconds, it opens `ws_url?room=...&token=...` once."""
    await find(caller.view, queries.THREAD, room_id, "room_id")
    platform = caller.platform
    ticket = ViewerTicket(caller.user_id, room_id, caller.key_prefix, platform.clock() + LIFETIME)
    url = _url(request, platform.settings.public_url)
    answer = {"room_id": room_id, "token": ticket.sign(platform.secret), "ws_url": url}
    return json_answer(answer, headers={"cache-control": "no-store"})


async def watch(websocket: WebSocket) -> None:
    """Stream a terminal to the holder of a ticket."""
    platform: Platform = websocket.app.state.platform
    async with AsyncExitStack() as opened:
        try:
            viewer, ticket = await _admit(websocket, platform)
            terminals = await _find_terminals(ticket.thread_id, platform, opened)
            await _use(ticket, platform)
            _check_room(ticket, platform)  # other viewers can have connected in the meantime
        except (ApiError, StoreUnavailable) as error:
            await websocket.send_denial_response(envelope(translate(error)))
            return
        await viewer.serve(terminals)


terminal = WebSocketRoute(PATH, watch)


async def _use(ticket: ViewerTicket, platform: Platform) -> None:
    """Record the use of a ticket in the store, so no process accepts it again.

    Raises:
        ApiError: 401, it was used before.
    """
    params: dict[str, Value] = {"id": ticket.id, "expires_at": ticket.expires_at}
    try:
        await platform.store.write([Op(queries.TICKET_USE, params, clash=UniqueClash("ticket", ticket.id))])
    except UniqueClash:
        message = "The token was already used: it opens one connection. GET /v1/computer/session creates another."
        raise ApiError(401, "invalid_token", message, "token") from None


def _check_origin(websocket: WebSocket, settings: Settings) -> None:
    """Check that a connecting page comes from this server, or from an allowed origin.

    Clients other than browsers send no `Origin`.

    Raises:
        ApiError: 403.
    """
    origin = websocket.headers.get("origin")
    if origin is None or {origin, "*"} & set(settings.viewer_origins):
        return
    own = [f"{scheme}://{websocket.headers.get('host', '')}" for scheme in ("http", "https")]
    own += [settings.public_url] if settings.public_url is not None else []
    asking = _place(origin)
    if asking is None or asking not in map(_place, own):
        message = f"Pages of the origin '{origin[:256]}' are not allowed; add it to the setting viewer_origins."
        raise ApiError(403, "origin_not_allowed", message)


def _place(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of a URL; None if it has none, like the origin `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (KeyError, ValueError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


async def _admit(websocket: WebSocket, platform: Platform) -> tuple[TerminalViewer, ViewerTicket]:
    asked = websocket.query_params
    # uvicorn logs the URL of each connection, and the token must not be logged.
    websocket.scope["query_string"] = b""
    _check_origin(websocket, platform.settings)
    try:
        ticket = read_ticket(asked.get("token", ""), platform.secret, platform.clock())
    except InvalidTicket as error:
        raise ApiError(401, "invalid_token", f"{error} GET /v1/computer/session creates one.", "token") from None
    if asked.get("room") != ticket.thread_id:
        raise ApiError(401, "invalid_token", "The token is for another thread.", "room")
    if asked.get("role", "viewer") != "viewer":
        raise ApiError(403, "observers_only", "Connections are read-only: the role must be 'viewer'.", "role")
    viewer = TerminalViewer(websocket, platform, ticket)
    if not await viewer.may_watch():
        raise missing_error("thread", ticket.thread_id, "room")
    _check_room(ticket, platform)
    return viewer, ticket


async def _find_terminals(thread_id: str, platform: Platform, opened: AsyncExitStack) -> TerminalService:
    """Return the terminals of this process, or a connection to that of the thread in another one, closed by `opened`.

    Raises:
        ApiError: 501, it runs in another process and cannot be reached; 503, the tool is off.
    """
    runs_none = platform.settings.role == "api"
    if not platform.store.exclusive:
        try:
            remote = await platform.relay.reach(thread_id)
            if remote is None and runs_none:
                remote = await platform.relay.await_first()
        except TerminalUnreachable:
            message = (
                "The terminal runs on another process of this server, which cannot be watched through this one."
                " Read the 'output' events of the run: GET /v1/runs/{run_id}/events."
            )
            raise ApiError(501, "terminal_not_reachable", message) from None
        if remote is not None:
            opened.push_async_callback(remote.close)
            return remote
    if platform.terminals is None:
        raise ApiError(503, "tool_unavailable", "The tool computer is off on this server; /health says why.")
    return platform.terminals


def _check_room(ticket: ViewerTicket, platform: Platform) -> None:
    if platform.viewers[ticket.owner] >= MAX_VIEWERS:
        raise ApiError(429, "too_many_viewers", f"At most {MAX_VIEWERS} connections can watch at once; close some.")


def _url(request: Request, public_url: str | None) -> str:
    """Return the URL of the WebSocket: the server's public URL, or the host of the request."""
    if public_url is not None:
        return f"ws{public_url.removeprefix('http').rstrip('/')}{PATH}"
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = request.url.netloc if _HOST.fullmatch(request.url.netloc) else "127.0.0.1"
    # Set by the proxy that terminates TLS; a forged header only misleads its sender.
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    return f"{'wss' if scheme == 'https' else 'ws'}://{host}{PATH}"
