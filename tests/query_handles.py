"""Handles of queries by name, for tests that run over tables of them."""

from typing import Any

from projectdavid.ports import queries


def handle(name: str) -> Any:
    """Return the handle of a query: `run`, or `runs_page.asc`."""
    query, _, way = name.partition(".")
    found = getattr(queries, query.upper())
    return getattr(found, way) if way else found
