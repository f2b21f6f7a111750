"""What the walks with openai-python share: the client, the steps with which they begin, and how they note things."""

import json
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

import openai

WALKS: dict[str, Callable[["World"], Any]] = {}
"""What is tried, by the id of the behaviour."""
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CODE: Any = {"type": "code_interpreter"}
SEARCH: Any = {"type": "file_search"}
HANDBOOK = (
    b"# Handbook\n\nThe device is made of steel.\n\n## Warranty\n\nThe warranty lasts two years from the purchase.\n"
)
QUESTION = "The warranty lasts how many years?"
RESULTS: Any = "step_details.tool_calls[*].file_search.results[*].content"
QUICK = 20
"""Milliseconds between two looks of a polling helper."""


def walk(name: str) -> Callable[[Callable[["World"], Any]], Callable[["World"], Any]]:
    """Try this for a behaviour."""

    def note(act: Callable[["World"], Any]) -> Callable[["World"], Any]:
        WALKS[name] = act
        return act

    return note


class World:
    """A server, a client of it that checks every answer strictly, and one of the server whose runs have a second."""

    def __init__(self) -> None:
        url, key = os.environ["BASE_URL"], os.environ["API_KEY"]
        self.url = url
        self.client = openai.OpenAI(base_url=url, api_key=key, _strict_response_validation=True)
        self.hasty = openai.OpenAI(base_url=os.environ["HASTY_BASE_URL"], api_key=os.environ["HASTY_API_KEY"])
        self.beta = self.client.beta
        self.runs = self.client.beta.threads.runs

    def assistant(self, model: str = "hello", **fields: Any) -> str:
        """The id of a new assistant."""
        return self.beta.assistants.create(model=f"scripted/{model}", **fields).id

    def thread(self, text: str = "Hi there") -> str:
        """The id of a new thread in which the user has said something."""
        return self.beta.threads.create(messages=[{"role": "user", "content": text}]).id

    def asked(self, model: str, *tools: Any, **fields: Any) -> dict[str, Any]:
        """The arguments of a run of a new assistant on a new thread."""
        return {"thread_id": self.thread(), "assistant_id": self.assistant(model, tools=list(tools)), **fields}

    def waiting(self, model: str = "caller") -> Any:
        """A run that waits for outputs."""
        return self.runs.create_and_poll(**self.asked(model, WEATHER), poll_interval_ms=QUICK)

    def said(self, thread_id: str) -> str:
        """The last text of a thread."""
        newest = self.beta.threads.messages.list(thread_id, limit=1).data[0]
        return "".join(part.text.value for part in newest.content if part.type == "text")

    def shelf(self) -> tuple[str, str]:
        """The id of a file with something to find, and that of a store that has it."""
        stores = self.client.vector_stores
        store = stores.create(name="Books")
        file = stores.files.upload_and_poll(vector_store_id=store.id, file=("handbook.md", HANDBOOK))
        return file.id, store.id


def outputs(run: Any, *texts: str) -> Any:
    """Outputs for the calls that a run waits for."""
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [{"tool_call_id": call.id, "output": text} for call, text in zip(calls, texts, strict=False)]


def names(events: Iterable[Any]) -> list[str]:
    """The names of events; of deltas that follow each other only the first."""
    told: list[str] = []
    for event in events:
        if not (event.event.endswith(".delta") and told and told[-1] == event.event):
            told.append(event.event)
    return told


def refusal(act: Callable[[], Any]) -> Any:
    """How the client says that something was refused; ids as what they name."""
    try:
        act()
    except openai.APIStatusError as error:
        body: Any = error.body
        message = re.sub(r"\b(thread|run|call|asst)_(?!x\b|ids?\b)\w+", r"<\1>", body["message"])
        return [type(error).__name__, error.status_code, message, body["code"], body["param"]]
    return "nothing was refused"


def asked_of(text: str) -> Any:
    """What the mirror was asked."""
    return json.loads(text)
