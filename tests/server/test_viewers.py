"""The viewer of a thread's terminal, over a real WebSocket: what is shown, what is refused, when it ends."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from projectdavid.api.terminal_viewers import MAX_VIEWERS
from projectdavid.ports.terminal import CommandCompleted, FileMade, TerminalOutput
from tests.fakes.terminals import KEPT, PLOT
from tests.server.conftest import Clock
from tests.server.talking import ok
from tests.server.watching import Theatre, frame, shown, theatre
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


async def ending(viewer: Any) -> tuple[int, str]:
    """Code and reason with which a connection is closed; what is shown before is dropped."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in viewer:
            pass
    return viewer.close_code, viewer.close_reason


async def test_a_viewer_sees_what_the_terminal_shows_what_commands_came_to_and_which_files_they_made(stage: Theatre):
    thread = await stage.thread()
    await stage.terminals.tell(thread, b"$ before\r\n")
    async with stage.watching(thread) as viewer:
        assert await frame(viewer) == {"type": "shell_output", "content": "$ before\r\n", "position": 10, "lost": 0}
        await stage.terminals.tell(
            thread, b"now\r\n", CommandCompleted("before", 1), CommandCompleted("exec", None), FileMade(PLOT)
        )
        assert await frame(viewer) == {"type": "shell_output", "content": "now\r\n", "position": 15, "lost": 0}
        assert await frame(viewer) == {"type": "command_complete", "command": "before", "exit_status": 1}
        assert await frame(viewer) == {"type": "command_complete", "command": "exec", "exit_status": None}
        file = {"file_id": "file_1", "filename": "plot.png", "mime_type": "image/png", "size": 3}
        assert await frame(viewer) == {"type": "computer_file", **file}
    assert await asyncio.wait_for(stage.terminals.ended.get(), EVENT_TIMEOUT) == thread


async def test_what_could_act_on_the_terminal_of_the_viewer_does_not_leave_the_server(stage: Theatre):
    thread = await stage.thread()
    async with stage.watching(thread) as viewer:
        await stage.terminals.tell(thread, b"a\x1b]52;c;cm0g", b"LXJm\a\x1b[6n\x1b[31mb\xc3", b"\xa9\x1b[m")
        got = ""
        while not got.endswith("\x1b[m"):
            got += await shown(viewer)
    assert got == "a\x1b[31mbé\x1b[m"


async def test_a_long_piece_comes_in_frames_that_every_client_takes(stage: Theatre):
    thread = await stage.thread()
    async with stage.watching(thread) as viewer:
        await stage.terminals.tell(thread, b"\x08" * 2**20)
        size = 0
        while size < 2**20:
            one = await frame(viewer)
            size += len(one["content"])
            assert one["position"] == size


async def test_a_viewer_is_told_what_was_lost_and_a_fresh_session_begins_anew(stage: Theatre):
    thread = await stage.thread()
    told = (
        TerminalOutput(b"one\x1b]0;", 8),
        TerminalOutput(b"title\a", 20),
        TerminalOutput(b"two", 25),
        TerminalOutput(b"fresh", 5),
        TerminalOutput(b"!", 6),
    )
    async with stage.watching(thread) as viewer:
        await stage.terminals.tell(thread, *told)
        frames = [await frame(viewer) for _ in range(4)]
    seen = [(one["content"], one["position"], one["lost"]) for one in frames]
    assert seen == [("one", 8, 0), ("two", 25, 8), ("fresh", 5, 0), ("!", 6, 0)]


async def test_many_viewers_see_the_same_and_each_thread_only_its_own(stage: Theatre):
    one, two = await stage.thread(), await stage.thread()
    async with stage.watching(one) as first, stage.watching(one) as second, stage.watching(two) as third:
        await stage.terminals.tell(two, b"two")
        await stage.terminals.tell(one, b"one")
        assert [await shown(viewer) for viewer in (first, second, third)] == ["one", "one", "two"]


async def test_an_owner_has_so_many_viewers_and_no_more(stage: Theatre):
    thread = await stage.thread()

    async def url() -> str:
        return stage.url(thread, await stage.token(thread))

    _, other = await stage.user()
    theirs = await stage.thread(other)
    async with contextlib.AsyncExitStack() as viewers:
        for _ in range(MAX_VIEWERS):
            last = await viewers.enter_async_context(connect(await url()))
        with pytest.raises(InvalidStatus) as caught:
            await viewers.enter_async_context(connect(await url()))
        assert caught.value.response.status_code == 429
        await viewers.enter_async_context(connect(stage.url(theirs, await stage.token(theirs, other))))
        await last.close()
        assert await asyncio.wait_for(stage.terminals.ended.get(), EVENT_TIMEOUT) == thread
        await viewers.enter_async_context(connect(await url()))
    await other.aclose()


# What a viewer may not


@pytest.mark.parametrize(
    "message",
    [
        '{"action": "shell_command", "command": "rm -rf /"}',
        '{"action": "harvest_files"}',
        '{"action": ["ping"]}',
        '{"action": null}',
        '{"command": "ls"}',
        '"ping"',
        "ls\n",
        "",
        b'{"action": "ping"}',
        b"\xff",
        "[" * 10_000,
    ],
)
async def test_a_viewer_that_writes_is_told_that_it_may_not_and_closed(stage: Theatre, message: str | bytes):
    async with stage.watching(await stage.thread()) as viewer:
        await viewer.send(message)
        told = await frame(viewer)
        assert (told["type"], told["code"]) == ("error", "observers_only")
        assert await ending(viewer) == (1008, "Connections are read-only.")


async def test_a_message_has_a_size(stage: Theatre):
    async with stage.watching(await stage.thread()) as viewer:
        await viewer.send(json.dumps({"action": "ping", "padding": "x" * 16_384}))
        assert (await ending(viewer))[0] == 1009


async def test_a_viewer_may_say_goodbye(stage: Theatre):
    thread = await stage.thread()
    async with stage.watching(thread) as viewer:
        await viewer.send('{"action": "disconnect"}')
        assert (await ending(viewer))[0] == 1000
    assert await asyncio.wait_for(stage.terminals.ended.get(), EVENT_TIMEOUT) == thread


# When it ends


async def test_a_viewer_whose_key_is_revoked_sees_nothing_more(stage: Theatre):
    user_id, user = await stage.user()
    thread = await stage.thread(user)
    async with connect(stage.url(thread, await stage.token(thread, user))) as viewer:
        await stage.terminals.tell(thread, b"seen")
        assert await shown(viewer) == "seen"
        path = f"/v1/users/{user_id}/apikeys/{user.headers['x-api-key'][:12]}"
        assert (await stage.admin.delete(path)).status_code == 204
        await stage.terminals.tell(thread, b"unseen")
        with pytest.raises(ConnectionClosed) as closed:
            await viewer.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    await user.aclose()


@pytest.mark.parametrize("gone", ["thread", "user", "key"])
async def test_a_viewer_of_what_is_no_more_is_closed_although_nothing_is_shown(tmp_path: Path, clock: Clock, gone: str):
    async with theatre(tmp_path, clock, stream_keep_alive=0.02) as stage:
        user_id, user = await stage.user()
        thread = await stage.thread(user)
        async with connect(stage.url(thread, await stage.token(thread, user))) as viewer:
            if gone == "thread":
                ok(await user.delete(f"/v1/threads/{thread}"))
            elif gone == "user":
                ok(await stage.admin.delete(f"/v1/users/{user_id}"))
            else:
                path = f"/v1/users/{user_id}/apikeys/{user.headers['x-api-key'][:12]}"
                assert (await stage.admin.delete(path)).status_code == 204
            assert await ending(viewer) == (1008, "The key or the thread of this connection was revoked or deleted.")
        await user.aclose()


async def test_viewers_are_told_when_the_server_stops(stage: Theatre):
    async with stage.watching(await stage.thread()) as viewer:
        await viewer.send('{"action": "ping"}')
        await frame(viewer)
        stage.stop.set()
        assert (await ending(viewer))[0] in (1012, 1006)


async def test_a_viewer_who_does_not_read_is_cut_off_and_holds_up_nobody(tmp_path: Path, clock: Clock):
    async with theatre(tmp_path, clock, viewer_timeout=0.5) as stage:
        thread = await stage.thread()
        target = stage.url(thread, await stage.token(thread)).partition(stage.client.base_url.netloc.decode())[2]
        loop = asyncio.get_running_loop()
        with socket.socket() as deaf:
            deaf.setblocking(False)
            await loop.sock_connect(deaf, ("127.0.0.1", stage.client.base_url.port or 0))
            head = f"GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            await loop.sock_sendall(deaf, (head + key).encode())
            assert (await loop.sock_recv(deaf, 100)).startswith(b"HTTP/1.1 101 ")
            for _ in range(4 * KEPT):
                await stage.terminals.tell(thread, b"x" * 100_000)
            assert await asyncio.wait_for(stage.terminals.ended.get(), EVENT_TIMEOUT) == thread
        async with stage.watching(thread, close_timeout=0) as viewer:
            assert (await shown(viewer))[:5] == "xxxxx"
