"""Assistants through the `AssistantManager` of astra-assistants, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what a program that uses the manager sees.
"""

import asyncio
import io
import json
from contextlib import redirect_stdout
from typing import Any

from astra_assistants.astra_assistants_manager import AssistantManager
from astra_assistants.tools.tool_interface import ToolInterface
from pydantic import BaseModel

called: list[str] = []


class Place(BaseModel):
    """Where the weather is asked for."""

    city: str


class Weather(ToolInterface):
    """A function for the assistant."""

    def call(self, place: Place) -> dict[str, str]:
        """Return the weather of a place."""
        called.append(place.city)
        return {"output": f"rain in {place.city}"}


def streamed(manager: AssistantManager, tool: ToolInterface) -> list[Any]:
    """Return the parts of an answer: outputs of the function, and texts joined."""
    parts: list[Any] = []
    for part in manager.stream_thread("How is it in Oslo?", tool_choice=tool):
        if parts and isinstance(part, str) and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    return parts


def said(manager: AssistantManager) -> list[list[str]]:
    """Return the texts of the manager's thread, oldest first."""
    messages = manager.client.beta.threads.messages.list(manager.thread.id, order="asc")
    return [[message.role, message.content[0].text.value] for message in messages]


def function() -> dict[str, Any]:
    """The manager calls the tool that it is told to choose, once whole and once streamed, in one thread."""
    weather = Weather()
    manager = AssistantManager(instructions="You help.", tools=[weather], name="Forecaster")
    whole = asyncio.run(manager.run_thread("How is it in Oslo?", tool=weather))
    parts = streamed(manager, weather)
    again = AssistantManager(assistant_id=manager.assistant.id, thread_id=manager.thread.id)
    return {
        "whole": {name: whole[name] for name in ("output", "text")},
        "arguments": whole["arguments"].city,
        "streamed": parts,
        "said": said(again),
        "name": again.assistant.name,
    }


with redirect_stdout(io.StringIO()):
    report = {"function": function()}
print(json.dumps({**report, "called": called}))
