"""Streams that broke off: asked for again they tell the same, and from any event on exactly the rest."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import cast

import httpx
import openai
import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import Chunk, FinishDelta, ReasoningDelta, TextDelta, TokenUsage
from tests.compat.behaviours.wire import QUESTION, Frame, Json, Wire, frames_of, ok, path_of, refused, user_of
from tests.server.conftest import serving
from tests.server.talking import WEATHER

KEY = {"idempotency-key": "the same"}
Opened = tuple[str, Json]
"""A POST that opens a stream: its path and its body."""


def a_run(wire: Wire, model: str = "hello") -> Opened:
    """A run of a thread."""
    assistant, thread = wire.assistant(model, tools=[WEATHER]), wire.thread("Hi")
    return f"/threads/{thread['id']}/runs", {"assistant_id": assistant["id"], "stream": True}


def a_thread_and_run(wire: Wire, model: str = "hello") -> Opened:
    """A run with its thread."""
    assistant = wire.assistant(model, tools=[WEATHER])
    thread = {"messages": [{"role": "user", "content": "Hi"}]}
    return "/threads/runs", {"assistant_id": assistant["id"], "thread": thread, "stream": True}


def outputs(wire: Wire) -> Opened:
    """The rest of a run that waited for an output."""
    run = wire.waiting()
    call = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"]
    answered = [{"tool_call_id": call, "output": "rain"}]
    return f"{path_of(run)}/submit_tool_outputs", {"tool_outputs": answered, "stream": True}


def test_a_stream_gives_signs_of_life_while_nothing_that_happens_is_shown(tmp_path: Path) -> None:
    heard = threading.Event()

    def thoughts() -> Iterator[Sequence[Chunk]]:
        while not heard.is_set():
            yield [ReasoningDelta(("Hm. ",))]
        yield [TextDelta(("Yes.",))]
        yield [FinishDelta("stop"), TokenUsage(1, 1)]

    thinker = ScriptedProvider(scene_for=lambda _: cast("Scene", thoughts()))
    with serving(tmp_path, providers={"scripted": thinker}, stream_keep_alive=0.05) as server, user_of(server) as wire:
        path, body = a_run(wire)
        with wire.stream("POST", path, json=body) as answer:
            for line in answer.iter_lines():
                if line == ": keep-alive":
                    heard.set()
    assert heard.is_set()


class KeepAliveListener(httpx.SyncByteStream):
    """The bytes of an answer; sets an event when a keep-alive is among them."""

    def __init__(self, stream: httpx.SyncByteStream, heard: threading.Event) -> None:
        self._stream, self._heard = stream, heard

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            if b": keep-alive" in part:
                self._heard.set()
            yield part

    def close(self) -> None:
        self._stream.close()


class ListeningTransport(httpx.HTTPTransport):
    """Listens to all answers."""

    def __init__(self, heard: threading.Event) -> None:
        super().__init__()
        self._heard = heard

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        stream = cast("httpx.SyncByteStream", answer.stream)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=KeepAliveListener(stream, self._heard))


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_the_stock_client_reads_on_after_signs_of_life(tmp_path: Path) -> None:
    heard = threading.Event()

    def thoughts() -> Iterator[Sequence[Chunk]]:
        yield [TextDelta(("Well",))]
        while not heard.is_set():
            yield [ReasoningDelta(("Hm. ",))]
        yield [TextDelta((", yes.",))]
        yield [FinishDelta("stop"), TokenUsage(1, 1)]

    thinker = ScriptedProvider(scene_for=lambda _: cast("Scene", thoughts()))
    with (
        serving(tmp_path, providers={"scripted": thinker}, stream_keep_alive=0.05) as server,
        httpx.Client(transport=ListeningTransport(heard)) as http,
        openai.OpenAI(base_url=f"{server.base_url}/openai/v1", api_key=server.api_key, http_client=http) as client,
    ):
        assistant = client.beta.assistants.create(model="scripted/thinker")
        thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hi"}])
        with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
            assert "".join(stream.text_deltas) == "Well, yes."
    assert heard.is_set()


STREAMS = [a_run, a_thread_and_run, outputs]
OPENED = ["thread.created", "thread.run.created", "thread.run.step.completed"]
"""With what these begin, in any order."""


@contextmanager
def opened(wire: Wire, asked: Opened, after: str | None = None) -> Iterator[Iterator[Frame]]:
    """The events of a stream as they come."""
    path, body = asked
    with wire.stream("POST", path, json=body, headers={**KEY, **resumed(after)}) as answer:
        assert answer.status_code == 200, answer.read()
        yield frames_of(answer)


def resumed(after: str | None) -> dict[str, str]:
    """The header of a stream that goes on behind an event."""
    return {} if after is None else {"last-event-id": after}


def told(wire: Wire, asked: Opened, after: str | None = None) -> list[Frame]:
    """All events of a stream."""
    with opened(wire, asked, after) as frames:
        return list(frames)


def events(wire: Wire, run: Json, after: str | None = None) -> list[Frame]:
    """What the events of a run tell."""
    with wire.stream("GET", f"{path_of(run)}/events", headers=resumed(after)) as answer:
        assert answer.status_code == 200, answer.read()
        return list(frames_of(answer))


def runs(wire: Wire) -> list[str]:
    """The runs that a user has in all threads."""
    page = ok(wire.get(wire.base_url.copy_with(path="/v1/runs")))
    return [run["id"] for run in page["data"]]


def run_of(frames: list[Frame]) -> Json:
    """The run that a stream tells of, as it told it last."""
    return next(one.data for one in reversed(frames) if one.event.startswith("thread.run.") and "thread_id" in one.data)


@pytest.mark.parametrize("ask", STREAMS)
def test_a_stream_that_is_asked_for_again_tells_the_same(wire: Wire, ask: Callable[[Wire], Opened]) -> None:
    asked = ask(wire)
    first = told(wire, asked)
    assert first[0].event in OPENED
    assert first[-1].event == "done"
    there = runs(wire)
    assert told(wire, asked) == first
    assert runs(wire) == there
    assert len(there) == 1


@pytest.mark.parametrize("ask", STREAMS)
def test_a_stream_goes_on_behind_any_of_its_events(wire: Wire, ask: Callable[[Wire], Opened]) -> None:
    asked = ask(wire)
    first = told(wire, asked)
    for at, frame in enumerate(first[:-1]):
        assert told(wire, asked, frame.id) == first[at + 1 :]
    assert len(runs(wire)) == 1


@pytest.mark.parametrize("ask", [a_run, a_thread_and_run])
def test_a_stream_that_broke_off_while_the_run_works_goes_on(wire: Wire, ask: Callable[[Wire, str], Opened]) -> None:
    asked = ask(wire, "silent")
    with opened(wire, asked) as frames:
        first: list[Frame] = []
        while not first or first[-1].event != "thread.message.delta":
            first.append(next(frames))
    run = next(one.data for one in first if one.event == "thread.run.in_progress")
    with opened(wire, asked, first[-1].id) as frames:
        ok(wire.post(f"{path_of(run)}/cancel"))
        rest = list(frames)
    assert [one.event for one in rest[-2:]] == ["thread.run.cancelled", "done"]
    assert told(wire, asked) == [*first, *rest]
    assert runs(wire) == [run["id"]]


def test_two_streams_at_once_with_the_same_key_are_one_run(wire: Wire) -> None:
    asked = a_run(wire, "silent")
    with opened(wire, asked) as one, opened(wire, asked) as two:
        begun = list(islice(one, 7))
        assert list(islice(two, 7)) == begun
        ok(wire.post(f"{path_of(begun[0].data)}/cancel"))
        assert list(one) == list(two)
    assert runs(wire) == [begun[0].data["id"]]


def test_a_stream_goes_on_although_what_its_run_was_made_from_is_gone(wire: Wire) -> None:
    for asked in (a_run(wire), a_thread_and_run(wire)):
        headers = {"idempotency-key": asked[0]}
        with wire.stream("POST", asked[0], json=asked[1], headers=headers) as answer:
            first = list(frames_of(answer))
        ok(wire.delete(f"/assistants/{asked[1]['assistant_id']}"))
        with wire.stream("POST", asked[0], json=asked[1], headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            assert [one.id for one in frames_of(answer)] == [one.id for one in first]


@pytest.mark.parametrize("ask", STREAMS)
def test_a_key_of_a_stream_is_not_for_another_body(wire: Wire, ask: Callable[[Wire], Opened]) -> None:
    path, body = ask(wire)
    told(wire, (path, body))
    for other in ({**body, "stream": False}, {**body, "metadata": {"a": "b"}}):
        refused(wire.post(path, json=other, headers=KEY), 409, param=None, code="idempotency_key_reused")
    assert len(runs(wire)) == 1


CODE, COMPUTER, SEARCH = ({"type": name} for name in ("code_interpreter", "computer", "file_search"))
RUNS = {
    "hello": [],
    "two_calls": [WEATHER],
    "talker": [WEATHER],
    "chain": [WEATHER],
    "coder": [CODE],
    "mixer": [CODE, WEATHER],
    "sheller": [COMPUTER],
    "citer": [SEARCH],
    "broken": [],
    "short": [],
}
"""Models, and the tools that they call."""


@pytest.mark.parametrize("model", RUNS)
def test_the_events_of_a_run_go_on_behind_any_event_of_any_of_its_streams(wire: Wire, model: str) -> None:
    resources = {"file_search": {"vector_store_ids": [wire.shelf()[1]["id"]]}} if model == "citer" else None
    thread = wire.make("/threads", messages=[{"role": "user", "content": QUESTION}], tool_resources=resources)
    streams = [wire.told(model, thread, RUNS[model])]
    while streams[-1][-2].event == "thread.run.requires_action":
        run = streams[-1][-2].data
        streams.append(wire.frames(f"{path_of(run)}/submit_tool_outputs", tool_outputs=answered(run)))
    run = run_of(streams[0])
    whole = events(wire, run)
    live = [frame for stream in streams for frame in stream[:-1]]
    assert whole[:-1] == live
    for at, frame in enumerate(whole[:-1]):
        assert events(wire, run, frame.id) == whole[at + 1 :]


def answered(run: Json) -> Json:
    """Outputs for all calls that a run waits for."""
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    return [{"tool_call_id": call["id"], "output": "rain"} for call in calls]


@pytest.mark.parametrize("after", ["999999.0", "999999999999999.9999"])
def test_behind_the_end_there_is_nothing(wire: Wire, after: str) -> None:
    run = wire.done()
    assert [one.event for one in events(wire, run, after)] == ["done"]


def test_the_beginning_is_behind_nothing(wire: Wire) -> None:
    run = wire.done()
    assert events(wire, run, "0.0") == events(wire, run)


def test_the_events_of_a_run_that_is_deleted_say_so(wire: Wire) -> None:
    run = wire.working()
    with wire.stream("GET", f"{path_of(run)}/events") as answer:
        frames = frames_of(answer)
        next(frames)
        ok(wire.delete(f"/threads/{run['thread_id']}"))
        last = list(frames)
    assert last[-2].event == "error"
    assert last[-2].data["error"].keys() == {"message", "type", "param", "code"}
    refused(wire.get(f"{path_of(run)}/events"), 404, code=None)
