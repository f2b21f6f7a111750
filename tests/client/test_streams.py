"""The stream of a run, whole and cut."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from projectdavid import (
    APIConnectionError,
    APITimeoutError,
    AsyncEntity,
    ContentEvent,
    Entity,
    Event,
    InternalServerError,
    InvalidAnswerError,
    NotFoundError,
    StatusEvent,
    StreamBroken,
    ToolCallEvent,
    UnknownEvent,
)
from tests.client.fake import DONE, HANG_UP, KEY, Answer, Fake, error, frame
from tests.client.runs import FakeRun, said, status
from tests.client.samples import ASSISTANT, RUN
from tests.timeouts import EVENT_TIMEOUT

EVENTS = "GET /v1/runs/run_1/events"
STORY = [status("in_progress"), *said("one two three"), *said("four five", 2), status("completed")]


@pytest.fixture
def fake(fake: Fake) -> Fake:
    """A server whose run is over: it is asked for if a stream ends without saying so."""
    fake.on("GET /v1/runs/run_1", Answer(RUN | {"status": "completed"}))
    return fake


def stream_of(*parts: bytes, whole: bool = False) -> Answer:
    return Answer(parts=parts, whole=whole)


def positions(events: list[Event]) -> list[int]:
    return [event.position for event in events]


def test_a_stream_that_creates_its_run_gives_every_event_and_ends(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [STORY])
    stream = client.runs.stream(assistant_id=ASSISTANT["id"], thread_id="thread_1", temperature=0.5)
    with pytest.raises(RuntimeError, match="created when"):
        assert stream.run_id
    assert fake.asked == [], "nothing happens before the stream is read"
    events = list(stream)
    assert positions(events) == list(range(1, len(STORY) + 1))
    assert [event.model_dump()["type"] for event in events] == [kind for kind, _ in STORY]
    assert stream.text == "fourfive"
    assert (stream.run_id, stream.last_position) == ("run_1", len(STORY))
    assert list(stream) == [], "it can be read once"
    assert fake.lines() == ["POST /v1/runs", EVENTS]
    assert fake.asked[0].body == {"assistant_id": ASSISTANT["id"], "thread_id": "thread_1", "temperature": 0.5}


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_stream_that_is_cut_again_and_again_gives_each_event_once(fake: Fake, client: Entity, cut: int) -> None:
    FakeRun(fake, [STORY], cut=cut)
    with client.runs.stream(run_id="run_1") as stream:
        assert positions(list(stream)) == list(range(1, len(STORY) + 1))
        assert stream.text == "fourfive"
    assert [asked.headers.get("last-event-id") for asked in fake.asked] == [
        None if sent == 0 else str(sent) for sent in range(0, len(STORY) + 1, cut)
    ]


def test_an_async_stream_that_is_cut_gives_each_event_once(
    fake: Fake, new_async_client: Callable[[], AsyncEntity]
) -> None:
    FakeRun(fake, [STORY], cut=1)

    async def read() -> list[Event]:
        async with new_async_client() as client, client.runs.stream(run_id="run_1") as stream:
            return [event async for event in stream]

    assert positions(asyncio.run(read())) == list(range(1, len(STORY) + 1))


def test_events_that_come_again_after_a_cut_are_dropped(fake: Fake, client: Entity) -> None:
    told = [frame(number, "content", content=str(number)) for number in (1, 2, 3)]
    fake.on(EVENTS, stream_of(*told[:2]), stream_of(*told, DONE, whole=True))
    with client.runs.stream(run_id="run_1") as stream:
        assert "".join(stream.text_deltas()) == "123"


@pytest.mark.parametrize("whole", [True, False])
def test_an_event_that_was_cut_in_the_middle_is_read_again_whole(fake: Fake, client: Entity, whole: bool) -> None:
    first, second = frame(1, "content", content="héllo"), frame(2, "content", content=" wörld")
    for end in range(1, len(second)):
        fake.on(EVENTS, stream_of(first, second[:end], whole=whole), stream_of(second, DONE, whole=True))
        if end % 7 == 0:
            assert "".join(client.runs.stream(run_id="run_1").text_deltas()) == "héllo wörld"


def test_reading_can_begin_behind_a_position(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [STORY])
    with client.runs.stream(run_id="run_1", after=5) as stream:
        assert positions(list(stream)) == list(range(6, len(STORY) + 1))
    assert fake.asked[0].headers["last-event-id"] == "5"


def test_leaving_early_closes_the_stream_and_reading_goes_on_elsewhere(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [STORY])
    with client.runs.stream(run_id="run_1") as stream:
        for event in stream:
            if isinstance(event, ContentEvent):
                break
    assert list(stream) == []
    rest = client.runs.stream(run_id="run_1", after=stream.last_position)
    assert positions(list(rest)) == list(range(4, len(STORY) + 1))


def test_what_the_model_takes_back_is_not_in_the_text(fake: Fake, client: Entity) -> None:
    message = {"message_id": "message_1"}
    story = [*said("wrong words")[:-1], ("message_discarded", message), *said("right")]
    FakeRun(fake, [story])
    with client.runs.stream(run_id="run_1") as stream:
        assert "".join(stream.text_deltas()) == "wrongwordsright"
        assert stream.text == "right"


def test_the_final_run_is_the_run_after_the_end(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [STORY])
    assert client.runs.stream(run_id="run_1").final_run().status == "completed"


def test_events_of_other_versions_are_unknown_events(fake: Fake, client: Entity) -> None:
    odd = [frame(1, "mood", mood="good"), frame(2, "status", status="dancing"), frame(3, "content", content="x")]
    fake.on(EVENTS, stream_of(*odd, DONE, whole=True))
    first, second, third = client.runs.stream(run_id="run_1")
    assert isinstance(first, UnknownEvent)
    assert first.model_dump() == {"run_id": "run_1", "at": None, "position": 1, "type": "mood", "mood": "good"}
    assert (type(second), type(third)) == (UnknownEvent, ContentEvent)


def test_a_call_is_known_by_its_data_and_not_by_its_name(fake: Fake, client: Entity) -> None:
    fields = {"action_id": "a", "tool_call_id": "c", "tool": "add", "args": {"x": 1}, "tool_name": "add"}
    fake.on(EVENTS, stream_of(frame(1, "tool_call_manifest", **fields), DONE, whole=True))
    stream = client.runs.stream(run_id="run_1")
    (event,) = stream
    assert isinstance(event, ToolCallEvent)
    assert stream.open_calls == [event]


@pytest.mark.parametrize("junk", [b"data: hello\n\n", b"data: [1]\n\n", b"data: {}\n\n"])
def test_a_stream_of_something_else_is_refused(fake: Fake, client: Entity, junk: bytes) -> None:
    fake.on(EVENTS, stream_of(junk, DONE, whole=True))
    with client.runs.stream(run_id="run_1") as stream, pytest.raises(InvalidAnswerError, match="the stream contains"):
        stream.until_done()


@pytest.mark.parametrize("answer", [HANG_UP, error(503), stream_of(b": hello\n\n"), stream_of(whole=True)])
def test_a_stream_that_brings_nothing_any_more_is_given_up(fake: Fake, client: Entity, answer: Answer) -> None:
    fake.on(EVENTS, stream_of(frame(1, "content", content="x")), answer)
    with client.runs.stream(run_id="run_1") as stream, pytest.raises(StreamBroken, match="run_1 broke after event 1"):
        stream.until_done()
    assert len(fake.asked) == 1 + 3


def test_what_happened_between_two_events_does_not_count_towards_giving_up(fake: Fake, client: Entity) -> None:
    told = [frame(number, "content", content=str(number)) for number in range(1, 6)]
    fails = [error(503), HANG_UP]
    answers = [step for event in told for step in (stream_of(event), *fails)]
    fake.on(EVENTS, *answers, stream_of(DONE, whole=True))
    assert "".join(client.runs.stream(run_id="run_1").text_deltas()) == "12345"


@pytest.mark.parametrize(("answer", "kind"), [(HANG_UP, APIConnectionError), (error(503), InternalServerError)])
def test_a_stream_that_never_opens_fails_as_any_request_does(
    fake: Fake, client: Entity, answer: Answer, kind: type[Exception]
) -> None:
    fake.on(EVENTS, answer)
    with client.runs.stream(run_id="run_1") as stream, pytest.raises(kind):
        stream.until_done()
    assert len(fake.asked) == 1 + 2


def test_a_run_that_is_gone_ends_its_stream_at_once(fake: Fake, client: Entity) -> None:
    fake.on(EVENTS, stream_of(frame(1, "content", content="x")), error(404))
    with client.runs.stream(run_id="run_1") as stream, pytest.raises(NotFoundError):
        stream.until_done()
    assert len(fake.asked) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"assistant_id": "a"},
        {"thread_id": "t"},
        {"run_id": "r", "assistant_id": "a"},
        {"run_id": "r", "model": "m"},
        {"assistant_id": "a", "thread_id": "t", "temprature": 1},
        {"assistant_id": "a", "thread_id": "t", "status": "queued"},
    ],
)
def test_a_stream_that_makes_no_sense_is_refused_at_once(client: Entity, arguments: dict[str, str]) -> None:
    with pytest.raises(TypeError):
        client.runs.stream(**arguments)  # type: ignore[arg-type]


def test_waiting_ends_when_the_run_is_over(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [STORY])
    fake.on("GET /v1/runs/run_1", Answer(RUN), Answer(RUN | {"status": "completed"}))
    assert client.runs.wait("run_1").status == "completed"
    assert fake.lines() == ["GET /v1/runs/run_1", EVENTS, "GET /v1/runs/run_1"]


@pytest.mark.parametrize("stored", ["action_required", "requires_action"])  # as an earlier version says it
def test_waiting_for_a_run_at_rest_asks_once(fake: Fake, client: Entity, stored: str) -> None:
    fake.on("GET /v1/runs/run_1", Answer(RUN | {"status": stored}))
    assert client.runs.wait("run_1", timeout=EVENT_TIMEOUT).status == "action_required"
    assert fake.lines() == ["GET /v1/runs/run_1"]


def test_waiting_is_not_ended_by_a_pause_that_is_over(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [[status("action_required"), status("in_progress"), status("completed")]])
    running, over = Answer(RUN | {"status": "in_progress"}), Answer(RUN | {"status": "completed"})
    fake.on("GET /v1/runs/run_1", running, running, over)
    assert client.runs.wait("run_1").status == "completed"


def test_waiting_has_a_limit(fake: Fake, client: Entity) -> None:
    fake.on("GET /v1/runs/run_1", Answer(RUN))
    fake.on(EVENTS, stream_of(b": hello\n\n", whole=True))
    with pytest.raises(APITimeoutError, match="the run run_1 took longer than 0 s"):
        client.runs.wait("run_1", timeout=0)


def test_many_streams_are_read_side_by_side(fake: Fake, new_async_client: Callable[[], AsyncEntity]) -> None:
    FakeRun(fake, [STORY], cut=2)

    async def read(client: AsyncEntity) -> str:
        stream = client.runs.stream(run_id="run_1")
        assert (await stream.final_run()).status == "completed"
        return stream.text

    async def main() -> list[str]:
        async with new_async_client() as client:
            return await asyncio.gather(*(read(client) for _ in range(8)))

    assert asyncio.run(main()) == ["fourfive"] * 8


def test_statuses_come_in_the_order_of_their_positions(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [STORY], cut=4)
    seen = [event for event in client.runs.stream(run_id="run_1") if isinstance(event, StatusEvent)]
    assert [event.status for event in seen] == ["in_progress", "completed"]
    assert all(before.position < after.position for before, after in pairwise(seen))


def test_a_forgotten_client_leaves_no_open_socket(fake: Fake) -> None:
    FakeRun(fake, [STORY])
    entity = Entity(fake.base_url, KEY)
    entity.runs.retrieve_run("run_1")
    del entity  # a ResourceWarning would be an error
