"""Say what went wrong at a provider, in the codes of `ModelError` and without ever showing a key."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from projectdavid.adapters.providers.openai_compatible.context_limits import find_context_limit
from projectdavid.adapters.providers.openai_compatible.retry_hints import find_pause
from projectdavid.adapters.providers.openai_compatible.server import ProviderServer
from projectdavid.ports.model import ModelError

MAX_SHOWN = 500
"""Characters of a provider's own words that a message holds."""

_MODERATED = re.compile(r"flagged|moderat|content policy|content management policy|safety system", re.IGNORECASE)
_ABOUT_THE_PROMPT = re.compile(
    r"content_?(filter|policy)|moderation|responsible_?ai|invalid_prompt|image", re.IGNORECASE
)
"""Codes with which a provider refuses what the prompt says. All other refusals are about what was sent with it."""
_PASSING = frozenset({502, 503, 504, 529})
"""What gateways and servers say while a model is loaded, restarted or overloaded."""
_PASSES = re.compile(r"loading|overloaded|warming up|starting up|temporarily|try again later", re.IGNORECASE)
_NEVER_TOO_LONG = frozenset({401, 404, 408})
_STATUS_OF_CODE = {
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "model_not_found": 404,
    "not_found_error": 404,
    "insufficient_quota": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
}


class FailureParser:
    """The failures of the provider `name`, which is at `server`."""

    def __init__(self, name: str, server: ProviderServer) -> None:
        self._who = f"Provider {name!r} at {server.shown}"
        self._has_key = server.has_key
        patterns = [re.escape(secret) for secret in sorted(server.secrets, key=len, reverse=True)]
        if len(server.api_key) >= 16:
            # Providers like to echo a key with its middle masked.
            patterns.append(re.escape(server.api_key[:8]) + r"[\w*.…-]*")
        self._secrets = re.compile("|".join(patterns)) if patterns else None

    def refused(
        self, status: int, headers: Mapping[str, str], body: bytes, *, model: str = ""
    ) -> tuple[ModelError, Any]:
        """The failure that a status stands for which is not 2xx, and its error object; `model` is the one asked."""
        error = _error_of(body)
        code, text = _error(error)
        failure = self._classified(f"answered {status}", status, code, text, error, model)
        if failure.retryable:
            failure.retry_after = find_pause(headers, error, text)
        return failure, error

    def told(self, error: Any) -> ModelError:
        """Return the failure for an error object inside an answer."""
        code, text = _error(error)
        status = int(code) if re.fullmatch("[45][0-9][0-9]", code) else _STATUS_OF_CODE.get(code, 500)
        return self._classified("sent an error", status, code, text, error)

    def silent(self, seconds: float) -> ModelError:
        """Nothing arrived for `seconds`."""
        return ModelError("timeout", f"{self._who} was silent for {seconds:g} seconds.", retryable=True)

    def unconnected(self, seconds: float) -> ModelError:
        """No connection within `seconds`."""
        return ModelError("timeout", f"{self._who} took no connection within {seconds:g} seconds.", retryable=True)

    def unreachable(self, reason: str, *, retryable: bool = True, waits: bool = False) -> ModelError:
        """No connection, or one that was reset before it answered; `waits` if nothing listens there (yet)."""
        message = f"{self._who} cannot be reached: {self.shown(reason)}"
        return ModelError("connection_error", message, retryable, waits=waits)

    def broke_off(self, reason: str = "") -> ModelError:
        """The answer ended before the model had finished."""
        tail = f": {self.shown(reason)}" if reason else "."
        return ModelError("connection_error", f"{self._who} broke off in the middle of its answer{tail}", True)

    def unreadable(self, reason: str) -> ModelError:
        """The answer is not in the protocol."""
        return ModelError("server_error", f"{self._who} cannot be understood: {reason}.", retryable=True)

    def web_page(self) -> ModelError:
        """A web page came where an answer was expected."""
        why = "a web page where an answer of a model was expected: its base_url is wrong"
        return ModelError("connection_error", f"{self._who} answered with {why}.")

    def ended(self, reason: str, error: Any, *, retryable: bool) -> ModelError:
        """The model stopped for a reason that does not make its answer whole, or for one that is not known."""
        what = "broke its answer off" if retryable else "ended its answer in a way that is not known"
        words = _error(error)[1] if error else ""
        said = f" It said: {self.shown(words)}" if words else ""
        message = f"{self._who} {what}: finish_reason {self.shown(reason)!r}.{said}"
        return ModelError("server_error", message, retryable)

    def unsendable(self, reason: str) -> ModelError:
        """The prompt cannot be written down in the protocol."""
        return ModelError("invalid_prompt", f"The prompt cannot be sent to a provider: {reason}")

    def shown(self, text: str) -> str:
        """A provider's own words, without keys and not too many."""
        if self._secrets is not None:
            # Before the cut, which could leave half a key that no pattern finds.
            text = self._secrets.sub("***", text)
        return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"

    def _classified(self, did: str, status: int, code: str, text: str, error: Any, model: str = "") -> ModelError:
        words = self.shown(text)

        def failure(kind: str, why: str, *, retryable: bool = False, waits: bool = False) -> ModelError:
            said = f" It said: {words}" if words else ""
            return ModelError(kind, f"{self._who} {did}: {why}.{said}", retryable, waits=waits)

        if status not in _NEVER_TOO_LONG and (
            context := find_context_limit(text, code, error if isinstance(error, dict) else {})
        ):
            refusal = failure("context_length_exceeded", "the prompt is too long for the model")
            refusal.context = context
            return refusal
        if status in (400, 403, 422) and (_MODERATED.search(text) or _ABOUT_THE_PROMPT.search(code)):
            return failure("invalid_prompt", "it refuses what the prompt says")
        if status in (401, 403):
            check = "check its api_key" if self._has_key else "it wants a key, and no api_key is configured"
            return failure("authentication_error", check)
        if status == 404:
            what = f"it has no model {model!r}, or its" if model else "its"
            return failure("model_not_found", f"{what} base_url is wrong")
        if status == 408:
            return failure("timeout", "it gave up waiting", retryable=True)
        if status in (402, 429):
            spent = status == 402 or code == "insufficient_quota"
            why = "its quota is used up" if spent else "too many requests"
            return failure("rate_limit_exceeded", why, retryable=not spent, waits=not spent)
        if status >= 500:
            waits = status in _PASSING or _PASSES.search(text) is not None
            why = "it is not ready" if waits else "it failed"
            return failure("server_error", why, retryable=True, waits=waits)
        if status < 400:
            return failure("connection_error", "redirects are not followed, check its base_url")
        return failure("invalid_request", "it does not accept the request")


def _error_of(body: bytes) -> Any:
    """The error that a body holds: an object or a text, whatever it is wrapped in."""
    try:
        document: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace").strip()
    if isinstance(document, list) and document:
        document = document[0]
    return document.get("error") or document if isinstance(document, dict) else document


def _error(error: Any) -> tuple[str, str]:
    if not isinstance(error, dict):
        return "", str(error)
    message = error.get("message") or error.get("detail")
    code = error.get("code") or error.get("type") or ""
    text = message if isinstance(message, str) else msgspec.json.encode(message or error).decode()
    return str(code), text
