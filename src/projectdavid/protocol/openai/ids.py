"""Ids of the dialect: most kinds say by how an id begins what it is of, and nothing else is taken for one."""

from typing import Annotated

from pydantic import Field

from projectdavid.protocol.base import Id

BEGINNINGS = {"assistant": "asst", "thread": "thread", "message": "msg", "run": "run", "step": "step"}
"""Owners may choose the ids of vector stores themselves, and those of files have been called otherwise."""


def pattern_of(kind: str) -> dict[str, str]:
    """What a description says of the ids of a kind; the server says in words of its own what is none."""
    return {"pattern": f"^{BEGINNINGS[kind]}"}


AssistantId = Annotated[Id, Field(json_schema_extra={"pattern": r"^asst[A-Za-z0-9_-]{0,60}$"})]
"""That of an assistant in a body."""
