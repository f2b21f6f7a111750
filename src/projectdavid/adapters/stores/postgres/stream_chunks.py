"""The chunks of many streams, appended to their journals in one statement."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from projectdavid.adapters.stores.postgres.queries import escape
from projectdavid.ports.rows import PositionRow
from projectdavid.ports.store import AnyRow, Op

APPEND = """
WITH given AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::double precision[], $7::bigint[]
    ) WITH ORDINALITY AS g (run, version, count, kind, data, now, written_ms, place)
),
held AS MATERIALIZED (
    SELECT
        g.run, g.count, g.kind, g.data, g.written_ms, g.place,
        (sum(g.count) OVER (PARTITION BY g.run ORDER BY g.place) - g.count)::bigint AS before
    FROM given AS g JOIN runs AS r ON r.n = g.run AND r.version = g.version AND r.lease_until > store_time(g.now)
),
ends AS MATERIALIZED (
    SELECT
        h.run,
        COALESCE(
            (SELECT j.position + j.count FROM journal AS j WHERE j.run = h.run ORDER BY j.position DESC LIMIT 1), 1
        ) AS start
    FROM (SELECT DISTINCT run FROM held) AS h
),
added AS (
    INSERT INTO journal (run, position, count, kind, data, written_ms)
    SELECT h.run, e.start + h.before, h.count, h.kind, h.data, h.written_ms
    FROM held AS h JOIN ends AS e ON e.run = h.run
)
SELECT h.place, e.start + h.before AS position FROM held AS h JOIN ends AS e ON e.run = h.run
"""
FIELDS = ("run", "version", "count", "kind", "data", "now", "written_ms")


async def append_chunks(connection: asyncpg.Connection, ops: Sequence[Op]) -> list[list[AnyRow | None] | Exception]:
    """Append chunks, whose runs are locked; returns for each its rows, or the error if its run has moved on."""
    fields: list[list[Any]] = [[] for _ in FIELDS]
    for op in ops:
        for name, values in zip(FIELDS, fields, strict=True):
            value = op.params[name]
            values.append(escape(value) if isinstance(value, str) else value)
    found = {row["place"]: row["position"] for row in await connection.fetch(APPEND, *fields)}
    outcomes: list[list[AnyRow | None] | Exception] = []
    for place, op in enumerate(ops, start=1):
        if place in found:
            outcomes.append([PositionRow(found[place])])
        else:
            outcomes.append([None] if op.missing is None else op.missing.with_traceback(None))
    return outcomes
