"""An assistant with a tool through AutoGen's `OpenAIAssistantAgent`, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what AutoGen saw.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from autogen_agentchat.messages import TextMessage
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import CancellationToken
from autogen_ext.agents.openai import OpenAIAssistantAgent
from openai import AsyncOpenAI

called: list[str] = []


def get_weather(city: str) -> str:
    """The weather of a city."""
    called.append(city)
    return f"rain in {city}"


def agent(client: AsyncOpenAI, tools: list[Any], **more: Any) -> OpenAIAssistantAgent:
    """An agent that makes its assistant with the first message."""
    return OpenAIAssistantAgent(
        name="forecaster",
        description="Tells the weather.",
        client=client,
        model="gpt-4o",
        instructions="You tell the weather.",
        tools=tools,
        **more,
    )


def question(text: str) -> list[TextMessage]:
    """What a user says."""
    return [TextMessage(source="user", content=text)]


async def talks(client: AsyncOpenAI) -> dict[str, Any]:
    """Ask; go on with a second agent from the state of the first; forget what was said; delete."""
    token, first = CancellationToken(), agent(client, [get_weather])
    answer = await first.on_messages(question("How is it in Oslo?"), token)
    state = await first.save_state()
    second = agent(client, [get_weather])
    await second.load_state(state)
    streamed = [item async for item in second.on_messages_stream(question("And now?"), token)]
    spoken = [message.role async for message in client.beta.threads.messages.list(state["thread_id"], order="asc")]
    await first.on_reset(token)
    left = [message.id async for message in client.beta.threads.messages.list(state["thread_id"])]
    await first.delete_assistant(token)
    return {
        "response": answer.chat_message.content,
        "inner": [type(message).__name__ for message in answer.inner_messages],
        "outputs": [result.content for result in answer.inner_messages[1].content],
        "streamed": [type(item).__name__ for item in streamed],
        "again": streamed[-1].chat_message.content,
        "spoken": spoken,
        "left": left,
        "assistants": [found.id async for found in client.beta.assistants.list()],
    }


async def teams(client: AsyncOpenAI) -> list[list[str]]:
    """The agent as the one member of a team."""
    team = RoundRobinGroupChat([agent(client, [get_weather])], max_turns=1)
    result = await team.run(task="How is it in Oslo?")
    return [[type(message).__name__, message.source] for message in result.messages] + [
        ["said", result.messages[-1].content]
    ]


def files(folder: str) -> tuple[str, str]:
    """A text and a table."""
    notes, table = Path(folder, "notes.txt"), Path(folder, "table.csv")
    notes.write_text("Zebras have stripes.\n", encoding="utf-8")
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    return str(notes), str(table)


async def built_in(client: AsyncOpenAI) -> dict[str, Any]:
    """A file for the search and one for code, an answer that code gave, and everything deleted again."""
    token, reader = CancellationToken(), agent(client, ["code_interpreter", "file_search"])
    with tempfile.TemporaryDirectory() as folder:
        notes, table = files(folder)
        await reader.on_upload_for_file_search(notes, token)
        await reader.on_upload_for_code_interpreter(table, token)
    state = await reader.save_state()
    store = await client.vector_stores.retrieve(state["vector_store_id"])
    thread = await client.beta.threads.retrieve(state["thread_id"])
    answer = await reader.on_messages(question("What is 1 + 1?"), token)
    await reader.delete_uploaded_files(token)
    await reader.delete_vector_store(token)
    names = [file.filename async for file in client.files.list()]
    return {
        "counts": store.file_counts.model_dump(),
        "for_code": thread.tool_resources.code_interpreter.file_ids == state["uploaded_file_ids"][1:],
        "response": answer.chat_message.content,
        "left": [name for name in names if name in {"notes.txt", "table.csv"}],
    }


async def main() -> None:
    async with AsyncOpenAI() as client:
        report = {"talk": await talks(client), "team": await teams(client), "built_in": await built_in(client)}
    print(json.dumps({**report, "called": called}))


asyncio.run(main())
