"""What the supervisor is started with, as the server sends it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .hardening import Hardening


@dataclass(frozen=True)
class Setup:
    """Everything that the server decides."""

    python: str
    """The interpreter of the sessions."""
    bubblewrap: str
    agent: str
    """The folder of the package `agent`."""
    uid: int
    sessions: int
    """At once, at most."""
    spares: int
    libraries: tuple[str, ...]
    limits: dict[str, int]
    """What spare sessions are made with."""
    lifetime_sessions: int
    """After so many sessions there is a new zygote: those of one share addresses, and seeds of hashes."""
    lifetime_seconds: float
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """Of the server; empty but in a test of what an unclean one is worth."""
    hardening: Hardening = field(default_factory=Hardening)

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Setup":
        """Of what travelled."""
        fields: dict[str, Any] = dict(body)
        fields["libraries"] = tuple(body["libraries"])
        fields["hardening"] = Hardening(**body["hardening"])
        return cls(**fields)


@dataclass(frozen=True)
class Bind:
    """A folder or file of the host, where it is reached from here, and where it shall be inside."""

    source: str
    target: str


def of_interpreter(found: dict[str, Any]) -> tuple[str, ...]:
    """The folders and files that an interpreter needs beside `/usr`, of what it says of itself."""
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
