"""Assistants through `marvin.beta.assistants`, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what a program that uses Marvin sees.
"""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from marvin.beta.assistants import Assistant, Thread
from marvin.tools.assistants import CodeInterpreter, EndRun, FileSearch
from openai import AsyncAssistantEventHandler, OpenAI

called: list[str] = []


def get_weather(city: str) -> str:
    """Return the weather of a city."""
    called.append(city)
    return f"rain in {city}"


def stop(city: str) -> str:
    """End the run without an answer."""
    raise EndRun(data=city)


class Listener(AsyncAssistantEventHandler):
    """Collects texts and finished steps."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self.heard = heard

    async def on_text_done(self, text: Any) -> None:
        self.heard.append(text.value)

    async def on_run_step_done(self, run_step: Any) -> None:
        self.heard.append(run_step.type)


def texts(thread: Thread, **page: Any) -> list[list[str]]:
    """Return the messages of a thread, oldest first: role, and text or type."""
    return [
        [message.role, part.text.value if part.type == "text" else part.type]
        for message in thread.get_messages(**page)
        for part in message.content
    ]


def function() -> dict[str, Any]:
    """Two questions in the assistant's own thread, once printed and once with a handler; then the assistant is gone."""
    heard: list[str] = []
    printed = io.StringIO()
    with Assistant(name="Forecaster", instructions="You report the weather.", tools=[get_weather]) as forecaster:
        with redirect_stdout(printed):
            first = forecaster.say("How is it in Oslo?")
        keywords = {"event_handler_class": Listener, "event_handler_kwargs": {"heard": heard}}
        second = forecaster.say("And now?", **keywords)
        thread = forecaster.default_thread
        last = thread.get_messages(limit=1)[0]
        report = {
            "statuses": [first.run.status, second.run.status],
            "printed": "They said: rain in Oslo" in printed.getvalue(),
            "steps": [step.type for step in first.steps],
            "heard": heard,
            "said": texts(thread),
            "before_the_last": len(texts(thread, before_message=last.id)),
        }
    return {**report, "deleted": forecaster.id is None}


def built_in() -> dict[str, Any]:
    """A file for code and one for the search, each attached to a question."""
    table, handbook = Path("table.csv"), Path("handbook.md")
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    handbook.write_text("# Handbook\n\nThe warranty lasts two years.\n", encoding="utf-8")
    coding, reading = Thread(), Thread()
    silent = {"event_handler_class": AsyncAssistantEventHandler}
    with Assistant(name="Coder", tools=[CodeInterpreter]) as coder:
        run = coder.say("What is 1 + 1?", code_interpreter_files=[str(table)], thread=coding, **silent)
        inputs = [call.code_interpreter.input for call in run.steps[0].step_details.tool_calls]
    with Assistant(name="Reader", tools=[FileSearch]) as reader:
        reader.say("How long is the warranty?", file_search_files=[str(handbook)], thread=reading, **silent)
    annotations = reading.get_messages()[-1].content[0].text.annotations
    return {"inputs": inputs, "code": texts(coding), "search": texts(reading), "citations": len(annotations)}


def loaded() -> dict[str, Any]:
    """An assistant that is loaded by its id, in a thread with messages; a function that ends the run cancels it.

    Marvin cannot load an assistant that has functions: its own types refuse them.
    """
    made = Assistant(name="Coder", instructions="You help.", tools=[CodeInterpreter], metadata={"a": "1"})
    made.create()
    again = Assistant.load(made.id)
    thread = Thread(metadata={}).create(messages=["Hello."])
    run = thread.run(again, tools=[stop], event_handler_class=AsyncAssistantEventHandler)
    report = {
        "same": [
            again.id == made.id,
            again.name,
            again.instructions,
            again.metadata,
            [tool.type for tool in again.tools],
        ],
        "status": run.run.status,
        "data": run.data,
    }
    made.delete()
    thread.delete()
    return {**report, "left": [assistant.name for assistant in OpenAI().beta.assistants.list()]}


print(json.dumps({"function": function(), "built_in": built_in(), "loaded": loaded(), "called": called}))
