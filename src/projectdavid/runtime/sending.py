"""One attempt to send a webhook: where to, how it is signed, and what the answer means.

Source: Standard Webhooks, sections "Signature scheme" and "Deliverability and reliability".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import msgspec
from pydantic import ValidationError
from standardwebhooks import Webhook

from projectdavid.outbound import OutboundError, Reply
from projectdavid.ports.store import Row
from projectdavid.protocol.runs import ToolOutputs
from projectdavid.runtime.webhooks import ACTION_REQUIRED

Outputs = tuple[tuple[str, str], ...]
"""Pairs of call id and output."""

GONE = 410
DISABLED = "The receiver answered 410 (gone), so nothing more is sent; set webhook_url again to go on."


class Post(Protocol):
    """Whoever sends a body to a URL; the guard does."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send it once; an answer of any status is an answer.

        Raises:
            OutboundError: there was no answer, or the URL may not be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to; delivered if it has no `error`."""

    status: int | None = None
    """Of the answer."""
    error: str | None = None
    final: bool = False
    """Whether trying again is pointless."""
    retry_after: float = 0.0
    """Seconds to wait at least."""
    outputs: Outputs = ()
    """What the answer says to the calls of the event."""
    note: str | None = None


async def attempt(post: Post, delivery: Row, target: Row | None, now: float) -> Outcome:
    """Send a delivery to its target (a row of `delivery_target`) once."""
    if target is None:
        return Outcome(error="The assistant was deleted.", final=True)
    if target.url is None:
        return Outcome(error="The assistant has no webhook_url any more.", final=True)
    if target.disabled_at is not None:
        return Outcome(error=DISABLED, final=True)
    secrets: list[str] = msgspec.json.decode(target.secrets)
    if not secrets:
        return Outcome(error="The assistant has no secret to sign with; rotate its secret to make one.")
    try:
        reply = await post.post(target.url, delivery.body.encode(), signed(delivery.id, delivery.body, secrets, now))
    except OutboundError as error:
        return Outcome(error=str(error))
    return judged(reply, delivery, now)


def signed(event_id: str, body: str, secrets: list[str], now: float) -> dict[str, str]:
    """The headers of a webhook, signed with each of the secrets."""
    at = datetime.fromtimestamp(int(now), UTC)
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, at, body) for secret in secrets),
    }


def judged(reply: Reply, delivery: Row, now: float) -> Outcome:
    """What an answer means."""
    status = reply.status
    if status == GONE:
        return Outcome(status, DISABLED, final=True)
    if not 200 <= status < 300:
        return Outcome(
            status, f"The receiver answered {status}.", retry_after=_seconds(reply.headers.get("retry-after"), now)
        )
    try:
        outputs = _outputs(reply.body)
        if delivery.event != ACTION_REQUIRED:
            return Outcome(status, note="The outputs were ignored: this event asks for none." if outputs else None)
        _see_asked(outputs, delivery)
    except ValueError as error:
        return Outcome(status, str(error))
    return Outcome(status, outputs=outputs)


def _outputs(body: bytes) -> Outputs:
    """The outputs that an answer carries; none where it says nothing of any.

    Raises:
        ValueError: it says something of them, but not as it should.
    """
    if b'"tool_outputs"' not in body:
        return ()
    try:
        answer: Any = msgspec.json.decode(body)
    except ValueError:
        raise ValueError("The answer speaks of tool_outputs, but is not valid JSON.") from None
    if not (isinstance(answer, dict) and "tool_outputs" in answer):
        return ()
    try:
        given = ToolOutputs.model_validate({"tool_outputs": answer["tool_outputs"]}).tool_outputs
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"The answer's tool_outputs cannot be read: {where}: {first['msg']}.") from None
    return tuple((one.tool_call_id, one.output) for one in given)


def _see_asked(outputs: Outputs, delivery: Row) -> None:
    """Check that each output answers another call of the event.

    Raises:
        ValueError: one does not.
    """
    left = [call["id"] for call in msgspec.json.decode(delivery.body)["data"]["tool_calls"]] if outputs else []
    for call_id, _ in outputs:
        if call_id not in left:
            raise ValueError(f"The answer has an output for '{call_id}', which the event does not ask for (again).")
        left.remove(call_id)


def _seconds(retry_after: str | None, now: float) -> float:
    """Seconds that a `Retry-After` asks for, given as such or as a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return 0.0
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        date = parsedate_to_datetime(retry_after)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0
