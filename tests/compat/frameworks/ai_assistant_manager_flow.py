"""An assistant through ai-assistant-manager, run by an interpreter that has it.

Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what a program that uses it sees.
"""

import json
from pathlib import Path
from typing import Any

from ai_assistant_manager.assistants.assistant_service import AssistantService
from ai_assistant_manager.chats.chat import RequiresActionException
from ai_assistant_manager.clients.openai_api import OpenAIClient, build_openai_client
from loguru import logger

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def search(client: OpenAIClient) -> dict[str, Any]:
    """The files of the folder `bin` are uploaded once; answers name the files that they cite."""
    Path("bin").mkdir()
    Path("bin", "Books handbook.md").write_text("# Handbook\n\nThe warranty lasts two years.\n", encoding="utf-8")
    service = AssistantService(client, prompt="You help.", assistant_name="Librarian", data_file_prefix="Books")
    assistant_id = service.get_assistant_id()
    chat = service.start_chat(assistant_id, None)
    forced = chat.send_user_message("tc!How long is the warranty?")
    again = AssistantService(client, prompt="You help.", assistant_name="Librarian", data_file_prefix="Books")
    report = {
        "message": forced.message,
        "files": forced.annotation_files,
        "counts_tokens": forced.token_count > 0,
        "same": [again.get_assistant_id() == assistant_id, len(again.get_vector_store_ids())],
    }
    service.delete_assistant()
    left = [len(list(page)) for page in (client.assistants_list(), client.vector_stores_list(), client.files_list())]
    return {**report, "left": left}


def function(client: OpenAIClient) -> dict[str, Any]:
    """A call is raised as an exception; its output is submitted by hand."""
    service = AssistantService(client, prompt="You help.", assistant_name="Forecaster", tools=[WEATHER])
    chat = service.start_chat(service.build_assistant("Forecaster", "You help.", tools=[WEATHER]), None)
    try:
        chat.send_user_message("How is it in Oslo?")
    except RequiresActionException as wanted:
        data = wanted.data
        response = chat.submit_tool_outputs(data.run_id, data.tool_call_id, f"rain in {data.arguments['city']}")
        return {"name": data.name, "arguments": data.arguments, "message": response.message}
    return {}


logger.remove()
openai = OpenAIClient(build_openai_client())
print(json.dumps({"search": search(openai), "function": function(openai)}))
