"""A server that refuses all that a server is allowed to refuse teaches once, and every thread goes on."""

from tests.compat.behaviours.wire import Wire
from tests.fakes.worst import WINDOW, WorstAllowed
from tests.server.talking import WEATHER

PARAGRAPH = "The lighthouse keeper wrote down the weather of every single day. " * 20


def test_what_one_run_was_refused_for_no_later_run_sends(wire: Wire, upstream: WorstAllowed) -> None:
    run = wire.done("teaches", tools=[WEATHER], instructions="Be kind.")
    assert run["status"] == "completed"
    before = len(upstream.refused)
    assert before >= 2, "it takes neither stream_options nor a system role"
    for _ in range(3):
        assert wire.done("teaches", tools=[WEATHER], instructions="Be kind.")["status"] == "completed"
    assert len(upstream.refused) == before


def test_a_tool_loop_of_two_turns_gets_every_output_to_its_call(wire: Wire) -> None:
    run = wire.waiting("chain")
    run = wire.ended(wire.submit(run, "rain").json(), "requires_action")
    assert run["status"] == "requires_action"
    run = wire.ended(wire.submit(run, "snow").json())
    assert run["status"] == "completed"
    assert wire.messages(run["thread_id"])[-1]["content"][0]["text"]["value"] == "They said: rain and snow"


def test_a_thread_longer_than_the_window_completes_every_run(wire: Wire, upstream: WorstAllowed) -> None:
    thread = wire.thread(*([PARAGRAPH] * 30))
    assert len(PARAGRAPH) * 30 > WINDOW * 3
    assistant = wire.assistant("any")
    for _ in range(3):
        wire.make(f"/threads/{thread['id']}/messages", role="user", content="Go on.")
        run = wire.ended(wire.make(f"/threads/{thread['id']}/runs", assistant_id=assistant["id"]))
        assert run["status"] == "completed", run["last_error"]
    assert "Go on." in str(upstream.asked[-1]["messages"][-1])
