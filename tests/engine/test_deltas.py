"""What a model streams, folded."""

from hypothesis import given
from hypothesis import strategies as st

from projectdavid.engine.deltas import (
    AskedCall,
    CallPart,
    Chunk,
    FinishDelta,
    JournalEntry,
    ReasoningDelta,
    ReplyBuilder,
    TextDelta,
    TokenUsage,
)
from tests.engine.samples import patient

parts = st.lists(st.text(max_size=4), max_size=4).map(tuple)
chunks: st.SearchStrategy[Chunk] = st.one_of(
    st.builds(TextDelta, parts),
    st.builds(ReasoningDelta, parts),
    st.builds(CallPart, st.integers(0, 2), st.text(max_size=2), st.text(max_size=3), st.text(max_size=3)),
    st.builds(FinishDelta, st.sampled_from(["stop", "length", "tool_calls"])),
    st.builds(TokenUsage, st.integers(0, 9), st.integers(0, 9)),
)
reads = st.lists(st.lists(chunks, max_size=4), max_size=6)


def pieces(entries: list[JournalEntry], kind: str) -> list[str]:
    """The events of a kind."""
    return [piece for entry in entries if entry.kind == kind for piece in entry.data]


@patient
@given(reads)
def test_what_is_told_joins_to_what_is_said(reads: list[list[Chunk]]) -> None:
    fold = ReplyBuilder("msg_1")
    entries = [entry for read in reads for entry in fold.add(read)]
    reply = fold.reply()
    assert "".join(pieces(entries, "content")) == reply.text
    assert "".join(pieces(entries, "reasoning")) == reply.reasoning
    assert reply.text == "".join(
        part for read in reads for chunk in read if isinstance(chunk, TextDelta) for part in chunk.parts
    )
    assert len("".join(pieces(entries, "call_arguments"))) == sum(len(call.arguments) for call in reply.calls)


@patient
@given(reads)
def test_every_entry_has_one_event_for_each_part_and_never_none(reads: list[list[Chunk]]) -> None:
    fold = ReplyBuilder("msg_1")
    for entry in (entry for read in reads for entry in fold.add(read)):
        assert entry.count >= 1
        assert entry.count == (len(entry.data) if isinstance(entry.data, list) else 1)


@patient
@given(reads)
def test_a_message_is_told_of_once_and_before_its_first_words(reads: list[list[Chunk]]) -> None:
    fold = ReplyBuilder("msg_1")
    told = [entry.kind for read in reads for entry in fold.add(read)]
    visible = [kind for kind in told if kind in ("message_created", "content")]
    assert visible.count("message_created") == (1 if fold.reply().text else 0)
    assert visible[:1] in ([], ["message_created"])


@patient
@given(reads)
def test_it_does_not_matter_how_the_network_cut_it(reads: list[list[Chunk]]) -> None:
    cut, whole = ReplyBuilder("msg_1"), ReplyBuilder("msg_1")
    for read in reads:
        cut.add(read)
    whole.add([chunk for read in reads for chunk in read])
    assert cut.reply() == whole.reply()


def test_text_of_one_read_is_one_entry_with_its_parts_apart() -> None:
    entries = ReplyBuilder("msg_1").add([TextDelta(("Hel", "lo")), ReasoningDelta(("hm", "."))])
    assert entries == [
        JournalEntry("message_created", {"message_id": "msg_1"}),
        JournalEntry("content", ["Hel", "lo"], 2),
        JournalEntry("reasoning", ["hm", "."], 2),
    ]


def test_the_pieces_of_calls_come_together_by_their_index() -> None:
    fold = ReplyBuilder("msg_1")
    entries = fold.add(
        [
            CallPart(1, "call_b", "find"),
            CallPart(0, "call_a", "ad"),
            CallPart(1, arguments='{"q"'),
            CallPart(0, "ignored", "d", "{"),
            CallPart(1, arguments=": 1}"),
            CallPart(0, arguments="}"),
        ]
    )
    assert fold.reply().calls == (
        AskedCall("call_10", "find", '{"q": 1}', "call_b"),
        AskedCall("call_11", "add", "{}", "call_a"),
    )
    find, add = {"tool_call_id": "call_10", "name": "find"}, {"tool_call_id": "call_11", "name": "add"}
    assert [entry.data for entry in entries] == [find, ['{"q"'], add, ["{"], find, [": 1}"], add, ["}"]]


def test_a_call_without_arguments_is_told_of_when_the_model_stops() -> None:
    fold = ReplyBuilder("msg_1")
    assert fold.add([CallPart(0, "call_a", "now")]) == []
    told = [JournalEntry("call_created", {"tool_call_id": "call_10", "name": "now"})]
    assert fold.add([FinishDelta("tool_calls")]) == told
    assert fold.add([FinishDelta("tool_calls")]) == []


def test_a_reply_has_the_last_reason_and_the_last_usage_that_came() -> None:
    fold = ReplyBuilder("msg_1")
    assert fold.add([FinishDelta("length"), TokenUsage(1, 1), TokenUsage(10, 5), FinishDelta("tool_calls")]) == []
    assert (fold.reply().finish, fold.reply().usage) == ("tool_calls", TokenUsage(10, 5))


def test_a_model_that_says_nothing_stopped_and_used_what_nobody_knows() -> None:
    reply = ReplyBuilder("msg_1").reply()
    assert (reply.text, reply.reasoning, reply.calls, reply.finish, reply.usage) == ("", "", (), "stop", None)


def test_a_read_without_words_is_not_told() -> None:
    fold = ReplyBuilder("msg_1")
    assert (
        fold.add(
            [
                TextDelta(()),
                TextDelta(("",)),
                ReasoningDelta(()),
                ReasoningDelta(("", "")),
                CallPart(0, "call_a", "add"),
            ]
        )
        == []
    )
    assert [entry.kind for entry in fold.add([TextDelta(("a",))])] == ["message_created", "content"]


def test_usage_adds_up_and_an_estimate_makes_the_sum_one() -> None:
    assert TokenUsage(1, 2) + TokenUsage(10, 20) == TokenUsage(11, 22)
    assert TokenUsage(1, 2, estimated=True) + TokenUsage(10, 20) == TokenUsage(11, 22, estimated=True)


def test_sums_and_differences_of_usage_keep_cached_and_reasoning_tokens() -> None:
    one = TokenUsage(100, 20, cached_tokens=64, reasoning_tokens=12)
    two = TokenUsage(150, 30, cached_tokens=128, reasoning_tokens=8)
    assert one + two == TokenUsage(250, 50, cached_tokens=192, reasoning_tokens=20)
    assert (one + two) - one == two
