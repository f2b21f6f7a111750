"""Watching the shell of a thread."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from projectdavid.ports.terminal import CommandCompleted, FileMade, Sight, TerminalOutput
from projectdavid.ports.tool import ToolFile
from projectdavid.tools.sessions.terminal_views import PIECES
from tests.runtime.stage import others_go_first
from tests.tools.conversation import BOUND, Conversation
from tests.tools.test_sessions import Place

pytestmark = pytest.mark.anyio

FILE = ToolFile("file_1", "out.csv", 3, "text/csv", "00")


async def seen(watching: AsyncGenerator[Sight], count: int = 1) -> list[Sight]:
    async with asyncio.timeout(BOUND):
        return [await anext(watching) for _ in range(count)]


async def test_who_watches_sees_what_the_terminal_showed_before_and_shows_now(conversation: Conversation) -> None:
    place = Place()
    await place.use(conversation, "shell")
    (session,) = place.sandbox.opened
    session.show(b"$ ls\r\n")
    async with aclosing(place.sessions.watch("thread_1")) as one, aclosing(place.sessions.watch("thread_1")) as other:
        assert await seen(one) == [TerminalOutput(b"$ ls\r\n", 6)]
        assert await seen(other) == [TerminalOutput(b"$ ls\r\n", 6)]
        session.show(b"out.csv\r\n")
        assert await seen(one) == await seen(other) == [TerminalOutput(b"out.csv\r\n", 15)]
        place.sessions.show("thread_1", CommandCompleted("ls", 0))
        place.sessions.show("thread_1", FileMade(FILE))
        place.sessions.show("thread_2", CommandCompleted("rm", 1))
        assert await seen(one, 2) == await seen(other, 2) == [CommandCompleted("ls", 0), FileMade(FILE)]


async def test_who_watches_before_there_is_a_shell_waits_for_it(conversation: Conversation) -> None:
    place = Place()
    async with aclosing(place.sessions.watch("thread_1")) as watching:
        first = asyncio.create_task(seen(watching))
        await others_go_first()
        await place.use(conversation, "python")
        await place.use(Conversation("thread_2"), "shell")
        await others_go_first()
        assert not first.done()
        await place.use(conversation, "shell")
        place.sandbox.opened[1].show(b"not mine")
        place.sandbox.opened[2].show(b"mine")
        assert await first == [TerminalOutput(b"mine", 4)]


async def test_it_goes_on_over_a_fresh_session(conversation: Conversation) -> None:
    place = Place()
    await place.use(conversation, "shell")
    async with aclosing(place.sessions.watch("thread_1")) as watching:
        place.sandbox.opened[0].show(b"one")
        assert await seen(watching) == [TerminalOutput(b"one", 3)]
        place.sandbox.opened[0].show(b"last words")
        place.sandbox.opened[0].die()
        await place.use(conversation, "shell")
        place.sandbox.opened[1].show(b"two")
        assert await seen(watching, 2) == [TerminalOutput(b"last words", 13), TerminalOutput(b"two", 3)]


async def test_who_is_slow_loses_and_holds_up_nobody(conversation: Conversation) -> None:
    place = Place()
    await place.use(conversation, "shell")
    async with aclosing(place.sessions.watch("thread_1")) as watching:
        place.sandbox.opened[0].show(b"first")
        assert await seen(watching) == [TerminalOutput(b"first", 5)]
        for number in range(PIECES + 100):
            place.sessions.show("thread_1", CommandCompleted(f"{number}", 0))
        assert await seen(watching, PIECES) == [CommandCompleted(f"{number}", 0) for number in range(PIECES)]
        place.sandbox.opened[0].show(b"and on")
        assert await seen(watching) == [TerminalOutput(b"and on", 11)]


@pytest.mark.parametrize("how", ["forget", "close"])
async def test_it_ends_with_the_thread_and_with_the_server(conversation: Conversation, how: str) -> None:
    place = Place()
    await place.use(conversation, "shell")
    place.sandbox.opened[0].show(b"first")
    async with aclosing(place.sessions.watch("thread_1")) as watching:
        assert await seen(watching) == [TerminalOutput(b"first", 5)]
        for number in range(PIECES):
            place.sessions.show("thread_1", CommandCompleted(f"{number}", 0))
        await (place.sessions.forget("thread_1") if how == "forget" else place.sessions.close())
        async with asyncio.timeout(BOUND):
            assert [sight async for sight in watching] == []


async def test_nothing_is_watched_after_the_end() -> None:
    place = Place()
    await place.sessions.close()
    async with asyncio.timeout(BOUND):
        assert [sight async for sight in place.sessions.watch("thread_1")] == []


async def test_who_stops_watching_leaves_nothing_behind(conversation: Conversation) -> None:
    place = Place()
    await place.use(conversation, "shell")
    before = asyncio.all_tasks()
    async with aclosing(place.sessions.watch("thread_1")) as watching:
        place.sandbox.opened[0].show(b"first")
        await seen(watching)
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before
