"""Runs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Unpack

from projectdavid.client._async.run_helpers import Approve, AsyncRunner
from projectdavid.client._async.streams import AsyncRunStream
from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.errors import ApprovalRequired, InvalidInputError, RunFailed
from projectdavid.client.fields import present
from projectdavid.client.lists import Order, cursor
from projectdavid.client.overrides import RunOverrides, RunSettings, run_body
from projectdavid.client.resource import MethodGroup
from projectdavid.client.results import RunResult
from projectdavid.client.retry import Deadline
from projectdavid.client.wire import IdentifiedObject, at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.events import Event, StatusEvent
from projectdavid.protocol.runs import AT_REST_STATUSES, Run
from projectdavid.protocol.steps import RunStep

_ANSWERED = frozenset({"completed", "incomplete"})


class AsyncRuns(MethodGroup):
    """Runs of an assistant on a thread."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_run(
        self,
        assistant_id: str | IdentifiedObject,
        thread_id: str | IdentifiedObject,
        *,
        status: Literal["pending", "queued"] | None = None,
        idempotency_key: str | None = None,
        **overrides: Unpack[RunOverrides],
    ) -> Run:
        """Create a run. It starts at once, unless `status` makes it wait for `POST /v1/completions`.

        Requests with the same `idempotency_key` create one run.

        Raises:
            ConflictError: another run of the thread is open, and `on_busy` is not `queue` or `interrupt`.
            NotFoundError: the assistant or thread does not exist.
        """
        body = run_body(assistant_id, thread_id, overrides)
        if status is not None:
            body["status"] = status
        return await self._transport.ask(Run, "POST", "/v1/runs", body=body, key=idempotency_key)

    async def retrieve_run(self, run_id: str) -> Run:
        """Retrieve a run."""
        return await self._transport.ask(Run, "GET", at("/v1/runs/{}", run_id))

    async def list_runs(
        self,
        thread_id: str,
        limit: int = 20,
        order: Order = "asc",
        after: str | None = None,
        *,
        status: str | None = None,
    ) -> Page[Run]:
        """List one page of the runs of a thread, in `.data`; of those with a `status`, if it is given."""
        path = at("/v1/threads/{}/runs", thread_id)
        query = cursor(limit, order, after) | present(status=status)
        return await self._transport.ask(Page[Run], "GET", path, query=query)

    async def list_all_runs(
        self, limit: int = 20, order: Order = "desc", after: str | None = None, *, status: str | None = None
    ) -> Page[Run]:
        """List one page of all your runs, in `.data`; of those with a `status`, if it is given."""
        query = cursor(limit, order, after) | present(status=status)
        return await self._transport.ask(Page[Run], "GET", "/v1/runs", query=query)

    async def list_steps(
        self, run_id: str, limit: int = 20, order: Order = "asc", after: str | None = None
    ) -> Page[RunStep]:
        """List one page of the steps of a run (its messages and calls, in order), in `.data`."""
        path = at("/v1/runs/{}/steps", run_id)
        return await self._transport.ask(Page[RunStep], "GET", path, query=cursor(limit, order, after))

    async def retrieve_step(self, run_id: str, step_id: str) -> RunStep:
        """Retrieve one step of a run."""
        return await self._transport.ask(RunStep, "GET", at("/v1/runs/{}/steps/{}", run_id, step_id))

    async def cancel_run(self, run_id: str, *, idempotency_key: str | None = None) -> Run:
        """Cancel a run.

        Raises:
            BadRequestError: the run has ended.
        """
        return await self._transport.ask(Run, "POST", at("/v1/runs/{}/cancel", run_id), key=idempotency_key)

    async def delete_run(self, run_id: str, *, if_match: str | None = None) -> Deleted:
        """Delete a run; its messages stay. With `if_match`, only if its `etag` still matches."""
        return await self._transport.ask(Deleted, "DELETE", at("/v1/runs/{}", run_id), if_match=if_match)

    async def update_run_metadata(self, run_id: str, meta_data: JsonObject, *, if_match: str | None = None) -> Run:
        """Merge pairs into the run's `meta_data`; with `if_match`, only if its `etag` still matches."""
        body, path = {"metadata": meta_data}, at("/v1/runs/{}/metadata", run_id)
        return await self._transport.ask(Run, "PUT", path, body=body, if_match=if_match)

    async def submit_tool_outputs(
        self,
        run_id: str,
        tool_outputs: Iterable[Any] = (),
        *,
        tool_approvals: Iterable[Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """Submit the outputs of calls: `{"tool_call_id": ..., "output": text}` each. The run resumes when all are
        answered. `tool_approvals` decide about calls: `{"tool_call_id": ..., "approve": True}` each.

        Raises:
            BadRequestError: the run does not wait for them.
        """
        body: JsonObject = {"tool_outputs": list(tool_outputs)}
        if tool_approvals is not None:
            body["tool_approvals"] = list(tool_approvals)
        path = at("/v1/runs/{}/submit_tool_outputs", run_id)
        return await self._transport.ask(Run, "POST", path, body=body, key=idempotency_key)

    async def wait(self, run_id: str, timeout: float | None = None) -> Run:
        """Wait until a run ends or waits for the output of a function.

        Args:
            run_id: the run's id.
            timeout: seconds, checked whenever the server sends something, keep-alives included. None: no limit.

        Raises:
            APITimeoutError: the timeout expired.
        """
        deadline = Deadline(timeout, f"the run {run_id}")
        run = await self.retrieve_run(run_id)
        if run.status in AT_REST_STATUSES:
            return run
        async with AsyncRunStream(self._transport, run_id=run_id, deadline=deadline) as stream:
            async for event in stream:
                # The stream starts with past events, so a pause in it can already be over.
                if isinstance(event, StatusEvent) and event.status in AT_REST_STATUSES:
                    run = await self.retrieve_run(run_id)
                    if run.status in AT_REST_STATUSES:
                        return run
        return await self.retrieve_run(run_id)

    def stream(
        self,
        *,
        assistant_id: str | IdentifiedObject | None = None,
        thread_id: str | IdentifiedObject | None = None,
        run_id: str | None = None,
        after: int = 0,
        **overrides: Unpack[RunOverrides],
    ) -> AsyncRunStream:
        """Create a run and stream its events, or stream the run `run_id`, from its beginning or the position `after`.

        Raises:
            InvalidInputError: neither or both were given.
        """
        if run_id is None:
            return AsyncRunStream(self._transport, body=run_body(assistant_id, thread_id, overrides))
        if assistant_id is not None or thread_id is not None or overrides:
            raise InvalidInputError("pass either run_id, or an assistant and a thread for a new run")
        return AsyncRunStream(self._transport, run_id=run_id, after=after)

    async def run(
        self,
        assistant: str | IdentifiedObject,
        thread: str | IdentifiedObject,
        *,
        content: str | Sequence[Any] | None = None,
        tools: Iterable[Callable[..., Any]] = (),
        on_event: Callable[[Event], object] | None = None,
        approve: Approve | None = None,
        check: bool = True,
        **overrides: Unpack[RunSettings],
    ) -> RunResult:
        """Add a message, run the assistant to its end, and answer its function calls.

        Args:
            assistant: the assistant, or its id.
            thread: the thread, or its id.
            content: the user message to add first; None: no message.
            tools: Python functions that the model can call in addition to the assistant's tools. Their type hints and
                docstrings describe them; an exception becomes `{"error": ...}` for the model, and is logged.
            on_event: called with every event.
            approve: decides about calls that need approval: True or False for all of them, or a function that gets each
                `ApprovalRequiredEvent` and returns True, False, or the reason of a denial.
            check: raise an error if the run does not complete; otherwise check `.run.status`.
            overrides: settings of this run that replace those of the assistant.

        Raises:
            ApprovalRequired: calls need approval, and `approve` was not passed. The run waits for the decisions.
            RunFailed: it failed, expired, was cancelled, or calls a function that is not among `tools`. An `incomplete`
                run is returned.
        """
        runner = AsyncRunner(self._transport, tools, on_event, approve)
        result = await runner.run(assistant, thread, content, overrides)
        if check and result.run.status == "action_required" and runner.waiting:
            raise ApprovalRequired(result.run, list(runner.waiting.values()))
        if check and result.run.status not in _ANSWERED:
            raise RunFailed(result.run)
        return result

    create = create_run
    retrieve = retrieve_run
    list = list_runs
    cancel = cancel_run
    delete = delete_run
