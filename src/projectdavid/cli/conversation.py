"""A conversation in the terminal: reads lines and streams the answers."""

import sys
from contextlib import suppress
from importlib import import_module
from typing import TextIO

from projectdavid.cli.failures import failure_of
from projectdavid.cli.output import print_failure
from projectdavid.cli.run_events import EventPrinter
from projectdavid.client import (
    ApprovalDecidedEvent,
    ApprovalRequiredEvent,
    BadRequestError,
    Entity,
    ProjectDavidError,
    RunStream,
    StatusEvent,
    ToolCallEvent,
)
from projectdavid.client.overrides import RunOverrides
from projectdavid.protocol.runs import TERMINAL_STATUSES

with suppress(ImportError):
    import_module("readline")  # Adds history and line editing to input().

STOPPING = 60.0
"""Seconds to wait for a cancelled run to end."""


class PromptLines:
    """Lines typed by the user or read from a file."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self.interactive = source.isatty() and sys.stdout.isatty()

    def read(self, prompt: str) -> str | None:
        """Return the next line, or None at the end."""
        if not self.interactive:
            line = self._source.readline()
            return line.rstrip("\n") if line else None
        try:
            return input(prompt)
        except EOFError:
            return None


class ChatConversation:
    """One assistant and one thread."""

    def __init__(
        self,
        client: Entity,
        assistant_id: str,
        thread_id: str,
        model: str | None,
        lines: PromptLines,
        teller: EventPrinter,
    ) -> None:
        self._client = client
        self._assistant_id = assistant_id
        self._thread_id = thread_id
        self._model = model
        self._lines = lines
        self._teller = teller

    def answer(self, text: str) -> bool:
        """Send a message and print the answer; Ctrl-C cancels the run. Return True if the run succeeded."""
        try:
            self._client.messages.create_message(self._thread_id, text)
            overrides: RunOverrides = {} if self._model is None else {"model": self._model}
            with self._client.runs.stream(
                assistant_id=self._assistant_id, thread_id=self._thread_id, **overrides
            ) as stream:
                return self._follow(stream)
        except KeyboardInterrupt:
            self._cancel()
            return False
        finally:
            self._teller.end_line()

    def _follow(self, stream: RunStream) -> bool:
        status = ""
        gated: dict[str, ApprovalRequiredEvent] = {}
        for event in stream:
            self._teller.tell(event)
            match event:
                case ApprovalRequiredEvent():
                    gated[event.approval_id] = event
                case ApprovalDecidedEvent():
                    gated.pop(event.approval_id, None)
                case StatusEvent(status="action_required"):
                    status = event.status
                    self._decide(list(gated.values()))
                    if not self._submit(stream.run_id, stream.open_calls):
                        self._cancel()
                        return False
                case StatusEvent():
                    status = event.status
                case _:
                    pass
        return status in ("completed", "incomplete")

    def _decide(self, gated: list[ApprovalRequiredEvent]) -> None:
        """Ask the user about calls that need approval; everything but yes denies them."""
        always: set[str] = set()
        for event in gated:
            answer = "a" if event.name in always else self._lines.read(f"run {event.name}({event.arguments})? [y/N/a] ")
            word = (answer or "").strip().lower()
            if word in ("a", "always"):
                always.add(event.name)
                self._client.approvals.approve(event.approval_id, remember="run", digest=event.digest)
            elif word in ("y", "yes"):
                self._client.approvals.approve(event.approval_id, digest=event.digest)
            else:
                self._client.approvals.deny(event.approval_id, digest=event.digest)

    def _submit(self, run_id: str, calls: list[ToolCallEvent]) -> bool:
        """Ask the user for the outputs of function calls; return True if they were given, or if there are no calls."""
        if not calls:
            return True
        outputs: list[dict[str, str]] = []
        for call in calls:
            output = self._lines.read(f"output of {call.tool}> ")
            if output is None:
                self._teller.note(f"no output for {call.tool}: the run is cancelled")
                return False
            outputs.append({"tool_call_id": call.tool_call_id, "output": output})
        self._client.runs.submit_tool_outputs(run_id, outputs)
        return True

    def _cancel(self) -> None:
        """Cancel the open run, even if its id is not known yet."""
        self._teller.note("[stopped]")
        for run in self._client.runs.list_runs(self._thread_id, limit=1, order="desc").data:
            if run.status in TERMINAL_STATUSES:
                continue
            try:
                self._client.runs.cancel_run(run.id)
            except BadRequestError:
                continue  # The run has already ended.
            self._client.runs.wait(run.id, timeout=STOPPING)


def converse(conversation: ChatConversation, lines: PromptLines, teller: EventPrinter) -> bool:
    """Answer each line until /exit or the end; return True if all runs succeeded."""
    all_well = True
    while True:
        try:
            line = lines.read("you> ")
        except KeyboardInterrupt:
            if not lines.interactive:
                raise
            teller.note("/exit or Ctrl-D ends.")
            continue
        if line is None or line.strip() == "/exit":
            return all_well
        if not line.strip():
            continue
        try:
            all_well = conversation.answer(line) and all_well
        except ProjectDavidError as error:
            if not lines.interactive:
                raise
            print_failure(failure_of(error))
