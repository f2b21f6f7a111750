"""Lazily built routes. Building all routes takes longer than the rest of the startup."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import compile_path

from projectdavid.api.requests.direct_routes import DirectRoute


class LazyRoute(APIRoute):
    """Placeholder of a `DirectRoute`, which it builds on first use of anything but path and methods."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        # `super().__init__` would build the route.
        self.path = path
        self.endpoint = endpoint
        self.methods = set(options["methods"])
        self._options = options

    @cached_property
    def route(self) -> DirectRoute:
        """The route."""
        return DirectRoute(self.path, self.endpoint, **self._options)

    @cached_property
    def path_regex(self) -> re.Pattern[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Regular expression of the path."""
        return compile_path(self.path)[0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.route, name)
