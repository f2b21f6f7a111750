"""Every pair of a status and of what can happen, and what follows."""

import re
from itertools import pairwise
from typing import get_args

import pytest

from projectdavid.engine.inputs import (
    CancelRequested,
    Decided,
    ModelFailed,
    ModelReplied,
    OutputsSubmitted,
    PromptRefused,
    RunAbandoned,
    RunClaimed,
    RunExpired,
    RunInput,
    RunStarted,
    ToolReturned,
    ToolStarted,
    WorkAborted,
)
from projectdavid.engine.machine import advance
from projectdavid.engine.run import (
    TERMINAL,
    TRANSITIONS,
    ApprovalGate,
    CallDecision,
    CallModel,
    InputRefused,
    RunFailure,
    RunState,
    RunStatus,
)
from tests.engine.samples import ENDS, NOW, PLOT, a_call, a_reply, a_run, asked, replied, statuses

AGAIN = RunFailure("server_error", "Try again.", retryable=True)
FATAL = RunFailure("authentication_error", "The key is wrong.")
PARTIAL = a_reply("Half a")
SILENT = a_reply()

HAPPENINGS: dict[str, RunInput] = {
    "begun": RunStarted(),
    "claimed": RunClaimed(NOW),
    "claimed, a message open": RunClaimed(NOW, "msg_0"),
    "replied: text": replied("Hello"),
    "replied: nothing": replied(),
    "replied: no usage": replied("Hello", usage=None),
    "replied: a call": replied("", asked("a")),
    "replied: text and calls": replied("Let me see.", asked("a"), asked("b", "find")),
    "replied: no arguments": replied("", asked("a", arguments="")),
    "replied: a strange call": replied("", asked("a", "fly")),
    "replied: bad JSON": replied("", asked("a", arguments='{"a": ')),
    "replied: not an object": replied("", asked("a", arguments="[1]")),
    "replied: half a character": replied("", asked("a", arguments='{"a": "\\ud83d"}')),
    "replied: not a number": replied("", asked("a", arguments='{"a": NaN}')),
    "replied: a good and a bad": replied("", asked("a"), asked("b", "fly")),
    "replied: length": replied("Hel", finish="length"),
    "replied: length, in a call": replied("", asked("a", arguments='{"a'), finish="length"),
    "replied: filtered": replied("H", finish="content_filter"),
    "replied: filtered at once": replied("", finish="content_filter"),
    "replied: a mismatch": ModelReplied(a_reply("No"), NOW, mismatch="It is not JSON."),
    "replied: nothing, a mismatch": ModelReplied(SILENT, NOW, mismatch="It is empty."),
    "failed: again": ModelFailed(AGAIN, NOW),
    "failed: again, later": ModelFailed(RunFailure("rate_limit_exceeded", "Slow.", True, 7.0), NOW),
    "failed: again, after a part": ModelFailed(AGAIN, NOW, PARTIAL),
    "failed: for good": ModelFailed(FATAL, NOW),
    "failed: for good, after a part": ModelFailed(FATAL, NOW, PARTIAL),
    "prompt refused": PromptRefused(NOW),
    "a tool starts": ToolStarted("call_3", NOW),
    "a tool starts that did": ToolStarted("call_4", NOW),
    "a tool returned": ToolReturned("call_4", "4", NOW),
    "a tool failed": ToolReturned("call_4", "Error: no.", NOW, error=True),
    "a tool made files": ToolReturned("call_4", "4", NOW, files=(PLOT,), details={"input": "1"}),
    "a stranger returned": ToolReturned("call_9", "9", NOW),
    "a caller returned": ToolReturned("call_1", "1", NOW),
    "outputs: all": OutputsSubmitted((("call_1", "1"), ("call_2", "2")), NOW),
    "outputs: one of two": OutputsSubmitted((("call_2", "2"),), NOW),
    "outputs: none": OutputsSubmitted((), NOW),
    "outputs: of a strange call": OutputsSubmitted((("call_1", "1"), ("call_9", "9")), NOW),
    "outputs: the same twice": OutputsSubmitted((("call_1", "1"), ("call_1", "1")), NOW),
    "approved": Decided((CallDecision("call_1", "approved"),), NOW),
    "denied": Decided((CallDecision("call_1", "denied"),), NOW),
    "decided: nothing": Decided((), NOW),
    "decided: a strange call": Decided((CallDecision("call_9", "denied"),), NOW),
    "decided: it twice": Decided((CallDecision("call_1", "denied"), CallDecision("call_1", "approved")), NOW),
    "decided: another digest": Decided((CallDecision("call_1", "approved", digest="other"),), NOW),
    "cancel": CancelRequested(NOW),
    "aborted": WorkAborted(NOW),
    "aborted, after a part": WorkAborted(NOW, PARTIAL),
    "aborted, after silence": WorkAborted(NOW, SILENT),
    "expired": RunExpired(ENDS),
    "expired, after a part": RunExpired(ENDS + 1, PARTIAL),
    "expired too early": RunExpired(ENDS - 0.001),
    "abandoned": RunAbandoned(FATAL, NOW),
    "abandoned, a message open": RunAbandoned(FATAL, NOW, "msg_0"),
}
"""Everything that can happen, by name."""

RUNNING = (a_call("call_1"), a_call("call_3", tool="computer"), a_call("call_4", tool="computer", started=True))
STANDS: dict[str, RunState] = {
    **{str(status): a_run(status) for status in RunStatus},
    "tools": a_run(RunStatus.IN_PROGRESS, turn=1, attempt=0, calls=RUNNING),
    "gate": a_run(
        RunStatus.REQUIRES_ACTION,
        calls=(a_call("call_1", tool="computer", gate=ApprovalGate("shown")),),
        time_left=60.0,
    ),
}
"""Where a run may stand, by name: at each status, in progress with tools that run, and waiting for an approval."""

NO = "invalid_state"
SKETCH = """
                                pending    queued     works       tools       waits          cancelling  gate
begun                           queued     -          -           -           -              -           -
claimed                         -          works      works       works       -              cancelled   -
claimed, a message open         -          works      works       works       -              cancelled   -
replied: text                   -          -          completed   -           -              cancelled   -
replied: nothing                -          -          completed   -           -              cancelled   -
replied: no usage               -          -          completed   -           -              cancelled   -
replied: a call                 -          -          waits       -           -              cancelled   -
replied: text and calls         -          -          waits       -           -              cancelled   -
replied: no arguments           -          -          waits       -           -              cancelled   -
replied: a strange call         -          -          works       -           -              cancelled   -
replied: bad JSON               -          -          works       -           -              cancelled   -
replied: not an object          -          -          works       -           -              cancelled   -
replied: half a character       -          -          works       -           -              cancelled   -
replied: not a number           -          -          works       -           -              cancelled   -
replied: a good and a bad       -          -          waits       -           -              cancelled   -
replied: length                 -          -          incomplete  -           -              cancelled   -
replied: length, in a call      -          -          incomplete  -           -              cancelled   -
replied: filtered               -          -          incomplete  -           -              cancelled   -
replied: filtered at once       -          -          incomplete  -           -              cancelled   -
replied: a mismatch             -          -          works       -           -              cancelled   -
replied: nothing, a mismatch    -          -          works       -           -              cancelled   -
failed: again                   -          -          works       -           -              cancelled   -
failed: again, later            -          -          works       -           -              cancelled   -
failed: again, after a part     -          -          works       -           -              cancelled   -
failed: for good                -          -          failed      -           -              cancelled   -
failed: for good, after a part  -          -          failed      -           -              cancelled   -
prompt refused                  -          -          failed      -           -              cancelled   -
a tool starts                   -          -          unknown     works       -              -           -
a tool starts that did          -          -          unknown     -           -              -           -
a tool returned                 -          -          unknown     works       -              unknown     -
a tool failed                   -          -          unknown     works       -              unknown     -
a tool made files               -          -          unknown     works       -              unknown     -
a stranger returned             -          -          unknown     unknown     -              unknown     -
a caller returned               -          -          unknown     unknown     -              unknown     -
outputs: all                    -          -          -           -           queued         -           unknown
outputs: one of two             -          -          -           -           waits          -           unknown
outputs: none                   -          -          -           -           waits          -           waits
outputs: of a strange call      -          -          -           -           unknown        -           unknown
outputs: the same twice         -          -          -           -           call_answered  -           unknown
approved                        -          -          -           -           unknown        -           queued
denied                          -          -          -           -           unknown        -           queued
decided: nothing                -          -          -           -           waits          -           waits
decided: a strange call         -          -          -           -           unknown        -           unknown
decided: it twice               -          -          -           -           unknown        -           decided
decided: another digest         -          -          -           -           unknown        -           changed
cancel                          cancelled  cancelled  cancelling  cancelling  cancelled      cancelling  cancelled
aborted                         -          -          -           -           -              cancelled   -
aborted, after a part           -          -          -           -           -              cancelled   -
aborted, after silence          -          -          -           -           -              cancelled   -
expired                         expired    expired    expired     expired     expired        cancelled   queued
expired, after a part           expired    expired    expired     expired     expired        cancelled   queued
expired too early               -          -          -           -           -              cancelled   -
abandoned                       failed     failed     failed      failed      failed         cancelled   failed
abandoned, a message open       failed     failed     failed      failed      failed         cancelled   failed
"""
"""What follows: the status, or the code of the refusal, some of them abbreviated."""
SHORT = {
    "-": NO,
    "waits": "requires_action",
    "works": "in_progress",
    "unknown": "unknown_call",
    "decided": "approval_decided",
    "changed": "approval_changed",
}

HEAD, *ROWS = (re.split(" {2,}", line) for line in SKETCH.strip("\n").splitlines())
COLUMNS = [SHORT.get(cell, cell) for cell in HEAD[1:]]
TABLE = {name: [SHORT.get(cell, cell) for cell in cells] for name, *cells in ROWS}

EXPECTED: dict[tuple[str, str], str] = {
    **{(place, name): cell for name, cells in TABLE.items() for place, cell in zip(COLUMNS, cells, strict=True)},
    **{(str(status), name): NO for name in HAPPENINGS for status in sorted(TERMINAL)},
}
FOLLOWING = {pair: cell for pair, cell in EXPECTED.items() if cell in set(RunStatus)}
REFUSED = {pair: cell for pair, cell in EXPECTED.items() if cell not in set(RunStatus)}


def test_the_table_has_every_status_with_everything_that_can_happen() -> None:
    assert {type(run_input) for run_input in HAPPENINGS.values()} == set(get_args(RunInput))
    assert set(TABLE) == set(HAPPENINGS)
    assert set(EXPECTED) == {(place, name) for place in STANDS for name in HAPPENINGS}


@pytest.mark.parametrize(("place", "name"), FOLLOWING)
def test_what_follows_is_what_the_table_says(place: str, name: str) -> None:
    next = advance(STANDS[place], HAPPENINGS[name])
    assert next.run.status == EXPECTED[place, name]


@pytest.mark.parametrize(("place", "name"), REFUSED)
def test_what_cannot_happen_is_refused_with_a_code_and_a_reason(place: str, name: str) -> None:
    with pytest.raises(InputRefused) as refused:
        advance(STANDS[place], HAPPENINGS[name])
    assert refused.value.code == EXPECTED[place, name]
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(("place", "name"), FOLLOWING)
def test_every_step_is_a_transition_and_is_told(place: str, name: str) -> None:
    next = advance(STANDS[place], HAPPENINGS[name])
    way = [STANDS[place].status, *statuses(next)]
    assert way[-1] is next.run.status
    for before, after in pairwise(way):
        assert after in TRANSITIONS[before]


@pytest.mark.parametrize(("place", "name"), FOLLOWING)
def test_an_end_is_told_last_with_its_usage_and_a_time(place: str, name: str) -> None:
    next = advance(STANDS[place], HAPPENINGS[name])
    assert next.run.over is (next.run.ended_at is not None)
    if next.run.over:
        assert next.entries[-1].kind == "status"
        numbers = {f"{kind}_tokens" for kind in ("prompt", "completion", "total", "cached", "reasoning")}
        assert set(next.entries[-1].data["usage"]) == {*numbers, "estimated", "cost"}
        assert next.run.calls == ()


@pytest.mark.parametrize(("place", "name"), FOLLOWING)
def test_a_model_is_asked_only_by_a_run_in_progress(place: str, name: str) -> None:
    next = advance(STANDS[place], HAPPENINGS[name])
    asks = [do for do in next.commands if isinstance(do, CallModel)]
    assert len(asks) == (next.run.status is RunStatus.IN_PROGRESS and not next.run.calls)


def test_every_transition_of_the_diagram_is_taken_by_something() -> None:
    taken = {
        pair
        for place, name in FOLLOWING
        for pair in pairwise([STANDS[place].status, *statuses(advance(STANDS[place], HAPPENINGS[name]))])
    }
    assert taken == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


def test_every_status_is_reached_from_the_first() -> None:
    reached, ahead = {RunStatus.PENDING}, [RunStatus.PENDING]
    while ahead:
        place = str(ahead.pop())
        for name in HAPPENINGS:
            if EXPECTED[place, name] in set(RunStatus):
                new = set(statuses(advance(STANDS[place], HAPPENINGS[name]))) - reached
                reached |= new
                ahead += new
    assert reached == set(RunStatus) == set(TRANSITIONS)


def test_nothing_follows_an_end() -> None:
    assert {status for status, after in TRANSITIONS.items() if not after} == TERMINAL
