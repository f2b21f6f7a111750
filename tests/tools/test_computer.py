"""The computer with a real shell in it."""

import asyncio
from contextlib import aclosing

import pytest

from projectdavid.ports.terminal import CommandCompleted, TerminalOutput
from projectdavid.tools.computer import ComputerTool
from projectdavid.tools.sessions.sessions import SessionPool
from tests.tools.conversation import BOUND, Conversation

pytestmark = pytest.mark.anyio


@pytest.fixture
def tool(sessions: SessionPool) -> ComputerTool:
    return ComputerTool(sessions, timeout=BOUND)


async def test_commands_run_one_after_another_in_one_shell(tool: ComputerTool, conversation: Conversation) -> None:
    commands = ["mkdir work", "cd work", "false", "export NAME=david", "echo $? in $(basename $PWD)"]
    output = await conversation.run(tool, commands=commands)
    assert output.text == (
        "$ mkdir work\n[exit 0]\n$ cd work\n[exit 0]\n$ false\n[exit 1]\n$ export NAME=david\n[exit 0]\n"
        "$ echo $? in $(basename $PWD)\n0 in work\n[exit 0]"
    )
    again = await conversation.run(tool, commands=["echo $NAME in $(basename $PWD)"])
    assert "\ndavid in work\n" in again.text


async def test_commands_of_several_lines_and_wrong_ones_have_a_status(
    tool: ComputerTool, conversation: Conversation
) -> None:
    lines = "cat <<'END'\none\ntwo\nEND"
    output = await conversation.run(
        tool, commands=[lines, "for", "no-such-command", "exit_with() { return 7; }; exit_with"]
    )
    assert output.text.startswith(f"$ {lines}\none\ntwo\n[exit 0]\n$ for\n")
    assert [ran["exit_status"] for ran in output.details["outputs"]] == [0, 2, 127, 7]


async def test_files_go_in_and_come_out(tool: ComputerTool, conversation: Conversation) -> None:
    conversation.upload("data.txt", b"b\na\n")
    output = await conversation.run(tool, commands=["sort data.txt > sorted.txt", "mkdir d", "cp data.txt d/copy.txt"])
    assert {file.name: conversation.content(file) for file in output.files} == {
        "sorted.txt": b"a\nb\n",
        "copy.txt": b"b\na\n",
    }
    assert "copy.txt (4 bytes, from d/copy.txt)" in output.text


async def test_a_program_that_draws_is_told_without_its_escapes(tool: ComputerTool, conversation: Conversation) -> None:
    command = r"printf '\033[31mred\033[0m \033]52;c;c2VjcmV0\007\033]8;;http://x\033\\link\033[6n\n 10%%\r100%%\n'"
    output = await conversation.run(tool, commands=[command])
    assert output.details["outputs"][0]["logs"] == "red link\n100%"
    assert "\x1b" not in conversation.output()


async def test_what_asks_a_question_gets_no_answer_and_does_not_hang(
    tool: ComputerTool, conversation: Conversation
) -> None:
    output = await conversation.run(tool, commands=["read answer; echo got=$answer"])
    assert "got=\n" in output.text


async def test_a_command_that_takes_too_long_is_interrupted_and_the_shell_goes_on(
    sessions: SessionPool, tool: ComputerTool, conversation: Conversation
) -> None:
    await conversation.run(tool, commands=["NAME=kept"])
    output = await conversation.run(
        ComputerTool(sessions, timeout=2.0), commands=["echo begun; sleep 600", "echo never"]
    )
    assert "\nbegun\n^C\n[interrupted after 2 seconds]" in output.text
    assert "1 of 2 commands were not run." in output.text
    after = await conversation.run(tool, commands=["echo $NAME"])
    assert "\nkept\n" in after.text
    assert not after.details["sandbox"]["new"]


async def test_a_run_that_is_cancelled_interrupts_its_command_and_keeps_the_shell(
    tool: ComputerTool, conversation: Conversation
) -> None:
    call = asyncio.create_task(conversation.run(tool, commands=["NAME=kept; echo be''gun; sleep 600"]))
    await conversation.until_output("begun")
    call.cancel()
    async with asyncio.timeout(BOUND):
        await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()
    after = await conversation.run(tool, commands=["echo $NAME"])
    assert "\nkept\n" in after.text
    assert not after.details["sandbox"]["new"]


async def test_a_shell_that_ends_is_replaced_and_files_are_kept(tool: ComputerTool, conversation: Conversation) -> None:
    output = await conversation.run(tool, commands=["NAME=gone; echo x > kept.txt", "exit 3", "echo never"])
    assert "[the shell exited]" in output.text
    assert "1 of 3 commands were not run." in output.text
    assert [file.name for file in output.files] == ["kept.txt"]
    after = await conversation.run(tool, commands=["cat kept.txt; echo name=$NAME"])
    assert "\nx\nname=\n" in after.text


async def test_processes_in_the_background_live_on(tool: ComputerTool, conversation: Conversation) -> None:
    await conversation.run(tool, commands=["mkfifo pipe", "(read word < pipe; echo $word > heard.txt) &"])
    output = await conversation.run(tool, commands=["echo hello > pipe; wait; cat heard.txt"])
    assert "hello" in output.details["outputs"][0]["logs"].splitlines()
    assert [file.name for file in output.files] == ["heard.txt"]


async def test_who_watches_sees_what_the_shell_shows(
    sessions: SessionPool, tool: ComputerTool, conversation: Conversation
) -> None:
    await conversation.run(tool, commands=["echo o''ne"])
    shown = b""
    async with asyncio.timeout(BOUND), aclosing(sessions.watch("thread_1")) as watching:
        async for sight in watching:
            shown += sight.data if isinstance(sight, TerminalOutput) else b""
            if b"one\r\n" in shown:
                break
        call = asyncio.create_task(conversation.run(tool, commands=["echo t''wo"]))
        async for sight in watching:
            shown += sight.data if isinstance(sight, TerminalOutput) else b""
            if isinstance(sight, CommandCompleted):
                assert sight == CommandCompleted("echo t''wo", 0)
                break
        await call
    assert shown.startswith(b"$ echo o''ne\r\n")
    assert shown.endswith(b"$ echo t''wo\r\ntwo\r\n")
