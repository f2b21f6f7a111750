"""What is said when something is refused, word by word where the words of the service are known."""

from typing import Any

import pytest

from tests.compat.behaviours.wire import Wire, path_of, refused
from tests.server.talking import WEATHER

behaviour = pytest.mark.behaviour
NOBODY = "0" * 24
HEX = "0" * 32


@behaviour("errors.message-on-busy-thread", "errors.shape")
def test_a_busy_thread_takes_no_message(wire: Wire) -> None:
    run = wire.waiting()
    answer = wire.post(f"/threads/{run['thread_id']}/messages", json={"role": "user", "content": "More"})
    message = f"Can't add messages to {run['thread_id']} while a run {run['id']} is active."
    refused(answer, 400, message, type="invalid_request_error", param=None, code=None)


@behaviour("errors.second-run")
def test_a_busy_thread_takes_no_second_run(wire: Wire) -> None:
    run = wire.waiting()
    answer = wire.post(f"/threads/{run['thread_id']}/runs", json={"assistant_id": run["assistant_id"]})
    message = f"Thread {run['thread_id']} already has an active run {run['id']}."
    refused(answer, 400, message, type="invalid_request_error", param=None, code=None)


@behaviour("errors.second-run")
def test_a_second_run_that_is_to_be_streamed_is_refused_before_the_stream(wire: Wire) -> None:
    run = wire.waiting()
    body = {"assistant_id": run["assistant_id"], "stream": True}
    answer = wire.post(f"/threads/{run['thread_id']}/runs", json=body)
    refused(answer, 400, f"Thread {run['thread_id']} already has an active run {run['id']}.")


@behaviour("errors.outputs-in-wrong-state")
@pytest.mark.parametrize("model", ["hello", "short", "broken"])
def test_a_run_that_is_over_takes_no_outputs(wire: Wire, model: str) -> None:
    run = wire.done(model)
    body = {"tool_outputs": [{"tool_call_id": "call_x", "output": "rain"}]}
    answer = wire.post(f"{path_of(run)}/submit_tool_outputs", json=body)
    refused(answer, 400, f'Runs in status "{run["status"]}" do not accept tool outputs.', code=None)


@behaviour("errors.outputs-in-wrong-state")
def test_a_run_that_works_takes_no_outputs(wire: Wire) -> None:
    run = wire.working()
    body = {"tool_outputs": [{"tool_call_id": "call_x", "output": "rain"}]}
    answer = wire.post(f"{path_of(run)}/submit_tool_outputs", json=body)
    refused(answer, 400, 'Runs in status "in_progress" do not accept tool outputs.')


@behaviour("errors.incomplete-outputs")
def test_outputs_come_all_at_once(wire: Wire) -> None:
    run = wire.waiting("two_calls")
    first, second = (call["id"] for call in run["required_action"]["submit_tool_outputs"]["tool_calls"])
    answer = wire.submit(run, "rain")
    refused(answer, 400, f"Expected tool outputs for call_ids ['{first}', '{second}'], got ['{first}']")
    assert wire.ended(run, "requires_action")["status"] == "requires_action"
    assert wire.submit(run, "rain", "sun").status_code == 200


@behaviour("errors.incomplete-outputs")
def test_outputs_of_calls_that_nobody_made_are_refused(wire: Wire) -> None:
    run = wire.waiting()
    [call] = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    body = {"tool_outputs": [{"tool_call_id": "call_nobody", "output": "rain"}]}
    answer = wire.post(f"{path_of(run)}/submit_tool_outputs", json=body)
    refused(answer, 400, f"Expected tool outputs for call_ids ['{call['id']}'], got ['call_nobody']")


@behaviour("errors.cancel-finished-run")
@pytest.mark.parametrize("model", ["hello", "short", "broken"])
def test_a_run_that_is_over_cannot_be_cancelled(wire: Wire, model: str) -> None:
    run = wire.done(model)
    answer = wire.post(f"{path_of(run)}/cancel")
    refused(answer, 400, f"Cannot cancel run with status '{run['status']}'.", type="invalid_request_error")


@behaviour("errors.cancel-finished-run")
def test_a_run_that_was_cancelled_cannot_be_cancelled_again(wire: Wire) -> None:
    run = wire.waiting()
    wire.make(f"{path_of(run)}/cancel")
    wire.ended(run)
    refused(wire.post(f"{path_of(run)}/cancel"), 400, "Cannot cancel run with status 'cancelled'.")


@behaviour("errors.unknown-assistant")
def test_an_assistant_that_is_not_there_is_named(wire: Wire) -> None:
    message = f"No assistant found with id 'asst_{NOBODY}'."
    refused(wire.get(f"/assistants/asst_{NOBODY}"), 404, message, type="invalid_request_error", code=None)
    body = {"assistant_id": f"asst_{NOBODY}"}
    refused(wire.post(f"/threads/{wire.thread('Hi')['id']}/runs", json=body), 404, message)
    refused(wire.post("/threads/runs", json=body), 404, message)


@behaviour("errors.unknown-object")
def test_an_object_that_is_not_there_is_named(wire: Wire) -> None:
    run = wire.done()
    thread = f"/threads/{run['thread_id']}"
    for path, message in {
        f"/threads/thread_{NOBODY}": f"No thread found with id 'thread_{NOBODY}'.",
        f"/threads/thread_{NOBODY}/messages": f"No thread found with id 'thread_{NOBODY}'.",
        f"{thread}/messages/msg_{NOBODY}": f"No message found with id 'msg_{NOBODY}'.",
        f"{thread}/runs/run_{NOBODY}": f"No run found with id 'run_{NOBODY}'.",
        f"{thread}/runs/run_{NOBODY}/steps": f"No run found with id 'run_{NOBODY}'.",
        f"{path_of(run)}/steps/step_{NOBODY}": f"No run step found with id 'step_{NOBODY}'.",
        f"/vector_stores/vs_{HEX}": f"No vector store found with id 'vs_{HEX}'.",
    }.items():
        refused(wire.get(path), 404, message, type="invalid_request_error")


@behaviour("errors.unknown-file")
@pytest.mark.parametrize("suffix", ["", "/content"])
def test_a_file_that_is_not_there_is_named(wire: Wire, suffix: str) -> None:
    refused(wire.get(f"/files/fake_id{suffix}"), 404, "No such File object: fake_id", param="id")


@behaviour("errors.bad-purpose")
def test_a_purpose_that_is_none_is_refused(wire: Wire) -> None:
    answer = wire.post("/files", files={"file": ("a.txt", b"a")}, data={"purpose": "x"})
    message = "'x' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'"
    refused(answer, 400, message, param="purpose")


@behaviour("errors.unknown-model")
def test_a_model_that_is_not_there_is_named(wire: Wire) -> None:
    message = "The model 'fake_id' does not exist"
    refused(wire.get("/models/fake_id"), 404, message, param="model", code="model_not_found")


def function(**fields: Any) -> dict[str, Any]:
    """A tool."""
    return {"type": "function", "function": {"name": "f", **fields}}


@behaviour("errors.array-too-long")
def test_a_list_that_is_too_long_is_measured(wire: Wire) -> None:
    answer = wire.post("/assistants", json={"model": "m", "tools": [function(name=f"f{n}") for n in range(150)]})
    message = (
        "Invalid 'tools': array too long. Expected an array with maximum length 128, "
        "but got an array with length 150 instead."
    )
    refused(answer, 400, message, code="array_above_max_length", param="tools")


@behaviour("errors.string-too-long")
def test_a_text_that_is_too_long_is_measured(wire: Wire) -> None:
    tools = [WEATHER, function(description="d" * 1890)]
    message = (
        "Invalid 'tools[1].function.description': string too long. Expected a string with maximum length 1024, "
        "but got a string with length 1890 instead."
    )
    param = "tools[1].function.description"
    answer = wire.post("/assistants", json={"model": "m", "tools": tools})
    refused(answer, 400, message, code="string_above_max_length", param=param)


@behaviour("assistants.limits")
@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "n" * 257, "string_above_max_length"),
        ("description", "d" * 513, "string_above_max_length"),
        ("instructions", "i" * 256_001, "string_above_max_length"),
        ("temperature", 2.1, None),
        ("temperature", -0.1, None),
        ("top_p", 1.1, None),
        ("reasoning_effort", "huge", "invalid_value"),
        ("tools", [{"type": "nothing"}], None),
        ("tools", [function(name="f" * 65)], None),
        ("tools", [function(name="a b")], None),
        ("tool_resources", {"code_interpreter": {"file_ids": ["file-x"] * 21}}, "array_above_max_length"),
        ("tool_resources", {"file_search": {"vector_store_ids": ["vs_1", "vs_2"]}}, "array_above_max_length"),
        ("response_format", {"type": "json_schema"}, None),
        ("model", 1, "invalid_type"),
    ],
)
def test_a_value_out_of_range_is_refused(wire: Wire, field: str, value: Any, code: str | None) -> None:
    error = refused(wire.post("/assistants", json={"model": "m", field: value}), 400, type="invalid_request_error")
    assert error["param"].startswith(field)
    assert code in (None, error["code"])


@behaviour("assistants.limits")
def test_values_at_their_limits_are_taken(wire: Wire) -> None:
    fields = {"name": "n" * 256, "description": "d" * 512, "instructions": "i" * 256_000}
    made = wire.assistant(**fields, temperature=2, top_p=1, tools=[function(name=f"f{n}") for n in range(128)])
    assert {name: made[name] for name in fields} == fields
