"""What is remembered of a thread is what the store holds, whoever changed it."""

import pytest

from projectdavid.ports import queries
from projectdavid.ports.store import Op
from projectdavid.runtime.worker.thread_history import LARGEST, ThreadHistory
from tests.contracts.rows import message, thread
from tests.runtime.stage import OWNER, Stage

pytestmark = pytest.mark.anyio

SOURCE = "script/model"
ROOM = 10**6


async def start(stage: Stage, *texts: str) -> int:
    """A thread with these messages; returns its number."""
    await stage.store.of(OWNER).write([thread("t")])
    await add(stage, *texts)
    return int((await stage.store.of(OWNER).one(queries.THREAD, id="t")).n)


async def add(stage: Stage, *texts: str) -> None:
    """More messages, whose ids are their texts."""
    await stage.store.of(OWNER).write([message(f"msg_{text[:20]}", "t", f'"{text}"') for text in texts])


async def delete(stage: Stage, text: str) -> None:
    """Delete a message."""
    await stage.store.of(OWNER).write([Op(queries.MESSAGE_DELETE, {"id": f"msg_{text}"})])


async def texts(history: ThreadHistory, n: int, first: int = 0) -> list[object]:
    """What a model is shown."""
    return [one.content for one in await history.read(n, SOURCE, first, ROOM)]


async def test_what_is_said_later_is_added(stage: Stage) -> None:
    n, history = await start(stage, "a", "b"), ThreadHistory(stage.store)
    assert await texts(history, n) == ["a", "b"]
    await add(stage, "c", "d")
    assert await texts(history, n) == ["a", "b", "c", "d"]
    assert await texts(history, n) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("gone", ["a", "b", "c"])
@pytest.mark.parametrize("new", [(), ("d",), ("d", "e")])
async def test_what_is_deleted_is_forgotten_also_when_something_is_said_at_once(
    stage: Stage, gone: str, new: tuple[str, ...]
) -> None:
    n, history = await start(stage, "a", "b", "c"), ThreadHistory(stage.store)
    await texts(history, n)
    await delete(stage, gone)
    await add(stage, *new)
    assert await texts(history, n) == [one for one in ("a", "b", "c", *new) if one != gone]


async def test_two_processes_see_the_same(stage: Stage) -> None:
    n = await start(stage, "a")
    one, two = ThreadHistory(stage.store), ThreadHistory(stage.store)
    for text in ("b", "c", "d"):
        assert await texts(one, n) == await texts(two, n)
        await add(stage, text)
    assert await texts(one, n) == await texts(two, n) == ["a", "b", "c", "d"]


async def test_a_thread_is_read_from_its_cut_on(stage: Stage) -> None:
    n, history = await start(stage, "a", "b", "c"), ThreadHistory(stage.store)
    second = (await history.read(n, SOURCE, 0, ROOM))[1].position
    await history.move_cut(n, SOURCE, second)
    assert await history.cut(n, SOURCE) == await ThreadHistory(stage.store).cut(n, SOURCE) == second
    assert await history.cut(n, "another/model") == 0
    assert await texts(history, n, second) == ["b", "c"]
    await add(stage, "d")
    assert await texts(history, n, second) == ["b", "c", "d"]
    assert await texts(history, n) == ["a", "b", "c", "d"]


async def test_only_so_much_is_remembered(stage: Stage) -> None:
    n, history = await start(stage, "x" * (LARGEST + 1), "b"), ThreadHistory(stage.store, most_bytes=1)
    for _ in range(2):
        assert len(await history.read(n, SOURCE, 0, 10**9)) == 2
        assert (history._size, history._cached) == (0, {})  # pyright: ignore[reportPrivateUsage]


async def test_two_models_are_told_apart(stage: Stage) -> None:
    n, history = await start(stage, "a"), ThreadHistory(stage.store)
    await texts(history, n)
    await add(stage, "b")
    assert [one.content for one in await history.read(n, "another/model", 0, ROOM)] == ["a", "b"]
    assert await texts(history, n) == ["a", "b"]
