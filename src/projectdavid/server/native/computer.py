"""The viewer of a thread's terminal: a ticket by HTTP, and what the terminal shows over a WebSocket."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Query, Request, Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from projectdavid.ports.store import Clash, Op, Unavailable, Value
from projectdavid.protocol.computer import ComputerSession
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.errors import ApiError, envelope, missing, translate
from projectdavid.server.native.wire import router
from projectdavid.server.objects.finding import find
from projectdavid.server.platform import Platform
from projectdavid.server.settings import Settings
from projectdavid.server.tickets import LIFETIME, NoTicket, Ticket, ticket_of
from projectdavid.server.viewing import MAX_VIEWERS, Viewer

router = router("computer")

PATH = "/ws/computer"
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")

RoomId = Annotated[str, Query(max_length=64, description="The id of the thread.")]


@router.get("/computer/session", response_model=ComputerSession)
async def create_session(room_id: RoomId, caller: Auth, request: Request) -> Response:
    """A ticket to watch the terminal of a thread: within 30 seconds, it opens `ws_url?room=...&token=...` once."""
    await find(caller.view, "thread", room_id, "room_id")
    platform = caller.platform
    ticket = Ticket(caller.user_id, room_id, caller.key_prefix, platform.clock() + LIFETIME)
    url = _url(request, platform.settings.public_url)
    answer = {"room_id": room_id, "token": ticket.signed(platform.secret), "ws_url": url}
    return json_answer(answer, headers={"cache-control": "no-store"})


async def watch(websocket: WebSocket) -> None:
    """Show a terminal to who has a ticket for it."""
    platform: Platform = websocket.app.state.platform
    try:
        viewer, ticket = await _admitted(websocket, platform)
        if platform.terminals is None:
            raise ApiError(503, "tool_unavailable", "The tool computer is off on this server; /health says why.")
        await _use(ticket, platform)
        _check_room(ticket, platform)  # others can have connected while that was written
    except (ApiError, Unavailable) as error:
        await websocket.send_denial_response(envelope(translate(error)))
        return
    await viewer.serve(platform.terminals)


terminal = WebSocketRoute(PATH, watch)


async def _use(ticket: Ticket, platform: Platform) -> None:
    """Record in the store that a ticket was used, so that no process takes it again.

    Raises:
        ApiError: 401, it was used before.
    """
    params: dict[str, Value] = {"id": ticket.id, "expires_at": ticket.expires_at}
    try:
        await platform.store.write([Op("ticket_use", params, clash=Clash("ticket", ticket.id))])
    except Clash:
        message = "The token was used before: it opens one connection. GET /v1/computer/session makes another."
        raise ApiError(401, "invalid_token", message, "token") from None


def _check_origin(websocket: WebSocket, settings: Settings) -> None:
    """Check that a page which connects comes from this server, or from an origin that the operator allows.

    Programs that are no browsers send no `Origin`.

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
        message = (
            f"Pages of the origin '{origin[:256]}' may not watch; the setting viewer_origins names those that may."
        )
        raise ApiError(403, "origin_not_allowed", message)


def _place(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a URL; None if it names none, like the origin `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (KeyError, ValueError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


async def _admitted(websocket: WebSocket, platform: Platform) -> tuple[Viewer, Ticket]:
    asked = websocket.query_params
    # uvicorn logs the URL of each connection, and the token is none of the log's business.
    websocket.scope["query_string"] = b""
    _check_origin(websocket, platform.settings)
    try:
        ticket = ticket_of(asked.get("token", ""), platform.secret, platform.clock())
    except NoTicket as error:
        raise ApiError(401, "invalid_token", f"{error} GET /v1/computer/session makes one.", "token") from None
    if asked.get("room") != ticket.thread_id:
        raise ApiError(401, "invalid_token", "The token is for another thread.", "room")
    if asked.get("role", "viewer") != "viewer":
        raise ApiError(403, "observers_only", "A connection only watches: its role is 'viewer'.", "role")
    viewer = Viewer(websocket, platform, ticket)
    if not await viewer.may_watch():
        raise missing("thread", ticket.thread_id, "room")
    _check_room(ticket, platform)
    return viewer, ticket


def _check_room(ticket: Ticket, platform: Platform) -> None:
    if platform.viewers[ticket.owner] >= MAX_VIEWERS:
        raise ApiError(429, "too_many_viewers", f"At most {MAX_VIEWERS} connections watch at once; close some.")


def _url(request: Request, public_url: str | None) -> str:
    """Where the WebSocket is: where the operator says that the server is, else on the way on which the caller came."""
    if public_url is not None:
        return f"ws{public_url.removeprefix('http').rstrip('/')}{PATH}"
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = request.url.netloc if _HOST.fullmatch(request.url.netloc) else "127.0.0.1"
    # Told by the proxy that speaks HTTPS; who makes it up is told a wrong address, and nobody else is.
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    return f"{'wss' if scheme == 'https' else 'ws'}://{host}{PATH}"
