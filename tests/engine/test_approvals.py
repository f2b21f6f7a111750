"""Calls that a person must approve: when they are asked for, what a decision does, and what time it takes."""

import json
from typing import Any

import pytest

from projectdavid.engine.approvals import digest_of, requires_approval, show_arguments
from projectdavid.engine.inputs import (
    CancelRequested,
    Decided,
    OutputsSubmitted,
    RunClaimed,
    RunExpired,
    ToolReturned,
    ToolStarted,
)
from projectdavid.engine.machine import advance
from projectdavid.engine.run import (
    ApprovalGate,
    CallDecision,
    CallModel,
    GateState,
    InputRefused,
    OfferedFunction,
    RecordDecision,
    RecordOutput,
    RecordRequest,
    RunLimits,
    RunState,
    RunStatus,
    RunTools,
    ToolEffect,
    Transition,
)
from tests.engine.samples import ENDS, NOW, a_call, a_run, asked, kinds, only, replied, statuses

READ = OfferedFunction(ToolEffect.READ, "computer")
FIRE = OfferedFunction(ToolEffect.UNSAFE, "computer", approval=True)
LOOK = OfferedFunction(ToolEffect.READ, "computer", approval=True)
OWN = OfferedFunction()
PAY = OfferedFunction(approval=True)
OFFERS = {"read": READ, "fire": FIRE, "look": LOOK, "own": OWN, "pay": PAY}
LIMITS = RunLimits(approval_seconds=86_400.0)


def asking(*names: str, limits: RunLimits = LIMITS, **fields: Any) -> Transition:
    """A turn that calls these functions; the ids of the calls are the names."""
    run = a_run(limits=limits, functions=OFFERS, **fields)
    return advance(run, replied("", *(asked(name, name) for name in names)))


def decide(run: RunState, call: str, verdict: Any = "approved", now: float = NOW, **fields: Any) -> Transition:
    return advance(run, Decided((CallDecision(call, verdict, "ea_1", **fields),), now))


def call_of(run: RunState, call_id: str) -> Any:
    return next(call for call in run.calls if call.id == call_id)


def test_what_needs_no_approval_runs_first_and_then_people_are_asked() -> None:
    first = asking("read", "fire", "own")
    assert [do.calls for do in first.commands if isinstance(do, RunTools)] == [(call_of(first.run, "read"),)]
    assert (statuses(first), kinds(first)[-1:]) == ([], [])
    run = advance(first.run, ToolStarted("read", NOW)).run
    waits = advance(run, ToolReturned("read", "42", NOW))
    assert (waits.run.status, waits.commands) == (RunStatus.REQUIRES_ACTION, ())
    assert kinds(waits) == ["tool_output", "tool_call_manifest", "approval_required", "status"]
    [request] = [record for record in waits.records if isinstance(record, RecordRequest)]
    assert (request.call.id, request.expires_at) == ("fire", NOW + 86_400)
    told = only(waits, "approval_required").data
    assert told["digest"] == digest_of("computer", "fire", '{"a": 1}')
    assert (told["tool"], told["name"], told["effect"], told["reason"]) == (
        *("computer", "fire", "unsafe"),
        "require_approval",
    )


def test_an_approved_call_runs_after_the_run_was_claimed_and_the_rest_waits_with_it() -> None:
    run = advance(asking("fire", "own").run, OutputsSubmitted((("own", "done"),), NOW)).run
    assert run.status is RunStatus.REQUIRES_ACTION
    queued = decide(run, "fire")
    assert (statuses(queued), [call.id for call in queued.run.calls]) == ([RunStatus.QUEUED], ["fire", "own"])
    claimed = advance(queued.run, RunClaimed(NOW))
    assert claimed.commands == (RunTools((call_of(claimed.run, "fire"),)),)
    run = advance(claimed.run, ToolStarted("fire", NOW)).run
    done = advance(run, ToolReturned("fire", "fired", NOW))
    assert (done.commands, done.run.calls) == ((CallModel(),), ())


def test_a_denied_call_is_answered_and_does_not_run() -> None:
    denied = decide(asking("fire").run, "fire", "denied", note="Too loud.")
    assert [record.output for record in denied.records if isinstance(record, RecordOutput)] == ["Denied: Too loud."]
    assert [record.decision.verdict for record in denied.records if isinstance(record, RecordDecision)] == ["denied"]
    assert kinds(denied) == ["approval_decided", "tool_output", "status"]
    assert only(denied, "tool_output").data["error"] is True
    claimed = advance(denied.run, RunClaimed(NOW))
    assert (claimed.commands, claimed.run.calls) == ((CallModel(),), ())


def test_the_caller_is_asked_for_a_call_of_its_own_only_after_the_approval() -> None:
    waits = asking("pay", "own")
    assert [entry.data["tool"] for entry in waits.entries if entry.kind == "tool_call_manifest"] == ["own"]
    with pytest.raises(InputRefused) as refused:
        advance(waits.run, OutputsSubmitted((("pay", "paid"),), NOW))
    assert (refused.value.code, refused.value.param) == ("unknown_call", "tool_outputs.0.tool_call_id")
    run = advance(waits.run, OutputsSubmitted((("own", "done"),), NOW)).run
    queued = decide(run, "pay", arguments='{"a": 2}').run
    again = advance(queued, RunClaimed(NOW))
    assert statuses(again) == [RunStatus.IN_PROGRESS, RunStatus.REQUIRES_ACTION]
    assert only(again, "tool_call_manifest").data["args"] == {"a": 2}
    assert again.run.action_expires_at is None
    answered = advance(again.run, OutputsSubmitted((("pay", "paid"),), NOW))
    assert (answered.run.status, answered.run.calls) == (RunStatus.QUEUED, ())


def test_a_call_with_an_open_gate_cannot_start() -> None:
    run = asking("read", "fire").run
    with pytest.raises(InputRefused, match="waits for approval"):
        advance(run, ToolStarted("fire", NOW))


def test_an_invalid_call_is_answered_without_asking_anyone() -> None:
    reply = replied("", asked("fire", "fire", arguments="[]"))
    next = advance(a_run(functions=OFFERS), reply)
    assert "approval_required" not in kinds(next)
    assert next.commands == (CallModel(),)


@pytest.mark.parametrize(
    ("first", "then", "code"),
    [
        ("approved", "denied", "approval_decided"),
        ("denied", "approved", "approval_decided"),
        ("approved", "approved", None),
        ("denied", "denied", None),
    ],
)
def test_the_same_decision_again_is_accepted_and_another_one_is_not(first: str, then: str, code: str | None) -> None:
    run = decide(asking("fire", "look").run, "fire", first).run
    if code is None:
        again = decide(run, "fire", then)
        assert (again.run, again.entries, again.records) == (run, (), ())
        return
    with pytest.raises(InputRefused) as refused:
        decide(run, "fire", then)
    assert refused.value.code == code


def test_decisions_and_outputs_of_one_request_take_effect_together_or_not_at_all() -> None:
    run = asking("fire", "look", "own").run
    good = (CallDecision("fire", "approved"), CallDecision("look", "denied"))
    next = advance(run, Decided(good, NOW, (("own", "done"),)))
    assert statuses(next) == [RunStatus.QUEUED]
    assert [record.call_id for record in next.records if isinstance(record, RecordOutput)] == ["own", "look"]
    for bad in (CallDecision("own", "approved"), CallDecision("look", "approved", digest="0" * 64)):
        with pytest.raises(InputRefused) as refused:
            advance(run, Decided((good[0], bad), NOW, (("own", "done"),)))
        assert refused.value.param == "tool_approvals.1.tool_call_id"


def test_a_function_that_was_remembered_is_not_asked_for_again_in_this_run() -> None:
    run = decide(asking("fire").run, "fire", remember=True).run
    run = advance(run, RunClaimed(NOW)).run
    run = advance(advance(run, ToolStarted("fire", NOW)).run, ToolReturned("fire", "fired", NOW)).run
    again = advance(run, replied("", asked("second", "fire"), asked("third", "look")))
    assert (call_of(again.run, "second").gate, call_of(again.run, "third").gate is None) == (None, False)
    assert again.commands == (RunTools((call_of(again.run, "second"),)),)


def test_the_clock_of_the_run_stands_while_it_waits() -> None:
    waits = asking("fire").run
    assert (waits.expires_at, waits.time_left) == (NOW + 86_400, ENDS - NOW)
    later = NOW + 25 * 3600 - 3601
    queued = decide(waits, "fire", now=later).run
    assert (queued.expires_at, queued.time_left) == (later + ENDS - NOW, None)


def test_the_time_of_a_caller_counts_as_usual_while_people_are_asked_as_well() -> None:
    limits = RunLimits(approval_seconds=600.0, action_timeout=30.0, expiry_output="Nothing came.")
    run = asking("fire", "own", limits=limits).run
    assert (run.action_expires_at, run.expires_at) == (NOW + 30, NOW + 600)
    run = advance(run, RunExpired(NOW + 30)).run
    assert (run.status, call_of(run, "own").output, run.action_expires_at) == (
        *(RunStatus.REQUIRES_ACTION, "Nothing came."),
        None,
    )
    denied = advance(run, RunExpired(NOW + 600))
    assert (denied.run.status, denied.run.calls) == (RunStatus.QUEUED, ())


@pytest.mark.parametrize(
    ("policy", "passed"), [("deny", []), ("approve", ["look"]), ("something of a later release", [])]
)
def test_what_is_not_decided_in_time_is_denied_and_at_most_a_read_passes(policy: str, passed: list[str]) -> None:
    limits = RunLimits(approval_seconds=10.0, approval_on_expiry=policy)
    run = asking("fire", "look", limits=limits).run
    with pytest.raises(InputRefused, match="has not expired yet"):
        advance(run, RunExpired(NOW + 9.999))
    next = advance(run, RunExpired(NOW + 10))
    assert statuses(next) == [RunStatus.QUEUED]
    assert [call.id for call in next.run.calls if call.gate and call.gate.state is GateState.PASSED] == passed
    told = [entry.data for entry in next.entries if entry.kind == "approval_decided"]
    assert {data["by"] for data in told} == {"expiry"}
    denied = [record.output for record in next.records if isinstance(record, RecordOutput)]
    assert denied == ["Denied: No decision was made in time."] * (2 - len(passed))
    assert next.run.expires_at == NOW + 10 + ENDS - NOW


def test_or_the_run_expires_where_it_is_to() -> None:
    run = asking("fire", limits=RunLimits(approval_seconds=10.0, approval_on_expiry="fail")).run
    next = advance(run, RunExpired(NOW + 10))
    assert (next.run.status, next.run.failure and next.run.failure.code) == (RunStatus.EXPIRED, "approval_expired")
    assert kinds(next) == ["error", "status"]


def test_a_run_that_is_cancelled_waits_for_no_approval() -> None:
    next = advance(asking("fire").run, CancelRequested(NOW))
    assert (next.run.status, next.run.calls, next.run.time_left) == (RunStatus.CANCELLED, (), None)


def test_after_a_crash_an_open_gate_stays_and_what_had_begun_follows_its_effect() -> None:
    gated = a_call("fire", tool="computer", gate=ApprovalGate("d"))
    passed = a_call("look", tool="computer", gate=ApprovalGate("d", GateState.PASSED), started=True)
    run = a_run(calls=(gated, passed), functions=OFFERS)
    next = advance(run, RunClaimed(NOW))
    assert next.run.status is RunStatus.REQUIRES_ACTION
    assert [record.unknown for record in next.records if isinstance(record, RecordOutput)] == [True]
    assert call_of(next.run, "fire").gate.state is GateState.OPEN


FILTERS = [
    (None, set()),
    (False, set()),
    ("never", set()),
    (True, {"read", "fire", "look"}),
    ("always", {"read", "fire", "look"}),
    ({"never": {"tool_names": ["look"]}}, {"read", "fire"}),
    ({"never": {"read_only": True}}, {"fire"}),
    ({"never": {"read_only": False}}, {"read", "look"}),
    ({"always": {"tool_names": ["fire"]}}, {"read", "fire", "look"}),
    ({"always": {"tool_names": ["fire", "look"]}, "never": {"tool_names": ["look", "read"]}}, {"fire", "look"}),
    ({"always": {"tool_names": ["fire"], "read_only": True}, "never": {"tool_names": ["fire"]}}, {"read", "look"}),
    ({"always": None, "never": {"tool_names": None, "read_only": True}}, {"fire"}),
]


@pytest.mark.parametrize(("requirement", "gated"), [(one, sorted(names)) for one, names in FILTERS], ids=repr)
def test_the_entry_of_a_tool_says_which_functions_need_approval(requirement: Any, gated: list[str]) -> None:
    effects = {"read": ToolEffect.READ, "look": ToolEffect.READ, "fire": ToolEffect.UNSAFE}
    assert sorted(name for name, effect in effects.items() if requires_approval(requirement, name, effect)) == gated


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ('{"a":"plain é 中"}', '{"a": "plain é 中"}'),
        ('{"a":"rm \u202egnp.exe"}', '{"a": "rm \\u202egnp.exe"}'),
        (
            '{"a":"\u200b\u2066\U000e0041\ufe0f\u3164\x7f\u00a0"}',
            '{"a": "\\u200b\\u2066\\udb40\\udc41\\ufe0f\\u3164\\u007f\\u00a0"}',
        ),
        ('{"a":"\\u202e"}', '{"a": "\\u202e"}'),
        ('{"a": 1, "a": 2}', '{"a": 2}'),
        ("", "{}"),
    ],
)
def test_arguments_are_shown_with_everything_that_is_invisible_and_mean_the_same(arguments: str, shown: str) -> None:
    assert show_arguments(arguments) == shown
    assert json.loads(shown) == json.loads(arguments or "{}")


def test_the_digest_covers_tool_function_and_arguments_and_not_how_they_are_written() -> None:
    base = digest_of("computer", "fire", '{"a": 1, "b": "é"}')
    assert base == digest_of("computer", "fire", ' {"b":"\\u00e9","a":1}')
    others = [
        digest_of("computer", "fire", '{"a": 2, "b": "é"}'),
        digest_of("computer", "look", '{"a": 1, "b": "é"}'),
        digest_of(None, "fire", '{"a": 1, "b": "é"}'),
    ]
    assert len({base, *others}) == 4
