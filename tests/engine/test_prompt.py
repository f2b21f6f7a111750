"""Prompts: calls with their outputs, and threads that outgrow the room."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from projectdavid.engine.prompt import (
    MESSAGE_OVERHEAD,
    PromptCall,
    PromptMessage,
    PromptTooLong,
    estimate,
    estimate_tools,
    fit_messages,
    pair_outputs,
)
from tests.engine.samples import patient

SIZES = st.integers(0, 60)


def says(role: str, text: str = "", *calls: str) -> PromptMessage:
    """A message; `calls` are ids."""
    return PromptMessage(role, text, tuple(PromptCall(id, "add", "{}") for id in calls))


def output(id: str) -> PromptMessage:
    """The output of a call."""
    return PromptMessage("tool", f"output of {id}", call_id=id)


@st.composite
def threads(draw: st.DrawFn) -> list[PromptMessage]:
    """Threads as they come to be: calls with, without and before their outputs, and outputs without calls."""
    messages: list[PromptMessage] = []
    called: list[str] = []
    for number in range(draw(st.integers(0, 12))):
        text = "x" * draw(SIZES)
        match draw(st.sampled_from(["user", "user", "assistant", "calls", "output", "platform"])):
            case "user":
                messages.append(says("user", text))
            case "assistant":
                messages.append(says("assistant", text))
            case "platform":
                messages.append(says("system", text))
            case "calls":
                ids = [f"call_{number}_{index}" for index in range(draw(st.integers(1, 3)))]
                called += ids
                messages.append(says("assistant", draw(st.sampled_from(["", text])), *ids))
            case _:
                known = called.pop(draw(st.integers(0, len(called) - 1))) if called else f"call_lost_{number}"
                messages.append(output(known))
    return messages


@patient
@given(threads())
def test_every_call_stands_before_its_output_and_nothing_stands_alone(thread: list[PromptMessage]) -> None:
    waiting: list[str] = []
    for message in pair_outputs(thread):
        if message.call_id:
            assert waiting
            assert message.call_id == waiting.pop(0)
        else:
            assert waiting == []
            waiting = [call.id for call in message.calls]
    assert waiting == []


@patient
@given(threads())
def test_pairing_loses_no_words_and_keeps_their_order(thread: list[PromptMessage]) -> None:
    def spoken(messages: list[PromptMessage]) -> list[tuple[str, Any]]:
        return [(message.role, message.content) for message in messages if not message.call_id and message.content]

    assert spoken(pair_outputs(thread)) == spoken(thread)


@patient
@given(threads())
def test_pairing_keeps_every_call_that_has_an_output(thread: list[PromptMessage]) -> None:
    called = {call.id for message in thread for call in message.calls}
    answered = called & {message.call_id for message in thread}
    result = pair_outputs(thread)
    assert {call.id for message in result for call in message.calls} == answered
    assert {message.call_id for message in result if message.call_id} == answered


@patient
@given(threads())
def test_pairing_twice_is_pairing_once(thread: list[PromptMessage]) -> None:
    assert pair_outputs(pair_outputs(thread)) == pair_outputs(thread)


def test_a_call_that_was_never_answered_disappears_and_the_words_beside_it_stay() -> None:
    thread = [says("user", "Hi"), says("assistant", "Let me see.", "a"), says("assistant", "", "b"), says("user", "?")]
    assert pair_outputs(thread) == [says("user", "Hi"), says("assistant", "Let me see."), says("user", "?")]


def test_outputs_that_came_later_stand_in_the_order_of_their_calls() -> None:
    thread = [says("assistant", "", "a", "b", "c"), says("user", "Well?"), output("c"), output("a")]
    assert pair_outputs(thread) == [says("assistant", "", "a", "c"), output("a"), output("c"), says("user", "Well?")]


def test_an_output_belongs_to_the_nearest_turn_before_it_when_ids_repeat() -> None:
    first, second = (PromptMessage("tool", text, call_id="call_1") for text in ("sunny", "rainy"))
    thread = [says("assistant", "", "call_1"), first, says("user", "And now?"), says("assistant", "", "call_1"), second]
    assert pair_outputs(thread) == thread


def test_an_id_that_repeats_within_a_turn_takes_its_outputs_in_order() -> None:
    first, second = (PromptMessage("tool", text, call_id="x") for text in ("one", "two"))
    thread = [says("assistant", "", "x", "x"), first, second]
    assert pair_outputs(thread) == thread


@patient
@given(threads(), st.sampled_from(["", "Be kind."]), st.integers(-5, 400))
def test_a_thread_is_cut_to_its_newest_turns_or_refused(thread: list[PromptMessage], system: str, room: int) -> None:
    assume(thread)
    head = [PromptMessage("system", system)] if system else []
    turns = [index for index, message in enumerate(thread) if message.role == "user"]
    try:
        kept, tokens = fit_messages(system, thread, room)
    except PromptTooLong:
        last = thread[turns[-1] :] if turns else thread
        assert sum(map(estimate, [*head, *last])) > room
        return
    assert tokens == sum(map(estimate, kept)) <= room
    assert kept[: len(head)] == head
    rest = kept[len(head) :]
    start = len(thread) - len(rest)
    assert rest == thread[start:]
    assert start == 0 or thread[start].role == "user"
    assert start <= (turns[-1] if turns else 0)
    if start > 0:
        more = max((index for index in turns if index < start), default=0)
        assert sum(map(estimate, [*head, *thread[more:]])) > room


def test_a_thread_without_messages_is_its_instructions() -> None:
    assert fit_messages("Be kind.", [], 100)[0] == [PromptMessage("system", "Be kind.")]
    assert fit_messages("", [], 100) == ([], 0)


def test_a_last_message_that_does_not_fit_is_refused_and_not_cut() -> None:
    with pytest.raises(PromptTooLong):
        fit_messages("", [says("user", "Hi"), says("user", "x" * 1000)], 100)


def test_a_turn_is_kept_with_its_calls_and_outputs_or_not_at_all() -> None:
    old = [says("user", "Add."), says("assistant", "", "a"), output("a"), says("assistant", "Three.")]
    new = [says("user", "And?"), says("assistant", "", "b"), output("b")]
    room = sum(map(estimate, new))
    assert fit_messages("", old + new, room)[0] == new
    assert fit_messages("", old + new, room + sum(map(estimate, old)) - 1)[0] == new
    assert fit_messages("", old + new, room + sum(map(estimate, old)))[0] == old + new


def test_an_estimate_counts_text_blocks_and_calls() -> None:
    assert estimate(says("user")) == MESSAGE_OVERHEAD
    assert estimate(says("user", "x" * 350)) == MESSAGE_OVERHEAD + 100
    assert estimate(PromptMessage("user", [{"type": "text", "text": "x" * 350}])) == MESSAGE_OVERHEAD + 100
    call = PromptCall("a", "n" * 35, "a" * 35)
    assert estimate(PromptMessage("assistant", "", (call,))) == MESSAGE_OVERHEAD + 20
    assert estimate_tools([{"name": "x" * 340}, {"name": "y" * 340}]) >= 200
