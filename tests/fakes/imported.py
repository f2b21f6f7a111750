"""What a server must have after a fake Azure service was imported, and what it has."""

from typing import Any

from tests.fakes.azure import World
from tests.server.talking import Caller, ok

Json = dict[str, Any]
DIALECT = "/openai/v1"
OURS = ("code_interpreter", "file_search", "function")


def expected(world: World) -> Json:
    """Everything, in the words of the OpenAI dialect."""
    lists = world.lists
    threads = {one["id"]: one for one in lists["/threads"]}
    return {
        "assistants": {one["id"]: _assistant(one, world) for one in lists["/assistants"]},
        "threads": {one: _thread(value) for one, value in threads.items()},
        "order": list(threads),
        "messages": {one: [_message(said) for said in lists[f"/threads/{one}/messages"]] for one in threads},
        "files": {one["id"]: _file(one, world) for one in lists["/files"] if one["id"] != world.file("lost")},
        "stores": {one["id"]: _store(one, world) for one in lists["/vector_stores"]},
    }


def found(user: Caller) -> Json:
    """The same of a server."""
    threads = _all(user, "/v1/threads", order="asc")
    return {
        "assistants": {one["id"]: one for one in _all(user, f"{DIALECT}/assistants")},
        "threads": {one["id"]: ok(user.get(f"{DIALECT}/threads/{one['id']}")) for one in threads},
        "order": [one["id"] for one in threads],
        "messages": {one["id"]: _said(user, one["id"]) for one in threads},
        "files": {one["id"]: _stored(user, one) for one in _all(user, f"{DIALECT}/files")},
        "stores": {one["id"]: _searched(user, one) for one in _all(user, f"{DIALECT}/vector_stores")},
    }


def _all(user: Caller, path: str, order: str = "desc") -> list[Json]:
    objects: list[Json] = []
    query = {"limit": "100", "order": order}
    while True:
        page = ok(user.get(path, params=query))
        objects += page["data"]
        if not page["has_more"]:
            return objects
        query["after"] = page["last_id"]


def _said(user: Caller, thread: str) -> list[Json]:
    return [_without_null_detail(one) for one in _all(user, f"{DIALECT}/threads/{thread}/messages", order="asc")]


def _without_null_detail(message: Json) -> Json:
    return {name: message[name] for name in MESSAGE}


MESSAGE = ("id", "created_at", "thread_id", "role", "content", "assistant_id", "run_id", "attachments", "metadata")


def _message(one: Json) -> Json:
    content = [_part(part) for part in one["content"]]
    attachments = [
        {"file_id": each["file_id"], "tools": [{"type": tool["type"]} for tool in each["tools"]]}
        for each in one["attachments"]
    ]
    return {name: {**one, "content": content, "attachments": attachments}[name] for name in MESSAGE}


def _part(part: Json) -> Json:
    if part["type"] == "image_file":
        return {"type": "image_file", "image_file": {"detail": "auto", **part["image_file"]}}
    # Citations of web pages are in the native API alone.
    kept = [one for one in part["text"]["annotations"] if one["type"] != "url_citation"]
    return {"type": "text", "text": {**part["text"], "annotations": kept}}


EMPTY = {"code_interpreter": {"file_ids": []}, "file_search": {"vector_store_ids": []}}
"""What is shown of tools that use nothing."""


def _assistant(one: Json, world: World) -> Json:
    tools = [_tool(tool) for tool in one["tools"] if tool["type"] in (*OURS, "bing_grounding")]
    resources = {tool["type"]: EMPTY[tool["type"]] for tool in tools if tool["type"] in EMPTY} | one["tool_resources"]
    if "code_interpreter" in resources:
        kept = [file for file in resources["code_interpreter"]["file_ids"] if file != world.file("lost")]
        resources["code_interpreter"] = {"file_ids": kept}
    return {**one, "tools": tools, "tool_resources": resources, "reasoning_effort": None}


def _tool(tool: Json) -> Json:
    if tool["type"] == "bing_grounding":
        return {"type": "web_search"}
    if tool["type"] == "file_search":
        options = tool["file_search"]
        return {
            **tool,
            "file_search": {**options, "ranking_options": {**options["ranking_options"], "hybrid_search": None}},
        }
    return {**tool, "function": {"strict": False, **tool["function"]}} if "function" in tool else tool


def _thread(one: Json) -> Json:
    shown = {name: one[name] for name in ("id", "object", "created_at", "metadata")}
    return {**shown, "tool_resources": {"code_interpreter": EMPTY["code_interpreter"], **one["tool_resources"]}}


def _file(one: Json, world: World) -> Json:
    text = world.texts.get(one["id"])
    content = world.bytes[one["id"]] if text is None else text.encode()
    name = one["filename"].rpartition("/")[2].replace("\t", "") + (".txt" if text else "")
    return {"created_at": one["created_at"], "purpose": one["purpose"], "name": name, "content": content}


def _stored(user: Caller, one: Json) -> Json:
    content = user.get(f"/v1/files/{one['id']}/content").content
    return {"created_at": one["created_at"], "purpose": one["purpose"], "name": one["filename"], "content": content}


def _store(one: Json, world: World) -> Json:
    inside = world.lists[f"/vector_stores/{one['id']}/files"]
    files = {
        file["id"]: (file["created_at"], file["chunking_strategy"])
        for file in inside
        if file["id"] != world.file("lost")
    }
    return {
        **{name: one[name] for name in ("created_at", "name", "metadata")},
        "expired": one["status"] == "expired",
        "files": files,
    }


def _searched(user: Caller, one: Json) -> Json:
    inside = _all(user, f"{DIALECT}/vector_stores/{one['id']}/files")
    return {
        **{name: one[name] for name in ("created_at", "name", "metadata")},
        "expired": one["status"] == "expired",
        "files": {file["id"]: (file["created_at"], file["chunking_strategy"]) for file in inside},
    }
