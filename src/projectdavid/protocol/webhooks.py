"""Webhooks: the events that are sent, what became of each, and the secrets that sign them.

Source: Standard Webhooks, version 1.0.0 (https://github.com/standard-webhooks/standard-webhooks).
"""

import binascii
from base64 import b64decode, b64encode
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.base import WHOLE, Answer, Request

JsonObject = dict[str, Any]

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
MAX_OVERLAP = 604_800
DAY = 86_400

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
WebhookSecret = Annotated[str, StringConstraints(min_length=16, max_length=256, pattern=PRINTABLE)]
"""At least 16 characters: `whsec_` and base64 of the key, or a text, whose UTF-8 bytes are the key."""

OptionalEvent = Literal["run.completed", "run.failed", "run.cancelled", "run.expired", "run.incomplete"]
"""What an assistant's webhook is told if it asks for it, besides `run.action_required`."""


def signing_key(secret: str) -> bytes:
    """The bytes that sign for a secret."""
    text = secret.removeprefix(SECRET_PREFIX)
    if text == secret:
        return secret.encode()
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def shown_secret(key: bytes) -> str:
    """A signing key as it is shown, and as the libraries of receivers take it."""
    return SECRET_PREFIX + b64encode(key).decode()


class WebhookRotate(Request):
    """The body that gives an assistant's webhook another secret; the old one signs beside it for a while."""

    webhook_secret: WebhookSecret | None = None
    """Made if it is left out."""
    overlap_seconds: Annotated[int, Field(ge=0, le=MAX_OVERLAP), WHOLE] = DAY


class WebhookRotated(Answer):
    """The new secret, which is shown this once; `previous_expires_at` is when the old one ends."""

    assistant_id: str
    webhook_secret: str
    previous_expires_at: int | None = None


class Attempt(Answer):
    """One attempt to send a webhook: `status` is that of the answer, `error` why it counts as failed."""

    at: int
    status: int | None = None
    error: str | None = None
    duration_ms: int = 0
    note: str | None = None


DeliveryStatus = Literal["pending", "delivered", "failed"]


class Delivery(Answer):
    """One event for one webhook, and what became of it; `id` is that of the event, the same at each attempt."""

    id: str
    object: Literal["webhook.delivery"] = "webhook.delivery"
    event: str
    assistant_id: str
    run_id: str | None = None
    status: DeliveryStatus
    attempts: int
    created_at: int
    next_attempt_at: int | None = None
    ended_at: int | None = None
    log: list[Attempt] = []
    """The latest 50 attempts."""
    payload: JsonObject | None = None
    """What is sent; null in lists."""


class WebhookCall(Answer):
    """A function call that waits for its output; `idempotency_key` is the same however often it is told."""

    id: str
    name: str
    arguments: JsonObject = {}
    effect: Literal["read", "idempotent", "unsafe"] = "unsafe"
    idempotency_key: str


class WebhookError(Answer):
    """Why a run failed."""

    code: str
    message: str


class WebhookData(Answer):
    """What an event tells: which run, of what, and how it stands. Without a run in `webhook.test`."""

    assistant_id: str
    run_id: str | None = None
    thread_id: str | None = None
    status: str | None = None
    meta_data: JsonObject = {}
    tool_calls: list[WebhookCall] = []
    error: WebhookError | None = None
    incomplete_details: str | None = None


class WebhookEvent(Answer):
    """What a webhook receives; `id` is the same however often it is sent."""

    type: str
    id: str
    timestamp: str
    data: WebhookData
