"""An assistant with a plugin through Semantic Kernel's `OpenAIAssistantAgent`, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what Semantic Kernel saw.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any

from openai import AsyncOpenAI
from semantic_kernel.agents import AssistantAgentThread, OpenAIAssistantAgent
from semantic_kernel.agents.open_ai.run_polling_options import RunPollingOptions
from semantic_kernel.contents import ChatMessageContent
from semantic_kernel.functions import kernel_function

called: list[str] = []


class Weather:
    """A plugin of one function."""

    @kernel_function(description="The weather of a city.")
    def get_weather(self, city: str) -> str:
        called.append(city)
        return f"rain in {city}"


async def new(client: AsyncOpenAI, tools: list[Any] | None = None) -> OpenAIAssistantAgent:
    """An agent that has the plugin, of which the assistant learns with each run; or tools of the platform instead."""
    definition = await client.beta.assistants.create(
        model="gpt-4o", name="Forecaster", instructions="You tell the weather.", tools=tools or []
    )
    soon = timedelta(milliseconds=20)
    often = RunPollingOptions(run_polling_interval=soon, run_polling_backoff=soon, message_synchronization_delay=soon)
    plugins = [] if tools else [Weather()]
    return OpenAIAssistantAgent(client=client, definition=definition, plugins=plugins, polling_options=often)


def kinds(messages: list[ChatMessageContent]) -> list[list[str]]:
    """The role of each message, and what it is made of."""
    return [[message.role.value, *(item.content_type for item in message.items)] for message in messages]


async def responds(client: AsyncOpenAI) -> dict[str, Any]:
    """One response, then another in the same thread; then the thread is read and deleted."""
    agent = await new(client)
    first = await agent.get_response(messages="How is it in Oslo?")
    again = await agent.get_response(messages="And now?", thread=first.thread)
    thread: AssistantAgentThread = again.thread
    said = [[message.role.value, message.content] async for message in thread.get_messages(sort_order="asc")]
    await thread.delete()
    return {"response": first.message.content, "again": again.message.content, "said": said}


async def invokes(client: AsyncOpenAI) -> dict[str, Any]:
    """The steps of a run become messages between."""
    between: list[ChatMessageContent] = []

    async def note(message: ChatMessageContent) -> None:
        between.append(message)

    agent = await new(client)
    messages = [item.message async for item in agent.invoke("How is it in Oslo?", on_intermediate_message=note)]
    return {"messages": [message.content for message in messages], "between": kinds(between)}


async def streams(client: AsyncOpenAI) -> dict[str, Any]:
    """The same while it comes."""
    between: list[ChatMessageContent] = []

    async def note(message: ChatMessageContent) -> None:
        between.append(message)

    agent = await new(client)
    parts = [item async for item in agent.invoke_stream("How is it in Oslo?", on_intermediate_message=note)]
    return {"text": "".join(str(part.message.content) for part in parts), "between": kinds(between)}


def is_code(message: ChatMessageContent) -> bool:
    """Whether it is what the code interpreter runs."""
    return bool((message.metadata or {}).get("code"))


async def codes(client: AsyncOpenAI) -> dict[str, Any]:
    """The platform runs code; both it and the answer become messages, and parts of a stream."""
    tools, _ = OpenAIAssistantAgent.configure_code_interpreter_tool()
    agent = await new(client, tools)
    messages = [item.message async for item in agent.invoke("What is 1 + 1?")]
    parts = [item.message async for item in agent.invoke_stream("What is 1 + 1?")]
    said = "".join(str(part.content) for part in parts if not is_code(part))
    code = "".join(str(part.content) for part in parts if is_code(part))
    return {
        "messages": [[is_code(message), message.content] for message in messages],
        "streamed": [[True, code], [False, said]],
    }


async def main() -> None:
    async with AsyncOpenAI() as client:
        report = {
            "response": await responds(client),
            "invoke": await invokes(client),
            "stream": await streams(client),
            "code": await codes(client),
        }
    print(json.dumps({**report, "called": called}))


asyncio.run(main())
