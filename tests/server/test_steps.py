"""Run steps, and what calls tell on both streams, with tools that run nothing."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from projectdavid import CodeEvent, Entity, FileEvent, OutputEvent, SandboxEvent
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.fakes.hands import PNG, SANDBOX, FakeComputer, FakeInterpreter
from tests.server.conftest import serving
from tests.server.talking import NOBODY, Caller, chunks, ok, refused


@pytest.fixture(scope="module")
def interpreter() -> FakeInterpreter:
    return FakeInterpreter()


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory, interpreter: FakeInterpreter) -> Iterator[EmbeddedPlatform]:
    tools = {"code_interpreter": interpreter, "computer": FakeComputer()}
    with serving(tmp_path_factory.mktemp("hands"), tools=tools) as server:
        yield server


@pytest.fixture(scope="module")
def somebody(equipped: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(equipped.base_url, "", equipped.api_key) as caller:
        yield caller


def worked(caller: Caller, model: str, tool: str, **fields: Any) -> Any:
    """A run of an assistant that has the tool."""
    assistant = caller.assistant(model=f"scripted/{model}", tools=[{"type": tool}])
    body = {"assistant_id": assistant["id"], "thread_id": caller.thread("Hi")["id"], **fields}
    return ok(caller.post("/v1/runs", json=body))


def steps_of(caller: Caller, run: Any, query: str = "") -> Any:
    return ok(caller.get(f"/v1/runs/{run['id']}/steps{query}"))["data"]


def test_the_steps_of_a_run_are_its_calls_and_its_messages_in_order(somebody: Caller) -> None:
    run = somebody.until(worked(somebody, "coder", "code_interpreter"), "completed")
    called, said = steps_of(somebody, run)
    (call,) = called["step_details"]["tool_calls"]
    (file_id,) = call["files"]
    assert call["id"] == run["actions"][0]["tool_call_id"]
    assert call["type"] == "code_interpreter"
    assert call["code_interpreter"] == {
        "input": "1 + 1",
        "outputs": [{"type": "logs", "logs": "2\n"}, {"type": "image", "image": {"file_id": file_id}}],
    }
    assert call["sandbox"] == SANDBOX
    assert "more" not in call
    assert (called["type"], called["status"], called["completed_at"] is not None) == ("tool_calls", "completed", True)
    answer = ok(somebody.get(f"/v1/threads/{run['thread_id']}/messages?order=desc&limit=1"))["data"][0]
    assert said["step_details"] == {"type": "message_creation", "message_creation": {"message_id": answer["id"]}}
    for step in (called, said):
        assert step["object"] == "thread.run.step"
        assert {step[name] == run[name] for name in ("thread_id", "assistant_id")} == {True}
        assert ok(somebody.get(f"/v1/runs/{run['id']}/steps/{step['id']}")) == step
    assert steps_of(somebody, run) == [called, said]


def test_the_steps_of_a_shell_have_each_command_with_its_exit_status(somebody: Caller) -> None:
    run = somebody.until(worked(somebody, "sheller", "computer"), "completed")
    (call,) = steps_of(somebody, run)[0]["step_details"]["tool_calls"]
    assert call["computer"]["commands"] == ["ls", "false"]
    assert [(one["command"], one["exit_status"], one["logs"]) for one in call["computer"]["outputs"]] == [
        ("ls", 0, "a.txt\n"),
        ("false", 1, ""),
    ]
    assert call["sandbox"]["new"] is False


def test_where_a_tool_shows_nothing_a_step_has_what_the_model_was_told(
    somebody: Caller, interpreter: FakeInterpreter
) -> None:
    interpreter.off = True
    run = somebody.until(worked(somebody, "coder", "code_interpreter"), "completed")
    interpreter.off = False
    (call,) = steps_of(somebody, run)[0]["step_details"]["tool_calls"]
    outputs = [{"type": "logs", "logs": "Error: the tool is off"}]
    assert call == {
        "id": call["id"],
        "type": "code_interpreter",
        "code_interpreter": {"input": "1 + 1", "outputs": outputs},
    }


def test_a_call_of_the_callers_is_a_step_in_progress_until_it_is_answered(user: Caller) -> None:
    run = user.waiting()
    (step,) = steps_of(user, run)
    assert (step["status"], step["completed_at"]) == ("in_progress", None)
    (call,) = step["step_details"]["tool_calls"]
    function = {"name": "get_weather", "arguments": '{"city": "Oslo"}', "output": None}
    assert (call["type"], call["function"]) == ("function", function)
    ok(user.submit(run, (call["id"], "rain")))
    user.until(run, "completed")
    answered, _ = steps_of(user, run)
    assert (answered["id"], answered["status"]) == (step["id"], "completed")
    assert answered["step_details"]["tool_calls"][0]["function"]["output"] == "rain"


def test_a_step_ends_as_its_run_does(user: Caller) -> None:
    waiting = user.waiting()
    ok(user.post(f"/v1/runs/{waiting['id']}/cancel"))
    (step,) = steps_of(user, waiting)
    assert (step["status"], step["cancelled_at"] is not None, step["last_error"]) == ("cancelled", True, None)
    broken = user.until(user.run("scripted/broken"), "failed")
    (step,) = steps_of(user, broken)
    assert (step["type"], step["status"]) == ("message_creation", "failed")
    assert step["last_error"] == broken["error"]


def test_steps_come_in_pages_both_ways(somebody: Caller) -> None:
    run = somebody.until(worked(somebody, "coder", "code_interpreter"), "completed")
    called, said = steps_of(somebody, run)
    assert steps_of(somebody, run, "?order=desc") == [said, called]
    page = ok(somebody.get(f"/v1/runs/{run['id']}/steps?limit=1"))
    assert (page["data"], page["has_more"], page["last_id"]) == ([called], True, called["id"])
    assert steps_of(somebody, run, f"?limit=1&after={called['id']}") == [said]
    other = somebody.until(worked(somebody, "coder", "code_interpreter"), "completed")
    refused(somebody.get(f"/v1/runs/{other['id']}/steps?after={called['id']}"), 404, "cursor_not_found", "after")
    refused(somebody.get(f"/v1/runs/{other['id']}/steps/{called['id']}"), 404, "step_not_found")
    refused(somebody.get(f"/v1/runs/{run['id']}/steps/{NOBODY}"), 404, "step_not_found")


def test_the_sdk_reads_steps_and_the_events_of_calls(equipped: EmbeddedPlatform) -> None:
    with Entity(base_url=equipped.base_url, api_key=equipped.api_key) as client:
        assistant = client.assistants.create_assistant(model="scripted/coder", tools=[{"type": "code_interpreter"}])
        result = client.runs.run(assistant, client.threads.create_thread(), content="Hi", on_event=(seen := []).append)
        called, said = client.runs.list_steps(result.run.id)
        assert client.runs.retrieve_step(result.run.id, called.id) == called
    (call,) = called.step_details.tool_calls
    kinds = (SandboxEvent, CodeEvent, OutputEvent, FileEvent)
    sandbox, code, output, file = (event for event in seen if isinstance(event, kinds))
    assert (sandbox.state, sandbox.level) == ("started", "namespaces")
    assert (code.content, output.stream, output.content) == ("1 + 1", "result", "2\n")
    assert (file.filename, file.mime_type, file.size, file.file_id) == ("plot.png", "image/png", 8, call.files[0])
    assert call.code_interpreter.outputs[1].image.file_id == file.file_id
    assert result.messages[-1].id == said.step_details.message_creation.message_id
    (shown,) = result.messages[-1].attachments
    assert (shown["type"], shown["file_id"]) == ("image", file.file_id)


def test_whoever_reads_of_a_file_can_fetch_it(somebody: Caller) -> None:
    run = worked(somebody, "coder", "code_interpreter")
    told = somebody.events(run)
    file = next(event for event in told if event["type"] == "file")
    told.close()
    assert somebody.get(f"/v1/files/{file['file_id']}/content").content == PNG
    assert httpx2.get(file["url"]).content == PNG
    assert ok(somebody.get(f"/v1/files/{file['file_id']}"))["purpose"] == "assistants_output"


def test_the_stream_of_completions_tells_of_code_in_envelopes(somebody: Caller) -> None:
    run = worked(somebody, "coder", "code_interpreter", status="pending")
    told = [chunk for chunk in chunks(somebody.complete(run)) if "stream_type" in chunk]
    assert [(chunk["stream_type"], chunk["chunk"]["type"]) for chunk in told] == [
        ("code_execution", "hot_code"),
        ("code_execution", "hot_code_output"),
        ("code_execution", "code_interpreter_file"),
    ]
    code, output, file = (chunk["chunk"] for chunk in told)
    assert (code["content"], output["content"]) == ("1 + 1", "2\n")
    assert (file["filename"], file["mime_type"], file["base64"]) == ("plot.png", "image/png", None)
    assert file["file_id"] in file["url"]


def test_the_stream_of_completions_tells_of_a_shell_bare_and_of_its_files_in_an_envelope(somebody: Caller) -> None:
    run = worked(somebody, "sheller", "computer", status="pending")
    told = chunks(somebody.complete(run))
    (output,) = [chunk for chunk in told if chunk.get("type") == "computer_output"]
    (file,) = [chunk for chunk in told if chunk.get("stream_type") == "shell"]
    assert output["content"] == "a.txt\r\n"
    assert (file["chunk"]["type"], file["chunk"]["filename"]) == ("computer_file", "a.txt")
