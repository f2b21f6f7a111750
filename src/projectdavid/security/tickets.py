"""Tickets for a thread's terminal.

A viewer ticket opens one WebSocket connection, for browsers, which cannot send an API key. With a relay ticket, a
process of the installation gets the output from the process with the terminal.
"""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

import msgspec

LIFETIME = 30
"""Seconds in which a ticket can open its connection; the connection itself stays open."""
SIZE_LIMIT = 1024
"""Maximum characters of a ticket; longer ones are rejected unread."""

_VIEWER = b"computer.watch\0"
"""Separates tickets from other data signed with the server's secret."""
_RELAY = b"terminal.relay\0"
"""The same for relay tickets."""


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
        return _sign(content, secret, _VIEWER)


@dataclass(frozen=True, slots=True)
class RelayTicket:
    """Grants a process the output of a thread's terminal from a worker, if it connects before a time."""

    worker: str
    thread_id: str
    expires_at: float

    def sign(self, secret: bytes) -> str:
        """Serialize and sign the ticket."""
        return _sign(msgspec.json.encode([self.worker, self.thread_id, self.expires_at]), secret, _RELAY)


def read_ticket(text: str, secret: bytes, now: float) -> ViewerTicket:
    """Verify and parse a ticket.

    Raises:
        InvalidTicket: the ticket is invalid or expired.
    """
    ticket = ViewerTicket(*msgspec.json.decode(_content(text, secret, _VIEWER)))
    if now >= ticket.expires_at:
        raise InvalidTicket(f"The token has expired; tokens are valid for {LIFETIME} seconds. Get a new one.")
    return ticket


def read_relay_ticket(text: str, secret: bytes, now: float) -> RelayTicket:
    """Verify and parse a relay ticket.

    Raises:
        InvalidTicket: the ticket is invalid or expired.
    """
    ticket = RelayTicket(*msgspec.json.decode(_content(text, secret, _RELAY)))
    if now >= ticket.expires_at:
        raise InvalidTicket("The ticket has expired.")
    return ticket


def _content(text: str, secret: bytes, purpose: bytes) -> bytes:
    """Return the payload of a ticket with a valid signature.

    Raises:
        InvalidTicket: the signature is invalid.
    """
    if len(text) <= SIZE_LIMIT:
        first, _, second = text.partition(".")
        try:
            content, signature = _bytes(first), _bytes(second)
        except ValueError:
            pass
        else:
            if hmac.compare_digest(signature, _signature(content, secret, purpose)):
                return content
    raise InvalidTicket("The token was not issued by this server.")


def _sign(content: bytes, secret: bytes, purpose: bytes) -> str:
    return f"{_text(content)}.{_text(_signature(content, secret, purpose))}"


def _signature(content: bytes, secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose + content, "sha256")


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
