"""Webhooks: events, deliveries and signing secrets.

Source: Standard Webhooks, version 1.0.0 (https://github.com/standard-webhooks/standard-webhooks).
"""

import binascii
from base64 import b64decode, b64encode
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from projectdavid.protocol.base import WHOLE, Answer, Request
from projectdavid.protocol.statuses import status_to_wire

JsonObject = dict[str, Any]

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
MAX_OVERLAP = 604_800
DAY = 86_400

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
WebhookSecret = Annotated[str, StringConstraints(min_length=16, max_length=256, pattern=PRINTABLE)]
"""At least 16 characters: `whsec_` and the key in base64, or a text whose UTF-8 bytes are the key."""

OptionalEvent = Literal["run.completed", "run.failed", "run.cancelled", "run.expired", "run.incomplete"]
"""Optional webhook events, besides `run.action_required`, `run.approval_required` and `run.approval_expired`."""


def signing_key(secret: str) -> bytes:
    """Return the signing key of a secret."""
    text = secret.removeprefix(SECRET_PREFIX)
    if text == secret:
        return secret.encode()
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def shown_secret(key: bytes) -> str:
    """Return a signing key in the form that the libraries of receivers accept."""
    return SECRET_PREFIX + b64encode(key).decode()


class WebhookRotate(Request):
    """The body that replaces a webhook's secret; the old one also signs for a while."""

    webhook_secret: WebhookSecret | None = None
    """Generated if omitted."""
    overlap_seconds: Annotated[int, Field(ge=0, le=MAX_OVERLAP), WHOLE] = DAY


class WebhookRotated(Answer):
    """The new secret, returned only once; `previous_expires_at` is the expiry of the old one."""

    assistant_id: str
    webhook_secret: str
    previous_expires_at: int | None = None


class Attempt(Answer):
    """One attempt to send a webhook: `status` is that of the response, `error` the reason of the failure."""

    at: int
    status: int | None = None
    error: str | None = None
    duration_ms: int = 0
    note: str | None = None


DeliveryStatus = Literal["pending", "delivered", "failed"]


class Delivery(Answer):
    """One event for one webhook, and its status; `id` is that of the event and the same at each attempt."""

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
    """The body; null in lists."""


class WebhookCall(Answer):
    """A function call that waits for its output; `idempotency_key` is the same in each delivery."""

    id: str
    name: str
    arguments: JsonObject = {}
    effect: Literal["read", "idempotent", "unsafe"] = "unsafe"
    idempotency_key: str


class WebhookApproval(Answer):
    """A call that waits for approval, or was decided because the time was over (`verdict`)."""

    approval_id: str
    tool_call_id: str
    tool: str | None = None
    name: str | None = None
    args: JsonObject = {}
    arguments: str | None = None
    effect: Literal["read", "idempotent", "unsafe"] | None = None
    reason: str | None = None
    expires_at: int | None = None
    digest: str | None = None
    verdict: Literal["approved", "denied"] | None = None
    by: str | None = None
    note: str | None = None


class WebhookError(Answer):
    """The reason why a run failed."""

    code: str
    message: str


class WebhookData(Answer):
    """Payload of an event: the run, its thread and assistant, and its status. `webhook.test` has no run."""

    assistant_id: str
    run_id: str | None = None
    thread_id: str | None = None
    status: Annotated[str | None, BeforeValidator(status_to_wire)] = None
    meta_data: JsonObject = {}
    tool_calls: list[WebhookCall] = []
    approvals: list[WebhookApproval] = []
    error: WebhookError | None = None
    incomplete_details: str | None = None


class WebhookEvent(Answer):
    """The body of a webhook; `id` is the same in each delivery."""

    type: str
    id: str
    timestamp: str
    data: WebhookData
