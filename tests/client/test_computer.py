"""Watch a thread's terminal with the SDK, async and sync alike."""

import json
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from projectdavid import (
    APIConnectionError,
    APIStatusError,
    AsyncEntity,
    Entity,
    InvalidAnswerError,
    NotFoundError,
    PermissionDeniedError,
)
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.protocol.computer import CommandComplete, ComputerFile, ShellOutput, TerminalFrame, UnknownFrame
from tests.fakes.terminals import STORY, Told
from tests.server.conftest import serving

pytestmark = pytest.mark.anyio

TOLD = [
    ShellOutput(content="$ ls; false\r\n\x1b[32mplot.png\x1b[m\r\n", position=31),
    CommandComplete(command="ls; false", exit_status=1),
    ComputerFile(file_id="file_1", filename="plot.png", mime_type="image/png", size=3),
]
Watch = Callable[..., AsyncGenerator[TerminalFrame]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    with serving(tmp_path_factory.mktemp("computer"), terminals=Told(*STORY)) as server:
        yield server


async def _watch_async(base_url: str, key: str, thread: Any) -> AsyncGenerator[TerminalFrame]:
    async with AsyncEntity(base_url, key, max_retries=0) as client, aclosing(client.computer.watch(thread)) as frames:
        async for frame in frames:
            yield frame


async def _watch_sync(base_url: str, key: str, thread: Any) -> AsyncGenerator[TerminalFrame]:
    with Entity(base_url, key, max_retries=0) as client, closing(client.computer.watch(thread)) as frames:
        for frame in frames:
            yield frame


both = pytest.mark.parametrize("watch", [_watch_async, _watch_sync], ids=["async", "sync"])


async def all_of(frames: AsyncGenerator[TerminalFrame]) -> list[TerminalFrame]:
    return [frame async for frame in frames]


@both
async def test_the_frames_come_as_objects_until_the_terminal_is_over(server: EmbeddedPlatform, watch: Watch) -> None:
    with Entity(server.base_url, server.api_key) as client:
        thread = client.threads.create_thread()
    assert await all_of(watch(server.base_url, server.api_key, thread)) == TOLD
    assert await all_of(watch(server.base_url, server.api_key, thread.id)) == TOLD


@both
async def test_who_stops_reading_leaves(server: EmbeddedPlatform, watch: Watch) -> None:
    with Entity(server.base_url, server.api_key) as client:
        thread = client.threads.create_thread()
    async with aclosing(watch(server.base_url, server.api_key, thread)) as frames:
        assert await anext(frames) == TOLD[0]


@both
async def test_there_is_nothing_to_watch_of_a_thread_of_somebody_else(server: EmbeddedPlatform, watch: Watch) -> None:
    with Entity(server.base_url, server.admin_api_key) as admin:
        thread = admin.threads.create_thread()
    with pytest.raises(NotFoundError) as caught:
        await all_of(watch(server.base_url, server.api_key, thread))
    assert (caught.value.code, caught.value.param) == ("thread_not_found", "room_id")


@both
async def test_a_server_without_the_tool_says_so(tmp_path: Path, watch: Watch) -> None:
    with serving(tmp_path, sandbox="off") as server, Entity(server.base_url, server.api_key) as client:
        thread = client.threads.create_thread()
        with pytest.raises(APIStatusError) as caught:
            await all_of(watch(server.base_url, server.api_key, thread))
    assert (caught.value.status_code, caught.value.code) == (503, "tool_unavailable")


def test_a_ticket_is_for_one_thread(server: EmbeddedPlatform) -> None:
    with Entity(server.base_url, server.api_key) as client:
        thread = client.threads.create_thread()
        session = client.computer.create_session(thread.id)
    assert session.room_id == thread.id
    assert session.ws_url == f"{server.base_url.replace('http', 'ws', 1)}/ws/computer"


# A server that is not as it should be


@contextmanager
def saying(talk: Callable[[ServerConnection], None]) -> Iterator[str]:
    """A server that gives everybody a ticket, and then talks."""

    def ticket(connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/ws/"):
            return None
        body = json.dumps({"room_id": "thread_1", "token": "t", "ws_url": "ws://elsewhere.invalid/"}).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
        return Response(HTTPStatus.OK, "OK", headers, body)

    with serve(talk, "127.0.0.1", 0, process_request=ticket) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


@both
async def test_a_frame_of_a_newer_server_is_not_lost(watch: Watch) -> None:
    newer = {"type": "resized", "rows": 50}
    with saying(lambda connection: connection.send(json.dumps(newer))) as url:
        (frame,) = await all_of(watch(url, "key", "thread_1"))
    assert isinstance(frame, UnknownFrame)
    assert frame.dict() == newer


@both
@pytest.mark.parametrize("said", ["hello", "[]", '{"type": "shell_output"}', '{"type": 1}'])
async def test_what_is_no_frame_is_an_invalid_answer(watch: Watch, said: str) -> None:
    with saying(lambda connection: connection.send(said)) as url, pytest.raises(InvalidAnswerError):
        await all_of(watch(url, "key", "thread_1"))


@both
@pytest.mark.parametrize(
    ("code", "error"), [(1008, PermissionDeniedError), (1012, APIConnectionError), (1011, APIConnectionError)]
)
async def test_an_end_that_is_none_is_an_error(watch: Watch, code: int, error: type[Exception]) -> None:
    with saying(lambda connection: connection.close(code, "because")) as url, pytest.raises(error, match="because"):
        await all_of(watch(url, "key", "thread_1"))


@both
async def test_a_server_that_is_not_there_is_a_connection_error(server: EmbeddedPlatform, watch: Watch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen: a port that was given back may be anybody's
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(APIConnectionError):
            await all_of(watch(url, "key", "thread_1"))
