"""Ids of the dialect. Most kinds have a prefix, and ids with another prefix are rejected."""

from typing import Annotated

from pydantic import Field

from projectdavid.protocol.base import Id

BEGINNINGS = {"assistant": "asst", "thread": "thread", "message": "msg", "run": "run", "step": "step"}
"""Kinds without a fixed prefix: owners can choose ids of vector stores, and ids of files had other prefixes."""


def pattern_of(kind: str) -> dict[str, str]:
    """Return the id pattern of a kind for the API description; the server's own error messages replace it."""
    return {"pattern": f"^{BEGINNINGS[kind]}"}


AssistantId = Annotated[Id, Field(json_schema_extra={"pattern": r"^asst[A-Za-z0-9_-]{0,60}$"})]
"""An assistant's id in a body."""
