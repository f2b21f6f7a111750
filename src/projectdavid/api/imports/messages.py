"""Parses messages of the source: texts with annotations, images, refusals and attachments."""

from collections.abc import Mapping
from typing import Any

from projectdavid.api.imports.notes import ImportNotes, validate
from projectdavid.api.imports.resources import pick, to_items, to_mapping
from projectdavid.api.imports.shapes import ImportedMessage

Json = dict[str, Any]
PLAIN = ("id", "created_at", "thread_id", "role", "metadata", "assistant_id", "run_id")
TOOLS = ("code_interpreter", "file_search")


def read_message(value: Mapping[str, Any], notes: ImportNotes) -> ImportedMessage:
    """Parse a message. Parts, annotations and attachments of unknown kinds are removed, and noted.

    Raises:
        ImportRefused: a field is invalid.
    """
    fields = pick(value, PLAIN)
    reason = to_mapping(value.get("incomplete_details")).get("reason")
    if reason is not None or value.get("status") == "incomplete":
        fields["reason"] = reason or "run_failed"
    fields["attachments"] = _attachments(value.get("attachments"), notes)
    content = value.get("content")
    if not isinstance(content, list):
        return validate(ImportedMessage, fields if content is None else {**fields, "content": content})
    parts, annotations = _parts(content, notes)
    if value.get("role") == "assistant" and value.get("run_id") is not None:
        # No provider accepts images in assistant messages; runs here store theirs beside the text, too.
        shown = [part for part in parts if to_mapping(part).get("type") == "image_file"]
        fields["images"] = [to_mapping(part.get("image_file")).get("file_id") for part in shown]
        parts, annotations = _without(parts, annotations, "image_file")
    fields["annotations"] = annotations
    only = to_mapping(parts[0]) if len(parts) == 1 else {}
    fields["content"] = only["text"] if only.get("type") == "text" and "text" in only else parts
    return validate(ImportedMessage, fields)


def _parts(content: list[Any], notes: ImportNotes) -> tuple[list[Any], list[Json]]:
    """Return the parts in the form of requests, and the annotations of their texts."""
    parts: list[Any] = []
    annotations: list[Json] = []
    for number, given in enumerate(content):
        part = to_mapping(given)
        match part.get("type"):
            case "text":
                text = part.get("text")
                if isinstance(text, Mapping):
                    place = f"content.{number}.text"
                    annotations += _annotations(text, place, len(parts), notes)
                    text = text.get("value")
                parts.append({"type": "text", "text": text})
            case "image_file" | "image_url" as kind:
                parts.append({"type": kind, kind: pick(to_mapping(part.get(kind)), ("file_id", "url", "detail"))})
            case "refusal":
                parts.append({"type": "refusal", "refusal": part.get("refusal")})
            case kind:
                message = f"A part of type '{str(kind)[:64]}' has no equivalent here."
                notes.add("part_left_out", message, f"content.{number}")
    return parts, annotations


def _annotations(text: Mapping[str, Any], place: str, part: int, notes: ImportNotes) -> list[Json]:
    found: list[Json] = []
    for number, given in enumerate(to_items(text.get("annotations"))):
        annotation = to_mapping(given)
        kind = annotation.get("type")
        detail = to_mapping(annotation.get(kind)) if isinstance(kind, str) else {}
        named = detail.get("file_id") if kind in ("file_citation", "file_path") else detail.get("url")
        indices = _indices(annotation, text.get("value"))
        if kind not in ("file_citation", "file_path", "url_citation") or named is None or indices is None:
            message = f"An annotation of type '{str(kind)[:64]}' is unknown here, or incomplete."
            notes.add("annotation_left_out", message, f"{place}.annotations.{number}")
            continue
        start, end = indices
        kept = {"type": kind, "text": annotation.get("text"), "start_index": start, "end_index": end, "part": part}
        found.append({**kept, **pick(detail, ("file_id", "quote", "url", "title"))})
    return found


def _indices(annotation: Mapping[str, Any], value: Any) -> tuple[Any, Any] | None:
    """Return the position of an annotation; without one, that of the first occurrence of its text."""
    start, end = annotation.get("start_index"), annotation.get("end_index")
    if start is not None and end is not None:
        return start, end
    cited = annotation.get("text")
    if not (isinstance(value, str) and isinstance(cited, str) and cited):
        return None
    found = value.index(cited) if cited in value else -1
    return None if found < 0 else (found, found + len(cited))


def _without(parts: list[Any], annotations: list[Json], kind: str) -> tuple[list[Any], list[Json]]:
    """Return the parts except those of one kind; annotations still refer to the same parts."""
    kept = [number for number, part in enumerate(parts) if to_mapping(part).get("type") != kind]
    moved = {number: place for place, number in enumerate(kept)}
    return [parts[number] for number in kept], [{**one, "part": moved[one["part"]]} for one in annotations]


def _attachments(value: Any, notes: ImportNotes) -> list[Json]:
    found: list[Json] = []
    for number, given in enumerate(to_items(value)):
        attachment = to_mapping(given)
        if attachment.get("file_id") is None:
            message = "An attachment that is not a file has no equivalent here."
            notes.add("attachment_left_out", message, f"attachments.{number}", given)
            continue
        kinds = [to_mapping(tool).get("type") for tool in to_items(attachment.get("tools"))]
        found.append({"file_id": attachment["file_id"], "tools": [{"type": kind} for kind in kinds if kind in TOOLS]})
    return found
