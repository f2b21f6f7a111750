"""Cut a stream anywhere, and read on: the bytes are those of a reader who was never cut."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.processes import PATIENCE, Fake, Server
from tests.e2e.reading import DONE, Address, Stream, event
from tests.e2e.story import Story, new_assistant, new_run, outputs

TEXT = '[reason=I look][say=wait a little][call=weather:{"place": "Reykjavik"}][call=clock:{"at": 1}]'
STATUSES = ["pending", "queued", "in_progress", "action_required", "queued", "in_progress", "completed"]
KINDS = {
    "status",
    "reasoning",
    "message_created",
    "content",
    "call_created",
    "call_arguments",
    "message_completed",
    "tool_call_manifest",
    "tool_output",
}
POLLS = 20_000

Open = Callable[[int], Stream]
"""Begins to read behind a position."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A run, and the ways to read it."""

    address: Address
    run: dict[str, Any]

    @classmethod
    def waiting(cls, server: Server, tag: str, delay: float = 0.0) -> "Talk":
        """One that waits to be started."""
        address = Address(server.url(), server.key)
        text = f"{tag} [delay={delay}]{TEXT}"
        return cls(address, new_run(address, new_assistant(address), text, status="pending"))

    @classmethod
    def finished(cls, server: Server, tag: str) -> "Talk":
        """One that is over."""
        talk = cls.waiting(server, tag)
        assert talk.speak()[-1] == DONE
        talk.answer()
        assert talk.speak()[-1] == DONE
        return talk

    @property
    def path(self) -> str:
        return f"/v1/runs/{self.run['id']}/events"

    def events(self, last: int = 0) -> Stream:
        """The events, with the header."""
        return Stream(self.address, self.path, last=last or None)

    def events_after(self, last: int = 0) -> Stream:
        """The events, with the parameter."""
        return Stream(self.address, f"{self.path}?after={last}")

    def completion(self, last: int = 0) -> Stream:
        """What the wire of the completions tells."""
        body = {name: self.run[name] for name in ("thread_id", "assistant_id")} | {"run_id": self.run["id"]}
        return Stream(self.address, "/v1/completions", method="POST", body=body, last=last or None)

    def speak(self) -> list[bytes]:
        """Start it, or go on, and read up to the next pause."""
        return list(frames(self.completion()))

    def answer(self) -> None:
        """Answer all its calls."""
        calls = [action["tool_call_id"] for action in self.now()["actions"]]
        self.address.ask("POST", f"/v1/runs/{self.run['id']}/submit_tool_outputs", outputs(calls, "fine"))

    def now(self) -> dict[str, Any]:
        """The run."""
        return self.address.ask("GET", f"/v1/runs/{self.run['id']}")

    def play(self, reader: Iterator[bytes]) -> list[bytes]:
        """What a reader sees who answers the calls when the run waits for that."""
        seen: list[bytes] = []
        for frame in reader:
            seen.append(frame)
            if frame != DONE and event(frame).data.get("status") == "action_required":
                self.answer()
        return seen


def frames(stream: Stream) -> Iterator[bytes]:
    """The frames of a stream, which is closed then."""
    with stream:
        yield from stream.frames()


def cut(
    open_at: Open, whole: int, part: int, then_at: Open | None = None, ready: threading.Barrier | None = None
) -> list[bytes]:
    """What a reader sees whose connection is cut `part` bytes behind the `whole`th frame, and who then reads on."""
    seen: list[bytes] = []
    with open_at(0) as stream:
        if ready is not None:
            ready.wait(PATIENCE)
        reading = stream.frames()
        while len(seen) < whole and (not seen or seen[-1] != DONE):
            seen.append(next(reading))
        if not seen or seen[-1] != DONE:
            stream.read(part)
    if seen and seen[-1] == DONE:
        return seen
    return [*seen, *frames((then_at or open_at)(event(seen[-1]).position if seen else 0))]


def test_a_finished_run_reads_the_same_from_every_event_on(server: Server):
    talk = Talk.finished(server, "again")
    every = list(frames(talk.events()))
    story = Story.of(talk.run["id"], every[:-1])
    assert story.statuses == STATUSES
    assert set(story.kinds) == KINDS
    assert len(story.calls) == 2
    for position in range(len(every)):
        assert list(frames(talk.events(position))) == every[position:]
        assert list(frames(talk.events_after(position))) == every[position:]
        both = Stream(talk.address, f"{talk.path}?after={len(every)}", last=position)
        assert list(frames(both)) == every[position:], "the header wins"


def test_a_reader_behind_the_end_is_told_that_it_is_the_end(server: Server):
    talk = Talk.finished(server, "behind")
    assert list(frames(talk.events(1000))) == [DONE]
    assert list(frames(talk.completion(1000))) == [DONE]


def test_a_finished_run_can_be_cut_at_every_byte(server: Server):
    talk = Talk.finished(server, "bytes")
    whole = b"".join(frames(talk.events()))
    for size in range(0, len(whole), 7):
        with talk.events() as stream:
            start = stream.read(size)
        kept = start[: start.rfind(b"\n\n") + 2] if b"\n\n" in start else b""
        last = kept.count(b"\nevent: ")
        assert kept + b"".join(frames(talk.events(last))) == whole, f"cut behind {size} bytes"


@pytest.mark.slow
def test_a_live_run_can_be_cut_at_every_event(server: Server):
    count = len(list(frames(Talk.finished(server, "live-before").events())))
    talk = Talk.waiting(server, "live", delay=0.02)
    chance = random.Random(1)
    ways: list[tuple[Open, Open]] = [(talk.events, talk.events), (talk.events, talk.events_after)]
    readers = [(whole, way) for whole in range(count + 1) for way in ways]
    ready = threading.Barrier(len(readers) + 1)
    with ThreadPoolExecutor(len(readers) + 1) as pool, talk.events() as uncut:
        cuts = [pool.submit(cut, first, whole, chance.randint(0, 60), then, ready) for whole, (first, then) in readers]
        ready.wait(PATIENCE)
        starting = pool.submit(talk.speak)
        every = talk.play(uncut.frames())
        starting.result(PATIENCE)
    assert Story.of(talk.run["id"], every[:-1]).statuses == STATUSES
    for reader, reading in zip(readers, cuts, strict=True):
        assert reading.result() == every, reader
    assert list(frames(talk.events())) == every
    assert server.logged() == ""


@pytest.mark.slow
def test_a_live_completion_can_be_cut_at_every_event(server: Server, fake: Fake):
    before = Talk.waiting(server, "wire-before")
    count = len(before.speak())
    talk = Talk.waiting(server, "wire", delay=0.02)
    chance = random.Random(2)
    parts: list[list[bytes]] = []
    with ThreadPoolExecutor(2 * count) as pool:
        for turn in range(2):
            cuts: list[Future[list[bytes]]] = [
                pool.submit(cut, talk.completion, whole, chance.randint(0, 60)) for whole in range(count + 1)
            ]
            every = list(frames(talk.completion()))
            for reading in cuts:
                assert reading.result(PATIENCE) == every
            parts.append(every)
            if turn == 0:
                for position in (event(frame).position for frame in every[:-1]):
                    rest = [frame for frame in every if frame == DONE or event(frame).position > position]
                    assert list(frames(talk.completion(position))) == rest
                talk.answer()
    first, second = parts
    assert [event(frame).data.get("status") for frame in (first[-2], second[-2])] == ["action_required", "complete"]
    said = [event(frame).data["content"] for frame in second[:-1] if event(frame).kind == "content"]
    assert "".join(said) == "The tools said: fine; fine"
    assert event(first[-2]).position < event(second[0]).position
    assert [request.turn for request in fake.asked("wire ")] == [0, 1]
    for position in (event(frame).position for frame in first[:-1]):
        rest = [frame for frame in first if frame == DONE or event(frame).position > position]
        late = list(frames(talk.completion(position)))
        assert late == (rest if len(rest) > 1 else second), "a reader is told up to the next pause, early or late"
    assert server.logged() == ""


def test_twenty_readers_see_the_same_bytes(server: Server):
    talk = Talk.waiting(server, "twenty", delay=0.005)
    with ThreadPoolExecutor(21) as pool, talk.events() as first:
        others = [pool.submit(lambda stream: list(frames(stream)), talk.events()) for _ in range(20)]
        starting = pool.submit(talk.speak)
        every = talk.play(first.frames())
        starting.result(PATIENCE)
        assert all(other.result(PATIENCE) == every for other in others)


@pytest.mark.parametrize("through", ["events", "completion"])
def test_a_reader_that_goes_away_ends_no_run(server: Server, fake: Fake, through: str):
    talks = [Talk.waiting(server, f"gone-{number}", delay=0.005) for number in range(8)]
    for leaves_after, talk in enumerate(talks):
        if through == "events":
            with talk.events() as stream, talk.completion():
                reading = stream.frames()
                seen = [next(reading) for _ in range(leaves_after)]
        else:
            with talk.completion() as stream:
                reading = stream.frames()
                seen = [next(reading) for _ in range(leaves_after)]
        assert len(seen) == leaves_after
    for number, talk in enumerate(talks):
        until(talk, "action_required")
        talk.answer()
        until(talk, "completed")
        assert [request.turn for request in fake.asked(f"gone-{number} ")] == [0, 1]
    assert server.logged() == ""


def until(talk: Talk, status: str) -> None:
    """Look at a run, without reading its stream, until it has this status."""
    for _ in range(POLLS):
        if talk.now()["status"] == status:
            return
    raise AssertionError(f"the run is never {status}: {talk.now()}")
