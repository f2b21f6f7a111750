"""The secret of an assistant's webhook: given or generated, returned once, and replaced with an overlap."""

from dataclasses import dataclass

from projectdavid.api.requests.authentication import Caller
from projectdavid.ports import queries
from projectdavid.ports.rows import WebhookSecretRow
from projectdavid.ports.store import Op, RowMissing
from projectdavid.protocol.webhooks import DAY, shown_secret, signing_key

KEY_BYTES = 32
ONCE = {"cache-control": "no-store"}
"""Headers of a response that contains a secret."""


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A secret to return, the operations that store it, and the time until which the previous one also signs."""

    shown: str
    ops: tuple[Op, ...]
    previous_until: int | None = None


async def choose_secret(
    caller: Caller, assistant_id: str, given: str | None, *, url: str | None
) -> WebhookSecret | None:
    """Return the secret set by a change of an assistant: the given one, or a first one if it has a URL."""
    if given is None and (url is None or (not caller.done and await _current(caller, assistant_id) is not None)):
        return None
    return await replace_secret(caller, assistant_id, given, DAY)


async def replace_secret(caller: Caller, assistant_id: str, given: str | None, overlap: int) -> WebhookSecret:
    """Return a new secret; the previous one, if any, also signs for `overlap` seconds."""
    now = int(caller.now)
    shown = shown_secret(caller.random(KEY_BYTES) if given is None else signing_key(given))
    before = await _current(caller, assistant_id)
    if before is not None and before.secret == shown:
        return WebhookSecret(shown, (), before.previous_until)
    missing = RowMissing("assistant", assistant_id)
    ops = (
        Op(queries.WEBHOOK_SECRETS_RETIRE, {"assistant_id": assistant_id, "until": now + overlap}),
        Op(queries.WEBHOOK_SECRET_INSERT, {"assistant_id": assistant_id, "secret": shown, "now": now}, missing),
    )
    return WebhookSecret(shown, ops, None if before is None else now + overlap)


async def _current(caller: Caller, assistant_id: str) -> WebhookSecretRow | None:
    return await caller.view.one(queries.WEBHOOK_SECRET, assistant_id=assistant_id)
