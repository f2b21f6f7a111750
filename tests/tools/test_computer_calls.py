"""What a call of the computer comes to, command by command, in sessions that do as they are told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from projectdavid.ports.sandbox import Event, OutputText, RunDone
from projectdavid.ports.terminal import CommandCompleted, FileMade, TerminalOutput
from projectdavid.ports.tool import ToolError
from projectdavid.tools.computer import EXPECTED, MAX_COMMAND, MAX_COMMANDS, MAX_TEXT, ComputerTool
from projectdavid.tools.sessions.sessions import SessionPool
from tests.runtime.stage import others_go_first
from tests.tools.conversation import BOUND, Conversation
from tests.tools.toys import Clock, ToySandbox, ToySession

pytestmark = pytest.mark.anyio


class Scene:
    """A computer whose commands have the outputs and ends that a test gives them."""

    def __init__(self, **ends: list[Event]) -> None:
        self.ends = ends
        self.sandbox = ToySandbox(self._play)
        self.sessions = SessionPool(self.sandbox, Clock())
        self.tool = ComputerTool(self.sessions, timeout=60.0)

    async def _play(self, session: ToySession, source: str) -> AsyncGenerator[Event]:
        yield OutputText("terminal", "$ " + source.replace("\n", "\r\n> ") + "\r\n")
        session.show(b"terminal of " + source.encode())
        for event in self.ends.get(source, [RunDone("ok", 0)]):
            if isinstance(event, OutputText) and event.text == "dies":
                session.die("It was killed.")
            yield event


def out(text: str) -> OutputText:
    return OutputText("terminal", text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, EXPECTED),
        ({"commands": "ls"}, EXPECTED),
        ({"commands": []}, EXPECTED),
        ({"commands": ["ls", 1]}, "command 2 is not a string"),
        ({"commands": ["", "  "]}, "all of them are empty"),
        ({"commands": ["a\0b"]}, "command 1 contains a NUL character"),
        ({"commands": ["x" * (MAX_COMMAND + 1)]}, f"at most {MAX_COMMAND}"),
        ({"commands": ["ls"] * (MAX_COMMANDS + 1)}, f"at most {MAX_COMMANDS}"),
        ({"commands": ["ls"], "cwd": "/"}, "only accepts 'commands', not 'cwd'"),
    ],
)
async def test_arguments_that_are_no_commands_are_refused_with_what_was_expected(
    conversation: Conversation, arguments: dict[str, Any], said: str
) -> None:
    scene = Scene()
    with pytest.raises(ToolError) as caught:
        await conversation.run(scene.tool, **arguments)
    assert said in caught.value.message
    assert scene.sandbox.asked == 0


async def test_each_command_has_its_output_and_its_exit_status(conversation: Conversation) -> None:
    scene = Scene(
        ls=[out("a.txt\r\n"), out("\x1b[34mfolder\x1b[0m\r\n"), RunDone("ok", 0)],
        false=[RunDone("error", 1)],
        curl=[out("10%\r100%\r\n"), RunDone("ok", 0)],
    )
    output = await conversation.run(scene.tool, commands=["ls", "false", "curl", "for x in 1\ndo :\ndone"])
    assert output.text == (
        "$ ls\na.txt\nfolder\n[exit 0]\n$ false\n[exit 1]\n$ curl\n100%\n[exit 0]\n$ for x in 1\ndo :\ndone\n[exit 0]"
    )
    assert output.details == {
        "input": ["ls", "false", "curl", "for x in 1\ndo :\ndone"],
        "outputs": [
            {"type": "command", "command": "ls", "exit_status": 0, "logs": "a.txt\nfolder"},
            {"type": "command", "command": "false", "exit_status": 1, "logs": ""},
            {"type": "command", "command": "curl", "exit_status": 0, "logs": "100%"},
            {"type": "command", "command": "for x in 1\ndo :\ndone", "exit_status": 0, "logs": ""},
        ],
        "sandbox": {"level": "none", "session": "sbx_1", "new": True},
        "files": [],
    }


async def test_an_empty_command_does_nothing_and_the_others_run(conversation: Conversation) -> None:
    output = await conversation.run(Scene().tool, commands=["ls", "", "pwd"])
    assert [(ran["command"], ran["exit_status"]) for ran in output.details["outputs"]] == [
        ("ls", 0),
        ("", 0),
        ("pwd", 0),
    ]


async def test_output_is_told_as_a_terminal_shows_it_but_for_its_escapes(conversation: Conversation) -> None:
    scene = Scene(ls=[out("\x1b]52;c;c2Vj"), out("cmV0\x07ok\x1b["), out("31m\r\n"), RunDone("ok", 0)])
    await conversation.run(scene.tool, commands=["ls"])
    assert conversation.output("terminal") == "$ ls\nok\n"


async def test_a_command_that_ends_the_shell_leaves_out_the_rest(conversation: Conversation) -> None:
    scene = Scene(exit=[RunDone("died", state_lost=True)])
    output = await conversation.run(scene.tool, commands=["ls", "exit", "pwd", "ls"])
    assert "$ exit\n[the shell exited]\n\n[The shell exited, and a new one was started: variables" in output.text
    assert output.text.endswith("2 of 4 commands were not run.]")
    assert conversation.states() == ["started", "lost"]
    assert [source for source, _ in scene.sandbox.opened[0].ran] == ["ls", "exit"]


async def test_the_time_is_that_of_all_commands_together(conversation: Conversation) -> None:
    scene = Scene(slow=[out("begun\r\n"), RunDone("timeout")])
    output = await conversation.run(scene.tool, commands=["ls", "slow", "pwd"])
    (_, first), (_, second) = scene.sandbox.opened[0].ran
    assert first == 60.0 > second > 0
    assert "$ slow\nbegun\n[interrupted after 60 seconds]" in output.text
    assert output.text.endswith("[The timeout of 60 seconds expired. 1 of 3 commands were not run.]")
    assert output.details["outputs"][1]["exit_status"] is None


async def test_a_session_that_is_killed_is_reported_with_what_had_been_done(conversation: Conversation) -> None:
    scene = Scene(make=[out("half\r\n"), out("dies"), RunDone("ok", 0)])
    output = await conversation.run(scene.tool, commands=["ls", "make", "pwd"])
    assert "$ ls\n[exit 0]\n$ make\nhalf" in output.text
    assert "[did not end]" in output.text
    assert "The session ended while a command ran: It was killed." in output.text
    again = await conversation.run(scene.tool, commands=["ls"])
    assert "This is a new session. It was killed. Its variables, working directory and processes" in again.text
    assert conversation.states() == ["started", "lost", "started"]


async def test_the_text_for_the_model_is_shared_out_among_the_commands(conversation: Conversation) -> None:
    scene = Scene(flood=[out("x" * 500_000), RunDone("ok", 0, dropped=1_500_000)])
    output = await conversation.run(scene.tool, commands=["flood", "flood"])
    assert MAX_TEXT < len(output.text) < MAX_TEXT + 1000
    assert output.text.count("characters are omitted here") == 2
    assert output.text.count("1.5 MB in the middle were dropped") == 2


async def test_the_files_of_the_conversation_go_in_and_those_that_were_written_come_out(
    conversation: Conversation,
) -> None:
    async def play(session: ToySession, source: str) -> AsyncGenerator[Event]:
        session.write("sorted.txt", b"".join(sorted(session.contents["data.txt"][0].splitlines(keepends=True))))
        yield RunDone("ok", 0)

    conversation.upload("data.txt", b"b\na\n")
    tool = ComputerTool(SessionPool(ToySandbox(play), Clock()))
    output = await conversation.run(tool, commands=["sort data.txt > sorted.txt"])
    assert [(file.name, conversation.content(file)) for file in output.files] == [("sorted.txt", b"a\nb\n")]
    assert "Files for the user:\n- sorted.txt (4 bytes)" in output.text
    assert output.details["files"] == [output.files[0].id]


async def test_who_watches_sees_the_terminal_the_commands_and_the_files(conversation: Conversation) -> None:
    scene = Scene(false=[RunDone("error", 1)])
    async with aclosing(scene.sessions.watch("thread_1")) as watching:
        seeing = asyncio.ensure_future(anext(watching))
        await others_go_first()
        await conversation.run(scene.tool, commands=["ls"])
        scene.sandbox.opened[0].write("made.txt", b"x")
        output = await conversation.run(scene.tool, commands=["false"])
        seen = [await seeing]
        async with asyncio.timeout(BOUND):
            while not isinstance(seen[-1], FileMade):
                seen.append(await anext(watching))
    assert [sight for sight in seen if not isinstance(sight, TerminalOutput)] == [
        CommandCompleted("ls", 0),
        CommandCompleted("false", 1),
        FileMade(output.files[0]),
    ]
    assert (
        b"".join(sight.data for sight in seen if isinstance(sight, TerminalOutput))
        == b"terminal of lsterminal of false"
    )


async def test_without_a_way_out_a_call_may_be_run_again_and_with_one_it_may_not(conversation: Conversation) -> None:
    async def tunnel(read: Any, write: Any) -> None: ...

    scene = Scene()
    (closed,) = scene.tool.functions({"type": "computer"})
    (opened,) = ComputerTool(scene.sessions, egress=lambda *_: tunnel).functions({"type": "computer"})
    assert (closed.name, closed.effect, opened.name, opened.effect) == ("computer", "idempotent", "computer", "unsafe")
    assert "There is no network." in closed.description
    assert "hosts that the operator allows" in opened.description


async def test_the_session_has_the_way_out_of_the_assistant_and_another_one_when_that_changes(
    conversation: Conversation,
) -> None:
    async def tunnel(read: Any, write: Any) -> None: ...

    grants = {"asst_1": tunnel}
    scene = Scene()
    tool = ComputerTool(scene.sessions, egress=lambda assistant, *_: grants.get(assistant))
    await conversation.run(tool, commands=["ls"])
    await conversation.run(tool, commands=["ls"])
    del grants["asst_1"]
    output = await conversation.run(tool, commands=["ls"])
    assert [session.spec.tunnel for session in scene.sandbox.opened] == [tunnel, None]
    assert "Its network access has changed." in output.text
