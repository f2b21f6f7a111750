"""Run steps of the built-in tools: each renderer returns the documented object of its tool."""

from collections.abc import Mapping
from typing import Any

import msgspec

from projectdavid.ports.tool import RecordedCall


def render_code(call: RecordedCall) -> Mapping[str, Any]:
    """Render a call of `code_interpreter`."""
    code = call.details.get("input", _arguments(call).get("code"))
    return {"input": _text(code), "outputs": _outputs(call)}


def render_commands(call: RecordedCall) -> Mapping[str, Any]:
    """Render a call of `computer`."""
    commands = _list(call.details.get("input", _arguments(call).get("commands")))
    return {"commands": [_text(command) for command in commands], "outputs": _outputs(call)}


def render_file_search(call: RecordedCall) -> Mapping[str, Any]:
    """Render a call of `file_search`."""
    query = call.details.get("input", _arguments(call).get("query"))
    results = [shown for one in _list(call.details.get("results")) if (shown := _result(one)) is not None]
    return {"query": _text(query), "results": results}


def render_web_search(call: RecordedCall) -> Mapping[str, Any]:
    """Render a call of `web_search`."""
    given = _arguments(call)
    query = call.details.get("input", given.get("query", given.get("url")))
    sources = [one for one in _list(call.details.get("sources")) if _is_source(one)]
    return {"action": call.name, "query": _text(query), "sources": sources}


def _arguments(call: RecordedCall) -> dict[str, Any]:
    """Return the arguments; empty if the model wrote no JSON object."""
    try:
        value = msgspec.json.decode(call.arguments or "{}")
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _outputs(call: RecordedCall) -> list[dict[str, Any]]:
    """Return the outputs of a call; if the tool recorded none, the text for the model."""
    if "outputs" not in call.details:
        return [] if call.output is None else [{"type": "logs", "logs": call.output}]
    return [shown for one in _list(call.details["outputs"]) if (shown := _output(one)) is not None]


def _output(one: Any) -> dict[str, Any] | None:
    match one:
        case {"type": "logs", "logs": str(logs)}:
            return {"type": "logs", "logs": logs}
        case {"type": "image", "file_id": str(file_id)}:
            return {"type": "image", "image": {"file_id": file_id}}
        case {"type": "command", "command": str(command), "exit_status": int() | None as status, "logs": str(logs)}:
            return {"type": "command", "command": command, "exit_status": status, "logs": logs}
        case _:
            return None


def _result(one: Any) -> dict[str, Any] | None:
    match one:
        case {"file_id": str(file_id), "filename": str(name), "score": int() | float() as score, "text": str(text)}:
            content = [{"type": "text", "text": text}]
            return {"file_id": file_id, "file_name": name, "score": score, "content": content}
        case _:
            return None


def _is_source(one: Any) -> bool:
    match one:
        case {"title": str(), "url": str()}:
            return True
        case _:
            return False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
