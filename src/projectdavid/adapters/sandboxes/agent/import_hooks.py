"""Hooks after the import of a library: the agent adapts libraries without importing them itself."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Hook = Callable[[Any], None]
"""Receives the imported module."""


class _HookedLoader(Loader):
    """Loads like another loader, then calls the hooks; the module keeps no reference to it."""

    def __init__(self, loader: Any, hooks: Sequence[Hook]) -> None:
        self._loader = loader
        self._hooks = hooks

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        for hook in self._hooks:
            _call(hook, module)


class ImportHooks:
    """A finder on `sys.meta_path` that calls hooks after the first import of each named module."""

    def __init__(self) -> None:
        self._hooks: dict[str, list[Hook]] = {}
        self._finding: set[str] = set()

    def add(self, name: str, hook: Hook) -> None:
        """Call `hook` with the module of this name: now if it is already imported, else after its import."""
        if name in sys.modules:
            _call(hook, sys.modules[name])
            return
        self._hooks.setdefault(name, []).append(hook)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """Find a hooked module as the other finders do."""
        if name not in self._hooks or name in self._finding:
            return None
        self._finding.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._finding.discard(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _HookedLoader(spec.loader, self._hooks[name])
        return spec


def _call(hook: Hook, module: object) -> None:
    # Libraries of other versions must remain importable: a hook that does not fit is skipped.
    try:
        hook(module)
    except Exception:  # noqa: BLE001
        return
