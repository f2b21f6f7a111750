"""Tickets: let a browser, which cannot send a key with a WebSocket, open one connection to one thread's terminal."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

import msgspec

LIFETIME = 30
"""Seconds from when it is made until it opens nothing any more; what it opened stays open."""
SIZE_LIMIT = 1024
"""Characters; of another's that are more, nothing is looked at."""

_PURPOSE = b"computer.watch\0"
"""So that nothing else which is signed with the server's secret is a ticket."""


class NoTicket(Exception):
    """It is none of this server, or its time is over; the message says which."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who may watch which thread, until when; the key that asked for it; and the id by which its use is recorded."""

    owner: str
    thread_id: str
    key_prefix: str
    expires_at: float
    id: str = field(default_factory=lambda: os.urandom(16).hex())

    def signed(self, secret: bytes) -> str:
        """The text of it, which only who has the secret can make."""
        content = msgspec.json.encode([self.owner, self.thread_id, self.key_prefix, self.expires_at, self.id])
        return f"{_text(content)}.{_text(_signature(content, secret))}"


def ticket_of(text: str, secret: bytes, now: float) -> Ticket:
    """The ticket that a text is.

    Raises:
        NoTicket: it is none, or none any more.
    """
    content = _content(text, secret) if len(text) <= SIZE_LIMIT else None
    if content is None:
        raise NoTicket("The token is none of this server.")
    ticket = Ticket(*msgspec.json.decode(content))
    if now >= ticket.expires_at:
        raise NoTicket(f"The token is expired: it opens one connection, for {LIFETIME} seconds. Get another.")
    return ticket


def _content(text: str, secret: bytes) -> bytes | None:
    """What is signed, if it is signed by us."""
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
