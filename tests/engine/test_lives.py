"""Runs that live at random: whatever happens to them, in whatever order, some things always hold."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from projectdavid.engine.approvals import is_gated
from projectdavid.engine.deltas import AskedCall, JournalEntry, ModelReply, TokenUsage
from projectdavid.engine.inputs import (
    CancelRequested,
    Decided,
    ModelFailed,
    ModelReplied,
    OutputsSubmitted,
    PromptRefused,
    RunClaimed,
    RunExpired,
    RunInput,
    RunStarted,
    WorkAborted,
)
from projectdavid.engine.machine import advance
from projectdavid.engine.run import (
    TERMINAL,
    TRANSITIONS,
    CallDecision,
    CallModel,
    InputRefused,
    OfferedFunction,
    Record,
    RecordCalls,
    RecordOutput,
    RecordReply,
    RunFailure,
    RunLimits,
    RunState,
    RunStatus,
)
from tests.engine.samples import FUNCTIONS, patient

ENDS = 100.0
budgets = st.none() | st.integers(1, 60)
limits = st.builds(
    RunLimits,
    max_turns=st.integers(1, 3),
    max_attempts=st.integers(1, 3),
    retry_seconds=st.floats(0, 200),
    max_prompt_tokens=budgets,
    max_completion_tokens=budgets,
    approval_seconds=st.sampled_from([5.0, 500.0]),
    approval_on_expiry=st.sampled_from(["deny", "fail", "approve"]),
)
texts = st.sampled_from(["", "Hello"])
OFFERS = {**FUNCTIONS, "pay": OfferedFunction(approval=True)}
names = st.sampled_from(["add", "find", "pay", "fly"])
written = st.sampled_from(["", "{}", '{"a": 1}', "[]", '{"a'])
finishes = st.sampled_from(["stop", "stop", "stop", "tool_calls", "length", "content_filter"])
usages = st.none() | st.builds(TokenUsage, st.integers(0, 30), st.integers(0, 30), st.booleans())
failures = st.builds(
    RunFailure, st.just("server_error"), st.just("No."), st.booleans(), st.none() | st.floats(0, 100), st.booleans()
)


class Life(RuleBasedStateMachine):
    """One run, to which anything may happen at any time."""

    @initialize(limits=limits, first=st.sampled_from([RunStatus.PENDING, RunStatus.QUEUED]))
    def born(self, limits: RunLimits, first: RunStatus) -> None:
        self.run = RunState("run_1", first, ENDS, limits, OFFERS)
        self.before = self.run
        self.asks: tuple[CallModel, ...] = ()
        self.way = [first]
        self.told: list[JournalEntry] = []
        self.kept: list[Record] = []
        self.now = 0.0
        self.ids = 0

    @rule()
    def begin(self) -> None:
        self.happen(RunStarted())

    @rule(open=st.none() | st.just("msg_0"))
    def claim(self, open: str | None) -> None:
        self.happen(RunClaimed(self.now, open))

    @rule(
        text=texts,
        calls=st.lists(st.tuples(names, written), max_size=3),
        finish=finishes,
        usage=usages,
        mismatch=st.sampled_from(["", "", "It is not JSON."]),
    )
    def reply(
        self, text: str, calls: list[tuple[str, str]], finish: str, usage: TokenUsage | None, mismatch: str
    ) -> None:
        asked = tuple(AskedCall(self.new("call"), *call) for call in calls)
        reply = ModelReply(self.new("msg"), text, "", asked, finish, usage)
        self.happen(ModelReplied(reply, self.now, tuple(self.new("act") for _ in asked), mismatch))

    @rule(name=st.sampled_from(["add", "fly"]))
    def call(self, name: str) -> None:
        reply = ModelReply(self.new("msg"), calls=(AskedCall(self.new("call"), name, "{}"),))
        self.happen(ModelReplied(reply, self.now, (self.new("act"),)))

    @rule(failure=failures, text=st.none() | texts)
    def fail(self, failure: RunFailure, text: str | None) -> None:
        self.happen(ModelFailed(failure, self.now, self.partial(text)))

    @rule()
    def refuse_the_prompt(self) -> None:
        self.happen(PromptRefused(self.now))

    @rule()
    def answer_everything(self) -> None:
        calls = [call.id for call in self.run.calls if call.output is None and (call.gate is None or call.started)]
        self.happen(OutputsSubmitted(tuple((id, "done") for id in calls), self.now))

    @rule(data=st.data())
    def answer_something(self, data: st.DataObject) -> None:
        known = [call.id for call in self.run.calls] + ["call_of_a_stranger"]
        some = data.draw(st.lists(st.sampled_from(known), max_size=3))
        self.happen(OutputsSubmitted(tuple((id, "done") for id in some), self.now))

    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        known = [call.id for call in self.run.calls] + ["call_of_a_stranger"]
        chosen = data.draw(st.lists(st.sampled_from(known), max_size=3))
        verdicts = [data.draw(st.sampled_from(["approved", "denied"])) for _ in chosen]
        self.happen(Decided(tuple(CallDecision(*one) for one in zip(chosen, verdicts, strict=True)), self.now))

    @rule()
    def approve_everything(self) -> None:
        gated = [call.id for call in self.run.calls if call.gate is not None and call.output is None]
        self.happen(Decided(tuple(CallDecision(one, "approved") for one in gated), self.now))

    @rule()
    def cancel(self) -> None:
        self.happen(CancelRequested(self.now))

    @rule(text=st.none() | texts)
    def abort(self, text: str | None) -> None:
        self.happen(WorkAborted(self.now, self.partial(text)))

    @rule(text=st.none() | texts)
    def expire(self, text: str | None) -> None:
        self.happen(RunExpired(self.now, self.partial(text)))

    @rule(seconds=st.sampled_from([1.0, 10.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    def happen(self, run_input: RunInput) -> None:
        self.before = self.run
        try:
            next = advance(self.run, run_input)
        except InputRefused:
            self.asks = ()
            return
        assert self.before.status not in TERMINAL, "something run_input after the end"
        self.run = next.run
        self.asks = tuple(do for do in next.commands if isinstance(do, CallModel))
        self.told += next.entries
        self.kept += next.records
        self.way += [RunStatus(entry.data["status"]) for entry in next.entries if entry.kind == "status"]

    def new(self, prefix: str) -> str:
        self.ids += 1
        return f"{prefix}_{self.ids}"

    def partial(self, text: str | None) -> ModelReply | None:
        return None if text is None else ModelReply(self.new("msg"), text)

    @invariant()
    def the_statuses_that_were_told_are_those_that_it_had(self) -> None:
        assert self.way[-1] is self.run.status
        for before, after in pairwise(self.way):
            assert after in TRANSITIONS[before]

    @invariant()
    def the_end_is_told_once_and_last(self) -> None:
        ends = [index for index, entry in enumerate(self.told) if entry.data.get("status") in TERMINAL]
        ends = [index for index in ends if self.told[index].kind == "status"]
        assert ends == ([len(self.told) - 1] if self.run.over else [])

    @invariant()
    def usage_never_shrinks(self) -> None:
        before, after = self.before.usage, self.run.usage
        assert after.prompt_tokens >= before.prompt_tokens
        assert after.completion_tokens >= before.completion_tokens
        assert after.estimated >= before.estimated

    @invariant()
    def limits_hold(self) -> None:
        assert self.before.turn <= self.run.turn <= self.run.limits.max_turns
        assert self.run.attempt <= self.run.limits.max_attempts

    @invariant()
    def a_model_is_asked_only_in_progress(self) -> None:
        assert len(self.asks) <= 1
        assert not self.asks or self.run.status is RunStatus.IN_PROGRESS

    @invariant()
    def calls_wait_exactly_while_the_run_waits_for_its_caller(self) -> None:
        waiting = [call for call in self.run.calls if call.output is None]
        approved = bool(waiting) and all(call.gate is not None and not call.started for call in waiting)
        waits = self.run.status is RunStatus.REQUIRES_ACTION or (self.run.status is RunStatus.QUEUED and approved)
        assert bool(waiting) is waits
        assert bool(self.run.calls) is bool(waiting)

    @invariant()
    def no_caller_is_asked_for_what_was_not_approved_and_each_decision_is_one(self) -> None:
        asked = [entry.data["tool_call_id"] for entry in self.told if entry.kind == "approval_required"]
        decided = [entry.data["tool_call_id"] for entry in self.told if entry.kind == "approval_decided"]
        assert len(set(asked)) == len(asked)
        assert len(set(decided)) == len(decided)
        assert set(decided) <= set(asked)
        approved = set[str]()
        for entry in self.told:
            if entry.kind == "approval_decided" and entry.data["verdict"] == "approved":
                approved.add(entry.data["tool_call_id"])
            if entry.kind == "tool_call_manifest" and entry.data["tool"] == "pay":
                assert entry.data["tool_call_id"] in approved

    @invariant()
    def the_clock_stands_exactly_while_an_approval_is_open(self) -> None:
        gated = any(is_gated(call) for call in self.run.calls)
        assert gated is (self.run.time_left is not None)

    @invariant()
    def everything_is_kept_once_and_told_when_it_is_kept(self) -> None:
        outputs = [kept.call_id for kept in self.kept if isinstance(kept, RecordOutput)]
        calls = [call.id for kept in self.kept if isinstance(kept, RecordCalls) for call in kept.calls]
        messages = [kept.reply.message_id for kept in self.kept if isinstance(kept, RecordReply)]
        for ids in (outputs, calls, messages):
            assert len(set(ids)) == len(ids)
        assert set(outputs) <= set(calls)
        assert outputs == [entry.data["tool_call_id"] for entry in self.told if entry.kind == "tool_output"]
        manifests = [entry.data["tool_call_id"] for entry in self.told if entry.kind == "tool_call_manifest"]
        assert len(set(manifests)) == len(manifests)
        assert set(manifests) <= set(calls)

    @invariant()
    def a_run_that_ended_says_why_and_when(self) -> None:
        assert self.run.over is (self.run.ended_at is not None)
        assert (self.run.status is RunStatus.FAILED) is (self.run.failure is not None)
        assert (self.run.status is RunStatus.INCOMPLETE) is (self.run.incomplete is not None)


TestLife = Life.TestCase
TestLife.settings = settings(patient, max_examples=150, stateful_step_count=40)
