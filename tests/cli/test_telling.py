"""How the events of a run are told."""

from io import StringIO

import pytest
from rich.console import Console

from projectdavid import (
    CodeEvent,
    ContentEvent,
    ErrorEvent,
    Event,
    FileEvent,
    MessageCompletedEvent,
    MessageDiscardedEvent,
    OutputEvent,
    ReasoningEvent,
    RetryEvent,
    SandboxEvent,
    StatusEvent,
    ToolCallEvent,
    ToolOutputEvent,
    WarningEvent,
)
from projectdavid.cli.run_events import SHOWN, EventPrinter, event_text, step_texts
from projectdavid.protocol.runs import RunError
from projectdavid.protocol.steps import RunStep
from tests.client.samples import STEP


def told(*events: Event, terminal: bool = False) -> tuple[str, str]:
    """The text, and the notes."""
    text, notes = StringIO(), StringIO()
    teller = EventPrinter(text, Console(file=notes, force_terminal=terminal, color_system=None, highlight=False))
    for event in events:
        teller.tell(event)
    teller.end_line()
    return text.getvalue(), notes.getvalue()


def content(text: str) -> ContentEvent:
    return ContentEvent(run_id="r", content=text)


def test_the_text_goes_to_one_stream_and_ends_its_line() -> None:
    done = MessageCompletedEvent(run_id="r", message_id="m")
    assert told(content("one "), content("two"), done, content("three")) == ("one two\nthree\n", "")


def test_a_note_begins_on_a_line_of_its_own() -> None:
    call = ToolCallEvent(run_id="r", action_id="a", tool_call_id="c", tool="add", args={"a": 1, "b": "x"})
    text, notes = told(content("Let me"), call, ToolOutputEvent(run_id="r", tool_call_id="c", output="1\n2"))
    assert text == "Let me\n"
    assert notes == "the assistant calls add(a=1, b='x')\nthe answer: 1 2\n"


def test_reasoning_is_for_terminals_and_stands_apart_from_the_text() -> None:
    events = (ReasoningEvent(run_id="r", content="hm"), content("yes"))
    assert told(*events) == ("yes\n", "")
    text, notes = told(*events, terminal=True)
    assert (text, "hm" in notes, notes.endswith("\n")) == ("yes\n", True, True)


def test_code_and_what_it_puts_out_stand_on_lines_of_their_own() -> None:
    code = CodeEvent(run_id="r", tool_call_id="c", content="print(1)")
    pieces = [OutputEvent(run_id="r", tool_call_id="c", stream="stdout", content=text) for text in ("one ", "two")]
    assert told(content("Look:"), code, *pieces, content("So.")) == (
        "Look:\nSo.\n",
        "the assistant runs:\n    print(1)\none two\n",
    )


def test_the_escapes_of_a_terminal_are_left_out_whole() -> None:
    text = "\x1b[1;32ma.txt\x1b[0m\x1b]0;title\x07 \x1b]52;c;eA==\x1b\\b\x1bM\n"
    event = OutputEvent(run_id="r", tool_call_id="c", stream="terminal", content=text)
    assert told(event)[1] == "a.txt b\n"


CALLS = [
    {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}', "output": "2"}},
    {
        "id": "c2",
        "type": "code_interpreter",
        "code_interpreter": {"input": "1 +\n1", "outputs": [{"type": "logs", "logs": "2"}]},
        "files": ["file_1"],
    },
    {
        "id": "c3",
        "type": "computer",
        "computer": {"commands": ["ls", "pwd"], "outputs": [{"type": "command", "command": "ls", "logs": "a\nb"}]},
    },
    {
        "id": "c4",
        "type": "file_search",
        "file_search": {"query": "warranty", "results": [{"file_id": "f", "file_name": "a.pdf", "score": 1}] * 2},
    },
    {
        "id": "c5",
        "type": "web_search",
        "web_search": {
            "action": "read_web_page",
            "query": "https://a.example/",
            "sources": [{"title": "A", "url": "https://a.example/"}],
        },
    },
    {"id": "c6", "type": "new"},
]


def test_what_a_message_cites_is_told_below_it_once() -> None:
    where = {"file_id": "f", "filename": "a.pdf", "quote": "It lasts\ntwo years.", "page": 3, "first_line": 7}
    mark = {"type": "file_citation", "text": "【4:0†a.pdf】", "start_index": 0, "end_index": 11, "file_citation": where}
    page = {"url": "https://a.example/", "title": "A"}
    link = {"type": "url_citation", "text": "[A](https://a.example/)", "start_index": 0, "end_index": 9}
    annotations = [mark, mark, {**link, "url_citation": page}]
    whole = MessageCompletedEvent.model_validate({"run_id": "r", "message_id": "m", "annotations": annotations})
    text, notes = told(content("Two years【4:0†a.pdf】."), whole)
    assert text == "Two years【4:0†a.pdf】.\n"
    assert notes.splitlines() == ["【4:0†a.pdf】 a.pdf, page 3, line 7: 'It lasts two years.'", "A: https://a.example/"]


def test_a_step_is_told_with_each_of_its_calls_on_a_line() -> None:
    details = {"type": "tool_calls", "tool_calls": CALLS}
    head, *calls = step_texts(RunStep.model_validate({**STEP, "type": "tool_calls", "step_details": details}))
    assert head.split() == ["step_1", "tool_calls", "completed"]
    assert [line.strip() for line in calls] == [
        'add({"a": 1}) -> 2',
        "code_interpreter: 1 + 1 -> 2  files: file_1",
        "computer: ls; pwd -> a b",
        "file_search: warranty -> a.pdf",
        "web_search: read_web_page https://a.example/ -> https://a.example/",
        "new",
    ]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            FileEvent(
                run_id="r",
                tool_call_id="c",
                tool="code_interpreter",
                file_id="file_1",
                filename="plot.png",
                mime_type="image/png",
                size=8,
                url="https://x",
            ),
            "a file: plot.png (image/png, 8 bytes)  file_1",
        ),
        (SandboxEvent(run_id="r", tool_call_id="c", state="lost", message="It is gone."), "[It is gone.]"),
        (MessageDiscardedEvent(run_id="r", message_id="m"), "retrying"),
        (
            RetryEvent(run_id="r", attempt=1, delay_s=0.5, error=RunError(code="c", message="Busy.")),
            "Busy; retrying",
        ),
        (WarningEvent(run_id="r", code="c", message="Without web_search."), "Without web_search. (code c)"),
        (ErrorEvent(run_id="r", code="c", message="No."), "error: No. (code c)"),
        (StatusEvent(run_id="r", status="incomplete", incomplete_details="max_tokens"), "incomplete: max_tokens"),
        (StatusEvent(run_id="r", status="expired"), "expired"),
        (ToolOutputEvent(run_id="r", tool_call_id="c", output="x" * (SHOWN + 1)), "x…"),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_what_happens_beside_the_text_is_noted(event: Event, said: str) -> None:
    text, notes = told(event)
    assert text == ""
    assert said in notes.replace("\n", "")


def test_what_steers_a_terminal_is_left_out() -> None:
    assert told(content("a\x1b[2J\x9b\tb\n"))[0] == "a[2J\tb\n\n"


def test_an_event_on_one_line_has_its_position_type_and_fields() -> None:
    assert event_text(ContentEvent(run_id="r", position=7, content="é\n")).split() == [
        "7",
        "content",
        '{"content":',
        '"é\\n"}',
    ]
