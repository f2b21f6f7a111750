"""The code interpreter with real Python in it."""

import asyncio
import os
import signal

import pytest

from projectdavid.tools.code_interpreter import CodeInterpreter
from projectdavid.tools.sessions.sessions import SessionPool
from tests.sandboxes.seen import agents
from tests.tools.conversation import BOUND, Conversation

pytestmark = pytest.mark.anyio

PLOT = """
import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot
pyplot.plot([1, 2, 4])
pyplot.title("Growth")
"""


@pytest.fixture
def tool(sessions: SessionPool) -> CodeInterpreter:
    return CodeInterpreter(sessions, timeout=BOUND)


async def test_state_is_kept_from_call_to_call(tool: CodeInterpreter, conversation: Conversation) -> None:
    assert (await conversation.run(tool, code="import math\nx = 41")).text == "[no output]"
    assert (await conversation.run(tool, code="math.floor(x + 1.5)")).text == "42"
    assert conversation.states() == ["started"]


async def test_prints_errors_and_results_come_in_order(tool: CodeInterpreter, conversation: Conversation) -> None:
    output = await conversation.run(tool, code="print('one')\ndisplay({'a': 1})\n'last'")
    assert output.text == "one\n{'a': 1}\n'last'"
    failed = await conversation.run(tool, code="print('before')\nx = 1 / 0")
    assert failed.text.startswith("before\nTraceback")
    assert "x = 1 / 0" in failed.text
    assert failed.text.rstrip().endswith("ZeroDivisionError: division by zero")


async def test_input_is_refused_with_a_reason(tool: CodeInterpreter, conversation: Conversation) -> None:
    output = await conversation.run(tool, code="name = input('Who? ')")
    assert "input()" in output.text


async def test_a_csv_goes_in_and_a_table_a_plot_and_another_csv_come_out(
    tool: CodeInterpreter, conversation: Conversation
) -> None:
    conversation.upload("sales.csv", b"city,count\nLisbon,3\nPorto,5\nLisbon,4\n")
    code = """
import pandas
sales = pandas.read_csv("sales.csv").groupby("city").sum()
sales.to_csv("by_city.csv")
sales
"""
    output = await conversation.run(tool, code=PLOT + code)
    assert "Lisbon      7" in output.text
    table, plot = output.files
    assert (table.name, plot.name, plot.mime_type) == ("by_city.csv", "plot-1.png", "image/png")
    assert conversation.content(table) == b"city,count\nLisbon,7\nPorto,5\n"
    assert conversation.content(plot).startswith(b"\x89PNG")
    assert {"type": "image", "file_id": plot.id} in output.details["outputs"]


async def test_code_that_takes_too_long_is_interrupted_and_keeps_its_state(
    sessions: SessionPool, conversation: Conversation
) -> None:
    tool = CodeInterpreter(sessions, timeout=2.0)
    output = await conversation.run(tool, code="x = 5\nprint('begun', flush=True)\nimport time\ntime.sleep(600)")
    assert output.text.startswith("begun")
    assert "[The code was interrupted after 2 seconds. Variables and files are kept.]" in output.text
    assert (await conversation.run(CodeInterpreter(sessions), code="x")).text == "5"


async def test_code_that_is_cancelled_is_interrupted_and_its_session_lives_on(
    tool: CodeInterpreter, conversation: Conversation
) -> None:
    code = "x = 7\nprint('begun', flush=True)\nimport time\ntime.sleep(600)"
    call = asyncio.create_task(conversation.run(tool, code=code))
    await conversation.until_output("begun")
    call.cancel()
    async with asyncio.timeout(BOUND):
        await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()
    output = await conversation.run(tool, code="x")
    assert (output.text, output.details["sandbox"]["new"]) == ("7", False)


async def test_code_that_kills_its_process_loses_its_variables_and_keeps_its_files(
    tool: CodeInterpreter, conversation: Conversation
) -> None:
    code = f"x = 1\nopen('kept.txt', 'w').write('kept')\nimport os\nos.kill(os.getpid(), {signal.SIGKILL.value})"
    output = await conversation.run(tool, code=code)
    assert "The Python process exited while the code ran." in output.text
    assert "variables and imports are lost" in output.text
    assert [file.name for file in output.files] == ["kept.txt"]
    assert conversation.states() == ["started", "lost"]
    after = await conversation.run(tool, code="print(open('kept.txt').read())\nx")
    assert after.text.startswith("kept\n")
    assert "NameError" in after.text


async def test_two_threads_have_nothing_in_common(tool: CodeInterpreter, conversation: Conversation) -> None:
    other = Conversation("thread_2")
    await asyncio.gather(
        conversation.run(tool, code="mine = 1\nopen('mine.txt', 'w').write('x')"), other.run(tool, code="mine = 2")
    )
    assert (await conversation.run(tool, code="mine")).text == "1"
    seen = await other.run(tool, code="import os\nprint(mine, os.listdir())")
    assert seen.text == "2 []"


async def test_two_calls_at_once_in_one_thread_run_one_after_another(
    tool: CodeInterpreter, conversation: Conversation
) -> None:
    await conversation.run(tool, code="runs = 0\nlog = []")
    code = """
import time
runs += 1
log.append(runs)
time.sleep(0.05)
runs -= 1
"""
    await asyncio.gather(*(conversation.run(tool, code=code) for _ in range(4)))
    assert (await conversation.run(tool, code="log")).text == "[1, 1, 1, 1]"


async def test_a_flood_of_output_is_cut_and_said_to_be_cut(tool: CodeInterpreter, conversation: Conversation) -> None:
    output = await conversation.run(tool, code="print('x' * 10_000_000)\nprint('the end')")
    assert len(output.text) < 40_000
    assert "The output exceeded the limit:" in output.text
    assert len(conversation.output()) <= 100_100
    assert (await conversation.run(tool, code="1")).text == "1"


async def test_hostile_files_do_no_harm(tool: CodeInterpreter, conversation: Conversation) -> None:
    code = """
import os
os.symlink("/etc/passwd", "link.txt")
os.symlink("/etc", "folder")
os.mkfifo("pipe")
os.makedirs("a/b")
for name in ("fine.txt", "a/b/fine.txt", "two\\nlines.txt", b"not utf-8 \\xff.txt"):
    open(name, "w").write("x")
"""
    output = await conversation.run(tool, code=code)
    names = {file.name for file in output.files}
    assert {"fine.txt", "fine-2.txt"} <= names
    assert names <= {"fine.txt", "fine-2.txt", "two_lines.txt", "not utf-8 _.txt"}
    assert all(conversation.content(file) == b"x" for file in output.files)


@pytest.mark.parametrize("sandbox", ["local"], indirect=True)
async def test_a_session_that_is_killed_from_outside_while_code_runs_is_replaced_at_the_next_call(
    tool: CodeInterpreter, conversation: Conversation
) -> None:
    code = "x = 1\nprint('begun', flush=True)\nimport time\ntime.sleep(600)"
    call = asyncio.create_task(conversation.run(tool, code=code))
    await conversation.until_output("begun")
    for pid in agents():
        os.kill(pid, signal.SIGKILL)
    output = await call
    assert output.text.startswith("begun\n")
    assert "[The session ended while the code ran: " in output.text
    again = await conversation.run(tool, code="'x' in globals()")
    assert again.text.startswith("False\n")
    assert "[This is a new session. " in again.text
    assert conversation.states() == ["started", "lost", "started"]


@pytest.mark.parametrize("sandbox", ["local"], indirect=True)
async def test_the_level_of_the_sandbox_is_in_the_events_and_in_the_step(
    tool: CodeInterpreter, conversation: Conversation
) -> None:
    output = await conversation.run(tool, code="1")
    assert output.details["sandbox"]["level"] == "namespaces"
    assert [data["level"] for kind, data in conversation.told if kind == "sandbox"] == ["namespaces"]
