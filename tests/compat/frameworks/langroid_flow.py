"""Assistants through `OpenAIAssistant` of Langroid, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what a program that uses Langroid sees.
"""

import asyncio
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import langroid as lr
import langroid.agent.openai_assistant as assistants
from langroid.language_models import OpenAIGPTConfig

called: list[str] = []


class WeatherTool(lr.ToolMessage):
    """A function for the assistant."""

    request: str = "get_weather"
    purpose: str = "To get the weather of a <city>."
    city: str

    def handle(self) -> str:
        called.append(self.city)
        return f"rain in {self.city}"


def agent(name: str, **more: Any) -> assistants.OpenAIAssistant:
    """Return an agent with an assistant and a thread of its own."""
    config = assistants.OpenAIAssistantConfig(
        name=name, system_message="You help.", llm=OpenAIGPTConfig(chat_model="gpt-4o"), **more
    )
    return assistants.OpenAIAssistant(config)


def function() -> dict[str, Any]:
    """A task calls the function and continues with its output. With `use_tools_api` the assistant would not get it."""
    forecaster = agent("Forecaster", use_tools_api=False)
    forecaster.enable_message(WeatherTool)
    task = lr.Task(forecaster, interactive=False, done_if_no_response=[lr.Entity.USER], single_round=False)
    result = task.run("How is it in Oslo?", turns=3)
    attached = forecaster.client.beta.assistants.retrieve(forecaster.assistant.id).tools
    return {
        "result": result.content if result else None,
        "tools": [tool.function.name for tool in attached],
        "messages": [[message.role.value, message.content] for message in forecaster._get_thread_messages()],
    }


def code() -> dict[str, Any]:
    """The agent runs code and reads the logs from the steps of the run; a file is uploaded for it."""
    table = Path("table.csv")
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    coder = agent(
        "Coder", tools=[assistants.AssistantTool(type=assistants.ToolType.CODE_INTERPRETER)], files=[str(table)]
    )
    answer = coder.llm_response("What is 1 + 1?")
    return {
        "answer": answer.content if answer else None,
        "logs": coder._get_code_logs(),
        "files": len(coder.assistant.tool_resources.code_interpreter.file_ids),
    }


async def talk() -> dict[str, Any]:
    """Without blocking; a second agent continues the thread of the first."""
    first = agent("Talker")
    answer = await first.llm_response_async("Hello.")
    second = agent("Other", assistant_id=first.assistant.id, thread_id=first.thread.id)
    again = await second.llm_response_async("Hello again.")
    same = (second.assistant.id, second.thread.id) == (first.assistant.id, first.thread.id)
    return {"answers": [answer.content, again.content], "same": same}


def main() -> None:
    with redirect_stdout(io.StringIO()):
        report = {"function": function(), "code": code(), "talk": asyncio.run(talk())}
    print(json.dumps({**report, "called": called}))


main()
