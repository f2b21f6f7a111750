"""The configuration with which the server starts the supervisor."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .hardening_switches import HardeningSwitches


@dataclass(frozen=True)
class SupervisorSetup:
    """Everything that the server decides."""

    python: str
    """The interpreter of the sessions."""
    bubblewrap: str
    agent: str
    """The folder of the package `agent`."""
    wheels: str
    """A read-only folder of wheels for sessions; empty without one."""
    uid: int
    sessions: int
    """Maximum number of simultaneous sessions."""
    spares: int
    libraries: tuple[str, ...]
    limits: dict[str, int]
    """Configuration of spare sessions."""
    lifetime_sessions: int
    """Number of sessions before a new zygote is started: those of one share address layout and hash seed."""
    lifetime_seconds: float
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """Environment of the server; only set in a test of an insecure one."""
    hardening: HardeningSwitches = field(default_factory=HardeningSwitches)

    @classmethod
    def of(cls, body: dict[str, Any]) -> "SupervisorSetup":
        """Parse a message."""
        fields: dict[str, Any] = dict(body)
        fields["libraries"] = tuple(body["libraries"])
        fields["hardening"] = HardeningSwitches(**body["hardening"])
        return cls(**fields)


@dataclass(frozen=True)
class BindMount:
    """A folder or file of the host: its path here, and its path inside."""

    source: str
    target: str


def of_interpreter(found: dict[str, Any]) -> tuple[str, ...]:
    """Return the folders and files that an interpreter needs besides `/usr`, from its own description."""
    places: dict[str, None] = {}
    real = Path(found["executable"]).resolve()
    for prefix in (found["prefix"], found["base_prefix"], real.parents[1]):
        for name in ("bin", "lib", "lib64", "share", "pyvenv.cfg"):
            place = Path(prefix, name)
            if place.exists() and not place.is_symlink():
                places[str(place)] = None
    for name in (found["stdlib"], found["site"], real.parent):
        if Path(name).exists():
            places[str(name)] = None
    kept: list[str] = []
    for place in sorted(places):
        if not any(_within(place, outer) for outer in [*kept, "/usr", "/bin", "/lib"]):
            kept.append(place)
    return tuple(kept)


def _within(place: str, outer: str) -> bool:
    return place == outer or place.startswith(outer + "/")
