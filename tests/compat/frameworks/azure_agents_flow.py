"""Agents through Azure's client `azure-ai-agents`, which asks with an API key; run by an interpreter that has it.

Needs AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY. The endpoint of a project ends with its name, which the server
ignores. Prints one JSON object: what a program that uses the client sees.
"""

import json
import os
from pathlib import Path
from typing import Any

from azure.ai.agents import AgentsClient
from azure.ai.agents import models as types
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy

KEY = AzureKeyCredential(os.environ["AZURE_OPENAI_API_KEY"])
QUICK = {"polling_interval": 0.02}
called: list[str] = []


def get_weather(city: str) -> str:
    """
    Return the weather of a city.

    :param city: The name of the city.
    """
    called.append(city)
    return f"rain in {city}"


class Listener(types.AgentEventHandler):
    """Collects deltas, finished messages and errors."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.seen = "", []

    def on_message_delta(self, delta: Any) -> None:
        self.text += delta.text

    def on_thread_run(self, run: Any) -> None:
        if not self.seen or self.seen[-1] != run.status:
            self.seen.append(str(run.status.value))

    def on_error(self, data: str) -> None:
        self.seen.append(f"error: {data}")

    def on_unhandled_event(self, event_type: str, event_data: Any) -> None:
        self.seen.append(f"unhandled: {event_type}")

    def on_done(self) -> None:
        self.seen.append("done")


def ask(client: AgentsClient, agent: types.Agent, text: str, **run: Any) -> dict[str, Any]:
    """Ask in a new thread, wait for the run and return what the thread then holds."""
    thread = client.threads.create()
    client.messages.create(thread_id=thread.id, role="user", content=text)
    made = client.runs.create_and_process(thread_id=thread.id, agent_id=agent.id, **QUICK, **run)
    messages = list(client.messages.list(thread_id=thread.id, order=types.ListSortOrder.ASCENDING))
    steps = list(client.run_steps.list(thread_id=thread.id, run_id=made.id, order="asc"))
    return {
        "status": made.status,
        "last_error": made.last_error,
        "said": [[message.role, part.text.value] for message in messages for part in message.text_messages],
        "images": [len(message.image_contents) for message in messages],
        "cited": [
            annotation.file_citation.file_id for message in messages for annotation in message.file_citation_annotations
        ],
        "steps": [step.type for step in steps],
        "last": client.messages.get_last_message_text_by_role(thread_id=thread.id, role="assistant").text.value,
    }


def function(client: AgentsClient) -> dict[str, Any]:
    """The client calls the function by itself, while it polls and while it reads a stream."""
    toolset = types.ToolSet()
    toolset.add(types.FunctionTool({get_weather}))
    client.enable_auto_function_calls(toolset)
    agent = client.create_agent(model="gpt-4o", name="Forecaster", instructions="You help.", toolset=toolset)
    polled = ask(client, agent, "How is it in Oslo?")
    thread = client.threads.create()
    client.messages.create(thread_id=thread.id, role="user", content="How is it in Oslo?")
    handler = Listener()
    with client.runs.stream(thread_id=thread.id, agent_id=agent.id, event_handler=handler) as stream:
        stream.until_done()
    updated = client.update_agent(agent.id, name="Meteorologist")
    names = [found.name for found in client.list_agents()]
    client.delete_agent(agent.id)
    return {
        "polled": polled,
        "streamed": {"text": handler.text, "seen": handler.seen},
        "updated": [updated.name, names, [found.name for found in client.list_agents()]],
    }


def built_in(client: AgentsClient) -> dict[str, Any]:
    """A file for code and a store for the search; both are given to a run by its toolset, too."""
    handbook = Path("handbook.md")
    handbook.write_text("# Handbook\n\nThe warranty lasts two years.\n", encoding="utf-8")
    file = client.files.upload_and_poll(file_path=str(handbook), purpose=types.FilePurpose.AGENTS, **QUICK)
    store = client.vector_stores.create_and_poll(file_ids=[file.id], name="Books", **QUICK)
    batch = client.vector_store_file_batches.create_and_poll(vector_store_id=store.id, file_ids=[file.id], **QUICK)
    coder = types.CodeInterpreterTool(file_ids=[file.id])
    searcher = types.FileSearchTool(vector_store_ids=[store.id])
    agents = {
        "code": client.create_agent(model="gpt-4o", tools=coder.definitions, tool_resources=coder.resources),
        "search": client.create_agent(model="gpt-4o", tools=searcher.definitions, tool_resources=searcher.resources),
        "bare": client.create_agent(model="gpt-4o", name="Bare"),
    }
    toolset = types.ToolSet()
    toolset.add(searcher)
    report = {
        "store": [file.status, store.status, batch.status],
        "code": ask(client, agents["code"], "What is 1 + 1?"),
        "search": ask(client, agents["search"], "How long is the warranty?"),
        "run_with_toolset": ask(client, agents["bare"], "How long is the warranty?", toolset=toolset),
        "content": b"".join(client.files.get_content(file.id)).decode(),
    }
    for name in ("search", "run_with_toolset"):
        report[name]["cited"] = [found == file.id for found in report[name]["cited"]]
    client.vector_stores.delete(store.id)
    client.files.delete(file.id)
    return report


def attached(client: AgentsClient) -> str:
    """A file that is attached to a message fills the thread's own store."""
    agent = client.create_agent(model="gpt-4o", name="Reader", tools=types.FileSearchTool().definitions)
    file = client.files.upload(file_path="handbook.md", purpose=types.FilePurpose.AGENTS)
    attachment = types.MessageAttachment(file_id=file.id, tools=types.FileSearchTool().definitions)
    message = types.ThreadMessageOptions(role="user", content="How long is the warranty?", attachments=[attachment])
    run = client.create_thread_and_process_run(
        agent_id=agent.id, thread=types.AgentThreadCreationOptions(messages=[message]), **QUICK
    )
    return client.messages.get_last_message_text_by_role(thread_id=run.thread_id, role="assistant").text.value


def threads(client: AgentsClient) -> dict[str, Any]:
    """Threads can be listed, changed and deleted, and one that is gone is reported as such."""
    made = client.threads.create(metadata={"a": "1"})
    client.threads.update(made.id, metadata={"a": "2"})
    listed = [thread.metadata for thread in client.threads.list() if thread.id == made.id]
    client.threads.delete(made.id)
    try:
        client.threads.get(made.id)
        gone = "no"
    except ResourceNotFoundError as error:
        gone = type(error).__name__
    return {
        "listed": listed,
        "gone": gone,
        "left": [thread.id == made.id for thread in client.threads.list()].count(True),
    }


def main() -> None:
    client = AgentsClient(
        endpoint=f"{os.environ['AZURE_OPENAI_ENDPOINT']}/api/projects/weather",
        credential=KEY,
        authentication_policy=AzureKeyCredentialPolicy(KEY, "api-key"),
    )
    with client:
        report = {"function": function(client), "built_in": built_in(client), "attached": attached(client)}
        report["threads"] = threads(client)
    print(json.dumps({**report, "called": called}))


main()
