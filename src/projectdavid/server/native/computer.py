"""The viewer of a thread's terminal: a ticket by HTTP, and what the terminal shows over a WebSocket."""

import re
from typing import Annotated

from fastapi import Query, Request, Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from projectdavid.protocol.computer import ComputerSession
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.errors import ApiError, envelope, missing
from projectdavid.server.native.wire import router
from projectdavid.server.objects.finding import find
from projectdavid.server.platform import Platform
from projectdavid.server.tickets import LIFETIME, NoTicket, Ticket, ticket_of
from projectdavid.server.viewing import MAX_VIEWERS, Viewer

router = router("computer")

PATH = "/ws/computer"
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")

RoomId = Annotated[str, Query(max_length=64, description="The id of the thread.")]


@router.get("/computer/session", response_model=ComputerSession)
async def create_session(room_id: RoomId, caller: Auth, request: Request) -> Response:
    """A ticket to watch the terminal of a thread: for 30 seconds, it opens `ws_url?room=...&token=...`."""
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
        viewer = await _admitted(websocket, platform)
    except ApiError as error:
        await websocket.send_denial_response(envelope(error))
        return
    if platform.terminals is None:
        error = ApiError(503, "tool_unavailable", "The tool computer is off on this server; /health says why.")
        await websocket.send_denial_response(envelope(error))
        return
    await viewer.serve(platform.terminals)


terminal = WebSocketRoute(PATH, watch)


async def _admitted(websocket: WebSocket, platform: Platform) -> Viewer:
    asked = websocket.query_params
    # uvicorn logs the URL of each connection, and the token is none of the log's business.
    websocket.scope["query_string"] = b""
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
    if platform.viewers[ticket.owner] >= MAX_VIEWERS:
        raise ApiError(429, "too_many_viewers", f"At most {MAX_VIEWERS} connections watch at once; close some.")
    return viewer


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
