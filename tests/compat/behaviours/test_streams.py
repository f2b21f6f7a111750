"""Streams: their bytes, which events come in which order, and what these hold."""

import json
import re
from typing import Any

import pytest

from tests.compat.behaviours.merging import Follower
from tests.compat.behaviours.model import ODD
from tests.compat.behaviours.wire import Frame, Json, Wire, frames_of, names, path_of
from tests.server.talking import WEATHER

behaviour = pytest.mark.behaviour
BEGIN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
MESSAGE = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
    "thread.message.delta",
    "thread.message.completed",
    "thread.run.step.completed",
]
CALLS = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta"]
DONE = ["thread.run.completed", "done"]


def of(frames: list[Frame], event: str) -> list[Json]:
    """The data of the events of a name."""
    return [frame.data for frame in frames if frame.event == event]


@behaviour("stream.bytes")
def test_a_stream_is_events_of_one_line_and_ends_with_done(wire: Wire) -> None:
    assistant, thread = wire.assistant(), wire.thread("Hi")
    body = {"assistant_id": assistant["id"], "stream": True}
    answer = wire.post(f"/threads/{thread['id']}/runs", json=body)
    assert answer.headers["content-type"].lower().replace(" ", "") == "text/event-stream;charset=utf-8"
    *events, last, end = answer.text.split("\n\n")
    assert end == ""
    fields = [dict(line.split(": ", 1) for line in event.split("\n")) for event in [*events, last]]
    assert {"event", "data"} <= fields[0].keys() <= {"event", "data", "id"}
    assert (fields[-1]["event"], fields[-1]["data"]) == ("done", "[DONE]")
    for one in fields[:-1]:
        data = json.loads(one["data"])
        assert data["object"] in {"thread.run", "thread.run.step", "thread.message", "thread.message.delta"}
        assert one["event"].startswith(data["object"])
    assert answer.headers["x-request-id"]


@behaviour("stream.line-ends")
def test_no_character_of_a_text_ends_a_line_of_a_stream(wire: Wire) -> None:
    assistant, thread = wire.assistant("separator"), wire.thread("Hi")
    body = {"assistant_id": assistant["id"]}
    streamed = wire.post(f"/threads/{thread['id']}/runs", json={**body, "stream": True})
    run = wire.read(f"/threads/{thread['id']}/runs")["data"][0]
    ids = {"run_id": run["id"], "thread_id": thread["id"], **body}
    native = str(wire.base_url.join("/v1"))
    answers = [
        streamed,
        wire.get(f"{path_of(run)}/events"),
        wire.get(f"{native}/runs/{run['id']}/events"),
        wire.post(f"{native}/completions", json=ids),
    ]
    for answer in answers:
        lines = answer.content.decode().splitlines()  # at all characters that Unicode takes for the end of a line
        events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        assert all(re.match(r"(id|event|data): |$", line) for line in lines)
        deltas = [one for event in events for one in event.get("delta", {}).get("content", ())]
        told = [event["content"] for event in events if event.get("type") == "content"]
        assert "".join(told or [delta["text"]["value"] for delta in deltas]) == ODD


@behaviour("stream.text-order")
def test_a_text_comes_in_the_order_of_the_service(wire: Wire) -> None:
    frames = wire.told()
    assert names(frames) == [*BEGIN, *MESSAGE, *DONE]
    Follower().follow(frames)


@behaviour("stream.text-deltas")
def test_a_text_comes_in_several_deltas_of_which_the_first_has_annotations(wire: Wire) -> None:
    frames = wire.told()
    [created] = of(frames, "thread.message.created")
    assert (created["content"], created["status"]) == ([], "in_progress")
    deltas = of(frames, "thread.message.delta")
    assert len(deltas) > 1
    for delta in deltas:
        assert (delta["id"], delta["object"]) == (created["id"], "thread.message.delta")
        [part] = delta["delta"]["content"]
        assert (part["index"], part["type"]) == (0, "text")
        assert ("annotations" in part["text"]) is (delta is deltas[0])
    [whole] = of(frames, "thread.message.completed")
    assert whole["content"] == [{"type": "text", "text": {"value": "Hello from the script.", "annotations": []}}]
    assert (whole["status"], whole["incomplete_details"]) == ("completed", None)


@behaviour("stream.text-order", "runs.usage")
def test_the_end_of_a_stream_says_what_it_took(wire: Wire) -> None:
    frames = wire.told()
    [begun], [step] = of(frames, "thread.run.step.created"), of(frames, "thread.run.step.completed")
    assert (begun["usage"], step["usage"]["total_tokens"]) == (None, 14)
    [run] = of(frames, "thread.run.completed")
    assert run["usage"]["total_tokens"] == 14
    assert of(frames, "thread.run.in_progress")[0]["usage"] is None


@behaviour("stream.objects")
def test_what_a_stream_ends_with_is_what_can_be_read(wire: Wire) -> None:
    frames = wire.told()
    [run] = of(frames, "thread.run.completed")
    assert wire.read(path_of(run)) == {**run, "tool_resources": {}}
    assert run["tool_resources"] == {"code_interpreter": {"file_ids": []}}
    assert wire.steps(run) == of(frames, "thread.run.step.completed")
    assert wire.messages(run["thread_id"])[-1] == of(frames, "thread.message.completed")[0]


@behaviour("stream.function-order")
def test_a_call_stops_the_stream_and_its_step_stays_open(wire: Wire) -> None:
    frames = wire.told("caller", tools=[WEATHER])
    assert names(frames) == [*BEGIN, *CALLS, "thread.run.requires_action", "done"]
    Follower().follow(frames)
    [step] = of(frames, "thread.run.step.created")
    assert step["step_details"] == {"type": "tool_calls", "tool_calls": []}
    [run] = of(frames, "thread.run.requires_action")
    assert [(one["id"], one["status"]) for one in wire.steps(run)] == [(step["id"], "in_progress")]


@behaviour("stream.function-deltas")
def test_the_arguments_of_a_call_come_in_fragments(wire: Wire) -> None:
    frames = wire.told("caller", tools=[WEATHER])
    first, *others = (one["delta"]["step_details"] for one in of(frames, "thread.run.step.delta"))
    assert first["type"] == "tool_calls"
    [call] = first["tool_calls"]
    assert re.fullmatch("call_.+", call.pop("id"))
    assert call == {
        "index": 0,
        "type": "function",
        "function": {"name": "get_weather", "arguments": "", "output": None},
    }
    fragments = [one["tool_calls"][0] for one in others]
    assert len(fragments) > 1
    for one in fragments:
        assert (one["index"], one["type"]) == (0, "function")
        assert not one.get("id")
        assert one["function"].keys() == {"arguments"}
    assert "".join(one["function"]["arguments"] for one in fragments) == '{"city": "Oslo"}'


@behaviour("stream.parallel-calls")
def test_parallel_calls_share_a_step(wire: Wire) -> None:
    frames = wire.told("two_calls", tools=[WEATHER])
    assert names(frames) == [*BEGIN, *CALLS, "thread.run.requires_action", "done"]
    Follower().follow(frames)
    begun = [
        call
        for delta in of(frames, "thread.run.step.delta")
        for call in delta["delta"]["step_details"]["tool_calls"]
        if call.get("id")
    ]
    [run] = of(frames, "thread.run.requires_action")
    wanted = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert [(call["index"], call["id"]) for call in begun] == [(at, call["id"]) for at, call in enumerate(wanted)]


@behaviour("stream.submit-order")
def test_outputs_complete_the_step_and_the_run_goes_on(wire: Wire) -> None:
    before = wire.told("two_calls", tools=[WEATHER])
    [run], [open_step] = of(before, "thread.run.requires_action"), of(before, "thread.run.step.created")
    wanted = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": text} for call, text in zip(wanted, ("rain", "sun"), strict=True)]
    frames = wire.frames(f"{path_of(run)}/submit_tool_outputs", tool_outputs=outputs)
    first = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
    assert names(frames) == [*first, *MESSAGE, *DONE]
    Follower().follow(frames)
    step = frames[0].data
    assert (step["id"], step["usage"]["total_tokens"]) == (open_step["id"], 25)
    assert [call["function"]["output"] for call in step["step_details"]["tool_calls"]] == ["rain", "sun"]
    [said] = of(frames, "thread.message.completed")
    assert said["content"][0]["text"]["value"] == "They said: rain and sun"


@behaviour("stream.text-before-call")
def test_a_message_in_front_of_a_call_is_a_step_of_its_own(wire: Wire) -> None:
    frames = wire.told("talker", tools=[WEATHER])
    assert names(frames) == [*BEGIN, *MESSAGE, *CALLS, "thread.run.requires_action", "done"]
    Follower().follow(frames)


@behaviour("stream.thread-created")
def test_a_thread_that_is_made_with_its_run_is_told_first(wire: Wire) -> None:
    assistant = wire.assistant()
    thread = {"messages": [{"role": "user", "content": "Hi"}]}
    frames = wire.frames("/threads/runs", assistant_id=assistant["id"], thread=thread)
    assert names(frames) == ["thread.created", *BEGIN, *MESSAGE, *DONE]
    made, run = frames[0].data, frames[1].data
    assert (made["object"], made["id"]) == ("thread", run["thread_id"])


@behaviour("stream.failed")
def test_a_model_that_breaks_off_ends_the_stream_with_the_failure(wire: Wire) -> None:
    frames = wire.told("broken")
    assert [name for name in names(frames) if not name.startswith("thread.run.step")] == [
        *BEGIN,
        "thread.message.created",
        "thread.message.in_progress",
        "thread.message.delta",
        "thread.message.incomplete",
        "thread.run.failed",
        "done",
    ]
    assert "thread.run.step.failed" in names(frames)
    [run] = of(frames, "thread.run.failed")
    assert run["last_error"]["code"] == "server_error"
    [step] = of(frames, "thread.run.step.failed")
    assert step["last_error"]["code"] == "server_error"
    Follower().follow(frames)


@behaviour("stream.asked-again")
@pytest.mark.parametrize(
    ("model", "broken_off"),
    [
        ("stumbler", [*MESSAGE[:5], "thread.message.incomplete", "thread.run.step.failed"]),
        ("dropper", [*CALLS, "thread.run.step.failed"]),
    ],
)
def test_a_model_that_is_asked_again_leaves_a_failed_step_behind(wire: Wire, model: str, broken_off: list[str]) -> None:
    frames = wire.told(model, wire.thread(f"Do not stumble, {wire.assistant()['id']}"), [WEATHER])
    assert names(frames) == [*BEGIN, *broken_off, *MESSAGE, *DONE]
    Follower().follow(frames)
    [run] = of(frames, "thread.run.completed")
    [message] = wire.read(f"/threads/{run['thread_id']}/messages", run_id=run["id"])["data"]
    assert message == of(frames, "thread.message.completed")[0]
    assert [step["status"] for step in wire.read(f"{path_of(run)}/steps")["data"]] == ["completed"]


@behaviour("stream.incomplete")
def test_a_reply_that_is_cut_off_ends_the_stream_as_incomplete(wire: Wire) -> None:
    frames = wire.told("short")
    assert names(frames)[-2:] == ["thread.run.incomplete", "done"]
    [message] = of(frames, "thread.message.incomplete")
    assert message["incomplete_details"] == {"reason": "max_tokens"}
    Follower().follow(frames)


@behaviour("stream.cancelled", "messages.broken-run")
def test_a_cancelled_run_ends_its_stream(wire: Wire) -> None:
    assistant, thread = wire.assistant("silent"), wire.thread("Hi")
    body = {"assistant_id": assistant["id"], "stream": True}
    frames: list[Frame] = []
    with wire.stream("POST", f"/threads/{thread['id']}/runs", json=body) as answer:
        for frame in frames_of(answer):
            frames.append(frame)
            if frame.event == "thread.message.delta":
                wire.make(f"{path_of(frames[0].data)}/cancel")
    told = names(frames)
    assert told.index("thread.run.cancelling") < told.index("thread.run.cancelled")
    assert told[-2:] == ["thread.run.cancelled", "done"]
    [message] = of(frames, "thread.message.incomplete")
    assert message["incomplete_details"] == {"reason": "run_cancelled"}
    assert message["content"][0]["text"]["value"] == "I begin"
    [step] = of(frames, "thread.run.step.cancelled")
    assert step["cancelled_at"] is not None
    Follower().follow(frames)


@behaviour("stream.expired")
@pytest.mark.parametrize("model", ["silent", "mute"])
def test_a_run_that_expires_ends_its_stream(hurried: Wire, model: str) -> None:
    frames = hurried.told(model)
    assert names(frames)[-2:] == ["thread.run.expired", "done"]
    reasons = [message["incomplete_details"] for message in of(frames, "thread.message.incomplete")]
    assert reasons == ([{"reason": "run_expired"}] if model == "silent" else [])
    Follower().follow(frames)


@behaviour("stream.strict-clients")
@pytest.mark.parametrize(
    ("model", "tools"),
    [
        ("chain", [WEATHER]),
        ("mixer", [WEATHER, {"type": "code_interpreter"}]),
        ("coder", [{"type": "code_interpreter"}]),
        ("limited", []),
        ("filtered", []),
    ],
)
def test_the_strictest_client_can_follow(wire: Wire, model: str, tools: list[Any]) -> None:
    frames = wire.told(model, tools=tools)
    follower = Follower()
    follower.follow(frames)
    for _ in range(3):
        waiting = of(frames, "thread.run.requires_action")
        if not waiting:
            break
        calls = waiting[0]["required_action"]["submit_tool_outputs"]["tool_calls"]
        outputs = [{"tool_call_id": call["id"], "output": "rain"} for call in calls]
        frames = wire.frames(f"{path_of(waiting[0])}/submit_tool_outputs", tool_outputs=outputs)
        follower.step = None
        follower.seen.clear()
        follower.follow(frames)
    ends = {"limited": "failed", "filtered": follower.run_status}
    assert follower.run_status == ends.get(model, "completed")
