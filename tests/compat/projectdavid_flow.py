"""A walk through the API with the third-party client `projectdavid`, run by an interpreter that has it.

Needs ENTITIES_BASE_URL, ENTITIES_API_KEY (a user's) and ADMIN_API_KEY; prints one JSON object: what each step gave.
"""

import json
import os
import sys
import traceback
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import urlopen

from projectdavid_common.schemas.enums import StatusEnum

from projectdavid import ContentEvent, Entity, ToolCallRequestEvent

MODEL = "scripted/caller"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
report: dict[str, Any] = {}


def plain(value: Any) -> Any:
    """An answer of the client as JSON has it."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def step(name: str, act: Callable[[], Any]) -> Any:
    """Make one call; note what it gave, or how it failed, and go on."""
    try:
        value = act()
    except Exception as error:  # noqa: BLE001 - the report says which step it was
        traceback.print_exc()
        report[name] = {"failed": f"{type(error).__name__}: {error}"}
        return None
    report[name] = plain(value)
    return value


def weather(name: str, arguments: dict[str, Any]) -> str:
    """The function that the model calls."""
    return f"{name}: rain in {arguments['city']}"


def users_and_keys() -> None:
    """What an admin does."""
    client = Entity(api_key=os.environ["ADMIN_API_KEY"])
    user = step("create_user", lambda: client.users.create_user(email="ada@example.com", full_name="Ada"))
    step("retrieve_user", lambda: client.users.retrieve_user(user.id))
    step("update_user", lambda: client.users.update_user(user.id, full_name="Ada Lovelace"))
    key = step("create_key", lambda: client.keys.create_key(user_id=user.id, key_name="laptop", expires_in_days=3))
    step("create_key_for_user", lambda: client.keys.create_key_for_user(user.id, key_name="other"))
    step("list_keys", lambda: client.keys.list_keys(user_id=user.id))
    step("get_key_details", lambda: client.keys.get_key_details(user_id=user.id, key_prefix=key.details.prefix))
    step("list_as_new_user", lambda: Entity(api_key=key.plain_key).assistants.list())
    step("revoke_key", lambda: client.keys.revoke_key(user_id=user.id, key_prefix=key.details.prefix))
    step("list_all_keys", lambda: client.keys.list_keys(user_id=user.id, include_inactive=True))
    step("delete_user", lambda: client.users.delete_user(user.id))


def assistants(client: Entity) -> None:
    """The calls of the API page, with its values."""
    values: dict[str, Any] = {
        "name": "Mathy",
        "description": "test_case",
        "model": "llama3.1",
        "instructions": "You are a helpful math tutor.",
        "tools": [{"type": "code_interpreter"}],
    }
    made = step("create_assistant", lambda: client.assistants.create_assistant(**values))
    step("retrieve_assistant", lambda: client.assistants.retrieve_assistant(assistant_id=made.id))
    changes = {**values, "instructions": "You are now a web search bot", "tools": [{"type": "web_search"}]}
    step("update_assistant", lambda: client.assistants.update_assistant(assistant_id=made.id, **changes))
    step("list_assistants", client.assistants.list)
    step("delete_assistant", lambda: client.assistants.delete_assistant(assistant_id=made.id))
    step("list_no_assistants", client.assistants.list)


def conversation(client: Entity) -> tuple[Any, Any, Any]:
    """An assistant, a thread and what is said in it."""
    assistant = step(
        "create_caller", lambda: client.assistants.create_assistant(name="Caller", model=MODEL, tools=[WEATHER])
    )
    thread = step("create_thread", lambda: client.threads.create_thread(meta_data={"a": 1}))
    step("update_thread", lambda: client.threads.update_thread(thread.id, meta_data={"b": 2}))
    step("update_thread_metadata", lambda: client.threads.update_thread_metadata(thread.id, {"c": 3}))
    step("retrieve_thread", lambda: client.threads.retrieve_thread(thread.id))
    step("list_threads", lambda: client.threads.list_threads(thread.owner_id))
    said = {"thread_id": thread.id, "content": "How is it in Oslo?", "assistant_id": assistant.id}
    message = step("create_message", lambda: client.messages.create_message(**said))
    step("retrieve_message", lambda: client.messages.retrieve_message(message.id))
    step("update_message", lambda: client.messages.update_message(message.id, meta_data={"n": 1}))
    step("list_messages", lambda: client.messages.list_messages(thread.id))
    step("formatted_messages", lambda: client.messages.get_formatted_messages(thread.id))
    return assistant, thread, message


def new_run(client: Entity, name: str, assistant: Any, thread: Any) -> Any:
    """A run that waits to be started."""
    return step(name, lambda: client.runs.create_run(assistant_id=assistant.id, thread_id=thread.id))


def events_with_a_call(client: Entity, assistant: Any, thread: Any, message: Any) -> None:
    """The loop of the client: stream, execute the call, stream on to the final text."""
    run = new_run(client, "create_run", assistant, thread)
    stream = client.synchronous_inference_stream
    stream.setup(thread_id=thread.id, assistant_id=assistant.id, message_id=message.id, run_id=run.id)
    told: list[Any] = []

    def follow() -> list[Any]:
        for event in stream.stream_events(MODEL):
            told.append(event.to_dict())
            if isinstance(event, ToolCallRequestEvent):
                told.append({"executed": event.execute(weather)})
            elif isinstance(event, ContentEvent):
                told[-1] = {"type": "content", "content": event.content}
        return told

    step("stream_events", follow)
    step("retrieve_run", lambda: client.runs.retrieve_run(run.id))
    step("list_runs", lambda: client.runs.list_runs(thread.id))
    step("list_all_runs", client.runs.list_all_runs)
    step("messages_after", lambda: client.messages.list_messages(thread.id))


def chunks_and_actions(client: Entity, assistant: Any, thread: Any, message: Any) -> None:
    """The same by hand: stream up to the call, answer it through the actions, stream on."""
    again = {"thread_id": thread.id, "content": "And now?", "assistant_id": assistant.id}
    step("create_second_message", lambda: client.messages.create_message(**again))
    run = new_run(client, "create_second_run", assistant, thread)
    stream = client.synchronous_inference_stream
    stream.setup(thread_id=thread.id, assistant_id=assistant.id, message_id=message.id, run_id=run.id)
    step("stream_chunks", lambda: list(stream.stream_chunks(MODEL)))
    step("retrieve_waiting_run", lambda: client.runs.retrieve_run(run.id))
    pending = step("pending_actions", lambda: client.actions.get_pending_actions(run.id))
    step("actions_by_status", lambda: client.actions.get_actions_by_status(run.id))
    action_id = pending[0]["action_id"]
    step("get_action", lambda: client.actions.get_action(action_id))
    step("mark_action", lambda: client.actions.update_action(action_id, "processing"))
    step("update_action", lambda: client.actions.update_action(action_id, "completed", {"weather": "sun"}))
    step("stream_chunks_on", lambda: list(stream.stream_chunks(MODEL)))


def files(client: Entity, assistant: Any, thread: Any) -> None:
    """A file up, looked at in every way, said in a message, and deleted."""
    Path("table.csv").write_text("a,b\n1,2\n")
    file = step("upload_file", lambda: client.files.upload_file("table.csv", "assistants"))
    other = step("upload_object", lambda: client.files.upload_file_object(BytesIO(b"x"), "x.txt", "vision"))
    step("retrieve_file", lambda: client.files.retrieve_file(file.id))
    link = step("signed_url", lambda: client.files.get_signed_url(file.id, expires_in=60, use_real_filename=True))
    step("opened_link", lambda: urlopen(link).read().decode())
    step("file_as_base64", lambda: client.files.get_file_as_base64(file.id))
    picture = "data:image/png;base64," + b64encode(b"\x89PNG\r\n\x1a\n").decode()
    look: list[Any] = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": picture}}]
    step("say_with_image", lambda: client.messages.create_message(thread.id, look, assistant.id))
    step("delete_file", lambda: client.files.delete_file(file.id))
    step("delete_file_again", lambda: client.files.delete_file(file.id))
    step("soft_delete_file", lambda: client.files.soft_delete_file(other.id))


def helpers_of_the_client(client: Entity, assistant: Any, thread: Any, message: Any) -> None:
    """The loop that polls a run until it waits, and the end of a run at work."""
    stream = client.synchronous_inference_stream
    again = {"thread_id": thread.id, "content": "Once more?", "assistant_id": assistant.id}
    step("create_third_message", lambda: client.messages.create_message(**again))
    run = new_run(client, "create_polled_run", assistant, thread)
    stream.setup(thread_id=thread.id, assistant_id=assistant.id, message_id=message.id, run_id=run.id)
    step("stream_to_the_call", lambda: [chunk.get("status") for chunk in stream.stream_chunks(MODEL)])
    ids = {"run_id": run.id, "thread_id": thread.id, "assistant_id": assistant.id}
    clients = {"actions_client": client.actions, "messages_client": client.messages}
    step("poll_and_execute", lambda: client.runs.poll_and_execute_action(tool_executor=weather, **ids, **clients))
    step("stream_the_rest", lambda: [chunk.get("status") for chunk in stream.stream_chunks(MODEL)])
    run = new_run(client, "create_silent_run", assistant, thread)
    stream.setup(thread_id=thread.id, assistant_id=assistant.id, message_id=message.id, run_id=run.id)
    chunks = stream.stream_chunks("scripted/silent")
    step("stream_to_the_text", lambda: next(chunk for chunk in chunks if chunk["type"] == "content"))
    step("cancel_working_run", lambda: client.runs.cancel_run(run.id))
    step("retrieve_cancelled_run", lambda: client.runs.retrieve_run(run.id))


class _Tokenizer:
    """Words are tokens."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return " ".join(tokens)


class _Embedder:
    """Stands for a model of another library, which would be downloaded: a vector of the letters of a text."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.tokenizer = _Tokenizer()

    def get_max_seq_length(self) -> int:
        return 256

    def encode(self, texts: Any, **_: Any) -> Any:
        from numpy import array

        return array([_letters(text) for text in texts] if isinstance(texts, list) else _letters(texts))


def _letters(text: str) -> list[float]:
    return [1.0 + 10 * text.count(chr(97 + number % 26)) for number in range(384)]


def vectors(client: Entity) -> None:
    """A vector store whose vectors the client makes: filled, searched, and emptied."""
    module = ModuleType("sentence_transformers")
    setattr(module, "SentenceTransformer", _Embedder)  # noqa: B010 - no type knows it
    sys.modules["sentence_transformers"] = module
    Path("zoo.txt").write_text("Zebras zigzag.\n" * 3)
    Path("bees.txt").write_text("Bees buzz by.\n" * 3)
    store = step("create_store", lambda: client.vectors.create_vector_store("Animals"))
    for name in ("zoo", "bees"):
        step(
            f"add_{name}", lambda name=name: client.vectors.add_file_to_vector_store(store.id, f"{name}.txt", {"n": 1})
        )
    listed = step("list_store_files", lambda: client.vectors.list_store_files(store.id))
    step("retrieve_store", lambda: client.vectors.retrieve_vector_store_sync(store.id))
    step("list_stores", client.vectors.list_my_vector_stores)
    step("stores_of_user", lambda: client.vectors.get_stores_by_user(store.user_id))
    step("search_store", lambda: client.vectors.vector_file_search_raw(store.id, "zzz zebra zigzag", top_k=1))
    step("search_filtered", lambda: client.vectors.vector_file_search_raw(store.id, "z", filters={"n": 2}))
    step(
        "mark_file",
        lambda: client.vectors.update_vector_store_file_status(store.id, listed[0].id, StatusEnum.failed, "no"),
    )
    step("file_search_store", lambda: client.vectors.get_or_create_file_search_store())
    step("file_search_store_again", lambda: client.vectors.get_or_create_file_search_store())
    step("delete_store_file", lambda: client.vectors.delete_file_from_vector_store(store.id, listed[0].file_path))
    step("list_fewer_files", lambda: client.vectors.list_store_files(store.id))
    step("delete_store", lambda: client.vectors.delete_vector_store(store.id, permanent=True))


def tools_of_the_platform(client: Entity, tool: str, model: str) -> None:
    """The events of a run whose call the server runs itself."""
    named = {"name": "Mathy", "model": model, "tools": [{"type": tool}]}
    assistant = step(f"create_{tool}", lambda: client.assistants.create_assistant(**named))
    thread = client.threads.create_thread()
    said = {"thread_id": thread.id, "content": "What is 1 + 1?", "assistant_id": assistant.id}
    message = client.messages.create_message(**said)
    run = new_run(client, f"run_{tool}", assistant, thread)
    stream = client.synchronous_inference_stream
    stream.setup(thread_id=thread.id, assistant_id=assistant.id, message_id=message.id, run_id=run.id)
    step(f"events_{tool}", lambda: [[type(event).__name__, event.to_dict()] for event in stream.stream_events(model)])


def terminal(client: Entity, thread: Any) -> None:
    """A ticket to watch a thread's terminal."""
    step("create_session", lambda: client.computer.create_session(thread.id))


def endings(client: Entity, assistant: Any, thread: Any, message: Any) -> None:
    """Cancel a run, and delete what was made."""
    run = new_run(client, "create_third_run", assistant, thread)
    step("cancel_run", lambda: client.runs.cancel_run(run.id))
    step("delete_run", lambda: client.runs.delete_run(run.id))
    step("delete_message", lambda: client.messages.delete_message(message.id))
    step("delete_thread", lambda: client.threads.delete_thread(thread.id))
    step("delete_caller", lambda: client.assistants.delete_assistant(assistant.id, permanent=True))


def main() -> None:
    """All of it."""
    users_and_keys()
    client = Entity()
    assistants(client)
    made = conversation(client)
    events_with_a_call(client, *made)
    chunks_and_actions(client, *made)
    helpers_of_the_client(client, *made)
    files(client, *made[:2])
    vectors(client)
    tools_of_the_platform(client, "code_interpreter", "scripted/coder")
    tools_of_the_platform(client, "computer", "scripted/sheller")
    terminal(client, made[1])
    endings(client, *made)
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
