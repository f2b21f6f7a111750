"""Assistants through `GPTAssistantAgent` of AutoGen 0.2 (pyautogen), run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what a program that uses AutoGen sees.
"""

import io
import json
import os
from contextlib import redirect_stdout
from typing import Any

from autogen import UserProxyAgent
from autogen.agentchat.contrib.gpt_assistant_agent import GPTAssistantAgent
from openai import NotFoundError, OpenAI

CONFIG = {
    "config_list": [
        {"model": "gpt-4o", "base_url": os.environ["OPENAI_BASE_URL"], "api_key": os.environ["OPENAI_API_KEY"]}
    ],
    "check_every_ms": 20,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
called: list[str] = []


def get_weather(city: str) -> str:
    """Return the weather of a city."""
    called.append(city)
    return f"rain in {city}"


def agent(name: str, **more: Any) -> GPTAssistantAgent:
    """Return an agent that finds its assistant by name, or creates it."""
    return GPTAssistantAgent(name=name, instructions="You help.", llm_config=CONFIG, **more)


def user() -> UserProxyAgent:
    """Return a user that asks one question and says nothing else."""
    return UserProxyAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0, code_execution_config=False)


def ask(asked: GPTAssistantAgent, asking: UserProxyAgent, text: str) -> list[list[str]]:
    """Ask a question and return the chat so far: names and texts."""
    with redirect_stdout(io.StringIO()):
        result = asking.initiate_chat(asked, message=text, clear_history=False)
    return [[message.get("name") or message["role"], message["content"].strip()] for message in result.chat_history]


def function() -> dict[str, Any]:
    """Two questions in one thread; an agent of the same name then has the same assistant."""
    forecaster, person = agent("Forecaster", assistant_config={"tools": [WEATHER]}), user()
    forecaster.register_function({"get_weather": get_weather})
    ask(forecaster, person, "How is it in Oslo?")
    chat = ask(forecaster, person, "And now?")
    same = agent("Forecaster", assistant_config={"tools": [WEATHER]})
    other = agent("Forecaster", assistant_config={"tools": [{"type": "code_interpreter"}]})
    changed = GPTAssistantAgent(
        name="Forecaster",
        instructions="Be brief.",
        llm_config={**CONFIG, "assistant_id": forecaster.assistant_id},
        overwrite_instructions=True,
    )
    (thread,) = forecaster.oai_threads.values()
    messages = forecaster.openai_client.beta.threads.messages.list(thread.id, order="asc")
    forecaster.reset()
    try:
        forecaster.openai_client.beta.threads.retrieve(thread.id)
        gone = False
    except NotFoundError:
        gone = True
    return {
        "chat": chat,
        "roles": [message.role for message in messages],
        "found_by_name": same.assistant_id == forecaster.assistant_id,
        "other_tools": other.assistant_id != forecaster.assistant_id,
        "instructions": changed.get_assistant_instructions(),
        "threads_after_reset": len(forecaster.oai_threads),
        "thread_is_gone": gone,
    }


def code() -> list[list[str]]:
    """A question for code: the picture that it makes and the answer arrive in one reply."""
    return ask(agent("Coder", assistant_config={"tools": [{"type": "code_interpreter"}]}), user(), "What is 1 + 1?")


def search(client: OpenAI) -> list[list[str]]:
    """A question for files: the agent replaces citations with footnotes, which name the file and the quote."""
    handbook = ("handbook.md", b"# Handbook\n\nThe warranty lasts two years.\n")
    file = client.files.create(file=handbook, purpose="assistants")
    store = client.vector_stores.create(name="Books")
    client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id, poll_interval_ms=20)
    config = {"tools": [{"type": "file_search"}], "tool_resources": {"file_search": {"vector_store_ids": [store.id]}}}
    return ask(agent("Reader", assistant_config=config), user(), "How long is the warranty?")


def deleted(client: OpenAI) -> list[str | None]:
    """Delete an assistant through its agent; the names of those that are left."""
    agent("Visitor").delete_assistant()
    return sorted(assistant.name or "" for assistant in client.beta.assistants.list())


def main() -> None:
    client = OpenAI()
    report = {"function": function(), "code": code(), "search": search(client), "left": deleted(client)}
    print(json.dumps({**report, "called": called}))


main()
