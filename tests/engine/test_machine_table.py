"""Every pair of a status and of what can happen, and what follows."""

from itertools import pairwise
from typing import get_args

import pytest

from projectdavid.engine.machine import advance
from projectdavid.engine.run import (
    TERMINAL,
    TRANSITIONS,
    Aborted,
    Begun,
    CallModel,
    CancelRequested,
    Claimed,
    Expired,
    Failure,
    Happened,
    ModelFailed,
    OutputsSubmitted,
    PromptRefused,
    Refused,
    Status,
)
from tests.engine.samples import ENDS, NOW, a_reply, a_run, asked, replied, statuses

AGAIN = Failure("server_error", "Try again.", retryable=True)
FATAL = Failure("authentication_error", "The key is wrong.")
PARTIAL = a_reply("Half a")
SILENT = a_reply()

HAPPENINGS: dict[str, Happened] = {
    "begun": Begun(),
    "claimed": Claimed(NOW),
    "claimed, a message open": Claimed(NOW, "msg_0"),
    "replied: text": replied("Hello"),
    "replied: nothing": replied(),
    "replied: no usage": replied("Hello", usage=None),
    "replied: a call": replied("", asked("a")),
    "replied: text and calls": replied("Let me see.", asked("a"), asked("b", "find")),
    "replied: no arguments": replied("", asked("a", arguments="")),
    "replied: a call of a stranger": replied("", asked("a", "fly")),
    "replied: bad JSON": replied("", asked("a", arguments='{"a": ')),
    "replied: not an object": replied("", asked("a", arguments="[1]")),
    "replied: half a character": replied("", asked("a", arguments='{"a": "\\ud83d"}')),
    "replied: not a number": replied("", asked("a", arguments='{"a": NaN}')),
    "replied: a good and a bad call": replied("", asked("a"), asked("b", "fly")),
    "replied: length": replied("Hel", finish="length"),
    "replied: length, in a call": replied("", asked("a", arguments='{"a'), finish="length"),
    "replied: filtered": replied("H", finish="content_filter"),
    "replied: filtered at once": replied("", finish="content_filter"),
    "failed: again": ModelFailed(AGAIN, NOW),
    "failed: again, later": ModelFailed(Failure("rate_limit_exceeded", "Slow.", True, 7.0), NOW),
    "failed: again, after a part": ModelFailed(AGAIN, NOW, PARTIAL),
    "failed: for good": ModelFailed(FATAL, NOW),
    "failed: for good, after a part": ModelFailed(FATAL, NOW, PARTIAL),
    "prompt refused": PromptRefused(NOW),
    "outputs: all": OutputsSubmitted((("call_1", "1"), ("call_2", "2")), NOW),
    "outputs: one of two": OutputsSubmitted((("call_2", "2"),), NOW),
    "outputs: none": OutputsSubmitted((), NOW),
    "outputs: of a strange call": OutputsSubmitted((("call_1", "1"), ("call_9", "9")), NOW),
    "outputs: the same twice": OutputsSubmitted((("call_1", "1"), ("call_1", "1")), NOW),
    "cancel": CancelRequested(NOW),
    "aborted": Aborted(NOW),
    "aborted, after a part": Aborted(NOW, PARTIAL),
    "aborted, after silence": Aborted(NOW, SILENT),
    "expired": Expired(ENDS),
    "expired, after a part": Expired(ENDS + 1, PARTIAL),
    "expired too early": Expired(ENDS - 0.001),
}
"""Everything that can happen, by name."""

COLUMNS = (Status.PENDING, Status.QUEUED, Status.IN_PROGRESS, Status.REQUIRES_ACTION, Status.CANCELLING)
NO = "invalid_state"
TABLE = {
    #                                  pending      queued         in_progress        requires_action    cancelling
    "begun":                          ("queued",    NO,            NO,                NO,                NO),
    "claimed":                        (NO,          "in_progress", "in_progress",     NO,                "cancelled"),
    "claimed, a message open":        (NO,          "in_progress", "in_progress",     NO,                "cancelled"),
    "replied: text":                  (NO,          NO,            "completed",       NO,                "cancelled"),
    "replied: nothing":               (NO,          NO,            "completed",       NO,                "cancelled"),
    "replied: no usage":              (NO,          NO,            "completed",       NO,                "cancelled"),
    "replied: a call":                (NO,          NO,            "requires_action", NO,                "cancelled"),
    "replied: text and calls":        (NO,          NO,            "requires_action", NO,                "cancelled"),
    "replied: no arguments":          (NO,          NO,            "requires_action", NO,                "cancelled"),
    "replied: a call of a stranger":  (NO,          NO,            "in_progress",     NO,                "cancelled"),
    "replied: bad JSON":              (NO,          NO,            "in_progress",     NO,                "cancelled"),
    "replied: not an object":         (NO,          NO,            "in_progress",     NO,                "cancelled"),
    "replied: half a character":      (NO,          NO,            "in_progress",     NO,                "cancelled"),
    "replied: not a number":          (NO,          NO,            "in_progress",     NO,                "cancelled"),
    "replied: a good and a bad call": (NO,          NO,            "requires_action", NO,                "cancelled"),
    "replied: length":                (NO,          NO,            "incomplete",      NO,                "cancelled"),
    "replied: length, in a call":     (NO,          NO,            "incomplete",      NO,                "cancelled"),
    "replied: filtered":              (NO,          NO,            "incomplete",      NO,                "cancelled"),
    "replied: filtered at once":      (NO,          NO,            "incomplete",      NO,                "cancelled"),
    "failed: again":                  (NO,          NO,            "in_progress",     NO,                "cancelled"),
    "failed: again, later":           (NO,          NO,            "in_progress",     NO,                "cancelled"),
    "failed: again, after a part":    (NO,          NO,            "in_progress",     NO,                "cancelled"),
    "failed: for good":               (NO,          NO,            "failed",          NO,                "cancelled"),
    "failed: for good, after a part": (NO,          NO,            "failed",          NO,                "cancelled"),
    "prompt refused":                 (NO,          NO,            "failed",          NO,                "cancelled"),
    "outputs: all":                   (NO,          NO,            NO,                "queued",          NO),
    "outputs: one of two":            (NO,          NO,            NO,                "requires_action", NO),
    "outputs: none":                  (NO,          NO,            NO,                "requires_action", NO),
    "outputs: of a strange call":     (NO,          NO,            NO,                "unknown_call",    NO),
    "outputs: the same twice":        (NO,          NO,            NO,                "call_answered",   NO),
    "cancel":                         ("cancelled", "cancelled",   "cancelling",      "cancelled",       "cancelling"),
    "aborted":                        (NO,          NO,            NO,                NO,                "cancelled"),
    "aborted, after a part":          (NO,          NO,            NO,                NO,                "cancelled"),
    "aborted, after silence":         (NO,          NO,            NO,                NO,                "cancelled"),
    "expired":                        ("expired",   "expired",     "expired",         "expired",         "cancelled"),
    "expired, after a part":          ("expired",   "expired",     "expired",         "expired",         "cancelled"),
    "expired too early":              (NO,          NO,            NO,                NO,                "cancelled"),
}  # fmt: skip

EXPECTED: dict[tuple[Status, str], str] = {
    **{(status, name): cell for name, cells in TABLE.items() for status, cell in zip(COLUMNS, cells, strict=True)},
    **{(status, name): NO for name in HAPPENINGS for status in TERMINAL},
}
FOLLOWING = {pair: cell for pair, cell in EXPECTED.items() if cell in set(Status)}
REFUSED = {pair: cell for pair, cell in EXPECTED.items() if cell not in set(Status)}


def test_the_table_has_every_status_with_everything_that_can_happen() -> None:
    assert {type(happened) for happened in HAPPENINGS.values()} == set(get_args(Happened))
    assert set(TABLE) == set(HAPPENINGS)
    assert set(EXPECTED) == {(status, name) for status in Status for name in HAPPENINGS}


@pytest.mark.parametrize(("status", "name"), FOLLOWING)
def test_what_follows_is_what_the_table_says(status: Status, name: str) -> None:
    next = advance(a_run(status), HAPPENINGS[name])
    assert next.run.status == EXPECTED[status, name]


@pytest.mark.parametrize(("status", "name"), REFUSED)
def test_what_cannot_happen_is_refused_with_a_code_and_a_reason(status: Status, name: str) -> None:
    with pytest.raises(Refused) as refused:
        advance(a_run(status), HAPPENINGS[name])
    assert refused.value.code == EXPECTED[status, name]
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(("status", "name"), FOLLOWING)
def test_every_step_is_a_transition_and_is_told(status: Status, name: str) -> None:
    next = advance(a_run(status), HAPPENINGS[name])
    way = [status, *statuses(next)]
    assert way[-1] is next.run.status
    for before, after in pairwise(way):
        assert after in TRANSITIONS[before]


@pytest.mark.parametrize(("status", "name"), FOLLOWING)
def test_an_end_is_told_last_with_its_usage_and_a_time(status: Status, name: str) -> None:
    next = advance(a_run(status), HAPPENINGS[name])
    assert next.run.over is (next.run.ended_at is not None)
    if next.run.over:
        assert next.tell[-1].kind == "status"
        assert set(next.tell[-1].data["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens", "estimated"}
        assert next.run.calls == ()


@pytest.mark.parametrize(("status", "name"), FOLLOWING)
def test_a_model_is_asked_only_by_a_run_in_progress(status: Status, name: str) -> None:
    next = advance(a_run(status), HAPPENINGS[name])
    asks = [do for do in next.do if isinstance(do, CallModel)]
    assert len(asks) == (next.run.status is Status.IN_PROGRESS)


def test_every_transition_of_the_diagram_is_taken_by_something() -> None:
    taken = {
        pair
        for status, name in FOLLOWING
        for pair in pairwise([status, *statuses(advance(a_run(status), HAPPENINGS[name]))])
    }
    assert taken == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


def test_every_status_is_reached_from_the_first() -> None:
    reached, ahead = {Status.PENDING}, [Status.PENDING]
    while ahead:
        status = ahead.pop()
        for name in HAPPENINGS:
            if EXPECTED[status, name] in set(Status):
                new = set(statuses(advance(a_run(status), HAPPENINGS[name]))) - reached
                reached |= new
                ahead += new
    assert reached == set(Status) == set(TRANSITIONS)


def test_nothing_follows_an_end() -> None:
    assert {status for status, after in TRANSITIONS.items() if not after} == TERMINAL
