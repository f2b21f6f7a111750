"""What the operator, and for hardenings a test, decides of the local sandbox."""

from dataclasses import dataclass, field
from pathlib import Path

from projectdavid.ports.sandbox import Level, Limits
from projectdavid.sandboxes.local.jail.hardening import Hardening

LIBRARIES = ("numpy", "pandas", "matplotlib.pyplot", "scipy", "openpyxl", "PIL.Image", "sklearn")
"""What is in memory when a session starts; those that the interpreter does not have are left out."""


@dataclass(frozen=True)
class Options:
    """How sessions are made, and how many."""

    python: Path | None = None
    """The interpreter of the sessions; None: that of the server."""
    minimum: Level = Level.NAMESPACES
    """Below this level nothing is opened."""
    sessions: int = 64
    spares: int = 2
    """Sessions of Python that wait ready, for the first call not to wait."""
    uid: int = 310_000
    """The user, and group, that all of it runs as where the server runs as root."""
    preload: tuple[str, ...] = LIBRARIES
    limits: Limits = field(default_factory=Limits)
    """Of the spares: a session with other limits is made when it is asked for."""
    bubblewrap: Path | None = None
    """None: it is looked for in the usual folders."""
    lifetime_sessions: int = 500
    """So many sessions share the addresses and the hash seed of one zygote."""
    lifetime_seconds: float = 3600.0
    """And for so long."""
    hardening: Hardening = field(default_factory=Hardening)
