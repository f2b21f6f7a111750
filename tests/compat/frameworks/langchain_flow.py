"""An assistant with a tool through LangChain's `OpenAIAssistantRunnable`, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what LangChain saw.
"""

import asyncio
import json
from typing import Any

from langchain_classic.agents import AgentExecutor
from langchain_classic.agents.openai_assistant import OpenAIAssistantRunnable
from langchain_classic.agents.openai_assistant.base import OpenAIAssistantAction
from langchain_core.tools import tool
from openai import AsyncOpenAI, OpenAI

ASSISTANT: dict[str, Any] = {"name": "Forecaster", "instructions": "You tell the weather.", "model": "gpt-4o"}
called: list[str] = []


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    called.append(city)
    return f"rain in {city}"


def executor(client: OpenAI) -> dict[str, Any]:
    """The executor calls the tool by itself; then a second question in the same thread."""
    agent = OpenAIAssistantRunnable.create_assistant(
        **ASSISTANT, tools=[get_weather], client=client, as_agent=True, check_every_ms=20
    )
    runner = AgentExecutor(agent=agent, tools=[get_weather], return_intermediate_steps=True)
    first = runner.invoke({"content": "How is it in Oslo?"})
    again = runner.invoke({"content": "And now?", "thread_id": first["thread_id"]})
    return {
        "output": first["output"],
        "steps": [[action.tool, action.tool_input, output] for action, output in first["intermediate_steps"]],
        "again": again["output"],
        "same_thread": again["thread_id"] == first["thread_id"],
    }


def answer(agent: OpenAIAssistantRunnable, wanted: OpenAIAssistantAction) -> str:
    """What the agent says when it has what a call gave."""
    output = {"tool_call_id": wanted.tool_call_id, "output": get_weather.invoke(wanted.tool_input)}
    finish = agent.invoke({"tool_outputs": [output], "run_id": wanted.run_id, "thread_id": wanted.thread_id})
    return finish.return_values["output"]


def by_hand(client: OpenAI) -> dict[str, Any]:
    """Without an executor one gets the calls, and answers them with the ids that they carry."""
    agent = OpenAIAssistantRunnable.create_assistant(
        **ASSISTANT, tools=[get_weather], client=client, as_agent=True, check_every_ms=20
    )
    (wanted,) = agent.invoke({"content": "How is it in Oslo?"})
    return {"wanted": [wanted.tool, wanted.tool_input], "output": answer(agent, wanted)}


def plain(client: OpenAI) -> list[list[str]]:
    """As a runnable and not as an agent it gives the messages of the run."""
    runnable = OpenAIAssistantRunnable.create_assistant(**ASSISTANT, tools=[], client=client, check_every_ms=20)
    messages = runnable.invoke({"content": "Hello.", "message_metadata": {"a": "1"}, "instructions": "Be short."})
    return [[message.role, message.content[0].text.value] for message in messages]


async def awaited(client: OpenAI, async_client: AsyncOpenAI) -> dict[str, Any]:
    """The calls without blocking; the rest blocks, since LangChain's own code fails on the page of messages there."""
    agent = await OpenAIAssistantRunnable.acreate_assistant(
        **ASSISTANT,
        tools=[get_weather],
        async_client=async_client,
        client=client,
        as_agent=True,
        check_every_ms=20,
    )
    (wanted,) = await agent.ainvoke({"content": "How is it in Oslo?"})
    return {"wanted": [wanted.tool, wanted.tool_input], "output": answer(agent, wanted)}


def main() -> None:
    client = OpenAI()
    report = {"executor": executor(client), "by_hand": by_hand(client), "plain": plain(client)}
    report["awaited"] = asyncio.run(awaited(client, AsyncOpenAI()))
    print(json.dumps({**report, "called": called}))


main()
