"""Imported objects as rows: the operations that write each kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from projectdavid.api.imports.shapes import (
    AssistantShape,
    FileShape,
    ImportedMessage,
    ImportShape,
    StoreFileShape,
    StoreShape,
    ThreadShape,
)
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources import assistant_bodies
from projectdavid.api.resources.response_formats import stored_format
from projectdavid.api.resources.stored_fields import compact, to_json
from projectdavid.api.resources.upload_bodies import UploadedBlob, row_of
from projectdavid.api.resources.vector_store_rows import attach_op
from projectdavid.ports import queries
from projectdavid.ports.rows import FileRow
from projectdavid.ports.store import Op, RowMissing, StaleRow
from projectdavid.protocol.model_options import MODEL_OPTIONS
from projectdavid.protocol.vector_stores import StoreFileFields

Json = dict[str, Any]
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class IdMap:
    """Local ids by source id; files with their rows, if they exist here."""

    files: Mapping[str, str]
    stores: Mapping[str, str]
    assistants: Mapping[str, str]
    rows: Mapping[str, FileRow]
    """The owner's files by id."""


def build_object(caller: Caller, shape: ImportShape, new_id: str, references: IdMap) -> Op:
    """Build the operations that write an assistant, a thread or a vector store under an id."""
    now = int(caller.platform.clock())
    match shape:
        case AssistantShape():
            body = assistant_bodies.encode(_assistant(caller, shape, new_id, references))
            return Op(queries.ASSISTANT_INSERT, {"id": new_id, "body": body}, clash=StaleRow())
        case ThreadShape():
            thread: Json = {
                "id": new_id,
                "now": shape.created_at,
                "title": None,
                "meta_data": to_json(shape.metadata or {}),
                "tool_resources": to_json(_resources(shape, references)),
                "participants": to_json([caller.user_id]),
            }
            return Op(queries.THREAD_INSERT, thread, clash=StaleRow())
        case StoreShape():
            store: Json = {
                "id": new_id,
                "name": shape.name,
                "description": shape.description,
                "created_at": shape.created_at,
                "now": now,
                "expires_days": None if shape.expires_after is None else shape.expires_after.days,
                "expired_at": now if shape.expired else None,
                "meta_data": to_json(shape.metadata or {}),
            }
            return Op(queries.STORE_IMPORT, store, clash=StaleRow())
        case _:
            raise TypeError(f"{type(shape).__name__} has its own function")


def resource_guard(shape: AssistantShape | ThreadShape, references: IdMap) -> list[Op]:
    """Build the checks that fail as stale if a referenced object is deleted first."""
    used = _resources(shape, references)
    guard: list[Op] = []
    if files := used.get("code_interpreter", {}).get("file_ids"):
        guard.append(Op(queries.FILES_THERE, {"ids": to_json(files)}, missing=StaleRow()))
    if stores := used.get("file_search", {}).get("vector_store_ids"):
        guard.append(Op(queries.STORES_THERE, {"ids": to_json(stores)}, missing=StaleRow()))
    return guard


def _assistant(caller: Caller, shape: AssistantShape, new_id: str, references: IdMap) -> Json:
    given = shape.model_dump(by_alias=True)
    plain = ("name", "description", "instructions", "model", "created_at")
    values: Json = assistant_bodies.new_assistant(caller, new_id) | {name: given[name] for name in plain}
    values["tools"] = [compact(tool) for tool in given["tools"]]
    values["meta_data"] = shape.metadata or {}
    values["tool_resources"] = _resources(shape, references)
    values |= {name: given[name] for name in MODEL_OPTIONS if given[name] is not None}
    if shape.response_format is not None:
        values["response_format"] = stored_format(given["response_format"])
    return values


def _resources(shape: AssistantShape | ThreadShape, references: IdMap) -> Json:
    named = shape.tool_resources
    value: Json = {}
    if "file_ids" in named.model_fields_set:
        found = [references.files[one] for one in named.file_ids if one in references.files]
        value["code_interpreter"] = {"file_ids": list(dict.fromkeys(found))}
    if "vector_store_ids" in named.model_fields_set:
        found = [references.stores[one] for one in named.vector_store_ids if one in references.stores]
        value["file_search"] = {"vector_store_ids": list(dict.fromkeys(found))}
    return value


def build_store_file(shape: StoreFileShape, store_id: str, file_id: str) -> Op:
    """Build the operation that adds a file to a vector store for ingest."""
    fields = StoreFileFields(file_id=file_id, attributes=shape.attributes, chunking_strategy=shape.chunking_strategy)
    return msgspec.structs.replace(attach_op(store_id, fields, shape.created_at), missing=StaleRow())


def build_file(shape: FileShape, new_id: str, stored: UploadedBlob) -> Op:
    """Build the operation that writes a file whose bytes are stored."""
    named = replace(stored, name=shape.filename)
    row = {**row_of(new_id, named, shape.created_at), "expires_at": shape.expires_at}
    return Op(queries.FILE_INSERT, row, clash=StaleRow())


def build_message(shape: ImportedMessage, new_id: str, thread_id: str, references: IdMap) -> Op:
    """Build the operations that append a message to a thread."""
    content = shape.content if isinstance(shape.content, str) else [_part(part, references) for part in shape.content]
    attached = [_attached_file(one, references, "image") for one in shape.images]
    attached += [_attachment(one.file_id, [tool.type for tool in one.tools], references) for one in shape.attachments]
    cited = [_annotation(one, references) for one in shape.annotations]
    params: Json = {
        "id": new_id,
        "thread_id": thread_id,
        "created_at": shape.created_at,
        "role": shape.role,
        "content": to_json(content),
        "assistant_id": shape.assistant_id and references.assistants.get(shape.assistant_id, shape.assistant_id),
        "run_id": shape.run_id,
        "status": None if shape.reason is None else "incomplete",
        "reason": shape.reason,
        "meta_data": to_json(shape.metadata) if shape.metadata else None,
        "attachments": to_json(attached) if attached else None,
        "annotations": to_json(cited) if cited else None,
    }
    return Op(queries.MESSAGE_IMPORT, params, missing=RowMissing("thread", thread_id), clash=StaleRow())


def _part(part: Any, references: IdMap) -> Json:
    value: Json = part.model_dump()
    if value["type"] == "image_file":
        file_id = value["image_file"]["file_id"]
        value["image_file"] = {**value["image_file"], "file_id": references.files.get(file_id, file_id)}
    return value


def _attached_file(source_id: str, references: IdMap, kind: str | None = None) -> Json:
    """Return an attachment of a message with its name and type, as far as the file exists here."""
    file_id = references.files.get(source_id, source_id)
    row = references.rows.get(file_id)
    mime = UNKNOWN_TYPE if row is None else row.mime_type
    return {
        "file_id": file_id,
        "type": kind or ("image" if mime.startswith("image/") else "file"),
        "filename": file_id if row is None else row.name,
        "mime_type": mime,
    }


def _attachment(source_id: str, tools: Sequence[str], references: IdMap) -> Json:
    kept = _attached_file(source_id, references)
    return kept | ({"tools": [{"type": tool} for tool in tools]} if tools else {})


def _annotation(one: Any, references: IdMap) -> Json:
    value: Json = {
        "type": one.type,
        "text": one.text,
        "start_index": one.start_index,
        "end_index": one.end_index,
    }
    if one.part:
        value["part"] = one.part
    if one.type == "url_citation":
        return {**value, "url_citation": {"url": one.url, "title": one.title}}
    file_id = references.files.get(one.file_id, one.file_id)
    if one.type == "file_path":
        return {**value, "file_path": {"file_id": file_id}}
    row = references.rows.get(file_id)
    cited = {"file_id": file_id, "filename": "" if row is None else row.name, "quote": one.quote}
    return {**value, "file_citation": cited}
