"""What the reading of one file may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a file and of its text, bytes of memory beside what the reader has anyway, and seconds of a processor.

    On the clock, a file may take twice those seconds.
    """

    size: int = 512 << 20
    text: int = 64 << 20
    memory: int = 1 << 30
    seconds: int = 60


USUAL = Limits()
