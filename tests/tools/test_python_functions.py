"""Python functions as a server tool: what models see of them, what a call returns, and what is refused."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from projectdavid import Entity, InvalidInputError, effect
from projectdavid.composition.tool_plugins import check_tool
from projectdavid.ports.tool import ToolCall, ToolContext, ToolError, ToolOutput
from projectdavid.tools.python_functions import PythonFunctionTool
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


class Context:
    """The context of a call that saves nothing."""

    async def again(self) -> bool:
        return True


def call_of(name: str, arguments: Mapping[str, Any]) -> ToolCall:
    return ToolCall(name, arguments, "key", "user_1", "run_1", "thread_1", "asst_1")


async def result_of(function: Any, seconds: float = EVENT_TIMEOUT, **arguments: Any) -> ToolOutput:
    tool = PythonFunctionTool("acme", [function], seconds=seconds)
    return await tool.run(call_of(function.__name__, arguments), cast("ToolContext", Context()))


@effect("read")
async def weather(city: str, days: int = 1) -> str:
    """Say the weather.

    Args:
        city: Name of the city.
    """
    return f"Sunny in {city} for {days} days."


def test_models_see_the_docstring_the_hints_and_the_effect_of_a_function():
    tool = PythonFunctionTool("acme", [weather])
    assert check_tool("acme", tool) is None
    (function,) = tool.functions({"type": "acme"})
    assert (function.name, function.description, function.effect) == ("weather", "Say the weather.", "read")
    assert function.parameters["required"] == ["city"]
    assert function.parameters["properties"]["city"] == {"type": "string", "description": "Name of the city."}


def test_a_function_without_a_declared_effect_is_unsafe():
    def pay(amount: int) -> str: ...

    assert PythonFunctionTool("acme", [pay]).functions({"type": "acme"})[0].effect == "unsafe"


async def test_the_context_is_given_to_the_parameter_that_wants_it_and_hidden_from_models():
    async def known(context: ToolContext, city: str) -> str:
        return f"{city} {await context.again()}"

    (function,) = PythonFunctionTool("acme", [known]).functions({"type": "acme"})
    assert list(function.parameters["properties"]) == ["city"]
    assert (await result_of(known, city="Oslo")).text == "Oslo True"


async def test_a_function_that_is_not_async_runs_in_a_thread():
    def where() -> str:
        return threading.current_thread().name

    assert (await result_of(where)).text.startswith("tool-acme")


async def test_a_function_that_blocks_holds_up_no_other_call():
    entered, release = threading.Event(), threading.Event()

    def block() -> str:
        entered.set()
        release.wait(EVENT_TIMEOUT)
        return "released"

    blocked = asyncio.create_task(result_of(block))
    await asyncio.to_thread(entered.wait, EVENT_TIMEOUT)
    assert (await result_of(weather, city="Oslo")).text.startswith("Sunny in Oslo")
    release.set()
    assert (await blocked).text == "released"


def returns(value: Any) -> Any:
    def answer() -> Any:
        return value

    return answer


def numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (None, "null"),
        (ToolOutput("whole", details={"input": "x"}), "whole"),
        ("half \ud800", "half ?"),
    ],
)
async def test_a_result_is_text_or_json_or_an_output(value: Any, text: str):
    assert (await result_of(returns(value))).text == text


async def test_a_result_of_ten_megabytes_is_cut():
    text = (await result_of(returns("x" * 10_000_000))).text
    assert len(text) == 256_000
    assert text.endswith("[cut: the output has 10000000 characters]")


@pytest.mark.parametrize(("value", "said"), [(numbers(), "generator"), (object(), "cannot be encoded")])
async def test_a_result_that_models_cannot_read_is_an_error(value: Any, said: str):
    with pytest.raises(ToolError, match=said):
        await result_of(returns(value))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "city: Field required"),
        ({"city": 1}, "city: Input should be a valid string"),
        ({"city": "Oslo", "unit": "C"}, "unit: Extra inputs are not permitted"),
    ],
)
async def test_arguments_that_do_not_fit_are_an_error_for_the_model(arguments: dict[str, Any], said: str):
    with pytest.raises(ToolError, match=said):
        await result_of(weather, **arguments)


async def test_a_call_that_takes_too_long_is_an_error_for_the_model():
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(ToolError, match=r"wait did not return within 0\.01 seconds"):
        await result_of(wait, seconds=0.01)


async def test_a_timeout_of_the_function_itself_is_not_reported_as_that_of_the_call():
    async def fail() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await result_of(fail)


def anything(*values: str) -> None: ...


def unnamed() -> Any:
    return lambda: None


@pytest.mark.parametrize(
    ("functions", "error"),
    [([anything], InvalidInputError), ([unnamed()], InvalidInputError), ([weather, weather], InvalidInputError)],
)
def test_functions_that_cannot_be_described_are_refused(functions: list[Any], error: type[Exception]):
    with pytest.raises(error):
        PythonFunctionTool("acme", functions)


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_limit_that_is_not_positive_is_refused(seconds: float):
    with pytest.raises(ValueError, match="seconds must be positive"):
        PythonFunctionTool("acme", [weather], seconds=seconds)


PACKAGE = '''
from projectdavid import effect
from projectdavid.tools.python_functions import PythonFunctionTool

@effect("read")
async def get_weather(city: str) -> str:
    """Say the weather.

    Args:
        city: Name of the city.
    """
    return f"Sunny in {city}."

tools = PythonFunctionTool("weather", [get_weather], seconds=10)
'''


def test_a_file_of_an_installed_package_is_a_tool_that_assistants_can_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    packages = tmp_path / "packages"
    info = packages / "acme_tools-1.0.dist-info"
    info.mkdir(parents=True)
    (packages / "acme_tools.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme_tools\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[projectdavid.tools]\nweather = acme_tools:tools\n")
    monkeypatch.syspath_prepend(packages)
    with Entity.embedded(tmp_path / "data") as client:
        assert client.health().tools["weather"] == {"available": True}
        assistant = client.assistants.create_assistant(model="demo/assistant", tools=[{"type": "weather"}])
        thread = client.threads.create_thread()
        run = client.runs.run(assistant, thread, content="What is the weather in Oslo?").run
        assert [(one.tool_name, one.result) for one in run.actions] == [("get_weather", {"output": "Sunny in Oslo."})]
