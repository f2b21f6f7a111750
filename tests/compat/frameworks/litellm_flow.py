"""An assistant through the assistants functions of LiteLLM, run by an interpreter that has it.

LiteLLM has no function of its own to answer calls; the client that it brings along does that.
Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what LiteLLM saw.
"""

import asyncio
import json
import os
from typing import Any

import litellm
from openai import AssistantEventHandler, OpenAI

TO = {
    "custom_llm_provider": "openai",
    "api_base": os.environ["OPENAI_BASE_URL"],
    "api_key": os.environ["OPENAI_API_KEY"],
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
    """The function that the model calls."""
    called.append(city)
    return f"rain in {city}"


def outputs(run: Any) -> dict[str, Any]:
    """What answers the calls that a run waits for."""
    calls = run.required_action.submit_tool_outputs.tool_calls
    made = [{"tool_call_id": call.id, "output": get_weather(**json.loads(call.function.arguments))} for call in calls]
    return {"thread_id": run.thread_id, "run_id": run.id, "tool_outputs": made}


class Listener(AssistantEventHandler):
    """Answers the calls of a streamed run, and goes on with the stream of the rest."""

    def __init__(self, client: OpenAI, text: list[str]) -> None:
        super().__init__()
        self.client, self.text = client, text

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text.append(delta.value or "")

    def on_event(self, event: Any) -> None:
        if event.event == "thread.run.requires_action":
            rest = Listener(self.client, self.text)
            with self.client.beta.threads.runs.submit_tool_outputs_stream(
                **outputs(event.data), event_handler=rest
            ) as stream:
                stream.until_done()


def asked(text: str) -> str:
    """A new thread with a question."""
    thread = litellm.create_thread(**TO, messages=[{"role": "user", "content": "Hello."}])
    litellm.add_message(**TO, thread_id=thread.id, role="user", content=text)
    return litellm.get_thread(**TO, thread_id=thread.id).id


def said(thread_id: str) -> list[list[str]]:
    """What was said in a thread, the first first."""
    messages = litellm.get_messages(**TO, thread_id=thread_id).data
    return [[message.role, message.content[0].text.value] for message in reversed(messages)]


async def awaited(assistant_id: str, client: OpenAI) -> list[list[str]]:
    """The same without blocking."""
    thread = await litellm.acreate_thread(**TO, messages=[{"role": "user", "content": "How is it in Oslo?"}])
    run = await litellm.arun_thread(**TO, thread_id=thread.id, assistant_id=assistant_id)
    await asyncio.to_thread(client.beta.threads.runs.submit_tool_outputs_and_poll, **outputs(run))
    messages = (await litellm.aget_messages(**TO, thread_id=thread.id)).data
    return [[message.role, message.content[0].text.value] for message in reversed(messages)]


def main() -> None:
    report: dict[str, Any] = {}
    with OpenAI() as client:
        made = litellm.create_assistants(
            **TO, name="Forecaster", model="gpt-4o", instructions="You tell the weather.", tools=[WEATHER]
        )
        report["listed"] = [found.name for found in litellm.get_assistants(**TO).data]
        thread_id = asked("How is it in Oslo?")
        run = litellm.run_thread(**TO, thread_id=thread_id, assistant_id=made.id)
        report["status"] = run.status
        report["answered"] = client.beta.threads.runs.submit_tool_outputs_and_poll(**outputs(run)).status
        report["said"] = said(thread_id)
        thread_id, text = asked("How is it in Oslo?"), []
        listener = Listener(client, text)
        with litellm.run_thread_stream(
            **TO, thread_id=thread_id, assistant_id=made.id, event_handler=listener
        ) as stream:
            stream.until_done()
        report["streamed"], report["streamed_said"] = "".join(text), said(thread_id)
        report["awaited"] = asyncio.run(awaited(made.id, client))
        report["deleted"] = litellm.delete_assistant(**TO, assistant_id=made.id).deleted
    print(json.dumps({**report, "called": called}))


main()
