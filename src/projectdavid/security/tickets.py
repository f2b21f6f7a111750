"""Viewer tickets: one WebSocket connection to a thread's terminal, for browsers, which cannot send an API key."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

import msgspec

LIFETIME = 30
"""Seconds in which a ticket can open its connection; the connection itself stays open."""
SIZE_LIMIT = 1024
"""Maximum characters of a ticket; longer ones are rejected unread."""

_PURPOSE = b"computer.watch\0"
"""Separates tickets from other data signed with the server's secret."""


class InvalidTicket(Exception):
    """The ticket is invalid or expired; the message says which."""


@dataclass(frozen=True, slots=True)
class ViewerTicket:
    """Grants a user access to a thread's terminal until a time; `id` records its single use."""

    owner: str
    thread_id: str
    key_prefix: str
    expires_at: float
    id: str = field(default_factory=lambda: os.urandom(16).hex())

    def sign(self, secret: bytes) -> str:
        """Serialize and sign the ticket."""
        content = msgspec.json.encode([self.owner, self.thread_id, self.key_prefix, self.expires_at, self.id])
        return f"{_text(content)}.{_text(_signature(content, secret))}"


def read_ticket(text: str, secret: bytes, now: float) -> ViewerTicket:
    """Verify and parse a ticket.

    Raises:
        InvalidTicket: the ticket is invalid or expired.
    """
    content = _content(text, secret) if len(text) <= SIZE_LIMIT else None
    if content is None:
        raise InvalidTicket("The token was not issued by this server.")
    ticket = ViewerTicket(*msgspec.json.decode(content))
    if now >= ticket.expires_at:
        raise InvalidTicket(f"The token has expired; tokens are valid for {LIFETIME} seconds. Get a new one.")
    return ticket


def _content(text: str, secret: bytes) -> bytes | None:
    """Return the payload if the signature is valid; otherwise None."""
    first, _, second = text.partition(".")
    try:
        content, signature = _bytes(first), _bytes(second)
    except ValueError:
        return None
    return content if hmac.compare_digest(signature, _signature(content, secret)) else None


def _signature(content: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + content, "sha256")


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
