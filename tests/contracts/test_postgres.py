"""What is true of the store on PostgreSQL beyond the rules of every store."""

import asyncio
import os

import asyncpg
import pytest

from projectdavid.adapters.stores.postgres import PostgresStore
from projectdavid.adapters.stores.postgres.migrations import SCHEMA, Schema
from projectdavid.adapters.stores.postgres.queries import QUERIES
from projectdavid.adapters.stores.postgres.stream_chunks import APPEND
from projectdavid.adapters.stores.sqlite.queries import QUERIES as SHARED
from projectdavid.ports import queries
from projectdavid.ports.store import Op, StoreUnavailable
from projectdavid.runtime.runs.crashes import speak
from tests.contracts.rows import born, journal, tell, thread, user
from tests.fakes.cutting_proxy import Moment, cutting_proxy
from tests.timeouts import EVENT_TIMEOUT, PAUSE

pytestmark = pytest.mark.anyio

CUTS = 10
ROUNDS = int(os.environ.get("OPPOSITE_ROUNDS", "30"))
"""How often two processes write in opposite order; `make chaos` sets it."""


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_commit_whose_answer_is_lost_takes_effect_once(store_url: str, moment: Moment) -> None:
    async with cutting_proxy(store_url) as (proxy, url):
        store = PostgresStore(url, pool=1)
        await store.open()
        n = await born(store)
        for number in range(CUTS):
            proxy.arm(moment)
            await store.write([tell(n, str(number))])
        assert proxy.cuts == CUTS
        assert [data for _, data in await journal(store, n)][1:] == [f'["{number}"]' for number in range(CUTS)]
        await store.close()


async def test_an_error_that_is_nobodys_mistake_leaves_the_store_usable(store_url: str) -> None:
    store = PostgresStore(store_url, pool=1)
    await store.open()
    db = await asyncpg.connect(store_url)
    await db.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW WHEN (new.id = 'bad') EXECUTE FUNCTION refuse()"
    )
    await db.close()
    with pytest.raises(StoreUnavailable, match="no"):
        await store.write([user("bad")])
    await store.write([user("ann")])
    await store.close()


async def test_a_list_that_is_followed_while_processes_write_has_each_row_once(store_url: str) -> None:
    stores = [PostgresStore(store_url, pool=2) for _ in range(3)]
    for store in stores:
        await store.open()
    await stores[0].write([user("ann")])
    is_over = False

    async def write(name: int) -> None:
        for number in range(40):
            await stores[name].of("ann").write([thread(f"{name}-{number}")])

    async def follow() -> list[str]:
        seen: list[str] = []
        after = None
        view = stores[2].of("ann")
        while True:
            was_over = is_over
            rows = await view.all(queries.THREADS_PAGE.asc, after=after, limit=7)
            seen += [row.id for row in rows]
            if rows:
                after = rows[-1].n
            elif was_over:
                return seen

    following = asyncio.create_task(follow())
    await asyncio.gather(write(0), write(1))
    is_over = True
    seen = await following
    assert sorted(seen) == sorted(f"{name}-{number}" for name in range(2) for number in range(40))
    for store in stores:
        await store.close()


def _groups(runs: list[int], owners: list[str], tag: str) -> list[tuple[str | None, list[Op]]]:
    """Groups that touch two owners and their runs in this order, each with its owner: together and one by one."""
    told = [[tell(n, tag)] for n in runs]
    threads: list[tuple[str | None, list[Op]]] = [(owner, [thread(f"{owner}-{tag}")]) for owner in owners]
    both = [op for one in told for op in one]
    return [(None, both), *threads, *((None, one) for one in told), (None, [speak(n) for n in runs])]


async def test_groups_of_two_processes_in_opposite_order_do_not_block_each_other(store_url: str) -> None:
    stores = [PostgresStore(store_url, pool=1) for _ in range(2)]
    for store in stores:
        await store.open()
    owners = ["ann", "bob"]
    runs = [await born(stores[0], owner, f"t-{owner}", f"r-{owner}") for owner in owners]

    async def write(store: PostgresStore, turn: int, name: str) -> None:
        for number in range(ROUNDS):
            groups = _groups(runs[::turn], owners[::turn], f"{name}{number}")
            await asyncio.gather(*((store.of(of) if of else store).write(ops) for of, ops in groups))

    await asyncio.gather(write(stores[0], 1, "a"), write(stores[1], -1, "b"))
    db = await asyncpg.connect(store_url)
    for n, owner in zip(runs, owners, strict=True):
        assert await db.fetchval("SELECT count(*) FROM threads WHERE owner = $1", owner) == 1 + 2 * ROUNDS
        rows = "SELECT sum(count), max(position + count) - 1 FROM journal WHERE run = $1"
        assert {*(await db.fetchrow(rows, n))} == {1 + 4 * ROUNDS}
    deadlocks = await db.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    await db.close()
    print(f"{ROUNDS} rounds of {2 * len(_groups(runs, owners, ''))} groups, {deadlocks} deadlocks")
    for store in stores:
        await store.close()


async def test_every_query_exists_on_both_databases_with_the_same_parameters(store_url: str) -> None:
    assert QUERIES.keys() == SHARED.keys()
    db = await asyncpg.connect(store_url)
    for name, query in QUERIES.items():
        assert query.parameters == SHARED[name].parameters
        assert query.owned == SHARED[name].owned
        statement = await db.prepare(query.sql)
        columns = [column.name for column in statement.get_attributes()]
        record = SHARED[name].record
        assert bool(columns) == (record is not None), name
    await db.close()


async def test_every_query_works_with_the_oldest_schema_that_the_program_does_not_migrate(postgres_url: str) -> None:
    oldest = Schema(SCHEMA.scripts[: SCHEMA.needed], needed=SCHEMA.needed, oldest=SCHEMA.oldest)
    for schema in (oldest, SCHEMA):
        store = PostgresStore(postgres_url, pool=1, schema=schema)
        await store.open()
        await store.close()
    db = await asyncpg.connect(postgres_url)
    for text in (*(query.sql for query in QUERIES.values()), APPEND):
        await db.prepare(text)
    await db.close()


async def test_programs_of_two_adjacent_releases_work_with_the_schema_of_either(store_url: str) -> None:
    added, removed = "ALTER TABLE runs ADD COLUMN added bigint", "ALTER TABLE runs DROP COLUMN added"
    version = SCHEMA.version
    expanding = Schema((*SCHEMA.scripts, added), needed=version, oldest=version)
    contracting = Schema((*expanding.scripts, removed), needed=version + 1, oldest=version + 1)

    async def version_after(schema: Schema, *, upgrade: bool = False) -> int:
        store = PostgresStore(store_url, pool=1, schema=schema, upgrade=upgrade)
        await store.open()
        await store.close()
        db = await asyncpg.connect(store_url)
        try:
            return await db.fetchval("SELECT version FROM installation")
        finally:
            await db.close()

    assert await version_after(SCHEMA) == version
    assert await version_after(expanding) == version
    assert await version_after(expanding, upgrade=True) == version + 1
    assert await version_after(SCHEMA) == version + 1
    assert await version_after(contracting) == version + 1
    assert await version_after(contracting, upgrade=True) == version + 2
    assert await version_after(expanding) == version + 2
    with pytest.raises(StoreUnavailable, match=f"needs a program of version {version + 1}"):
        await version_after(SCHEMA)


async def test_a_migration_waits_for_others_only_for_a_moment_at_a_time(store_url: str) -> None:
    store = PostgresStore(store_url, pool=1)
    await store.open()
    version = SCHEMA.version
    expanding = Schema((*SCHEMA.scripts, "ALTER TABLE users ADD COLUMN added bigint"), needed=version, oldest=version)
    holder = await asyncpg.connect(store_url)
    await holder.execute("BEGIN; LOCK TABLE users IN ROW EXCLUSIVE MODE")
    migrating = asyncio.create_task(PostgresStore(store_url, pool=1, schema=expanding, upgrade=True).open())
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted"
    while not await holder.fetchval(waiting):  # noqa: ASYNC110 - a lock announces nothing
        await asyncio.sleep(PAUSE)
    await asyncio.wait_for(store.write([user("ann")]), EVENT_TIMEOUT)
    assert not migrating.done()
    await holder.close()
    await migrating
    await store.close()
