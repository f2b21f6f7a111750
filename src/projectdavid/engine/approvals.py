"""Approvals: which calls need one, what an approval covers, and the clock of a run that waits for it."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any
from unicodedata import category

from projectdavid.engine.deltas import JournalEntry
from projectdavid.engine.run import (
    ApprovalGate,
    CallDecision,
    FunctionCall,
    GateState,
    RunState,
    ToolEffect,
    journal_entry,
)

REQUIRED = "require_approval"
"""Reason of a gate: the tool's entry requires approval."""
HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Categories of characters that are invisible, or change the order in which others are shown."""
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and symbols that are shown as nothing; so are the variation selectors."""
_SUSPECT = re.compile(r"[^\x20-\x7e]")

Requirement = bool | str | Mapping[str, Any] | None
"""`require_approval` of an entry of `tools`: True or `always`, False or `never`, or filters by the names `always` and
`never`.
"""


def requires_approval(requirement: Requirement, name: str, effect: ToolEffect) -> bool:
    """Return whether calls of a function need approval. A function that both filters match needs it."""
    if not isinstance(requirement, Mapping):
        return requirement is True or requirement == "always"
    if _matches(requirement.get("always"), name, effect):
        return True
    return not _matches(requirement.get("never"), name, effect)


def _matches(chosen: Mapping[str, Any] | None, name: str, effect: ToolEffect) -> bool:
    if not chosen:
        return False
    names, read_only = chosen.get("tool_names"), chosen.get("read_only")
    if names is not None and name not in names:
        return False
    return read_only is None or read_only is (effect is ToolEffect.READ)


def build_gate(run: RunState, name: str, tool: str | None, arguments: str) -> ApprovalGate | None:
    """Return the gate of a new, valid call; None if it needs no approval."""
    if not run.functions[name].approval or name in run.remembered:
        return None
    return ApprovalGate(digest_of(tool, name, arguments))


def digest_of(tool: str | None, name: str, arguments: str) -> str:
    """Return what an approval covers: the SHA-256 of the tool, the function and its arguments, in hex.

    Whitespace and the order of keys in `arguments` do not matter.
    """
    covered = {"tool": tool or "function", "name": name, "arguments": json.loads(arguments or "{}")}
    return sha256(json.dumps(covered, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def show_arguments(arguments: str) -> str:
    """Return the arguments of a call as the JSON text that people read before they decide.

    Characters that are invisible or change the order of others are escaped. The text has the same value.
    """
    text = json.dumps(json.loads(arguments or "{}"), ensure_ascii=False)
    return _SUSPECT.sub(lambda found: _show(found[0]), text)


def _show(character: str) -> str:
    if not (category(character) in HIDDEN or character in BLANK or "\ufe00" <= character <= "\ufe0f"):
        return character
    return json.dumps(character)[1:-1] if character > "\x7f" else f"\\u{ord(character):04x}"


def approval_id_of(action_id: str) -> str:
    """Return the id of the approval of a call: the id of its action with another prefix."""
    return f"appr_{action_id.partition('_')[2]}"


def is_gated(call: FunctionCall) -> bool:
    """True if the call waits for approval."""
    return call.output is None and call.gate is not None and call.gate.state is GateState.OPEN


def is_asked(call: FunctionCall) -> bool:
    """True if the caller was asked for the output of the call, and has not submitted it.

    The caller is asked for a call that needed approval only after it was approved; then `started` is True.
    """
    return call.output is None and call.tool is None and (call.gate is None or call.started)


def hold_clock(run: RunState, now: float) -> RunState:
    """Stop the run's own time limit; until it continues, the deadline of the run is that of the approvals."""
    if run.time_left is not None:
        return run
    left = max(run.expires_at - now, 0.0)
    return run._replace(time_left=left, expires_at=now + run.limits.approval_seconds)


def release_clock(run: RunState, now: float) -> RunState:
    """Continue the run's own time limit with the time that it had left."""
    if run.time_left is None:
        return run
    return run._replace(time_left=None, expires_at=now + run.time_left)


def request_entry(run: RunState, call: FunctionCall) -> JournalEntry:
    """Build the entry that asks for an approval, in a run whose clock is held."""
    return journal_entry(
        "approval_required",
        approval_id=approval_id_of(call.action_id),
        action_id=call.action_id,
        tool_call_id=call.id,
        tool=call.tool or "function",
        name=call.name,
        args=json.loads(call.arguments or "{}"),
        arguments=show_arguments(call.arguments),
        effect=str(call.effect),
        reason=REQUIRED,
        expires_at=int(run.expires_at),
        digest="" if call.gate is None else call.gate.digest,
    )


def decision_entry(call: FunctionCall, decision: CallDecision) -> JournalEntry:
    """Build the entry for a decision."""
    edited = {} if decision.arguments is None else {"arguments": show_arguments(decision.arguments)}
    return journal_entry(
        "approval_decided",
        approval_id=approval_id_of(call.action_id),
        tool_call_id=call.id,
        verdict=str(decision.verdict),
        by=decision.by,
        note=decision.note,
        **edited,
    )


def apply_decision(call: FunctionCall, decision: CallDecision) -> FunctionCall:
    """Return the call after a decision on its open gate; a denied one has its output."""
    gate = ApprovalGate("" if call.gate is None else call.gate.digest, GateState.PASSED)
    if decision.verdict == "denied":
        denied = f"Denied: {decision.note}" if decision.note else "Denied."
        return replace(call, gate=replace(gate, state=GateState.DENIED), output=denied)
    return replace(call, gate=gate, arguments=decision.arguments or call.arguments)
