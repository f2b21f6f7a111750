"""Streams that broke off: an addition of ours, since those of the service cannot be read again."""

import pytest

from tests.compat.behaviours.wire import Frame, Wire, frames_of, path_of
from tests.server.talking import WEATHER

behaviour = pytest.mark.behaviour


def events(wire: Wire, run: dict[str, str], after: str | None = None) -> list[Frame]:
    """What the stream of a run tells behind an event."""
    headers = {"last-event-id": after} if after else {}
    with wire.stream("GET", f"{path_of(run)}/events", headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        return list(frames_of(answer))


@behaviour("resume.events")
def test_the_events_of_a_run_can_be_read_again_from_anywhere(wire: Wire) -> None:
    told = wire.told()
    run = told[0].data
    again = events(wire, run)
    assert [(one.event, one.id) for one in again] == [(one.event, one.id) for one in told]
    for at, frame in enumerate(told[:-1]):
        rest = events(wire, run, frame.id)
        assert [(one.event, one.id) for one in rest] == [(one.event, one.id) for one in told[at + 1 :]]


@behaviour("resume.ids")
def test_every_event_but_the_last_has_an_id_of_its_own(wire: Wire) -> None:
    ids = [frame.id for frame in wire.told()[:-1]]
    assert None not in ids
    places = [tuple(map(int, str(one).split("."))) for one in ids]
    assert places == sorted(set(places))


@behaviour("resume.post")
def test_a_streaming_post_with_the_same_key_is_the_same_stream(wire: Wire) -> None:
    assistant, thread = wire.assistant(), wire.thread("Hi")
    body = {"assistant_id": assistant["id"], "stream": True}
    path, key = f"/threads/{thread['id']}/runs", {"idempotency-key": "the-same-stream"}

    def post(**headers: str) -> list[Frame]:
        with wire.stream("POST", path, json=body, headers={**key, **headers}) as answer:
            assert answer.status_code == 200, answer.read()
            return list(frames_of(answer))

    first, second = post(), post()
    assert [(one.event, one.id) for one in second] == [(one.event, one.id) for one in first]
    at = next(number for number, one in enumerate(first) if one.event == "thread.message.delta")
    rest = post(**{"last-event-id": str(first[at].id)})
    assert [(one.event, one.id) for one in rest] == [(one.event, one.id) for one in first[at + 1 :]]
    assert len(wire.read(f"/threads/{thread['id']}/runs")["data"]) == 1


@behaviour("resume.waiting")
def test_the_events_of_a_run_that_waits_end_there_and_go_on_after_the_outputs(wire: Wire) -> None:
    told = wire.told("caller", tools=[WEATHER])
    run = told[-2].data
    assert told[-2].event == "thread.run.requires_action"
    wire.submit(run, "rain")
    rest = events(wire, run, told[-2].id)
    assert rest[0].event == "thread.run.step.completed"
    assert [one.event for one in rest[-2:]] == ["thread.run.completed", "done"]
