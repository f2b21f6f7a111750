"""Fair shares of proxy connections: limits per session, per owner and in total."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProxyConnectionLimits:
    """Maximum numbers of open connections."""

    total: int = 256
    """In total."""
    owner: int = 64
    """Per owner."""
    session: int = 32
    """Per session."""


DEFAULT = ProxyConnectionLimits()


class ShareExhausted(Exception):
    """A connection exceeds a limit, which the message names."""


class ConnectionShares:
    """Counts open connections, and rejects those that exceed a share.

    An owner also leaves at least as many connections free as they hold, so no owner can keep another from opening one.
    """

    def __init__(self, limits: ProxyConnectionLimits = DEFAULT) -> None:
        self._limits = limits
        self._owners: Counter[str] = Counter()
        self._sessions: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def hold(self, owner: str, session: str) -> Generator[None]:
        """Count one connection of a session while it is open.

        Raises:
            ShareExhausted: the session, the owner or the server has too many.
        """
        self._check(owner, session)
        self._owners[owner] += 1
        self._sessions[owner, session] += 1
        try:
            yield
        finally:
            self._owners[owner] -= 1
            self._sessions[owner, session] -= 1
            self._owners += Counter()  # removes zero counts
            self._sessions += Counter()

    def _check(self, owner: str, session: str) -> None:
        held, limits = self._owners[owner], self._limits
        free = limits.total - self._owners.total()
        if self._sessions[owner, session] >= limits.session:
            raise ShareExhausted(f"This session has {limits.session} open connections, its limit. Close some first.")
        if held >= limits.owner:
            raise ShareExhausted(
                f"The sandboxes of this user have {held} open connections, the limit of each user. Close some first."
            )
        if free <= 0 or (held and held >= free):
            raise ShareExhausted(
                f"The sandboxes of this user have {held} open connections, and {free} of {limits.total} are free for"
                " all users of this server: a user can hold as many as are free. Close some, or try again later."
            )
