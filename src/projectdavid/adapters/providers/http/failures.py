"""Converts failures of a provider to `ModelError`; no message contains a key."""

import re
from collections.abc import Mapping
from typing import Any

from projectdavid.adapters.providers.http.context_limits import find_context_limit
from projectdavid.adapters.providers.http.error_bodies import code_and_text, parse_error_body
from projectdavid.adapters.providers.http.retry_hints import find_pause
from projectdavid.adapters.providers.http.server import ProviderServer
from projectdavid.ports.model import ModelError

MAX_SHOWN = 500
"""Maximum characters of a provider's text in a message."""

_MODERATED = re.compile(
    r"flagged|moderat|content policy|content management policy|usage policy|safety system|prohibited_content"
    r"|inappropriate content|content exists risk|sensitive content|unsafe content|敏感",
    re.IGNORECASE,
)
_ABOUT_THE_PROMPT = re.compile(
    r"content_?(filter|policy)|moderation|responsible_?ai|invalid_prompt|image|data_?inspection|\A1301\Z", re.IGNORECASE
)
"""Codes with which a provider rejects the content of the prompt. Other codes concern the parameters."""
_SPENT = re.compile(
    r"insufficient[ _](?:account )?(?:quota|balance|funds|credits?)|balance is (?:too low|insufficient)"
    r"|(?:have|has) (?:no|any|run out of) credits?|have any credits|out of credits|purchase credits|please recharge"
    r"|billing[ _](?:hard[ _]limit|not[ _]active)|account .{0,40}is (?:not active|suspended|overdue)|good standing"
    r"|arrear|exceeded_current_quota|余额不足|欠费",
    re.IGNORECASE,
)
"""Texts and codes about an account without money, which waiting does not help."""
_KEY = re.compile(
    r"api[ _-]?key (?:is )?(?:not valid|invalid|expired|not found)|api_key_invalid"
    r"|(?:invalid|incorrect|missing|wrong) api[ _-]?key|authentication credentials",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model not exist|not a valid model|(?:invalid|unknown) model\b|no such model|model_(?:not_found|decommissioned)"
    r"|model\s+[`'\"]?[\w./:@-]+[`'\"]?\s+(?:does not exist|(?:was |is )?not found|has been decommissioned"
    r"|is not available)",
    re.IGNORECASE,
)
_BAD_OUTPUT = frozenset({"tool_use_failed", "json_validate_failed", "output_parse_failed"})
"""Codes of Groq for an answer of the model that its server could not parse; the next answer differs."""
_CONFLICTS = frozenset({409, 423, 425})
"""Statuses of requests that came too early."""
_TEMPORARY = frozenset({502, 503, 504, 520, 521, 522, 523, 529, 530})
"""Statuses of gateways and servers while a model is loaded, restarted or overloaded."""
_TEMPORARY_TEXT = re.compile(r"loading|overloaded|warming up|starting up|temporarily|try again later", re.IGNORECASE)
_NEVER_TOO_LONG = frozenset({401, 404, 408})
_STATUS_OF_CODE = {
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "insufficient_quota": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "overloaded_error": 529,
    "timeout_error": 504,
    "image_content_policy_violation": 400,
    "image_parse_error": 400,
    **dict.fromkeys(("invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url"), 400),
    **dict.fromkeys(("image_too_large", "image_too_small", "unsupported_image_media_type"), 400),
    **dict.fromkeys(("failed_to_download_image", "image_file_not_found", "image_file_too_large"), 400),
}


class FailureParser:
    """Builds the errors of the provider `name` at `server`."""

    def __init__(self, name: str, server: ProviderServer) -> None:
        self._provider = f"Provider {name!r} at {server.shown}"
        self._has_key = server.has_key
        patterns = [re.escape(secret) for secret in sorted(server.secrets, key=len, reverse=True)]
        if len(server.api_key) >= 16:
            # Providers often echo a key with its middle masked.
            patterns.append(re.escape(server.api_key[:8]) + r"[\w*.…-]*")
        self._secrets = re.compile("|".join(patterns)) if patterns else None

    def parse_refusal(
        self, status: int, headers: Mapping[str, str], body: bytes, *, model: str = ""
    ) -> tuple[ModelError, Any]:
        """Return the error for a status outside 2xx, and its error object; `model` is the requested one."""
        error = parse_error_body(body)
        code, text = code_and_text(error)
        failure = self._classify(f"answered {status}", status, code, text, error, model)
        if failure.retryable:
            failure.retry_after = find_pause(headers, error, text)
        return failure, error

    def parse_error(self, error: Any) -> ModelError:
        """Return the error for an error object inside an answer."""
        code, text = code_and_text(error)
        status = int(code) if re.fullmatch("[45][0-9][0-9]", code) else _STATUS_OF_CODE.get(code, 500)
        failure = self._classify("sent an error", status, code, text, error)
        if failure.retryable:
            failure.retry_after = find_pause({}, error, text)
        return failure

    def build_timeout(self, seconds: float) -> ModelError:
        """Return the error for a server that sent nothing for `seconds`."""
        return ModelError("timeout", f"{self._provider} sent nothing for {seconds:g} seconds.", retryable=True)

    def build_connect_timeout(self, seconds: float) -> ModelError:
        """Return the error for a connection that was not established within `seconds`."""
        return ModelError(
            "timeout", f"{self._provider} did not accept a connection within {seconds:g} seconds.", retryable=True
        )

    def build_unreachable(self, reason: str, *, retryable: bool = True, waits: bool = False) -> ModelError:
        """Return the error for a failed connection, or a reset before the answer; `waits` if nothing listens (yet)."""
        message = f"{self._provider} cannot be reached: {self.redact(reason)}"
        return ModelError("connection_error", message, retryable, waits=waits)

    def build_interruption(self, reason: str = "") -> ModelError:
        """Return the error for an answer that ended before the model had finished."""
        tail = f": {self.redact(reason)}" if reason else "."
        return ModelError("connection_error", f"{self._provider} interrupted its answer{tail}", True)

    def build_unreadable(self, reason: str) -> ModelError:
        """Return the error for an answer that violates the protocol."""
        return ModelError("server_error", f"{self._provider} sent an invalid answer: {reason}.", retryable=True)

    def build_web_page(self) -> ModelError:
        """Return the error for a web page in place of an answer."""
        message = f"{self._provider} answered with a web page instead of a model's answer: check its base_url."
        return ModelError("connection_error", message)

    def build_blocked(self, reason: str) -> ModelError:
        """Return the error for a prompt that the provider blocked without an answer."""
        return ModelError("invalid_prompt", f"{self._provider} blocked the prompt: {self.redact(reason)!r}.")

    def build_ending(self, reason: str, error: Any, *, retryable: bool) -> ModelError:
        """Return the error for a finish reason that means an incomplete answer, or is unknown."""
        what = "did not complete its answer" if retryable else "ended its answer for an unknown reason"
        words = code_and_text(error)[1] if error else ""
        said = f" Its message: {self.redact(words)}" if words else ""
        message = f"{self._provider} {what}: finish_reason {self.redact(reason)!r}.{said}"
        return ModelError("server_error", message, retryable)

    def build_unsendable(self, reason: str) -> ModelError:
        """Return the error for a prompt that cannot be encoded."""
        return ModelError("invalid_prompt", f"The prompt cannot be sent to a provider: {reason}.")

    def redact(self, text: str) -> str:
        """Return a provider's text without secrets, truncated."""
        if self._secrets is not None:
            # Before truncation, which could leave half a key that no pattern matches.
            text = self._secrets.sub("***", text)
        return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"

    def _classify(self, did: str, status: int, code: str, text: str, error: Any, model: str = "") -> ModelError:
        words = self.redact(text)

        def failure(kind: str, why: str, *, retryable: bool = False, waits: bool = False) -> ModelError:
            said = f" Its message: {words}" if words else ""
            return ModelError(kind, f"{self._provider} {did}: {why}.{said}", retryable, waits=waits)

        if status not in _NEVER_TOO_LONG and (
            context := find_context_limit(text, code, error if isinstance(error, dict) else {})
        ):
            refusal = failure("context_length_exceeded", "the prompt is too long for the model")
            refusal.context = context
            return refusal
        if status in (400, 403, 422) and (_MODERATED.search(text) or _ABOUT_THE_PROMPT.search(code)):
            return failure("invalid_prompt", "it rejects the content of the prompt")
        if status in (400, 402, 403, 429) and (status == 402 or _SPENT.search(f"{code} {text}")):
            return failure("rate_limit_exceeded", "its quota is exhausted")
        if status in (401, 403) or (status == 400 and _KEY.search(text)):
            check = "check its api_key" if self._has_key else "it requires a key, and no api_key is configured"
            return failure("authentication_error", check)
        if status == 404 or (status in (400, 422) and _NO_MODEL.search(f"{code} {text}")):
            what = f"it has no model {model!r}, or its" if model else "its"
            return failure("model_not_found", f"{what} base_url is wrong")
        if status == 408:
            return failure("timeout", "the request timed out", retryable=True)
        if status == 429:
            return failure("rate_limit_exceeded", "too many requests", retryable=True, waits=True)
        if code in _BAD_OUTPUT:
            return failure("server_error", "the model wrote an answer that its server cannot parse", retryable=True)
        if status >= 500 or status in _CONFLICTS:
            waits = status in _TEMPORARY or _TEMPORARY_TEXT.search(text) is not None
            why = "it is temporarily unavailable" if waits else "it failed"
            return failure("server_error", why, retryable=True, waits=waits)
        if status < 400:
            return failure("connection_error", "redirects are not followed; check its base_url")
        return failure("invalid_request", "it rejected the request")
