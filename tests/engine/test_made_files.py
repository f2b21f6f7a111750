"""The files that calls make: told with the end of the call, and shown by the next message if they are images."""

from dataclasses import replace
from typing import Any

import pytest

from projectdavid.engine.calls import MAX_IMAGES
from projectdavid.engine.inputs import ModelFailed, ModelReplied, RunExpired, RunInput, ToolReturned, WorkAborted
from projectdavid.engine.machine import advance
from projectdavid.engine.run import MessageImage, RecordOutput, RecordReply, RunFailure, RunState, RunStatus
from tests.engine.samples import ENDS, NOW, PLOT, a_call, a_reply, a_run, asked, kinds, only, replied

TABLE = replace(PLOT, id="file_2", name="table.csv", mime_type="text/csv")
SHOWN = MessageImage("file_1", "plot.png", "image/png")
ATTACHED = [{"type": "image", "file_id": "file_1", "filename": "plot.png", "mime_type": "image/png"}]
FATAL = RunFailure("authentication_error", "The key is wrong.")


def running(status: RunStatus = RunStatus.IN_PROGRESS) -> RunState:
    """A run whose one call is being run by the platform."""
    call = a_call("call_1", tool="code_interpreter", started=True)
    return a_run(status, turn=1, attempt=0, calls=(call,))


def returned(*files: Any, **fields: Any) -> ToolReturned:
    return ToolReturned("call_1", "2", NOW, files=files, **fields)


def test_files_are_told_in_order_before_the_output() -> None:
    next = advance(running(), returned(PLOT, TABLE))
    assert kinds(next)[:3] == ["file", "file", "tool_output"]
    assert next.entries[0].data == {
        "tool_call_id": "call_1",
        "tool": "code_interpreter",
        "file_id": "file_1",
        "filename": "plot.png",
        "mime_type": "image/png",
        "size": 8,
        "url": "https://files.example/file_1",
    }
    assert next.run.images == (SHOWN,)


def test_what_a_tool_has_to_show_is_kept_with_the_output() -> None:
    next = advance(running(), returned(details={"input": "1 + 1"}))
    assert next.records == (RecordOutput("call_1", "2", details={"input": "1 + 1"}),)


def test_the_files_of_a_call_that_returns_late_are_told_too() -> None:
    next = advance(running(RunStatus.CANCELLING), returned(PLOT))
    assert kinds(next) == ["file", "tool_output", "status"]
    assert next.run.status is RunStatus.CANCELLED


def test_the_images_of_several_calls_are_shown_together_up_to_a_limit() -> None:
    run = running()
    many = tuple(replace(PLOT, id=f"file_{number}") for number in range(MAX_IMAGES))
    next = advance(run._replace(images=(SHOWN,)), returned(*many))
    assert [image.file_id for image in next.run.images] == [file.id for file in many]


@pytest.mark.parametrize(
    ("status", "happened"),
    [
        (RunStatus.IN_PROGRESS, replied("Here.")),
        (RunStatus.IN_PROGRESS, replied("Here.", asked("a"))),
        (RunStatus.IN_PROGRESS, replied("Here.", finish="length")),
        (RunStatus.IN_PROGRESS, ModelFailed(FATAL, NOW, a_reply("Here."))),
        (RunStatus.IN_PROGRESS, RunExpired(ENDS, a_reply("Here."))),
        (RunStatus.CANCELLING, WorkAborted(NOW, a_reply("Here."))),
        (RunStatus.CANCELLING, ModelReplied(a_reply("Here."), NOW)),
    ],
)
def test_the_next_message_with_text_shows_them_whatever_ends_it(status: RunStatus, happened: RunInput) -> None:
    next = advance(a_run(status, images=(SHOWN,)), happened)
    assert only(next, "message_completed").data["attachments"] == ATTACHED
    (kept,) = (kept for kept in next.records if isinstance(kept, RecordReply))
    assert kept.images == (SHOWN,)
    assert next.run.images == ()


def test_a_turn_without_text_leaves_them_to_the_next() -> None:
    next = advance(a_run(images=(SHOWN,)), replied("", asked("a")))
    (kept,) = (kept for kept in next.records if isinstance(kept, RecordReply))
    assert kept.images == ()
    assert next.run.images == (SHOWN,)


def test_a_message_without_images_has_no_word_of_them() -> None:
    assert "attachments" not in only(advance(a_run(), replied("Hello")), "message_completed").data
