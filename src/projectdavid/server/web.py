"""What a platform has of the web: the engine that searches it, and the way to its pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from projectdavid.outbound import Guard
from projectdavid.ports.tool import Tool
from projectdavid.ports.websearch import WebSearch as Engine


@dataclass(frozen=True, slots=True)
class Web:
    """The engine, if there is one, the way to pages, and the tools that need them."""

    engine: Engine | None
    guard: Guard
    tools: Mapping[str, Tool]
    shortcoming: str | None
    """What users of the tools have to know; None: nothing."""

    def health(self) -> dict[str, Any]:
        """Which engine there is."""
        return {"engine": None if self.engine is None else self.engine.name}

    async def close(self) -> None:
        """Give back all connections."""
        await self.guard.close()
        if self.engine is not None:
            await self.engine.close()
