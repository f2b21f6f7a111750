"""Prints the events of a run: text to stdout, everything else as notes."""

import json
from typing import IO

from rich.console import Console
from rich.text import Text

from projectdavid.cli.output import plain
from projectdavid.engine.terminal_escapes import strip_escapes
from projectdavid.protocol.events import (
    ApprovalDecidedEvent,
    ApprovalRequiredEvent,
    CodeEvent,
    ContentEvent,
    ErrorEvent,
    Event,
    FileEvent,
    MessageCompletedEvent,
    MessageDiscardedEvent,
    OutputEvent,
    ReasoningEvent,
    RefusalEvent,
    RetryEvent,
    SandboxEvent,
    StatusEvent,
    ToolCallEvent,
    ToolOutputEvent,
    WarningEvent,
)
from projectdavid.protocol.messages import Annotation, FileCitation, UrlCitation
from projectdavid.protocol.steps import (
    CodeRun,
    CommandsRun,
    FileSearchRun,
    FunctionRun,
    MessageCreation,
    RunStep,
    StepCall,
    WebSearchRun,
)

SHOWN = 400
"""Maximum number of characters of an output to print."""


class EventPrinter:
    """Prints text to one stream, and reasoning and notes to the other, each on separate lines."""

    def __init__(self, text: IO[str], notes: Console) -> None:
        self._text = text
        self._notes = notes
        self._open: type[Event] | None = None
        """The kind of the unfinished line."""
        self._seen: set[str] = set()
        """The calls whose output was printed while they ran."""

    def tell(self, event: Event) -> None:
        """Print one event."""
        match event:
            case ContentEvent() | RefusalEvent():
                self._begin(ContentEvent)
                self._text.write(plain(event.content))
                self._text.flush()
            case ReasoningEvent():
                if self._notes.is_terminal:
                    self._add(event, "dim italic")
            case CodeEvent():
                self.note(f"the assistant runs:\n{_indent(event.content)}")
            case OutputEvent():
                self._seen.add(event.tool_call_id)
                self._add(event, "cyan")
            case ToolOutputEvent() if event.tool_call_id in self._seen:
                self.end_line()
            case MessageCompletedEvent():
                self.end_line()
                for line in dict.fromkeys(map(_format_citation, event.annotations)):
                    self.note(line)
            case _:
                if line := _format_note(event):
                    self.note(line)

    def note(self, line: str) -> None:
        """Print a note."""
        self.end_line()
        self._notes.print(Text(plain(line), style="dim"), soft_wrap=True)

    def end_line(self) -> None:
        """End the open line."""
        if self._open is not None:
            stream = self._text if self._open is ContentEvent else self._notes.file
            stream.write("\n")
            stream.flush()
            self._open = None

    def _add(self, event: ReasoningEvent | OutputEvent, style: str) -> None:
        """Print a part of a note."""
        self._begin(type(event))
        self._notes.print(Text(plain(strip_escapes(event.content)), style=style), end="", soft_wrap=True)
        if event.content.endswith("\n"):
            self._open = None

    def _begin(self, kind: type[Event]) -> None:
        if self._open is not kind:
            self.end_line()
        self._open = kind


class JsonTeller(EventPrinter):
    """Prints events as JSON, one per line."""

    def tell(self, event: Event) -> None:
        """Print one event."""
        self._text.write(f"{event.json()}\n")
        self._text.flush()


def call_text(event: ToolCallEvent) -> str:
    """Format a call as Python code."""
    return f"{event.tool}({', '.join(f'{name}={value!r}' for name, value in event.args.items())})"


def event_text(event: Event) -> str:
    """Format an event on one line: position, type, fields."""
    held = {name: value for name, value in event.dict().items() if name not in ("run_id", "position", "type")}
    shown = {name: value for name, value in held.items() if value is not None}
    kind = getattr(event, "type", "?")
    return f"{event.position:>5}  {kind:<18}  {json.dumps(shown, ensure_ascii=False)}"


def step_texts(step: RunStep) -> list[str]:
    """Format a step and each of its calls, one per line."""
    head = f"{step.id}  {step.type:<16}  {step.status}"
    if isinstance(step.step_details, MessageCreation):
        return [f"{head}  {step.step_details.message_creation.message_id}"]
    return [head, *(f"    {_call_text(call)}" for call in step.step_details.tool_calls)]


def _call_text(call: StepCall) -> str:
    match call:
        case StepCall(function=FunctionRun() as function):
            return f"{function.name}({shorten(function.arguments)}) -> {shorten(function.output or '')}"
        case StepCall(code_interpreter=CodeRun() as ran):
            asked = ran.input
        case StepCall(computer=CommandsRun() as ran):
            asked = "; ".join(ran.commands)
        case StepCall(file_search=FileSearchRun() as search):
            found = ", ".join(dict.fromkeys(result.file_name for result in search.results))
            return f"{call.type}: {shorten(search.query)} -> {shorten(found)}"
        case StepCall(web_search=WebSearchRun() as search):
            found = ", ".join(source.url for source in search.sources)
            return f"{call.type}: {search.action} {shorten(search.query)} -> {shorten(found)}"
        case _:
            return call.type
    logs = " ".join(output.logs for output in ran.outputs if output.logs)
    files = f"  files: {', '.join(call.files)}" if call.files else ""
    return f"{call.type}: {shorten(asked)} -> {shorten(logs)}{files}"


def _format_note(event: Event) -> str:
    match event:
        case ToolCallEvent():
            return f"the assistant calls {call_text(event)}"
        case ApprovalRequiredEvent():
            return f"a call needs approval: {event.name}({event.arguments})"
        case ApprovalDecidedEvent():
            return f"[the call was {event.verdict}{': ' if event.note else ''}{event.note}]"
        case ToolOutputEvent():
            return f"the answer: {shorten(event.output)}"
        case FileEvent():
            return f"a file: {event.filename} ({event.mime_type}, {event.size:,} bytes)  {event.file_id}"
        case SandboxEvent():
            return f"[{event.message}]" if event.message else ""
        case MessageDiscardedEvent():
            return "[the reply broke off; retrying]"
        case RetryEvent():
            return f"[{event.error.message.rstrip('.')}; retrying in {event.delay_s:g} s]"
        case WarningEvent() | ErrorEvent():
            return f"{event.type}: {event.message} (code {event.code})"
        case StatusEvent(status="incomplete"):
            return f"[incomplete: {event.incomplete_details}]"
        case StatusEvent(status="cancelled" | "expired"):
            return f"[{event.status}]"
        case _:
            return ""


def _format_citation(annotation: Annotation) -> str:
    """Format a citation as a footnote."""
    match annotation:
        case Annotation(file_citation=FileCitation() as cited):
            page = "" if cited.page is None else f", page {cited.page}"
            return f"{annotation.text} {cited.filename}{page}, line {cited.first_line}: {shorten(cited.quote)!r}"
        case Annotation(url_citation=UrlCitation() as cited):
            return f"{cited.title}: {cited.url}"
        case _:
            return annotation.text


def _indent(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.rstrip().splitlines())


def shorten(text: str) -> str:
    """Shorten a text to one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"
