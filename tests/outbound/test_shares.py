"""Connections of sandboxes are shared fairly: by session, by owner, and over all lists of hosts."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from projectdavid.egress import EgressService
from projectdavid.egress.proxy.shares import ProxyConnectionLimits
from tests.outbound.programs import Program, connect, hung_up
from tests.outbound.servers import serving
from tests.outbound.test_proxy import refused

pytestmark = pytest.mark.anyio


class Way:
    """One list of hosts, and the programs that are connected through it."""

    def __init__(self, egress: EgressService, where: str, stack: AsyncExitStack) -> None:
        self._egress = egress
        self._where = where
        self._stack = stack

    async def opened(self, owner: str, thread: str = "thread_1", assistant: str = "asst_1") -> Program:
        """A connection that is open."""
        program = await self._asked(owner, thread, assistant)
        await program.until(b" 200 ")
        return program

    async def refused(self, owner: str, thread: str = "thread_1", assistant: str = "asst_1") -> tuple[int, str]:
        """Status and text of a refusal."""
        return refused(await (await self._asked(owner, thread, assistant)).rest())

    async def _asked(self, owner: str, thread: str, assistant: str) -> Program:
        tunnel = self._egress(assistant, owner, thread)
        assert tunnel is not None
        program = Program(tunnel)
        self._stack.push_async_callback(hung_up, program)
        program.send(connect(self._where))
        return program


@asynccontextmanager
async def way(total: int, owner: int, session: int) -> AsyncGenerator[Way]:
    async with serving(then="silent") as server, AsyncExitStack() as stack:
        where = f"127.0.0.1:{server.port}"
        egress = EgressService({"*": [where], "asst_2": [where]}, limits=ProxyConnectionLimits(total, owner, session))
        stack.push_async_callback(egress.close)
        yield Way(egress, where, stack)


async def test_an_owner_who_holds_all_they_can_keeps_nobody_else_out():
    async with way(total=64, owner=16, session=16) as out:
        for number in range(16):
            await out.opened("user_greedy", f"thread_{number % 2}")
        status, why = await out.refused("user_greedy", "thread_3")
        assert (status, "sandboxes of this user have 16 open connections" in why) == (503, True)
        for number in range(16):
            await out.opened("user_ann", f"thread_{number}")


async def test_an_owner_leaves_as_many_free_as_they_hold():
    async with way(total=8, owner=8, session=8) as out:
        for _ in range(4):
            await out.opened("user_greedy")
        status, why = await out.refused("user_greedy")
        assert (status, "4 of 8 are free for all users" in why) == (503, True)
        for owner in ("user_ann", "user_bob", "user_eve", "user_joe"):
            await out.opened(owner)
        assert (await out.refused("user_zoe"))[0] == 503


async def test_a_session_has_a_bound_of_its_own_over_all_lists():
    async with way(total=64, owner=16, session=2) as out:
        await out.opened("user_ann", "thread_1")
        await out.opened("user_ann", "thread_1", "asst_2")
        for assistant in ("asst_1", "asst_2"):
            status, why = await out.refused("user_ann", "thread_1", assistant)
            assert (status, "This session has 2 open connections" in why) == (503, True)
        await out.opened("user_ann", "thread_2")


async def test_a_connection_that_is_closed_makes_room():
    async with way(total=64, owner=1, session=1) as out:
        first = await out.opened("user_ann")
        assert (await out.refused("user_ann"))[0] == 503
        await hung_up(first)
        await out.opened("user_ann")
