"""Fair shares of the connections that sandboxes make: bounds for each session, each owner and all together."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections can be open at once."""

    total: int = 256
    """Of all sandboxes."""
    owner: int = 64
    """Of the sandboxes of one owner."""
    session: int = 32
    """Of one session."""


DEFAULT = ConnectionLimits()


class ShareExhausted(Exception):
    """A connection is one too many; the message names whose limit it is."""


class ConnectionShares:
    """Counts open connections, and refuses those that exceed a share.

    An owner also leaves at least as many connections free as they hold, so one owner who takes all they can never
    keeps another from opening their first.
    """

    def __init__(self, limits: ConnectionLimits = DEFAULT) -> None:
        self._limits = limits
        self._owners: Counter[str] = Counter()
        self._sessions: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def hold(self, owner: str, session: str) -> Generator[None]:
        """Count one connection of a session of an owner while it is open.

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
            self._owners += Counter()  # forgets those that have none
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
