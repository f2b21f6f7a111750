"""Tenants: a session finds nothing of another, whether that still lives or not."""

import pytest

from tests.contracts.sandbox.attacks import answers
from tests.contracts.sandbox.hold import Hold, ran


@pytest.mark.anyio
class Tenants:
    """Two sessions of one sandbox are two machines to each other."""

    async def test_a_session_finds_nothing_of_another(self, hold: Hold) -> None:
        async with hold.session() as one, hold.session() as other, hold.session("shell") as third:
            assert (await hold.found(one, "neighbour", "leave")).breaches == ()
            assert (await hold.found(other, "neighbour", "find")).breaches == ()
            assert (await hold.found(third, "neighbour", "find", "shell")).breaches == ()
            assert one.id != other.id != third.id
            await hold.found(one, "neighbour", "forget")

    async def test_a_session_that_takes_all_it_can_leaves_enough_to_others(self, hold: Hold) -> None:
        async with hold.session() as other, hold.session() as greedy:
            await hold.found(greedy, "neighbour", "hog")
            await answers(other)
            assert (await hold.found(other, "neighbour", "need")).breaches == ()
            async with hold.session() as following, hold.session("shell") as shell:
                await answers(following)
                assert (await hold.found(following, "neighbour", "need")).breaches == ()
                assert (await hold.found(shell, "neighbour", "need", "shell")).breaches == ()

    async def test_what_a_session_leaves_can_be_found_by_itself(self, hold: Hold) -> None:
        async with hold.session() as one:
            await hold.found(one, "neighbour", "leave")
            verdict = await hold.found(one, "neighbour", "find")
            await hold.found(one, "neighbour", "forget")
        assert verdict.breaches is not None
        assert {"TCP", "an abstract socket", "a socket"} < set(verdict.breaches)

    async def test_a_session_that_follows_finds_nothing_of_the_one_before(self, hold: Hold) -> None:
        async with hold.session() as one:
            await hold.found(one, "neighbour", "leave")
            await ran(one, "left = 1")
        async with hold.session() as other:
            assert (await hold.found(other, "neighbour", "find")).breaches == ()
            result = await ran(other, "left")
            assert other.id != one.id
        assert result.done is not None
        assert "NameError" in (result.done.error or "")
