"""Web service: the search engine and access to pages."""

from dataclasses import dataclass
from typing import Any

from projectdavid.egress import EgressGuard
from projectdavid.ports.websearch import WebSearchEngine as Engine
from projectdavid.tools.web_pages import PageReader


@dataclass(frozen=True, slots=True)
class WebService:
    """The search engine, if configured, and access to pages."""

    engine: Engine | None
    guard: EgressGuard
    pages: PageReader
    shortcoming: str | None
    """Warning for users of the tools, or None."""

    def health(self) -> dict[str, Any]:
        """Return which search engine is configured."""
        return {"engine": None if self.engine is None else self.engine.name}

    async def close(self) -> None:
        """Close all connections."""
        await self.guard.close()
        if self.engine is not None:
            await self.engine.close()
