"""Assistants through `AzureOpenAI` of openai-python, with an endpoint and a key; run by an interpreter that has it.

The client reads AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY and OPENAI_API_VERSION. Prints one JSON object: what a
program that uses the client sees.
"""

import asyncio
import json
from typing import Any

from openai import AssistantEventHandler, AsyncAzureOpenAI, AzureOpenAI, NotFoundError

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
called: list[str] = []


def outputs(run: Any) -> list[dict[str, str]]:
    """Return the outputs of the calls that a run waits for."""
    calls = run.required_action.submit_tool_outputs.tool_calls
    cities = [json.loads(call.function.arguments)["city"] for call in calls]
    called.extend(cities)
    return [{"tool_call_id": call.id, "output": f"rain in {city}"} for call, city in zip(calls, cities, strict=True)]


class Listener(AssistantEventHandler):
    """Answers the calls of a streamed run and continues with the stream of the rest."""

    def __init__(self, client: AzureOpenAI, text: list[str]) -> None:
        super().__init__()
        self.client, self.text = client, text

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text.append(delta.value or "")

    def on_event(self, event: Any) -> None:
        if event.event == "thread.run.requires_action":
            run, rest = event.data, Listener(self.client, self.text)
            with self.client.beta.threads.runs.submit_tool_outputs_stream(
                run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs(run), event_handler=rest
            ) as stream:
                stream.until_done()


def said(client: AzureOpenAI, thread_id: str) -> list[list[str]]:
    """Return the texts of a thread, oldest first."""
    messages = client.beta.threads.messages.list(thread_id, order="asc")
    return [[message.role, part.text.value] for message in messages for part in message.content if part.type == "text"]


def function(client: AzureOpenAI) -> dict[str, Any]:
    """A run whose calls are answered, once polled and once streamed."""
    made = client.beta.assistants.create(model="gpt-4o", name="Forecaster", instructions="You help.", tools=[WEATHER])
    question = {"messages": [{"role": "user", "content": "How is it in Oslo?"}]}
    run = client.beta.threads.create_and_run_poll(assistant_id=made.id, thread=question, poll_interval_ms=20)
    done = client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs(run), poll_interval_ms=20
    )
    text: list[str] = []
    thread = client.beta.threads.create(**question)
    with client.beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=made.id, event_handler=Listener(client, text)
    ) as stream:
        stream.until_done()
    return {
        "statuses": [run.status, done.status],
        "said": said(client, run.thread_id),
        "streamed": "".join(text),
        "listed": [assistant.name for assistant in client.beta.assistants.list()],
        "deleted": client.beta.assistants.delete(made.id).deleted,
    }


def built_in(client: AzureOpenAI) -> dict[str, Any]:
    """A file for the search and one run for code."""
    file = client.files.create(
        file=("handbook.md", b"# Handbook\n\nThe warranty lasts two years.\n"), purpose="assistants"
    )
    store = client.vector_stores.create(name="Books")
    batch = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=[file.id], poll_interval_ms=20)
    tools = {"code": {"type": "code_interpreter"}, "search": {"type": "file_search"}}
    answers: dict[str, Any] = {}
    for name, tool in tools.items():
        made = client.beta.assistants.create(
            model="gpt-4o", tools=[tool], tool_resources={"file_search": {"vector_store_ids": [store.id]}}
        )
        question = {"messages": [{"role": "user", "content": "How long is the warranty?"}]}
        run = client.beta.threads.create_and_run_poll(assistant_id=made.id, thread=question, poll_interval_ms=20)
        answers[name] = said(client, run.thread_id)[-1][1]
    content = client.files.content(file.id).text
    return {**answers, "batch": batch.status, "content": content, "deleted": client.files.delete(file.id).deleted}


async def awaited() -> list[Any]:
    """Without blocking; and an id that never existed."""
    async with AsyncAzureOpenAI() as client:
        made = await client.beta.assistants.create(model="gpt-4o", instructions="You help.")
        thread = await client.beta.threads.create(messages=[{"role": "user", "content": "Hello."}])
        run = await client.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=made.id, poll_interval_ms=20
        )
        (answer, _) = (await client.beta.threads.messages.list(thread.id)).data
        try:
            await client.beta.assistants.retrieve("asst_missing")
        except NotFoundError as error:
            return [run.status, answer.content[0].text.value, error.status_code, error.type]
    return []


def main() -> None:
    client = AzureOpenAI()
    report = {"function": function(client), "built_in": built_in(client), "awaited": asyncio.run(awaited())}
    print(json.dumps({**report, "called": called}))


main()
