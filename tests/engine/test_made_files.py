"""The files that calls make: told with the end of the call, and shown by the next message if they are images."""

from dataclasses import replace
from typing import Any

import pytest

from projectdavid.engine.calls import MOST_SHOWN
from projectdavid.engine.happenings import Aborted, Expired, Happened, ModelFailed, ModelReplied, ToolReturned
from projectdavid.engine.machine import advance
from projectdavid.engine.run import Failure, Image, KeepOutput, KeepReply, Run, Status
from tests.engine.samples import ENDS, NOW, PLOT, a_call, a_reply, a_run, asked, kinds, only, replied

TABLE = replace(PLOT, id="file_2", name="table.csv", mime_type="text/csv")
SHOWN = Image("file_1", "plot.png", "image/png")
ATTACHED = [{"type": "image", "file_id": "file_1", "filename": "plot.png", "mime_type": "image/png"}]
FATAL = Failure("authentication_error", "The key is wrong.")


def running(status: Status = Status.IN_PROGRESS) -> Run:
    """A run whose one call is being run by the platform."""
    call = a_call("call_1", tool="code_interpreter", started=True)
    return a_run(status, turn=1, attempt=0, calls=(call,))


def returned(*files: Any, **fields: Any) -> ToolReturned:
    return ToolReturned("call_1", "2", NOW, files=files, **fields)


def test_files_are_told_in_order_before_the_output() -> None:
    next = advance(running(), returned(PLOT, TABLE))
    assert kinds(next)[:3] == ["file", "file", "tool_output"]
    assert next.tell[0].data == {
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
    assert next.keep == (KeepOutput("call_1", "2", details={"input": "1 + 1"}),)


def test_the_files_of_a_call_that_returns_late_are_told_too() -> None:
    next = advance(running(Status.CANCELLING), returned(PLOT))
    assert kinds(next) == ["file", "tool_output", "status"]
    assert next.run.status is Status.CANCELLED


def test_the_images_of_several_calls_are_shown_together_up_to_a_limit() -> None:
    run = running()
    many = tuple(replace(PLOT, id=f"file_{number}") for number in range(MOST_SHOWN))
    next = advance(replace(run, images=(SHOWN,)), returned(*many))
    assert [image.file_id for image in next.run.images] == [file.id for file in many]


@pytest.mark.parametrize(
    ("status", "happened"),
    [
        (Status.IN_PROGRESS, replied("Here.")),
        (Status.IN_PROGRESS, replied("Here.", asked("a"))),
        (Status.IN_PROGRESS, replied("Here.", finish="length")),
        (Status.IN_PROGRESS, ModelFailed(FATAL, NOW, a_reply("Here."))),
        (Status.IN_PROGRESS, Expired(ENDS, a_reply("Here."))),
        (Status.CANCELLING, Aborted(NOW, a_reply("Here."))),
        (Status.CANCELLING, ModelReplied(a_reply("Here."), NOW)),
    ],
)
def test_the_next_message_with_text_shows_them_whatever_ends_it(status: Status, happened: Happened) -> None:
    next = advance(a_run(status, images=(SHOWN,)), happened)
    assert only(next, "message_completed").data["attachments"] == ATTACHED
    (kept,) = (kept for kept in next.keep if isinstance(kept, KeepReply))
    assert kept.images == (SHOWN,)
    assert next.run.images == ()


def test_a_turn_without_text_leaves_them_to_the_next() -> None:
    next = advance(a_run(images=(SHOWN,)), replied("", asked("a")))
    (kept,) = (kept for kept in next.keep if isinstance(kept, KeepReply))
    assert kept.images == ()
    assert next.run.images == (SHOWN,)


def test_a_message_without_images_has_no_word_of_them() -> None:
    assert "attachments" not in only(advance(a_run(), replied("Hello")), "message_completed").data
