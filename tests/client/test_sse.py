"""The decoder of Server-Sent Events, fed in every possible way."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid import ContentEvent, InvalidAnswerError
from projectdavid.client import sse
from projectdavid.client.sse import FrameDecoder, SseFrame, event_in

TEXT = """: comment

id: 7
event: content
data: {"a":
data: "ü"}

data:x
ignored: 1
retry: 3

id: 8

id
data

"""
FRAMES = [SseFrame('{"a":\n"ü"}', "7", "content"), SseFrame("x", "7"), SseFrame("", "")]


def fed(chunks: list[bytes]) -> list[SseFrame]:
    decoder = FrameDecoder()
    return [frame for chunk in chunks for frame in decoder.feed(chunk)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_frames_do_not_depend_on_how_their_bytes_arrive(newline: str, mark: str, size: int) -> None:
    data = (mark + TEXT.replace("\n", newline) + ":").encode()
    assert fed([data[start : start + size] for start in range(0, len(data), size)]) == FRAMES


@given(st.lists(st.integers(0, 130)))
def test_frames_do_not_depend_on_where_they_are_cut(cuts: list[int]) -> None:
    data = TEXT.replace("\n", "\r\n").encode()
    edges = [0, *sorted(cuts), len(data)]
    assert fed([data[start:end] for start, end in pairwise(edges)]) == FRAMES


@given(st.binary())
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    fed([data])


def test_line_ends_of_unicode_do_not_end_a_line() -> None:
    assert fed(["data: a\u2028b\x85c\x0bd\n\n".encode()]) == [SseFrame("a\u2028b\x85c\x0bd")]


def test_a_frame_without_its_end_is_not_given() -> None:
    assert fed([b"data: x\n"]) == []


def test_a_frame_without_an_end_in_sight_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_FRAME", 100)
    assert len(fed([b"data: " + b"x" * 80 + b"\n\n"] * 5)) == 5
    with pytest.raises(InvalidAnswerError):
        fed([b"data: xxx\n"] * 20)
    with pytest.raises(InvalidAnswerError):
        fed([b"x" * 60] * 2)


def test_the_position_is_the_id() -> None:
    event = event_in(SseFrame('{"type":"content","content":"Hi","run_id":"run_1","position":3}', "7"))
    assert event == ContentEvent(run_id="run_1", position=7, content="Hi")
