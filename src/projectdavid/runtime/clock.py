"""The clock of the runtime."""

from collections.abc import Callable

Clock = Callable[[], float]
"""Returns the time in Unix seconds."""
