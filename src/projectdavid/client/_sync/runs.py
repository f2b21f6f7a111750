# Made from client/_async/runs.py by scripts/unasync.py: do not edit.
"""Runs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Unpack

from projectdavid.client._sync.running import Runner
from projectdavid.client._sync.streams import RunStream
from projectdavid.client._sync.transport import Transport
from projectdavid.client.errors import RunFailed
from projectdavid.client.lists import Order, cursor
from projectdavid.client.overrides import RunOverrides, RunSettings, run_body
from projectdavid.client.results import RunResult
from projectdavid.client.retry import Deadline
from projectdavid.client.wire import Identified, at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.events import Event, StatusEvent
from projectdavid.protocol.runs import TERMINAL_STATUSES, Run
from projectdavid.protocol.steps import RunStep

_AT_REST = TERMINAL_STATUSES | {"requires_action"}
_ANSWERED = frozenset({"completed", "incomplete"})


class Runs:
    """One answer of an assistant to a thread each."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_run(
        self,
        assistant_id: str | Identified,
        thread_id: str | Identified,
        *,
        status: Literal["pending", "queued"] | None = None,
        idempotency_key: str | None = None,
        **overrides: Unpack[RunOverrides],
    ) -> Run:
        """Begin a run; it starts at once, unless `status` makes it wait for `POST /v1/completions`.

        With one `idempotency_key` it is one run, however often you ask for it.

        Raises:
            ConflictError: another run of the thread is not over, and `on_busy` is not `queue` or `interrupt`.
            NotFoundError: there is no such assistant or thread.
        """
        body = run_body(assistant_id, thread_id, overrides)
        if status is not None:
            body["status"] = status
        return self._transport.ask(Run, "POST", "/v1/runs", body=body, key=idempotency_key)

    def retrieve_run(self, run_id: str) -> Run:
        """The run with this id."""
        return self._transport.ask(Run, "GET", at("/v1/runs/{}", run_id))

    def list_runs(self, thread_id: str, limit: int = 20, order: Order = "asc", after: str | None = None) -> Page[Run]:
        """One page of the runs of a thread; they are in `.data`."""
        path = at("/v1/threads/{}/runs", thread_id)
        return self._transport.ask(Page[Run], "GET", path, query=cursor(limit, order, after))

    def list_all_runs(self, limit: int = 20, order: Order = "desc", after: str | None = None) -> Page[Run]:
        """One page of all your runs; they are in `.data`."""
        return self._transport.ask(Page[Run], "GET", "/v1/runs", query=cursor(limit, order, after))

    def list_steps(self, run_id: str, limit: int = 20, order: Order = "asc", after: str | None = None) -> Page[RunStep]:
        """One page of the steps of a run, its messages and its calls in order; they are in `.data`."""
        path = at("/v1/runs/{}/steps", run_id)
        return self._transport.ask(Page[RunStep], "GET", path, query=cursor(limit, order, after))

    def retrieve_step(self, run_id: str, step_id: str) -> RunStep:
        """One step of a run."""
        return self._transport.ask(RunStep, "GET", at("/v1/runs/{}/steps/{}", run_id, step_id))

    def cancel_run(self, run_id: str, *, idempotency_key: str | None = None) -> Run:
        """Stop a run.

        Raises:
            BadRequestError: it is over.
        """
        return self._transport.ask(Run, "POST", at("/v1/runs/{}/cancel", run_id), key=idempotency_key)

    def delete_run(self, run_id: str, *, if_match: str | None = None) -> Deleted:
        """Delete a run; what it said stays. With `if_match`, only the revision that has this `etag`."""
        return self._transport.ask(Deleted, "DELETE", at("/v1/runs/{}", run_id), if_match=if_match)

    def update_run_metadata(self, run_id: str, meta_data: JsonObject, *, if_match: str | None = None) -> Run:
        """Merge pairs into the run's `meta_data`; with `if_match`, only in the revision that has this `etag`."""
        body, path = {"metadata": meta_data}, at("/v1/runs/{}/metadata", run_id)
        return self._transport.ask(Run, "PUT", path, body=body, if_match=if_match)

    def submit_tool_outputs(
        self, run_id: str, tool_outputs: Iterable[Any], *, idempotency_key: str | None = None
    ) -> Run:
        """Answer calls: `{"tool_call_id": ..., "output": text}` each. The run goes on when all are answered.

        Raises:
            BadRequestError: the run does not wait for them.
        """
        body = {"tool_outputs": list(tool_outputs)}
        path = at("/v1/runs/{}/submit_tool_outputs", run_id)
        return self._transport.ask(Run, "POST", path, body=body, key=idempotency_key)

    def wait(self, run_id: str, timeout: float | None = None) -> Run:
        """Wait until a run is over or waits for the output of a function.

        Args:
            run_id: the run.
            timeout: seconds; looked at whenever the server says something, keep-alives included. None: no limit.

        Raises:
            APITimeoutError: it took longer.
        """
        deadline = Deadline(timeout, f"the run {run_id}")
        run = self.retrieve_run(run_id)
        if run.status in _AT_REST:
            return run
        with RunStream(self._transport, run_id=run_id, deadline=deadline) as stream:
            for event in stream:
                # The stream begins with the past: a pause that it tells of may be over.
                if isinstance(event, StatusEvent) and event.status in _AT_REST:
                    run = self.retrieve_run(run_id)
                    if run.status in _AT_REST:
                        return run
        return self.retrieve_run(run_id)

    def stream(
        self,
        *,
        assistant_id: str | Identified | None = None,
        thread_id: str | Identified | None = None,
        run_id: str | None = None,
        after: int = 0,
        **overrides: Unpack[RunOverrides],
    ) -> RunStream:
        """Begin a run and read its events, or read those of the run `run_id` (behind position `after`).

        Raises:
            TypeError: neither or both were said.
        """
        if run_id is None:
            return RunStream(self._transport, body=run_body(assistant_id, thread_id, overrides))
        if assistant_id is not None or thread_id is not None or overrides:
            raise TypeError("a run that exists has its assistant and thread; pass either run_id or the others")
        return RunStream(self._transport, run_id=run_id, after=after)

    def run(
        self,
        assistant: str | Identified,
        thread: str | Identified,
        *,
        content: str | Sequence[Any] | None = None,
        tools: Iterable[Callable[..., Any]] = (),
        on_event: Callable[[Event], object] | None = None,
        check: bool = True,
        **overrides: Unpack[RunSettings],
    ) -> RunResult:
        """Say something and run the assistant to the end.

        Args:
            assistant: the assistant, or its id.
            thread: the thread, or its id.
            content: what the user says first; None: nothing.
            tools: Python functions that the model may call beside the assistant's own tools. Their type hints and
                docstrings describe them; an exception becomes `{"error": ...}` for the model, and is logged.
            on_event: called with every event.
            check: raise an error where the run does not end well; otherwise `.run.status` tells.
            overrides: what this run does differently from the assistant.

        Raises:
            RunFailed: it failed, expired, was cancelled, or calls a function that is not among `tools`. A run that
                was cut short (`incomplete`) is given back.
        """
        runner = Runner(self._transport, tools, on_event)
        result = runner.run(assistant, thread, content, overrides)
        if check and result.run.status not in _ANSWERED:
            raise RunFailed(result.run)
        return result
