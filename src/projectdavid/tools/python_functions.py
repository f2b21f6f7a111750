"""Python functions as a server tool: one object makes a tool of functions with type hints and docstrings.

They run in the server, with its permissions. Code that is not trusted belongs in the sandbox.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Final

from projectdavid.client.functions import PythonTool, output_text, python_tools
from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolError,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from projectdavid.protocol.assistants import Effect

SECONDS: Final = 60.0
THREADS: Final = 8
"""Calls of functions that are not async run at once, of one tool."""


class PythonFunctionTool:
    """A tool whose functions are Python functions.

    `name` is the type by which assistants name it. A function's description and JSON Schema come from its type hints
    and its docstring, its effect from `@effect`. A parameter with the annotation `ToolContext` receives the context of
    the call, and models do not see it. A call fails after `seconds`.

    A function returns text, an object for JSON, or a `ToolOutput`. Functions that are not async run in threads: one
    that takes too long cannot be stopped, so it keeps its thread until it returns.

    Raises:
        InvalidInputError: a function cannot be described, or two have the same name.
        ValueError: `seconds` is not positive.
    """

    def __init__(self, name: str, functions: Iterable[Callable[..., Any]], *, seconds: float = SECONDS) -> None:
        if seconds <= 0:
            raise ValueError(f"seconds must be positive, not {seconds}")
        self.description = ToolDescription(name, render_function_step)
        self._tools = python_tools(functions, hidden=(ToolContext,))
        self._contexts = {name: _find_context(tool.function) for name, tool in self._tools.items()}
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"tool-{name}")

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:  # noqa: ARG002 the port
        """Return its functions, the same for each entry."""
        return [
            ToolFunction(
                name, tool.definition.description or "", dict(tool.definition.parameters or {}), _effect_of(tool)
            )
            for name, tool in self._tools.items()
        ]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        """Run a function.

        Raises:
            ToolError: the arguments are invalid, the function took too long, or its result cannot be sent to a model.
        """
        tool = self._tools[call.name]
        try:
            arguments = tool.bind(call.arguments)
        except ValueError as error:
            raise ToolError(str(error)) from None
        if (parameter := self._contexts[call.name]) is not None:
            arguments[parameter] = context
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                result = await self._call(tool.function, arguments)
        except TimeoutError:
            if not limit.expired():
                raise  # the function's own
            raise ToolError(f"{call.name} did not return within {self._seconds:g} seconds") from None
        return result if isinstance(result, ToolOutput) else ToolOutput(_encode(call.name, result))

    async def _call(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(**arguments)
        work = partial(copy_context().run, function, **arguments)
        result = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        return await result if inspect.isawaitable(result) else result


def _effect_of(tool: PythonTool) -> Effect:
    return tool.effect or "unsafe"


def _find_context(function: Callable[..., Any]) -> str | None:
    """Return the parameter that receives the context."""
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if parameter.annotation is ToolContext:
            return parameter.name
    return None


def _encode(name: str, result: Any) -> str:
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise ToolError(f"{name} returned a generator, not a value")
    try:
        return output_text(result)
    except (TypeError, ValueError) as error:
        raise ToolError(f"the result of {name} cannot be encoded as JSON: {error}") from None
