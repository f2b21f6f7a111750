"""Approvals of tool calls: who can decide, what a decision must look like, and how it reaches the run."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from projectdavid.api.http.errors import ApiError, refused_error
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.engine.approvals import is_asked, is_gated, show_arguments
from projectdavid.engine.inputs import Decided, OutputsSubmitted
from projectdavid.engine.run import CallDecision, InputRefused
from projectdavid.ports import queries
from projectdavid.ports.rows import ActionRow, ApprovalRow, RunRow
from projectdavid.ports.store import Op, StoreView
from projectdavid.protocol.approvals import ApprovalDecision, ToolApproval
from projectdavid.runtime.output_formats import find_mismatch
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.runs.records import config_of, run_of
from projectdavid.runtime.schema_graph import InvalidSchema
from projectdavid.services.platform import Platform

Outputs = tuple[tuple[str, str], ...]


def serialize_approval(row: ApprovalRow) -> dict[str, Any]:
    """Serialize the approval of a call."""
    return {
        "id": row.id,
        "object": "approval",
        "status": row.status,
        "kind": "approve",
        "run_id": row.run_id,
        "thread_id": row.thread_id,
        "assistant_id": row.assistant_id,
        "tool_call_id": row.call_id,
        "action_id": row.action_id,
        "tool": row.tool or "function",
        "name": row.name,
        "args": msgspec.Raw((row.arguments or "{}").encode()),
        "arguments": show_arguments(row.arguments),
        "edited_arguments": None if row.edited is None else show_arguments(row.edited),
        "effect": row.effect,
        "reason": row.reason,
        "digest": row.digest,
        "created_at": row.created_at,
        "expires_at": int(row.expires_at),
        "decided_at": row.decided_at,
        "decided_by": row.decided_by,
        "note": row.note,
    }


def build_answers(caller: Caller, outputs: Outputs, approvals: Iterable[ToolApproval]) -> OutputsSubmitted | Decided:
    """Build the input of a request that submits outputs and decisions.

    Raises:
        ApiError: 403, the key cannot decide.
    """
    now = caller.platform.clock()
    decisions = tuple(to_decision(one, caller.key_prefix) for one in approvals)
    if not decisions:
        return OutputsSubmitted(outputs, now)
    caller.check_approver()
    return Decided(decisions, now, outputs)


def to_decision(approval: ToolApproval, by: str) -> CallDecision:
    """Convert a submitted decision; `by` is its origin."""
    return CallDecision(
        approval.tool_call_id,
        "approved" if approval.approve else "denied",
        by,
        approval.reason or "",
        digest=approval.digest,
    )


async def build_decision(view: StoreView, row: ApprovalRow, body: ApprovalDecision, by: str) -> CallDecision:
    """Convert a decision about one approval; `by` is its origin.

    Raises:
        ApiError: 422, its arguments do not match the schema of the function, or a denial has fields of an approval.
    """
    for name in ("arguments", "remember"):
        if not body.approve and getattr(body, name) is not None:
            raise ApiError(422, "invalid_value", f"{name}: expected no value, because 'approve' is false", name)
    arguments = None if body.arguments is None else to_json(body.arguments)
    if arguments is not None:
        await _check_arguments(await find(view, queries.RUN, row.run_id), row.name, arguments)
    return CallDecision(
        row.call_id,
        "approved" if body.approve else "denied",
        by,
        body.reason or "",
        arguments=arguments,
        digest=body.digest,
        remember=body.remember is not None,
    )


async def _check_arguments(run: RunRow, name: str, arguments: str) -> None:
    """Check edited arguments against the schema of the function.

    Raises:
        ApiError: 422.
    """
    schemas = {one["name"]: one.get("parameters") for one in config_of(run).functions}
    schema = schemas.get(name) or {"type": "object"}
    expected = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    try:
        mismatch = await asyncio.to_thread(find_mismatch, expected, arguments)
    except InvalidSchema:
        mismatch = f"The schema of '{name}' cannot be used to validate them: approve the call without changes."
    if mismatch:
        raise ApiError(422, "invalid_value", f"arguments: {mismatch}", "arguments")


async def decide(
    platform: Platform, view: StoreView, row: ApprovalRow, decision: CallDecision, also: tuple[Op, ...] = ()
) -> None:
    """Apply a decision to the run that waits for it. The same decision again has no effect.

    Raises:
        ApiError: 409, it was decided otherwise, its run has ended, or the digest is another one.
    """
    while row.status == "pending":
        try:
            await _send(platform.driver, row, decision, platform.clock(), also)
        except InputRefused as error:
            if error.code not in ("invalid_state", "unknown_call"):
                raise refused_error(error, None) from None
            row = await find(view, queries.APPROVAL, row.id)  # another decision, or the end of the run, was first
            continue
        return
    check_decided(row, decision)


async def _send(driver: RunDriver, row: ApprovalRow, decision: CallDecision, now: float, also: tuple[Op, ...]) -> None:
    await driver.decide(row.run, Decided((decision,), now), also=also)


def check_decided(row: ApprovalRow, decision: CallDecision) -> None:
    """Check that an approval that does not wait any more was decided in the same way.

    Raises:
        ApiError: 409.
    """
    if decision.digest is not None and decision.digest != row.digest:
        raise ApiError(409, "approval_changed", f"Approval '{row.id}' is not the one that was shown. Read it again.")
    if row.status == "cancelled":
        raise ApiError(409, "approval_decided", f"The run of approval '{row.id}' ended before a decision.")
    if row.status != decision.verdict or (decision.arguments or row.edited) != row.edited:
        raise ApiError(409, "approval_decided", f"Approval '{row.id}' was already {row.status}.")


def split_waiting(run: RunRow, calls: Iterable[ActionRow]) -> tuple[list[ActionRow], list[ActionRow]]:
    """Return the calls whose outputs a run waits for, and those that wait for approval, in order."""
    if run.status != "requires_action":
        return [], []
    state, rows = run_of(run).calls, list(calls)
    asked, gated = ({call.id for call in state if test(call)} for test in (is_asked, is_gated))
    return [row for row in rows if row.call_id in asked], [row for row in rows if row.call_id in gated]
