"""The tool registry: any registered tool can be named, runs, streams and is shown in both dialects."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity, ToolOutputEvent, UnprocessableEntityError
from projectdavid.cli.doctor.tool_checks import tool_checks
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.ports.tool import (
    RecordedCall,
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from tests.server.conftest import serving
from tests.server.talking import WEATHER, Caller, ok, refused

BUILT_IN = ("code_interpreter", "computer", "file_search", "web_search")


def render_weather(call: RecordedCall) -> Mapping[str, Any]:
    return {"city": call.details.get("input"), "forecast": call.output}


class Weather:
    """Answers `get_weather`, once it may."""

    description = ToolDescription("weather", render_weather)

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.open = True

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        function = WEATHER["function"]
        return [ToolFunction(function["name"], function["description"], function["parameters"], effect="read")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        self.keys.append(call.idempotency_key)
        await context.tell("output", {"stream": "stdout", "content": "asking\n"})
        if not self.open:
            await asyncio.Event().wait()
        return ToolOutput(f"rain in {call.arguments['city']}", details={"input": call.arguments["city"]})


class Browser(Weather):
    """Offers a function of the built-in tool `web_search`."""

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction("read_web_page", "Read a page.", {"type": "object"}, effect="read")]


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    with serving(tmp_path_factory.mktemp("registry"), tools={"weather": Weather()}) as server:
        yield server


@pytest.fixture(scope="module")
def user(equipped: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(equipped.base_url, "", equipped.api_key) as caller:
        yield caller


def run_with(caller: Caller, **fields: Any) -> Any:
    assistant = caller.assistant(model="scripted/caller", **fields)
    body = {"assistant_id": assistant["id"], "thread_id": caller.thread("Hi")["id"]}
    return caller.until(ok(caller.post("/v1/runs", json=body)), "completed")


@pytest.mark.parametrize("field", ["tools", "platform_tools"])
def test_an_assistant_can_name_any_registered_tool(user: Caller, field: str) -> None:
    run = run_with(user, **{field: [{"type": "weather"}]})
    (action,) = run["actions"]
    assert (action["tool_id"], action["tool_name"], action["result"]) == (
        "weather",
        "get_weather",
        {"output": "rain in Oslo"},
    )
    kinds = [event["type"] for event in user.events(run)]
    assert kinds.index("tool_started") < kinds.index("output") < kinds.index("tool_output")


def test_a_step_shows_a_call_as_its_tool_renders_it(user: Caller) -> None:
    run = run_with(user, tools=[{"type": "weather"}])
    steps = ok(user.get(f"/v1/runs/{run['id']}/steps"))["data"]
    (call,) = next(step["step_details"]["tool_calls"] for step in steps if step["type"] == "tool_calls")
    assert (call["type"], call["weather"]) == ("weather", {"city": "Oslo", "forecast": "rain in Oslo"})


def test_the_dialect_shows_a_call_as_that_of_a_function(user: Caller) -> None:
    made = ok(user.post("/openai/v1/assistants", json={"model": "scripted/caller", "tools": [{"type": "weather"}]}))
    assert made["tools"] == [{"type": "weather"}]
    run = run_with(user, tools=[{"type": "weather"}])
    path = f"/openai/v1/threads/{run['thread_id']}/runs/{run['id']}/steps"
    steps = ok(user.get(path, params={"order": "asc"}))["data"]
    (call,) = next(step["step_details"]["tool_calls"] for step in steps if step["type"] == "tool_calls")
    assert (call["type"], call["function"]["name"], call["function"]["output"]) == (
        "function",
        "get_weather",
        "rain in Oslo",
    )


@pytest.mark.parametrize(
    ("path", "body", "param", "status"),
    [
        ("/v1/assistants", {"model": "m", "tools": [{"type": "hammer"}]}, "tools.0.type", 422),
        ("/v1/assistants", {"model": "m", "platform_tools": [{"type": "Weather"}]}, "platform_tools.0.type", 422),
        ("/openai/v1/assistants", {"model": "m", "tools": [{"type": "hammer"}]}, "tools[0].type", 400),
    ],
)
def test_an_unregistered_name_is_refused_with_the_list(
    user: Caller, path: str, body: dict[str, Any], param: str, status: int
) -> None:
    answer = user.post(path, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (status, param, "invalid_value")
    assert all(f"'{name}'" in error["message"] for name in (*BUILT_IN, "weather"))


def test_a_run_of_the_dialect_cannot_name_an_unregistered_tool(user: Caller) -> None:
    body = {"assistant_id": user.assistant()["id"], "tools": [{"type": "hammer"}]}
    answer = user.post(f"/openai/v1/threads/{user.thread('Hi')['id']}/runs", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tools[0].type")


def test_a_function_cannot_have_a_reserved_name(user: Caller) -> None:
    body = {"model": "m", "tools": [{"type": "function", "function": {"name": "read_web_page"}}]}
    message = refused(user.post("/v1/assistants", json=body), 422, "invalid_value", "tools.0.function.name")
    assert "platform tool" in message


def test_the_sdk_reports_a_function_with_a_reserved_name(equipped: EmbeddedPlatform) -> None:
    def read_web_page(url: str) -> str:
        return url

    with Entity(base_url=equipped.base_url, api_key=equipped.api_key) as client:
        assistant = client.assistants.create_assistant(model="scripted/caller")
        with pytest.raises(UnprocessableEntityError, match="name of a platform tool"):
            client.runs.run(assistant, client.threads.create_thread(), content="Hi", tools=[read_web_page])


@pytest.mark.parametrize(
    ("path", "entry", "param", "code"),
    [
        ("/v1/assistants", {"type": "weather", "unit": "C"}, "tools.0.unit", "unknown_field"),
        ("/v1/assistants", {"type": "weathr", "unit": "C"}, "tools.0.type", "invalid_value"),
        ("/v1/assistants", {"type": "funtion", "function": {"name": "f"}}, "tools.0.type", "invalid_value"),
        ("/openai/v1/assistants", {"type": "weather", "unit": "C"}, "tools[0].unit", "unknown_parameter"),
        ("/openai/v1/assistants", {"type": "funtion", "function": {"name": "f"}}, "tools[0].type", "invalid_value"),
    ],
)
def test_a_misspelled_type_is_reported_before_unknown_fields(
    user: Caller, path: str, entry: dict[str, Any], param: str, code: str
) -> None:
    error = user.post(path, json={"model": "m", "tools": [entry]}).json()["error"]
    assert (error["param"], error["code"]) == (param, code)


def test_the_descriptions_of_the_api_list_the_registered_tools(user: Caller) -> None:
    native = ok(user.get("/openapi.json"))["components"]["schemas"]
    dialect = ok(user.get("/openai/v1/openapi.json"))["components"]["schemas"]
    assert native["PlatformTool"]["properties"]["type"]["enum"] == [*BUILT_IN, "weather"]
    assert native["AttachmentTool"]["properties"]["type"]["enum"] == [*BUILT_IN, "weather"]
    assert dialect["OwnTool"]["properties"]["type"]["enum"] == ["computer", "web_search", "weather"]


def test_a_call_of_a_registered_tool_is_run_again_after_a_restart(tmp_path: Path) -> None:
    first, second = Weather(), Weather()
    first.open = False
    with serving(tmp_path, tools={"weather": first}) as server, Caller(server.base_url, "", server.api_key) as caller:
        assistant = caller.assistant(model="scripted/caller", tools=[{"type": "weather"}])
        body = {"assistant_id": assistant["id"], "thread_id": caller.thread("Hi")["id"]}
        run = ok(caller.post("/v1/runs", json=body))
        with caller.stream("GET", f"/v1/runs/{run['id']}/events") as events:
            assert any("asking" in line for line in events.iter_lines())
    with serving(tmp_path, tools={"weather": second}) as server, Caller(server.base_url, "", server.api_key) as caller:
        run = caller.until(run, "completed")
        assert run["actions"][0]["result"] == {"output": "rain in Oslo"}
    assert first.keys == second.keys


def test_the_embedded_sdk_runs_a_tool_of_any_name(tmp_path: Path) -> None:
    with Entity.embedded(tmp_path, tools={"weather": Weather()}) as client:
        assert client.health().tools["weather"] == {"available": True}
        assistant = client.assistants.create_assistant(model="demo/assistant", tools=[{"type": "weather"}])
        told: list[Any] = []
        content = "What is the weather in Oslo?"
        result = client.runs.run(assistant, client.threads.create_thread(), content=content, on_event=told.append)
        assert any(isinstance(event, ToolOutputEvent) for event in told)
        steps = client.runs.list_steps(result.run.id)
        assert any(
            call.type == "weather" and call.dict()["weather"]["forecast"].startswith("rain")
            for step in steps
            if step.type == "tool_calls"
            for call in step.step_details.tool_calls
        )


@pytest.mark.parametrize(
    ("name", "tool", "problem"),
    [
        ("Weather", Weather(), "lowercase"),
        ("function", Weather(), "lowercase"),
        ("weather", object(), "ToolDescription"),
        ("browser", Browser(), "'web_search' and 'browser' both offer a function 'read_web_page'"),
    ],
)
def test_what_is_no_tool_is_refused_at_the_start(tmp_path: Path, name: str, tool: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem), Entity.embedded(tmp_path, tools={name: tool}):
        pass


@pytest.mark.parametrize("names", [("weather", "forecast"), ("forecast", "weather")])
def test_two_tools_with_the_same_function_are_refused_at_the_start(tmp_path: Path, names: tuple[str, str]) -> None:
    problem = f"The tools '{names[0]}' and '{names[1]}' both offer a function 'get_weather'"
    tools = {name: Weather() for name in names}
    with pytest.raises(ValueError, match=problem), Entity.embedded(tmp_path, tools=tools):
        pass


PLUGIN = """
from projectdavid.ports.tool import ToolDescription, ToolFunction, ToolOutput, render_function_step

class Dice:
    description = ToolDescription("dice", render_function_step)

    def functions(self, entry):
        return [ToolFunction("roll", "Roll.", {"type": "object"}, effect="read")]

    async def run(self, call, context):
        return ToolOutput("4")
"""


def install(folder: Path, distribution: str, points: str, source: str) -> None:
    """Write a package as an installer leaves it."""
    (folder / f"{distribution}.py").write_text(source)
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[projectdavid.tools]\n{points}\n")


def test_a_broken_plugin_is_reported_and_the_others_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    install(packages, "acme_dice", "dice = acme_dice:Dice", PLUGIN)
    install(packages, "acme_raises", "raises = acme_raises:tool", "raise OSError('no licence')")
    install(packages, "acme_wrong", "wrong = acme_wrong:tool", "tool = object()")
    install(packages, "acme_taken", "computer = acme_taken:Dice", PLUGIN)
    install(packages, "acme_one", "twin = acme_one:Dice", PLUGIN)
    install(packages, "acme_two", "twin = acme_two:Dice", PLUGIN)
    monkeypatch.syspath_prepend(packages)
    with caplog.at_level(logging.ERROR, "projectdavid.tools"), Entity.embedded(tmp_path / "data") as client:
        assert set(client.health().tools) == {*BUILT_IN, "dice"}
        assert client.assistants.create_assistant(model="m", tools=[{"type": "dice"}]).warnings is None
    findings = {finding.name: finding for finding in tool_checks()}
    assert findings.pop("tool plugin dice").level == "ok"
    for name, source, said in (
        ("raises", "acme_raises", "no licence"),
        ("wrong", "acme_wrong", "ToolDescription"),
        ("computer", "acme_taken", "built-in"),
        ("twin", "acme_one", "acme_two"),
    ):
        assert any(name in line and source in line and said in line for line in caplog.messages)
        assert findings[f"tool plugin {name}"].level == "warn"


def test_a_plugin_with_a_function_of_another_tool_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    browser, weather = (PLUGIN.replace('"roll"', f'"{name}"') for name in ("read_web_page", "get_weather"))
    install(packages, "acme_browser", "browser = acme_browser:Dice", browser)
    install(packages, "acme_climate", "climate = acme_climate:Dice", weather)
    install(packages, "acme_dice", "dice = acme_dice:Dice", PLUGIN)
    install(packages, "acme_coin", "coin = acme_coin:Dice", PLUGIN)
    install(packages, "acme_weather", "weather = acme_weather:Dice", weather)
    monkeypatch.syspath_prepend(packages)
    with (
        caplog.at_level(logging.ERROR, "projectdavid.tools"),
        Entity.embedded(tmp_path / "data", tools={"weather": Weather()}) as client,
    ):
        assert set(client.health().tools) == {*BUILT_IN, "weather"}
    for name, source, function, other in (
        ("browser", "acme_browser", "read_web_page", "web_search"),
        ("climate", "acme_climate", "get_weather", "weather"),
        ("dice", "acme_dice", "roll", "coin"),
        ("coin", "acme_coin", "roll", "dice"),
    ):
        reason = f"its function '{function}' is also a function of the tool '{other}'"
        assert f"the tool {name} of {source} is not registered: {reason}" in caplog.messages
    levels = {finding.name: finding.level for finding in tool_checks()}
    assert {levels[f"tool plugin {name}"] for name in ("browser", "climate", "weather", "dice", "coin")} == {"warn"}


def test_a_renderer_that_fails_does_not_hide_the_steps(tmp_path: Path) -> None:
    class Unrenderable(Weather):
        description = ToolDescription("weather", lambda call: {"city": call.details["nothing"]})

    tools = {"weather": Unrenderable()}
    with serving(tmp_path, tools=tools) as server, Caller(server.base_url, "", server.api_key) as caller:
        run = run_with(caller, tools=[{"type": "weather"}])
        steps = ok(caller.get(f"/v1/runs/{run['id']}/steps"))["data"]
    (call,) = next(step["step_details"]["tool_calls"] for step in steps if step["type"] == "tool_calls")
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")


def test_a_function_step_has_name_arguments_and_output() -> None:
    call = RecordedCall("roll", "{}", None, {})
    assert render_function_step(call) == {"name": "roll", "arguments": "{}", "output": None}
