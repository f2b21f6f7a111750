"""Finds the error in a response, in the envelopes of many servers, and its code and text.

Sources: the API references of OpenAI, Anthropic, Google, Mistral, Cohere, MiniMax, Baidu, Cloudflare and OpenRouter;
the error pages of nginx and Cloudflare; RFC 9457.
"""

import re
from typing import Any

import msgspec

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MESSAGES = (
    *("message", "detail", "msg", "error_msg", "error_message", "errorMessage", "Message", "status_msg"),
    *("reason", "title"),
)
_CODES = ("code", "type", "error_type", "error_code", "errorCode", "status_code", "status")
_BARE = frozenset({"message", "detail", "error_msg", "error_message", "errorMessage", "msg"})
"""Fields that make an object without a known envelope an error."""
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
MAX_NESTED = 3
"""Levels of errors of other servers within an error."""


def parse_error_body(body: bytes) -> Any:
    """Return the error in the body of a response, an object or a text."""
    try:
        document: Any = msgspec.json.decode(body)
    except _UNREADABLE:
        return _page_title(body.decode(errors="replace").strip())
    if isinstance(document, list) and document:
        document = document[0]
    return _unwrap(document) if isinstance(document, dict) else document


def find_bare_error(event: dict[str, Any], *, named: bool) -> Any:
    """Return the error in an event without choices; None if it is not an error. `named`: the event is named `error`."""
    if named or event.get("object") == "error":
        return _unwrap(event)
    if isinstance(status := event.get("base_resp"), dict) and status.get("status_code"):
        return status
    failed = event.get("errors") or event.get("success") is False
    return _unwrap(event) if failed or any(event.get(name) for name in _BARE) else None


def code_and_text(error: Any) -> tuple[str, str]:
    """Return the code and the text of an error; the text includes that of an upstream server's error."""
    if not isinstance(error, dict):
        return "", str(error)
    message = next((error[name] for name in _MESSAGES if error.get(name)), None)
    code = next((error[name] for name in _CODES if isinstance(error.get(name), str | int) and error[name]), "")
    text = message if isinstance(message, str) else msgspec.json.encode(message or error).decode()
    upstream = _upstream_text(error, MAX_NESTED)
    return str(code), f"{text}: {upstream}" if upstream and upstream not in text else text


def _unwrap(document: dict[str, Any]) -> Any:
    """Return the error in an object, with the fields next to it."""
    error = document.get("error")
    if isinstance(error, str) and error:
        return {**document, "message": error}
    if error:
        return error
    listed = document.get("errors")
    if isinstance(listed, list) and listed and isinstance(listed[0], dict):
        return listed[0]
    status = document.get("base_resp")
    return status if isinstance(status, dict) else document


def _upstream_text(error: dict[str, Any], levels: int) -> str:
    """Return the text of the error that OpenRouter received from the model's server."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not raw or not levels:
        return ""
    inner = parse_error_body(raw.encode()) if isinstance(raw, str) else raw
    if not isinstance(inner, dict):
        return str(inner)
    text, deeper = code_and_text({**inner, "metadata": None})[1], _upstream_text(inner, levels - 1)
    return f"{text}: {deeper}" if deeper else text


def _page_title(text: str) -> str:
    """Return the title of a web page, or the text itself."""
    found = _TITLE.search(text) if text[:1] == "<" else None
    return " ".join(found[2].split()) if found else text
