# Made from client/_async/run_helpers.py by scripts/unasync.py: do not edit.
"""Helper that runs an assistant to its end: adds the message, answers function calls, collects the result."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from projectdavid.client._sync.streams import RunStream
from projectdavid.client._sync.transport import Transport
from projectdavid.client.errors import BadRequestError, ConflictError
from projectdavid.client.functions import (
    failure_text,
    merge_tools,
    output_text,
    python_tools,
)
from projectdavid.client.lists import cursor
from projectdavid.client.overrides import run_body
from projectdavid.client.primitives import invoke, tell
from projectdavid.client.results import RunResult
from projectdavid.client.transcript import text_of
from projectdavid.client.wire import IdentifiedObject, at, id_of
from projectdavid.protocol.approvals import Approval
from projectdavid.protocol.assistants import Assistant
from projectdavid.protocol.base import Page
from projectdavid.protocol.events import (
    ApprovalDecidedEvent,
    ApprovalRequiredEvent,
    Event,
    StatusEvent,
    ToolCallEvent,
)
from projectdavid.protocol.messages import Message
from projectdavid.protocol.runs import PendingAction, Run

_LOG = logging.getLogger("projectdavid")

Outputs = list[dict[str, str]]
Approve = bool | Callable[[ApprovalRequiredEvent], Any]
"""Approves or denies all calls, or decides about each: True approves, anything else denies; a text is the reason."""


class Runner:
    """Runs assistants with Python functions, and passes every event to the listener."""

    def __init__(
        self,
        transport: Transport,
        functions: Iterable[Callable[..., Any]],
        listener: Callable[[Event], object] | None,
        approve: Approve | None = None,
    ) -> None:
        self._transport = transport
        self._tools = python_tools(functions)
        self._listener = listener
        self._approve = approve
        self._answered: set[str] = set()
        self.waiting: dict[str, ApprovalRequiredEvent] = {}
        """The approvals that no one has decided yet, by id."""

    def run(
        self,
        assistant: str | IdentifiedObject,
        thread: str | IdentifiedObject,
        content: str | Sequence[Any] | None,
        overrides: Mapping[str, Any],
    ) -> RunResult:
        """Run until the run ends, or waits for the output of an unknown function."""
        body = run_body(assistant, thread, overrides)
        if self._tools:
            body["tools"] = merge_tools(self._tools, self._tools_of(assistant))
        if content is not None:
            message = {"thread_id": id_of(thread), "content": content, "role": "user"}
            self._transport.ask(Message, "POST", "/v1/messages", body=message)
        with RunStream(self._transport, body=body) as stream:
            for event in stream:
                tell(self._listener, event)
                self._note_approval(event)
                waits = isinstance(event, StatusEvent) and event.status == "action_required"
                if waits and not self._proceed(stream.run_id, stream.open_calls):
                    break
            run = self._transport.ask(Run, "GET", at("/v1/runs/{}", stream.run_id))
            messages = self._messages_of(run)
            spoken = [text_of(message) for message in messages if message.role == "assistant"]
            return RunResult(run, spoken[-1] if spoken else stream.text, messages)

    def _tools_of(self, assistant: str | IdentifiedObject) -> list[Any]:
        if not isinstance(assistant, Assistant):
            path = at("/v1/assistants/{}", id_of(assistant))
            assistant = self._transport.ask(Assistant, "GET", path)
        return assistant.tools or []  # the server adds the platform_tools

    def _note_approval(self, event: Event) -> None:
        if isinstance(event, ApprovalRequiredEvent):
            self.waiting[event.approval_id] = event
        elif isinstance(event, ApprovalDecidedEvent):
            self.waiting.pop(event.approval_id, None)

    def _proceed(self, run_id: str, calls: list[ToolCallEvent]) -> bool:
        """Answer calls, and decide about approvals. Return True if the run can continue."""
        answered = self._answer(run_id, calls)
        if self._approve is None:
            return answered and not self.waiting
        for approval in list(self.waiting.values()):
            self._decide(approval)
        return answered

    def _decide(self, approval: ApprovalRequiredEvent) -> None:
        verdict = self._approve
        if callable(verdict):
            verdict = invoke(partial(verdict, approval), {})
        body: dict[str, Any] = {"approve": verdict is True, "digest": approval.digest}
        if isinstance(verdict, str):
            body["reason"] = verdict
        try:
            self._transport.ask(Approval, "POST", at("/v1/approvals/{}", approval.approval_id), body=body)
        except ConflictError as error:
            if error.code != "approval_decided":
                raise  # otherwise another person was faster
        self.waiting.pop(approval.approval_id, None)

    def _answer(self, run_id: str, calls: list[ToolCallEvent]) -> bool:
        """Answer each call that has a function here, once. Return True if those were all calls."""
        new = [call for call in calls if call.tool_call_id not in self._answered]
        known = [call for call in new if call.tool in self._tools]
        self._answered.update(call.tool_call_id for call in known)
        outputs = [{"tool_call_id": call.tool_call_id, "output": self._output(call)} for call in known]
        self._deliver(run_id, outputs)
        return len(known) == len(new)

    def _output(self, call: ToolCallEvent) -> str:
        tool = self._tools[call.tool]
        try:
            arguments = tool.bind(call.args)
        except ValueError as error:
            return failure_text(error)
        try:
            return output_text(invoke(tool.function, arguments))
        except Exception as error:  # noqa: BLE001 - whatever the caller's function raises is for the model
            _LOG.exception("the function tool %s failed; the model receives the error", call.tool)
            return failure_text(error)

    def _deliver(self, run_id: str, outputs: Outputs) -> None:
        """Submit outputs. If other clients answered some of the calls, submit the remaining ones."""
        path = at("/v1/runs/{}/submit_tool_outputs", run_id)
        while outputs:
            try:
                self._transport.ask(Run, "POST", path, body={"tool_outputs": outputs})
                return
            except (BadRequestError, ConflictError):
                wanted = self._still_wanted(run_id, outputs)
                if len(wanted) == len(outputs):
                    raise
                outputs = wanted

    def _still_wanted(self, run_id: str, outputs: Outputs) -> Outputs:
        pending = self._transport.ask(list[PendingAction], "GET", at("/v1/actions/pending/{}", run_id))
        wanted = {action.tool_call_id for action in pending}
        return [output for output in outputs if output["tool_call_id"] in wanted]

    def _messages_of(self, run: Run) -> list[Message]:
        path = at("/v1/threads/{}/messages", run.thread_id)
        found: list[Message] = []
        after: str | None = None
        while True:
            page = self._transport.ask(Page[Message], "GET", path, query=cursor(100, "desc", after))
            found += [message for message in page.data if message.run_id == run.id]
            if not (page.has_more and page.data) or page.data[-1].created_at < run.created_at or page.last_id == after:
                return found[::-1]
            after = page.last_id
