"""An assistant with a tool through LlamaIndex's `OpenAIAssistantAgent`, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what LlamaIndex saw.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from llama_index.agent.openai import OpenAIAssistantAgent
from llama_index.core.tools import FunctionTool

called: list[str] = []


def get_weather(city: str) -> str:
    """The weather of a city."""
    called.append(city)
    return f"rain in {city}"


TOOLS = [FunctionTool.from_defaults(fn=get_weather)]


def new() -> OpenAIAssistantAgent:
    """An agent with an assistant and a thread of its own."""
    return OpenAIAssistantAgent.from_new(
        name="Forecaster",
        instructions="You tell the weather.",
        tools=TOOLS,
        model="gpt-4o",
        run_retrieve_sleep_time=0.02,
    )


def chats() -> dict[str, Any]:
    """Talk, read what was said, and begin anew."""
    agent = new()
    answer = agent.chat("How is it in Oslo?")
    history = [[message.role, message.content] for message in agent.chat_history]
    found = OpenAIAssistantAgent.from_existing(agent.assistant.id, tools=TOOLS, thread_id=agent.thread_id)
    before = agent.thread_id
    report = {
        "response": answer.response,
        "sources": [[source.tool_name, str(source)] for source in answer.sources],
        "history": history,
        "found": [found.assistant.name, found.latest_message.content],
    }
    agent.reset()
    return {**report, "reset": [agent.thread_id != before, len(agent.chat_history)]}


async def awaited() -> str:
    """The same without blocking."""
    return (await new().achat("How is it in Oslo?")).response


def attaches() -> dict[str, Any]:
    """A file goes along with a message."""
    agent = new()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "notes.txt")
        path.write_text("Zebras have stripes.\n", encoding="utf-8")
        (file_id,) = agent.upload_files([str(path)])
    message = agent.add_message("Read this.", file_ids=[file_id])
    attached = [attachment.model_dump() for attachment in message.attachments]
    return {"same_file": attached[0]["file_id"] == file_id, "tools": attached[0]["tools"]}


def main() -> None:
    report = {"chat": chats(), "awaited": asyncio.run(awaited()), "attached": attaches()}
    print(json.dumps({**report, "called": called}, default=str))


main()
