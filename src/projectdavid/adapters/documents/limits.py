"""Limits for reading one file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """Bytes of a file and of its text, additional bytes of memory, and seconds of CPU time.

    The wall-clock limit is twice the CPU limit, plus `recognition` seconds for text recognition.
    """

    size: int = 512 << 20
    text: int = 64 << 20
    memory: int = 1 << 30
    seconds: int = 60
    recognition: int = 0

    @property
    def clock(self) -> int:
        """Wall-clock limit in seconds."""
        return 2 * self.seconds + self.recognition


USUAL = ReaderLimits()
