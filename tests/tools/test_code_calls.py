"""What a call of the code interpreter comes to, event by event, in sessions that do as they are told."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from projectdavid.ports.sandbox import DisplayOutput, Event, OutputText, RunDone
from projectdavid.ports.tool import ToolError, ToolOutput
from projectdavid.tools.code_interpreter import MAX_CODE, MAX_TEXT, CodeInterpreter
from projectdavid.tools.sessions.output_events import CUT, MAX_TOLD
from projectdavid.tools.sessions.session_files import MAX_FILES
from projectdavid.tools.sessions.sessions import SessionPool
from tests.runtime.stage import others_go_first
from tests.tools.conversation import BOUND, Conversation
from tests.tools.toys import Clock, ToySandbox, ToySession

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n..."


class Scene:
    """A code interpreter whose sessions play the same events at each call, and break at the end if they are to."""

    def __init__(self, *events: Event, dies: str | None = None) -> None:
        self.conversation = Conversation()
        self.events = events
        self.dies = dies
        self.sandbox = ToySandbox(self._play)
        self.tool = CodeInterpreter(SessionPool(self.sandbox, Clock()), timeout=90.0)

    async def _play(self, session: ToySession, source: str) -> AsyncGenerator[Event]:
        for event in self.events:
            yield event
        if self.dies:
            session.die(self.dies)
            yield OutputText("stdout", "never seen")

    async def run(self, code: str = "1 + 1") -> ToolOutput:
        return await self.conversation.run(self.tool, code=code)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, 'code_interpreter expects {"code": "..."}, Python code as one string'),
        ({"code": None}, "Python code as one string"),
        ({"code": ["1"]}, "Python code as one string"),
        ({"code": " \n"}, "'code' is empty"),
        ({"code": "1", "language": "python"}, "only accepts 'code', not 'language'"),
        ({"code": "x" * (MAX_CODE + 1)}, "split it into several calls"),
    ],
)
async def test_arguments_that_are_no_code_are_refused_with_what_was_expected(
    conversation: Conversation, arguments: dict[str, Any], said: str
) -> None:
    scene = Scene()
    with pytest.raises(ToolError) as caught:
        await conversation.run(scene.tool, **arguments)
    assert said in caught.value.message
    assert scene.sandbox.asked == 0
    assert conversation.told == []


async def test_code_output_and_result_are_told_as_they_come_and_together() -> None:
    scene = Scene(
        OutputText("stdout", "one\n"),
        OutputText("stderr", "two"),
        DisplayOutput({"text/plain": b"3"}, True),
        RunDone("ok"),
    )
    output = await scene.run("code")
    told = scene.conversation.told
    assert told[0] == ("code", {"content": "code"})
    assert told[1][0] == "sandbox"
    assert [(data["stream"], data["content"]) for kind, data in told if kind == "output"] == [
        ("stdout", "one\n"),
        ("stderr", "two"),
        ("result", "3\n"),
    ]
    assert output.text == "one\ntwo\n3"
    assert output.details == {
        "input": "code",
        "outputs": [{"type": "logs", "logs": "one\ntwo\n3"}],
        "sandbox": {"level": "none", "session": "sbx_1", "new": True},
        "files": [],
    }
    assert scene.sandbox.opened[0].ran == [("code", 90.0)]


async def test_output_that_comes_while_an_event_is_written_goes_into_the_next() -> None:
    scene = Scene(*(OutputText("stdout", f"{number} ") for number in range(1000)), RunDone("ok"))
    output = await scene.run()
    told = [data["content"] for kind, data in scene.conversation.told if kind == "output"]
    assert len(told) < 20
    assert "".join(told).split() == output.text.split() == [str(number) for number in range(1000)]


async def test_code_that_shows_nothing_says_so() -> None:
    output = await Scene(RunDone("ok")).run()
    assert output.text == "[no output]"
    assert output.details["outputs"] == []


async def test_a_traceback_is_told_and_is_no_failure_of_the_tool() -> None:
    scene = Scene(
        OutputText("stdout", "before"), RunDone("error", error="Traceback ...\nZeroDivisionError: division by zero")
    )
    output = await scene.run()
    assert output.text == "before\nTraceback ...\nZeroDivisionError: division by zero"
    assert "ZeroDivisionError" in scene.conversation.output("stderr")


async def test_images_are_saved_under_numbers_and_named_in_the_step() -> None:
    figure = DisplayOutput({"text/plain": b"<Figure size 640x480>", "image/png": PNG})
    scene = Scene(figure, figure, RunDone("ok"))
    output = await scene.run()
    assert [file.name for file in output.files] == ["plot-1.png", "plot-2.png"]
    assert scene.conversation.content(output.files[0]) == PNG
    assert output.details["outputs"] == [{"type": "image", "file_id": file.id} for file in output.files]
    assert "<Figure" not in output.text
    again = await scene.run()
    assert [file.name for file in again.files] == ["plot-3.png", "plot-4.png"]
    assert scene.sandbox.opened[0].contents == {}, "what was shown is not put into its own session"


async def test_the_number_of_an_image_is_not_taken_by_a_file() -> None:
    scene = Scene(DisplayOutput({"image/png": PNG}), RunDone("ok"))
    scene.conversation.upload("plot-1.png", PNG)
    assert [file.name for file in (await scene.run()).files] == ["plot-2.png"]
    scene.sandbox.opened[0].write("plot-3.png", PNG + b"another")
    output = await scene.run()
    assert [file.name for file in output.files] == ["plot-3.png", "plot-4.png"]
    assert output.details["outputs"] == [{"type": "image", "file_id": output.files[1].id}]


async def test_an_image_that_was_written_as_a_file_too_is_one_file() -> None:
    scene = Scene(DisplayOutput({"image/png": PNG}), DisplayOutput({"image/png": PNG + b"2"}), RunDone("ok"))
    await scene.run()
    scene.sandbox.opened[0].write("chart.png", PNG)
    output = await scene.run()
    assert [file.name for file in output.files] == ["chart.png", "plot-3.png"]
    assert [one["file_id"] for one in output.details["outputs"]] == [file.id for file in output.files]


async def test_too_many_images_are_left_out() -> None:
    output = await Scene(*[DisplayOutput({"image/png": PNG})] * (MAX_FILES + 1), RunDone("ok")).run()
    assert len(output.files) == MAX_FILES
    assert "An image is not saved: a call can create at most 50 files." in output.text


async def test_plain_text_is_preferred_to_other_types() -> None:
    table = DisplayOutput({"text/html": b"<table>", "text/plain": b"a table"})
    page = DisplayOutput({"text/html": b"<b>bold</b>", "text/markdown": b"**bold**"}, True)
    nothing = DisplayOutput({"application/x-unknown": b"?"})
    assert (await Scene(table, page, nothing, RunDone("ok")).run()).text == "a table\n**bold**"


async def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert (await Scene(DisplayOutput({"text/plain": b"\xff\xfe"}, True), RunDone("ok")).run()).text == "��"


async def test_the_text_for_the_model_is_bounded_and_keeps_beginning_end_and_traceback() -> None:
    flood = OutputText("stdout", "begin " + "x" * 1_000_000 + " end")
    output = await Scene(flood, RunDone("error", error="E: " + "y" * 100_000, dropped=2_000_000)).run()
    assert len(output.text) < 2 * MAX_TEXT + 1000
    assert output.text.startswith("begin x")
    assert " end\nE: yyy" in output.text
    assert "characters are omitted here" in output.text
    assert "2.0 MB in the middle were dropped" in output.text


async def test_what_is_told_of_one_call_is_bounded() -> None:
    scene = Scene(*[OutputText("stdout", "x" * 100_000)] * 20, RunDone("ok"))
    await scene.run()
    told = scene.conversation.output()
    assert told == "x" * MAX_TOLD + CUT


async def test_a_progress_bar_is_its_last_state() -> None:
    output = await Scene(OutputText("stderr", "10%\r"), OutputText("stderr", "90%\r100%\n"), RunDone("ok")).run()
    assert output.text == "100%"


async def test_a_progress_bar_is_not_mixed_with_another_stream() -> None:
    bar = [OutputText("stderr", "\r 93%|##  |"), OutputText("stdout", "done\n"), OutputText("stderr", "\r100%|####|\n")]
    assert (await Scene(*bar, RunDone("ok")).run()).text == " 93%|##  |\ndone\n100%|####|"
    plain = [OutputText("stdout", "a"), OutputText("stderr", "b"), OutputText("stdout", "c\n")]
    assert (await Scene(*plain, RunDone("ok")).run()).text == "abc"


@pytest.mark.parametrize(
    ("done", "note", "lost"),
    [
        (RunDone("timeout"), "[The code was interrupted after 90 seconds. Variables and files are kept.]", False),
        (RunDone("interrupted"), "[The code was interrupted. Variables and files are kept.]", False),
        (
            RunDone("timeout", state_lost=True),
            "after 90 seconds. The process was killed, and variables and imports",
            True,
        ),
        (
            RunDone("died", state_lost=True, error="It was killed by SIGKILL."),
            "It was killed by SIGKILL.\n\n[The Python",
            True,
        ),
        (RunDone("ok", state_lost=True), "variables and imports are lost; files in /mnt/data remain.", True),
    ],
)
async def test_what_became_of_the_state_is_said(done: RunDone, note: str, lost: bool) -> None:
    scene = Scene(OutputText("stdout", "out"), done)
    output = await scene.run()
    assert note in output.text
    assert scene.conversation.states() == ["started", *["lost"] * lost]
    assert not (await scene.run()).details["sandbox"]["new"], "the session goes on"


async def test_a_session_that_is_killed_while_code_runs_is_reported_and_the_next_call_starts_a_fresh_one() -> None:
    scene = Scene(OutputText("stdout", "half"), DisplayOutput({"image/png": PNG}), dies="It was killed from outside.")
    output = await scene.run()
    assert output.text.startswith("half")
    assert "never seen" not in output.text
    assert "The session ended while the code ran: It was killed from outside." in output.text
    assert "The code was not run again" in output.text
    assert [file.name for file in output.files] == ["plot-1.png"], "what had been saved is kept"
    assert scene.conversation.states() == ["started", "lost"]
    scene.events, scene.dies = (RunDone("ok"),), None
    again = await scene.run()
    assert "This is a new session. It was killed from outside. Earlier variables and imports" in again.text
    assert again.details["sandbox"] == {"level": "none", "session": "sbx_2", "new": True}
    assert scene.conversation.states() == ["started", "lost", "started"]


async def test_a_run_that_is_cancelled_stops_the_code_and_keeps_the_session() -> None:
    never = asyncio.Event()

    async def play(session: ToySession, source: str) -> AsyncGenerator[Event]:
        yield OutputText("stdout", "begun")
        if source == "wait":
            await never.wait()
        yield RunDone("ok")

    sandbox, conversation = ToySandbox(play), Conversation()
    tool = CodeInterpreter(SessionPool(sandbox, Clock()))
    call = asyncio.create_task(conversation.run(tool, code="wait"))
    await conversation.until_output("begun")
    call.cancel()
    async with asyncio.timeout(BOUND):
        await asyncio.gather(call, return_exceptions=True)
    await others_go_first()
    assert call.cancelled()
    assert sandbox.opened[0].stopped == 1
    assert not (await conversation.run(tool, code="go on")).details["sandbox"]["new"]


class GivenUp(Exception):
    """The run is another worker's."""


async def test_a_worker_that_lost_the_run_stops_the_code_and_says_nothing_more() -> None:
    scene = Scene(*(OutputText("stdout", f"{number}") for number in range(10)), RunDone("ok"))
    said = 0

    async def tell(kind: str, data: Any) -> None:
        nonlocal said
        said += kind == "output"
        if said:
            raise GivenUp

    scene.conversation.tell = tell  # type: ignore[method-assign]
    with pytest.raises(GivenUp):
        await scene.run()
    assert said == 1
