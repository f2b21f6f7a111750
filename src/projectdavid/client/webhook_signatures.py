"""Verification of webhooks at the receiver."""

import os
from collections.abc import Mapping

from pydantic import ValidationError
from standardwebhooks import Webhook
from standardwebhooks import WebhookVerificationError as NotVerified

from projectdavid.client.errors import InvalidInputError, WebhookVerificationError
from projectdavid.protocol.webhooks import WebhookEvent, signing_key

SECRET_VARIABLE = "PROJECTDAVID_WEBHOOK_SECRET"  # noqa: S105 - where the secret is


def verify_webhook(headers: Mapping[str, str], body: bytes | str, secret: str | None = None) -> WebhookEvent:
    """Verify a webhook and return its event. The signature must be valid and at most 5 minutes old.

    Args:
        headers: the request's headers; names are case-insensitive.
        body: the request's body, as raw bytes.
        secret: the webhook secret of the assistant; by default `PROJECTDAVID_WEBHOOK_SECRET`.

    Raises:
        WebhookVerificationError: the signature is invalid or too old; respond with 401.
        InvalidInputError: no secret was given.
    """
    key = signing_key(secret or os.environ.get(SECRET_VARIABLE, ""))
    if not key:
        raise InvalidInputError(f"no secret: pass it to verify, or set {SECRET_VARIABLE}")
    try:
        Webhook(key).verify(body, dict(headers), json_parse=False)
    except (NotVerified, ValueError, TypeError, AttributeError) as error:
        # The library raises these for a malformed signature.
        reason = str(error) if isinstance(error, NotVerified) else "The signature cannot be read"
        raise WebhookVerificationError(f"{reason}.") from None
    try:
        return WebhookEvent.model_validate_json(body)
    except ValidationError:
        raise WebhookVerificationError("The signature is valid, but the body is not an event.") from None
