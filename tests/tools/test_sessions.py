"""The sessions of threads: one for each thread and kind, told about when they come and when they are gone."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from projectdavid.ports.sandbox import Kind, SandboxUnavailable, SessionLost, Tunnel
from projectdavid.ports.tool import ToolError
from projectdavid.tools.sessions.sessions import HeldSession, SessionPool, SlotLimits
from tests.runtime.stage import others_go_first
from tests.tools.conversation import BOUND, Conversation
from tests.tools.toys import Clock, ToySandbox

pytestmark = pytest.mark.anyio


class Place:
    """Sessions over a toy sandbox, with a clock that a test moves."""

    def __init__(self, sandbox: ToySandbox | None = None, **room: Any) -> None:
        self.clock = Clock()
        self.sandbox = sandbox or ToySandbox()
        self.sessions = SessionPool(self.sandbox, self.clock, room=SlotLimits(**room))

    async def use(self, conversation: Conversation, kind: Kind = "python", tunnel: Tunnel | None = None) -> HeldSession:
        """One short call."""
        async with self.hold(conversation, kind, tunnel) as held:
            conversation.calls += 1
            return held

    def hold(self, conversation: Conversation, kind: Kind = "python", tunnel: Tunnel | None = None) -> Any:
        return self.sessions.use(conversation.call("it", {}), conversation, kind, tunnel)


async def test_a_thread_has_one_session_of_each_kind(conversation: Conversation) -> None:
    place = Place()
    first, again, shell = [await place.use(conversation, kind) for kind in ("python", "python", "shell")]
    other = await place.use(Conversation("thread_2"))
    assert first.session is again.session
    assert len({first.session.id, shell.session.id, other.session.id}) == 3
    assert [held.new for held in (first, again, shell, other)] == [True, False, True, True]
    assert [session.spec.kind for session in place.sandbox.opened] == ["python", "shell", "python"]


async def test_a_first_session_is_told_with_its_level_and_without_a_note(conversation: Conversation) -> None:
    place = Place()
    held = await place.use(conversation)
    assert conversation.told == [("sandbox", {"state": "started", "kind": "python", "level": "none", "message": ""})]
    assert (held.note, held.facts()) == ("", {"level": "none", "session": "sbx_1", "new": True})
    await place.use(conversation)
    assert conversation.states() == ["started"]


async def test_calls_of_one_thread_use_its_session_one_after_another(conversation: Conversation) -> None:
    place, order = Place(), list[str]()

    async def call(name: str, go: asyncio.Event) -> None:
        async with place.hold(conversation):
            order.append(f"{name} begins")
            await go.wait()
            order.append(f"{name} ends")

    gates = [asyncio.Event() for _ in range(3)]
    tasks = [asyncio.create_task(call(name, gate)) for name, gate in zip("abc", gates, strict=True)]
    for gate in reversed(gates):
        await others_go_first()
        gate.set()
    async with asyncio.timeout(BOUND):
        await asyncio.gather(*tasks)
    assert order == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]
    assert len(place.sandbox.opened) == 1


async def test_a_session_that_is_not_used_ends_and_the_next_call_says_so(conversation: Conversation) -> None:
    place = Place(idle=1200.0)
    await place.use(conversation)
    place.clock.now += 1199
    place.sessions.reap()
    assert place.sessions.live == 1
    place.clock.now += 1
    place.sessions.reap()
    assert place.sessions.live == 0
    async with asyncio.timeout(BOUND):
        await place.sandbox.opened[0].closed.wait()
    held = await place.use(conversation)
    assert held.new
    assert "after 20 minutes without use" in held.note
    assert "Earlier variables and imports are lost" in held.note
    assert conversation.messages() == ["", held.note]


async def test_a_session_in_use_does_not_end_however_long_it_takes(conversation: Conversation) -> None:
    place = Place(idle=10.0, lifetime=10.0)
    async with place.hold(conversation) as held:
        place.clock.now += 1000
        place.sessions.reap()
        assert place.sessions.live == 1
    place.sessions.reap()
    assert place.sessions.live == 0, "its lifetime is over"
    assert "its maximum lifetime" in (await place.use(conversation)).note
    assert held.session is not place.sandbox.opened[1]


async def test_serving_ends_what_is_not_used(conversation: Conversation) -> None:
    place = Place(idle=10.0)
    await place.use(conversation)
    place.clock.now += 10
    serving = asyncio.create_task(place.sessions.serve(every=0.001))
    async with asyncio.timeout(BOUND):
        await place.sandbox.opened[0].closed.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_session_that_died_between_calls_is_replaced_by_the_call_that_finds_it(
    conversation: Conversation,
) -> None:
    place = Place()
    await place.use(conversation, "shell")
    place.sandbox.opened[0].die("It took more memory than it may.")
    held = await place.use(conversation, "shell")
    assert held.new
    assert "It took more memory than it may." in held.note
    assert "working directory and processes are lost" in held.note
    assert conversation.states() == ["started", "lost", "started"]
    await others_go_first()
    assert place.sandbox.opened[0].closed.is_set()


async def test_a_session_that_died_in_a_call_is_replaced_at_the_next(conversation: Conversation) -> None:
    place = Place()
    async with place.hold(conversation) as held:
        await place.sessions.report_loss(held, conversation, SessionLost("It was killed from outside."))
    assert conversation.states() == ["started", "lost"]
    again = await place.use(conversation)
    assert again.new
    assert "It was killed from outside." in again.note
    assert not (await place.use(conversation)).note


async def test_a_session_that_dies_at_its_start_is_an_error_of_the_call(conversation: Conversation) -> None:
    place = Place()

    async def tell(kind: str, data: Any) -> None:
        place.sandbox.opened[-1].die("There is no memory.")

    conversation.tell = tell  # type: ignore[method-assign]
    with pytest.raises(ToolError, match=r"right after its start: There is no memory\."):
        await place.use(conversation)
    assert place.sessions.live == 0


async def test_after_a_restart_of_the_server_the_session_of_before_is_said_to_be_gone(
    conversation: Conversation,
) -> None:
    await Place().use(conversation)
    held = await Place().use(conversation)
    assert held.note.startswith("This is a new session. The server was restarted")


async def test_a_session_with_another_way_out_is_not_used(conversation: Conversation) -> None:
    async def one(read: Any, write: Any) -> None: ...
    async def other(read: Any, write: Any) -> None: ...

    place = Place()
    first, same, changed, closed = [await place.use(conversation, "shell", way) for way in (one, one, other, None)]
    assert first.session is same.session
    assert [session.spec.tunnel for session in place.sandbox.opened] == [one, other, None]
    assert "network access has changed" in changed.note
    assert "network access has changed" in closed.note


async def test_where_the_sandbox_is_off_the_call_is_told_why_and_what_helps(conversation: Conversation) -> None:
    place = Place()
    place.sandbox.off = SandboxUnavailable("User namespaces are not allowed.", "Set kernel.x=1.")
    with pytest.raises(ToolError) as caught:
        await place.use(conversation)
    assert caught.value.message == "the tool is off on this server: User namespaces are not allowed. Set kernel.x=1."
    place.sandbox.off = None
    assert (await place.use(conversation)).new, "its seat was given back"


async def test_the_sessions_of_a_deleted_thread_end_also_those_in_use(conversation: Conversation) -> None:
    place = Place()
    await place.use(conversation, "shell")
    other = await place.use(Conversation("thread_2"))
    async with place.hold(conversation) as held:
        await place.sessions.forget("thread_1")
        with pytest.raises(SessionLost):
            await held.session.list()
    assert [session.closed.is_set() for session in place.sandbox.opened] == [True, False, True]
    assert place.sessions.live == 1
    fresh = Conversation()
    assert not (await place.use(fresh)).note, "nothing is remembered"
    assert not (await place.use(Conversation("thread_2"))).new
    assert not other.note


async def test_the_sessions_of_a_deleted_owner_end(conversation: Conversation) -> None:
    place = Place()
    for one in (conversation, Conversation("thread_2"), Conversation("thread_3", "user_bob")):
        await place.use(one)
    await place.sessions.forget_owner("user_ann")
    assert [session.closed.is_set() for session in place.sandbox.opened] == [True, True, False]


async def test_closing_ends_all(conversation: Conversation) -> None:
    place = Place()
    async with AsyncExitStack() as stack:
        for number in range(5):
            await stack.enter_async_context(place.hold(Conversation(f"thread_{number}")))
        await place.sessions.close()
    assert place.sandbox.alive() == 0
    assert place.sessions.live == 0
