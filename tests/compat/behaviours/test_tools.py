"""The tools that the platform runs itself, in steps, in streams and in the messages that come of them."""

from typing import Any

import pytest

from tests.compat.behaviours.hands import PNG, TABLE
from tests.compat.behaviours.merging import Follower
from tests.compat.behaviours.model import REPORT
from tests.compat.behaviours.test_streams import BEGIN, DONE, MESSAGE, of
from tests.compat.behaviours.wire import QUESTION, RESULTS, Json, Wire, names, path_of
from tests.server.talking import WEATHER

behaviour = pytest.mark.behaviour
STEP = {
    *("id", "object", "created_at", "assistant_id", "thread_id", "run_id", "type", "status", "step_details"),
    *("last_error", "expired_at", "expires_at", "cancelled_at", "failed_at", "completed_at", "metadata", "usage"),
}
CALLED = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta"]
CODE: list[Any] = [{"type": "code_interpreter"}]


def searched(
    wire: Wire, question: str = QUESTION, query: str = "", options: Json = None, **fields: Json
) -> tuple[list[Any], Json]:
    """The events of a run that searches a handbook, and the file that has it."""
    file, store = wire.shelf()
    if fields:
        wire.make(f"/vector_stores/{store['id']}/files/{file['id']}", **fields)
    resources = {"file_search": {"vector_store_ids": [store["id"]]}}
    tools = [{"type": "file_search", "file_search": options}]
    assistant = wire.assistant("citer", tools=tools, tool_resources=resources)
    thread = wire.thread(question)
    return wire.frames(f"/threads/{thread['id']}/runs{query}", assistant_id=assistant["id"]), file


@behaviour("steps.object")
def test_a_step_has_every_field(wire: Wire) -> None:
    run = wire.done()
    [step] = wire.steps(run)
    [_, said] = wire.messages(run["thread_id"])
    assert step.keys() >= STEP
    fixed = STEP - {"id", "created_at", "completed_at", "usage"}
    assert {name: step[name] for name in fixed} == {
        "object": "thread.run.step",
        "assistant_id": run["assistant_id"],
        "thread_id": run["thread_id"],
        "run_id": run["id"],
        "type": "message_creation",
        "status": "completed",
        "step_details": {"type": "message_creation", "message_creation": {"message_id": said["id"]}},
        "last_error": None,
        "expired_at": None,
        "expires_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "metadata": {},
    }
    assert step["completed_at"] >= step["created_at"]
    assert wire.read(f"{path_of(run)}/steps/{step['id']}") == step


@behaviour("steps.function")
def test_a_step_of_calls_has_their_outputs(wire: Wire) -> None:
    run = wire.waiting()
    [step] = wire.steps(run)
    [call] = step["step_details"]["tool_calls"]
    assert (step["type"], step["status"], step["usage"]) == ("tool_calls", "in_progress", None)
    assert (call["type"], call["function"]["output"]) == ("function", None)
    assert call["id"] == run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"]
    wire.submit(run, "rain")
    first, second = wire.steps(wire.ended(run))
    assert first["step_details"]["tool_calls"][0]["function"] == {
        "name": "get_weather",
        "arguments": '{"city": "Oslo"}',
        "output": "rain",
    }
    assert (first["status"], first["id"], second["type"]) == ("completed", step["id"], "message_creation")


@behaviour("steps.list")
def test_steps_are_listed_newest_first(wire: Wire) -> None:
    run = wire.waiting()
    wire.submit(run, "rain")
    wire.ended(run)
    page = wire.read(f"{path_of(run)}/steps", limit=1)
    assert ([step["type"] for step in page["data"]], page["has_more"]) == (["message_creation"], True)
    after = wire.read(f"{path_of(run)}/steps", limit=1, after=page["last_id"])
    assert ([step["type"] for step in after["data"]], after["has_more"]) == (["tool_calls"], False)


@behaviour("file-search.order")
def test_a_search_is_a_step_with_one_delta(wire: Wire) -> None:
    frames, _ = searched(wire)
    assert names(frames) == [*BEGIN, *CALLED, "thread.run.step.completed", *MESSAGE, *DONE]
    Follower().follow(frames)
    [delta] = of(frames, "thread.run.step.delta")
    [call] = delta["delta"]["step_details"]["tool_calls"]
    assert (call["index"], call["type"], call["file_search"]["results"]) == (0, "file_search", [])
    assert call["id"]


@behaviour("file-search.results")
def test_a_search_tells_what_it_found(wire: Wire) -> None:
    frames, file = searched(wire)
    [call] = of(frames, "thread.run.step.completed")[0]["step_details"]["tool_calls"]
    options = call["file_search"]["ranking_options"]
    assert isinstance(options["ranker"], str)
    assert 0 <= options["score_threshold"] <= 1
    result = call["file_search"]["results"][0]
    assert (result["file_id"], result["file_name"]) == (file["id"], "handbook.md")
    assert 0 <= result["score"] <= 1
    assert not result.get("content")


DEFAULT = {"ranker": "default_2024_08_21", "score_threshold": 0.0}


@behaviour("file-search.options")
@pytest.mark.parametrize(
    ("options", "used"),
    [
        (None, DEFAULT),
        ({"max_num_results": 3}, DEFAULT),
        ({"ranking_options": {"score_threshold": 0.01}}, {**DEFAULT, "score_threshold": 0.01}),
        (
            {"ranking_options": {"score_threshold": 0.999, "ranker": "auto"}},
            {"ranker": "auto", "score_threshold": 0.999},
        ),
        (
            {"ranking_options": {**DEFAULT, "score_threshold": 0.5, "hybrid_search": None}},
            {**DEFAULT, "score_threshold": 0.5},
        ),
    ],
)
def test_a_step_says_with_which_options_it_searched(wire: Wire, options: Json, used: Json) -> None:
    frames, _ = searched(wire, options=options, attributes={"year": 2024})
    run = of(frames, "thread.run.completed")[0]
    [delta] = of(frames, "thread.run.step.delta")
    details = [delta["delta"]["step_details"], of(frames, "thread.run.step.completed")[0]["step_details"]]
    details.append(wire.steps(run)[0]["step_details"])
    for one in details:
        search = one["tool_calls"][0]["file_search"]
        assert search["ranking_options"] == used
        assert all(found["score"] >= used["score_threshold"] for found in search["results"])
        assert all(found["attributes"] == {"year": 2024} for found in search["results"])
    assert run["tools"][0]["file_search"]["ranking_options"] == {**used, "hybrid_search": None}


@behaviour("file-search.include")
def test_the_text_of_results_comes_only_where_it_is_asked_for(wire: Wire) -> None:
    frames, _ = searched(wire, query=f"?include[]={RESULTS}")
    step = of(frames, "thread.run.step.completed")[0]
    run = of(frames, "thread.run.completed")[0]
    path = f"{path_of(run)}/steps"
    asked = {"include[]": RESULTS}
    listed, single = wire.read(path, order="asc", **asked)["data"][0], wire.read(f"{path}/{step['id']}", **asked)
    for one in (step, listed, single):
        [part, *_] = one["step_details"]["tool_calls"][0]["file_search"]["results"][0]["content"]
        assert part["type"] == "text"
        assert "two years" in part["text"]
    plain = wire.read(f"{path}/{step['id']}")["step_details"]["tool_calls"][0]["file_search"]["results"][0]
    assert not plain.get("content")


@behaviour("file-search.citation", "file-search.citation-delta")
@pytest.mark.parametrize("question", [QUESTION, "Die Garantie 😀 gilt: The warranty lasts how many years?"])
def test_a_citation_comes_in_a_delta_of_its_own_and_counts_code_points(wire: Wire, question: str) -> None:
    frames, file = searched(wire, question)
    cited = [one["delta"]["content"][0] for one in of(frames, "thread.message.delta")]
    [delta] = [part["text"] for part in cited if part["text"].get("annotations")]
    [told] = delta["annotations"]
    assert (told["index"], told["type"], told["text"]) == (0, "file_citation", delta["value"])
    [message] = of(frames, "thread.message.completed")
    text = message["content"][0]["text"]
    [annotation] = text["annotations"]
    assert annotation["file_citation"]["file_id"] == file["id"]
    assert annotation["text"] == text["value"][annotation["start_index"] : annotation["end_index"]] == delta["value"]
    assert annotation["text"].endswith("†handbook.md】")
    assert (told["start_index"], told["end_index"]) == (annotation["start_index"], annotation["end_index"])
    assert told["file_citation"]["file_id"] == file["id"]


@behaviour("file-search.thread-store")
def test_a_file_of_a_message_is_searched(wire: Wire) -> None:
    file = wire.upload(b"The warranty lasts two years.", "w.txt")
    assistant = wire.assistant("citer", tools=[{"type": "file_search"}])
    attached = [{"file_id": file["id"], "tools": [{"type": "file_search"}]}]
    said = {"role": "user", "content": QUESTION, "attachments": attached}
    run = wire.make("/threads/runs", assistant_id=assistant["id"], thread={"messages": [said]})
    run = wire.ended(run)
    [annotation] = wire.messages(run["thread_id"])[-1]["content"][0]["text"]["annotations"]
    assert annotation["file_citation"]["file_id"] == file["id"]


@behaviour("code.order")
def test_code_is_a_step_whose_input_and_outputs_come_in_deltas(wire: Wire) -> None:
    frames = wire.told("coder", tools=CODE)
    assert names(frames) == [*BEGIN, *CALLED, "thread.run.step.completed", *MESSAGE, *DONE]
    Follower().follow(frames)
    first, *others = (one["delta"]["step_details"]["tool_calls"][0] for one in of(frames, "thread.run.step.delta"))
    assert first.pop("id")
    assert first == {"index": 0, "type": "code_interpreter", "code_interpreter": {"input": "", "outputs": []}}
    assert all((one["index"], one["type"], "id" in one) == (0, "code_interpreter", False) for one in others)
    told = [one["code_interpreter"]["input"] for one in others if "input" in one["code_interpreter"]]
    assert "".join(told) == "print(1 + 1)"
    assert len(told) > 1, "it comes while it is written"
    outputs = [output for one in others for output in one["code_interpreter"].get("outputs") or []]
    assert [output["type"] for output in outputs] == ["logs", "image"]
    assert [output["index"] for output in outputs] == [0, 1]


@behaviour("code.step")
def test_a_step_of_code_has_its_input_and_what_came_of_it(wire: Wire) -> None:
    run = wire.done("coder", tools=CODE)
    [call] = wire.steps(run)[0]["step_details"]["tool_calls"]
    logs, image = call["code_interpreter"]["outputs"]
    assert (call["type"], call["code_interpreter"]["input"]) == ("code_interpreter", "print(1 + 1)")
    assert logs == {"type": "logs", "logs": "2\n"}
    assert image["type"] == "image"
    assert wire.get(f"/files/{image['image']['file_id']}/content").content == PNG


@behaviour("code.image", "code.file-path")
def test_a_reply_shows_the_image_and_names_the_file(wire: Wire) -> None:
    run = wire.done("coder", tools=CODE)
    parts = wire.messages(run["thread_id"])[-1]["content"]
    [image] = [part for part in parts if part["type"] == "image_file"]
    made = wire.read(f"/files/{image['image_file']['file_id']}")
    assert (made["filename"], made["purpose"]) == ("plot.png", "assistants_output")
    [text] = [part["text"] for part in parts if part["type"] == "text"]
    assert text["value"] == REPORT
    [annotation] = text["annotations"]
    assert (annotation["type"], annotation["text"]) == ("file_path", "sandbox:/mnt/data/table.csv")
    assert REPORT[annotation["start_index"] : annotation["end_index"]] == annotation["text"]
    table = annotation["file_path"]["file_id"]
    assert wire.read(f"/files/{table}")["purpose"] == "assistants_output"
    assert wire.get(f"/files/{table}/content").content == TABLE


@behaviour("tools.mixed")
def test_a_turn_may_call_the_platform_and_the_caller(wire: Wire) -> None:
    run = wire.ended(wire.run("mixer", tools=[*CODE, WEATHER]), "requires_action")
    assert run["status"] == "requires_action"
    [call] = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    wire.submit(run, "rain")
    assert wire.ended(run)["status"] == "completed"
    kinds = [call["type"] for step in wire.steps(run) for call in step["step_details"].get("tool_calls", [])]
    assert kinds == ["code_interpreter", "function"]


@behaviour("tools.own")
def test_a_tool_that_the_service_has_not_shows_as_a_function(wire: Wire) -> None:
    run = wire.done("sheller", tools=[{"type": "computer"}])
    assert run["status"] == "completed"
    [call] = wire.steps(run)[0]["step_details"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "computer")
    assert call["function"]["output"]
