"""One attempt to deliver a webhook: its target, its signature, and the meaning of the response.

Source: Standard Webhooks, sections "Signature scheme" and "Deliverability and reliability".
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Protocol

import msgspec
from pydantic import ValidationError
from standardwebhooks import Webhook

from projectdavid.egress import GuardedReply, OutboundError
from projectdavid.engine.run import CallDecision
from projectdavid.ports.rows import DueDeliveryRow, WebhookTargetRow
from projectdavid.protocol.approvals import ToolApproval
from projectdavid.protocol.runs import ToolOutputs
from projectdavid.runtime.runs.webhooks import ACTION_REQUIRED, APPROVAL_REQUIRED

Outputs = tuple[tuple[str, str], ...]
"""Pairs of call id and output."""


@dataclass(frozen=True, slots=True)
class CallAnswers:
    """Outputs of calls and decisions about calls, as a receiver sends them."""

    outputs: Outputs = ()
    decisions: tuple[CallDecision, ...] = ()

    @property
    def call_ids(self) -> list[str]:
        """The calls that it answers, in order."""
        return [*(call_id for call_id, _ in self.outputs), *(one.call_id for one in self.decisions)]

    def only(self, outputs: Set[str], decisions: Set[str]) -> "CallAnswers":
        """Return the outputs and the decisions for these calls."""
        return CallAnswers(
            tuple(pair for pair in self.outputs if pair[0] in outputs),
            tuple(one for one in self.decisions if one.call_id in decisions),
        )


NO_ANSWERS = CallAnswers()
BY_WEBHOOK = "webhook"

ANSWERABLE = frozenset({ACTION_REQUIRED, APPROVAL_REQUIRED})
"""Events whose responses can have outputs or decisions."""
FIELDS = ("tool_outputs", "tool_approvals")
GONE = 410
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
DISABLED = "The receiver responded with status 410 (gone), so deliveries are stopped; set webhook_url again to resume."


class PostFunction(Protocol):
    """Sends a body to a URL; implemented by the guard."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> GuardedReply:
        """Send it once and return the response, whatever its status.

        Raises:
            OutboundError: there was no response, or the URL is not allowed.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The outcome of one attempt; delivered if it has no `error`."""

    status: int | None = None
    """Status of the response."""
    error: str | None = None
    final: bool = False
    """Whether a retry is pointless."""
    retry_after: float = 0.0
    """Minimum seconds until a retry."""
    answers: CallAnswers = NO_ANSWERS
    """Outputs and decisions in the response for calls of the event."""
    note: str | None = None


async def attempt(
    post: PostFunction,
    delivery: DueDeliveryRow,
    target: WebhookTargetRow | None,
    now: float,
    extra: Mapping[str, str] = _NO_HEADERS,
) -> DeliveryOutcome:
    """Send a delivery to its target (a row of `delivery_target`) once; `extra` headers are not signed."""
    if target is None:
        return DeliveryOutcome(error="The assistant was deleted.", final=True)
    if target.url is None:
        return DeliveryOutcome(error="The assistant no longer has a webhook_url.", final=True)
    if target.disabled_at is not None:
        return DeliveryOutcome(error=DISABLED, final=True)
    secrets: list[str] = msgspec.json.decode(target.secrets)
    if not secrets:
        return DeliveryOutcome(error="The assistant has no signing secret; rotate its secret to create one.")
    try:
        signed = sign_headers(delivery.id, delivery.body, secrets, now)
        reply = await post.post(target.url, delivery.body.encode(), {**extra, **signed})
    except OutboundError as error:
        return DeliveryOutcome(error=str(error))
    return parse_reply(reply, delivery, now)


def sign_headers(event_id: str, body: str, secrets: list[str], now: float) -> dict[str, str]:
    """Return the headers of a webhook, with a signature per secret."""
    at = datetime.fromtimestamp(int(now), UTC)
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, at, body) for secret in secrets),
    }


def parse_reply(reply: GuardedReply, delivery: DueDeliveryRow, now: float) -> DeliveryOutcome:
    """Parse a response."""
    status = reply.status
    if status == GONE:
        return DeliveryOutcome(status, DISABLED, final=True)
    if not 200 <= status < 300:
        return DeliveryOutcome(
            status,
            f"The receiver responded with status {status}.",
            retry_after=_parse_retry_after(reply.headers.get("retry-after"), now),
        )
    try:
        answers = _parse_answers(reply.body)
        if delivery.event not in ANSWERABLE:
            note = "The outputs were ignored: this event does not request any." if answers.call_ids else None
            return DeliveryOutcome(status, note=note)
        _check_requested(answers, delivery)
    except ValueError as error:
        return DeliveryOutcome(status, str(error))
    return DeliveryOutcome(status, answers=answers)


def _parse_answers(body: bytes) -> CallAnswers:
    """Parse the outputs and decisions in a response; empty if it has none.

    Raises:
        ValueError: it has some, but they are malformed.
    """
    named = [name for name in FIELDS if f'"{name}"'.encode() in body]
    if not named:
        return NO_ANSWERS
    try:
        answer: Any = msgspec.json.decode(body)
    except ValueError:
        raise ValueError(f"The response contains {named[0]}, but is not valid JSON.") from None
    given = {name: answer[name] for name in FIELDS if name in answer} if isinstance(answer, dict) else {}
    if not given:
        return NO_ANSWERS
    try:
        parsed = ToolOutputs.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        name = first["loc"][0] if first["loc"] else named[0]
        raise ValueError(f"The response's {name} are invalid: {field}: {first['msg']}.") from None
    outputs = tuple((one.tool_call_id, one.output) for one in parsed.tool_outputs)
    return CallAnswers(outputs, tuple(_to_decision(one) for one in parsed.tool_approvals))


def _to_decision(one: ToolApproval) -> CallDecision:
    verdict = "approved" if one.approve else "denied"
    return CallDecision(one.tool_call_id, verdict, BY_WEBHOOK, one.reason or "", digest=one.digest)


def _check_requested(answers: CallAnswers, delivery: DueDeliveryRow) -> None:
    """Check that each output or decision answers a different call of the event.

    Raises:
        ValueError: one does not.
    """
    if not answers.call_ids:
        return
    data = msgspec.json.decode(delivery.body)["data"]
    asked = [call["id"] for call in data.get("tool_calls", ())]
    gated = [approval["tool_call_id"] for approval in data.get("approvals", ())]
    for what, call_ids, left in (
        ("an output", [call_id for call_id, _ in answers.outputs], asked),
        ("a decision", [one.call_id for one in answers.decisions], gated),
    ):
        for call_id in call_ids:
            if call_id not in left:
                raise ValueError(
                    f"The response has {what} for '{call_id}', which the event does not request, or requests only once."
                )
            left.remove(call_id)


def _parse_retry_after(retry_after: str | None, now: float) -> float:
    """Parse `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return 0.0
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        date = parsedate_to_datetime(retry_after)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0
