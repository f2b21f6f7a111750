"""Platform tools that a server has: offered to models, run by the server, shown as actions."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from tests.server.conftest import serving
from tests.server.talking import WEATHER, Caller, ok, refused


class Barometer:
    """Answers `get_weather` itself."""

    description = ToolDescription("web_search", render_function_step)

    def __init__(self) -> None:
        self.asked: list[ToolCall] = []

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        function = WEATHER["function"]
        return [ToolFunction(function["name"], function["description"], function["parameters"], effect="read")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        self.asked.append(call)
        return ToolOutput(f"rain in {call.arguments['city']}")


@pytest.fixture(scope="module")
def barometer() -> Barometer:
    return Barometer()


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory, barometer: Barometer) -> Iterator[EmbeddedPlatform]:
    with serving(tmp_path_factory.mktemp("equipped"), tools={"web_search": barometer}) as server:
        yield server


@pytest.fixture(scope="module")
def somebody(equipped: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(equipped.base_url, "", equipped.api_key) as caller:
        yield caller


def search(caller: Caller, **fields: Any) -> Any:
    """A run of an assistant that has the tool, at its end or at its pause."""
    assistant = caller.assistant(model="scripted/caller", tools=[{"type": "web_search"}, *fields.pop("tools", [])])
    return ok(
        caller.post(
            "/v1/runs", json={"assistant_id": assistant["id"], "thread_id": caller.thread("Hi")["id"], **fields}
        )
    )


def test_the_server_says_which_tools_it_has(somebody: Caller) -> None:
    tools = ok(somebody.get("/health"))["tools"]
    assert tools["web_search"] == {"available": True}
    assert tools["computer"] == {"available": True}
    assert tools["file_search"] == {"available": True}


def test_a_call_of_a_tool_that_the_server_has_is_run_by_it(somebody: Caller, barometer: Barometer) -> None:
    run = search(somebody)
    assert run["warnings"] == []
    run = somebody.until(run, "completed")
    (action,) = run["actions"]
    assert (action["tool_id"], action["tool_name"], action["status"]) == ("web_search", "get_weather", "completed")
    assert (action["decision"]["effect"], action["decision"]["outcome"]) == ("read", None)
    assert action["result"] == {"output": "rain in Oslo"}
    assert action["triggered_at"] <= action["decision"]["started_at"] <= action["processed_at"]
    assert barometer.asked[-1].idempotency_key == action["tool_call_id"]
    kinds = [event["type"] for event in somebody.events(run)]
    assert kinds.index("tool_started") < kinds.index("tool_output")
    assert "tool_call_manifest" not in kinds


def test_nobody_answers_a_call_of_the_servers_for_it(somebody: Caller) -> None:
    run = somebody.until(search(somebody), "completed")
    (action,) = run["actions"]
    assert ok(somebody.get(f"/v1/actions/pending/{run['id']}")) == []
    refused(somebody.submit(run, (action["tool_call_id"], "sun")), 400, "invalid_state")


def test_a_function_of_the_caller_stands_before_one_of_the_tool(somebody: Caller) -> None:
    run = somebody.until(search(somebody, tools=[{**WEATHER, "effect": "idempotent"}]), "action_required")
    (action,) = run["actions"]
    assert (action["tool_id"], action["decision"]["effect"]) == (None, "idempotent")


def test_an_effect_is_one_of_three(somebody: Caller) -> None:
    body = {"model": "scripted/hello", "tools": [{**WEATHER, "effect": "harmless"}]}
    message = refused(somebody.post("/v1/assistants", json=body), 422, "invalid_value", "tools.0.effect")
    assert "'read', 'idempotent' or 'unsafe'" in message


def test_the_embedded_platform_takes_tools(tmp_path: Path) -> None:
    with Entity.embedded(tmp_path, tools={"computer": Barometer()}) as client:
        assert client.health().tools["computer"] == {"available": True}
