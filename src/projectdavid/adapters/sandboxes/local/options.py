"""Options of the local sandbox: the operator's, and the hardening switches of tests."""

from dataclasses import dataclass, field
from pathlib import Path

from projectdavid.adapters.sandboxes.local.jail.hardening_switches import HardeningSwitches
from projectdavid.ports.sandbox import IsolationLevel, SandboxLimits

LIBRARIES = ("numpy", "pandas", "matplotlib.pyplot", "scipy", "openpyxl", "PIL.Image", "sklearn")
"""Libraries in memory when a session starts; missing ones are skipped."""


@dataclass(frozen=True)
class SandboxOptions:
    """How sessions are created, and how many."""

    python: Path | None = None
    """The interpreter of the sessions; None for that of the server."""
    wheels: Path | None = None
    """A read-only folder of wheels from which pip can install in a session."""
    minimum: IsolationLevel = IsolationLevel.NAMESPACES
    """The minimum isolation level; below it, no session is opened."""
    sessions: int = 64
    spares: int = 2
    """Number of spare Python sessions, so the first call does not wait."""
    uid: int = 310_000
    """The user and group of all processes if the server runs as root."""
    preload: tuple[str, ...] = LIBRARIES
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    """Limits of the spares: a session with other limits is created on request."""
    bubblewrap: Path | None = None
    """None: searched in the usual folders."""
    lifetime_sessions: int = 500
    """Number of sessions that share the address layout and hash seed of one zygote."""
    lifetime_seconds: float = 3600.0
    """Maximum age of a zygote."""
    hardening: HardeningSwitches = field(default_factory=HardeningSwitches)
