"""The secret of an assistant's webhook: given or made, told once, and replaced with an overlap."""

from dataclasses import dataclass

from projectdavid.ports.store import Missing, Op, Row
from projectdavid.protocol.webhooks import DAY, shown_secret, signing_key
from projectdavid.server.auth import Caller

KEY_BYTES = 32
ONCE = {"cache-control": "no-store"}
"""The headers of an answer that shows a secret."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret to be shown, what is to be written for it, and until when the one before it signs, too."""

    shown: str
    ops: tuple[Op, ...]
    previous_until: int | None = None


async def wanted(caller: Caller, assistant_id: str, given: str | None, *, url: str | None) -> Secret | None:
    """The secret that a change of an assistant brings: the one that is given, or a first one where it has a URL."""
    if given is None and (url is None or (not caller.done and await _current(caller, assistant_id) is not None)):
        return None
    return await replaced(caller, assistant_id, given, DAY)


async def replaced(caller: Caller, assistant_id: str, given: str | None, overlap: int) -> Secret:
    """Another secret; the one before it, if there is one, signs beside it for `overlap` seconds."""
    now = int(caller.now)
    shown = shown_secret(caller.random(KEY_BYTES) if given is None else signing_key(given))
    before = await _current(caller, assistant_id)
    if before is not None and before.secret == shown:
        return Secret(shown, (), before.previous_until)
    missing = Missing("assistant", assistant_id)
    ops = (
        Op("webhook_secrets_retire", {"assistant_id": assistant_id, "until": now + overlap}),
        Op("webhook_secret_insert", {"assistant_id": assistant_id, "secret": shown, "now": now}, missing),
    )
    return Secret(shown, ops, None if before is None else now + overlap)


async def _current(caller: Caller, assistant_id: str) -> Row | None:
    return await caller.view.one("webhook_secret", assistant_id=assistant_id)
