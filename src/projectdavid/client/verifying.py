"""Whether a webhook was sent by the platform: for whoever receives it."""

import os
from collections.abc import Mapping

from pydantic import ValidationError
from standardwebhooks import Webhook
from standardwebhooks import WebhookVerificationError as NotVerified

from projectdavid.client.errors import WebhookVerificationError
from projectdavid.protocol.webhooks import WebhookEvent, signing_key

SECRET_VARIABLE = "PROJECTDAVID_WEBHOOK_SECRET"  # noqa: S105 - where the secret is


def verify_webhook(headers: Mapping[str, str], body: bytes | str, secret: str | None = None) -> WebhookEvent:
    """The event that a webhook brings, once its signature is found to be right and at most 5 minutes old.

    Args:
        headers: of the request; in any case.
        body: of the request, as the bytes that came.
        secret: as it was given to the assistant, or shown when it was made; by default `PROJECTDAVID_WEBHOOK_SECRET`.

    Raises:
        WebhookVerificationError: somebody else sent it, or it is too old: answer with 401 or the like.
        ValueError: there is no secret.
    """
    key = signing_key(secret or os.environ.get(SECRET_VARIABLE, ""))
    if not key:
        raise ValueError(f"no secret: give it to verify, or set {SECRET_VARIABLE}")
    try:
        Webhook(key).verify(body, dict(headers), json_parse=False)
    except (NotVerified, ValueError) as error:
        # What is no signature at all makes the library stumble.
        reason = str(error) if isinstance(error, NotVerified) else "The signature cannot be read"
        raise WebhookVerificationError(f"{reason}.") from None
    try:
        return WebhookEvent.model_validate_json(body)
    except ValidationError:
        raise WebhookVerificationError("The signature is right, but the body is no event.") from None
