"""Of output that is too long, the beginning and the real end are kept, with what is missing between them."""

from collections.abc import AsyncIterator

import pytest

from projectdavid.adapters.sandboxes.agent.outputs import TailBuffer
from projectdavid.adapters.sandboxes.session import FramedSession
from projectdavid.ports.sandbox import Kind, OutputGap, OutputText, SandboxLimits, SessionLost
from projectdavid.tools.code_interpreter import CodeInterpreter
from projectdavid.tools.computer import ComputerTool
from projectdavid.tools.sessions.sessions import SessionPool
from tests.contracts.sandbox.driving import Ran, opened, ran
from tests.fakes.plain_sandbox import PlainSandbox
from tests.sandboxes.agents import session_with_agent
from tests.tools.conversation import Conversation
from tests.tools.toys import Clock

pytestmark = pytest.mark.anyio
LIMIT = 20_000


@pytest.fixture
async def sandbox() -> AsyncIterator[PlainSandbox]:
    plain = PlainSandbox()
    yield plain
    await plain.close()


def parts(told: Ran) -> tuple[str, int, str]:
    """What came before the gap, its size, and what came after it."""
    (at,) = [n for n, event in enumerate(told.events) if isinstance(event, OutputGap)]
    gap = told.events[at]
    assert isinstance(gap, OutputGap)
    before, after = (
        "".join(event.text for event in events if isinstance(event, OutputText))
        for events in (told.events[:at], told.events[at:])
    )
    return before, gap.size, after


@pytest.mark.parametrize(
    ("kind", "source", "begin", "end"),
    [
        ("python", "print('BEGIN')\nfor n in range(9000): print('n', n)\nprint('END 42')", "BEGIN", "END 42\n"),
        ("python", "for n in range(9000): print('n', n)\n1 / 0", "n 0", "n 8999\n"),
        ("python", "import sys\nprint('é' * 50_000)\nprint('END', file=sys.stderr)", "éé", "é\nEND\n"),
        ("python", "print('x' * 5_000_000 + 'END')", "xx", "xEND\n"),
        ("python", "import os\nfor n in range(9000): print('n', n)\nos._exit(3)", "n 0", "n 8999\n"),
        ("python", "import subprocess\nsubprocess.run(['seq', '90000'])", "1\n2\n", "90000\n"),
        ("shell", "seq 90000", "$ seq 90000\r\n1\r\n", "90000\r\n"),
        ("shell", "yes | head -c 300000; echo; echo END; false", "$ yes", "y\r\n\r\nEND\r\n"),
    ],
)  # fmt: skip
async def test_the_beginning_and_the_end_are_kept(
    sandbox: PlainSandbox, kind: Kind, source: str, begin: str, end: str
) -> None:
    async with opened(sandbox, kind, SandboxLimits(output=LIMIT)) as session:
        told = await ran(session, source)
        before, size, after = parts(told)
        assert before.startswith(begin)
        assert after.endswith(end)
        assert told.done.dropped == size > 0
        assert LIMIT - 2048 < len((before + after).encode()) <= LIMIT
        assert "\N{REPLACEMENT CHARACTER}" not in before + after
        again = await ran(session, "print('next')" if kind == "python" else "echo next")
        assert not any(isinstance(event, OutputGap) for event in again.events)


async def test_output_that_just_fits_has_no_gap(sandbox: PlainSandbox) -> None:
    async with opened(sandbox, "python", SandboxLimits(output=LIMIT)) as session:
        told = await ran(session, f"print('x' * {LIMIT - 1})")
        assert (told.stdout, told.done.dropped) == ("x" * (LIMIT - 1) + "\n", 0)
        assert not any(isinstance(event, OutputGap) for event in told.events)


async def test_models_and_readers_get_the_end(sandbox: PlainSandbox) -> None:
    conversation = Conversation()
    sessions = SessionPool(sandbox, Clock(), SandboxLimits(output=LIMIT))
    code = await conversation.run(CodeInterpreter(sessions), code="for n in range(90000): print('n', n)\nprint('R 42')")
    shell = await conversation.run(ComputerTool(sessions), commands=["seq 90000; echo R 43", "echo after"])
    await sessions.close()
    for text, end in ((code.text, "R 42"), (shell.text, "R 43\n[exit 0]")):
        assert end in text
        assert "of output are omitted here ...]" in text
        assert "in the middle were dropped" in text
    assert "R 42\n" in conversation.output("stdout")
    assert "R 43\n" in conversation.output("terminal")
    assert code.details["outputs"][0]["logs"].endswith("R 42")


def test_the_end_of_two_streams_in_turn_takes_no_more_room_than_it_may() -> None:
    tail = TailBuffer(1000)
    for number in range(100_000):
        tail.add("stdout" if number % 2 else "stderr", b"x" * (number % 3))
    skipped, pieces = tail.take()
    assert sum(len(data) for _, data in pieces) <= 1000
    assert skipped + sum(len(data) for _, data in pieces) == sum(number % 3 for number in range(100_000))
    assert tail.take() == (0, [])


async def test_an_agent_says_once_that_output_is_missing() -> None:
    async with session_with_agent() as (session, agent, control):
        assert isinstance(session, FramedSession)
        task = session.run("x", 60)
        starting = anext(task)
        agent.say({"type": "output", "stream": "stdout"}, b"a")
        agent.say({"type": "skipped", "size": 5})
        agent.say({"type": "skipped", "size": 5})
        assert await starting == OutputText("stdout", "a")
        assert await anext(task) == OutputGap(5)
        with pytest.raises(SessionLost, match="violated the protocol"):
            await anext(task)
        assert control.asked.is_set()
