"""Third-party modules that are imported on first use, because their import is slow."""

from importlib import import_module
from typing import Any


class LazyModule:
    """A proxy for a module, which imports it when an attribute is first used.

    Modules write `if TYPE_CHECKING: import x`, `else: x = LazyModule("x")`, so type checkers see the module itself.
    """

    def __init__(self, name: str) -> None:
        self._lazy_name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self._lazy_name), name)
        setattr(self, name, value)
        return value
