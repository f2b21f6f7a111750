"""The doctor, on a machine whose processes share a PostgreSQL database."""

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import pytest
from anyio.from_thread import start_blocking_portal

from tests.cli.conftest import Command
from tests.fakes.pooling_proxy import run_pooling_proxy
from tests.fakes.scenes import Refuser
from tests.nats_server import NatsServer
from tests.postgres_server import PostgresServer
from tests.s3_server import S3Server
from tests.timeouts import wait_until

SECRET = "5ec2e7" * 10 + "abcd"
FUTURE = """
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql
AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$
"""
"""An hour ahead of the clock of this machine."""


@pytest.fixture
def shared(alone: None, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database that the settings name, as all processes of an installation have them."""
    monkeypatch.setenv("PROJECTDAVID_DATABASE_URL", postgres_url)
    monkeypatch.setenv("PROJECTDAVID_SECRET_KEY", SECRET)
    monkeypatch.setenv("PROJECTDAVID_SANDBOX", "off")
    return postgres_url


@pytest.fixture
def migrated(lonely: Command, shared: str) -> str:
    """The same with the schema and the first users."""
    assert lonely("migrate").code == 0
    return shared


def find(lonely: Command) -> dict[str, Any]:
    outcome = lonely("doctor", "--json")
    checks = {check["name"]: check for check in outcome.json["checks"]}
    assert outcome.code == int("fail" in {check["level"] for check in checks.values()})
    return checks


def failed(checks: dict[str, Any], name: str) -> tuple[str, str]:
    assert checks[name]["level"] == "fail", checks[name]
    return checks[name]["text"], checks[name]["remedy"]


@contextmanager
def configured(server: PostgresServer, **values: str) -> Iterator[None]:
    """Change settings of the running server for a while."""
    before = {name: server.execute(f"SHOW {name}") for name in values}
    for name, value in values.items():
        server.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    server.execute("SELECT pg_reload_conf()")
    try:
        for name, value in values.items():
            wait_until(lambda name=name, value=value: server.execute(f"SHOW {name}").strip() == value)
        yield
    finally:
        for name in values:
            server.execute(f"ALTER SYSTEM RESET {name}")
        server.execute("SELECT pg_reload_conf()")
        for name, value in before.items():
            wait_until(lambda name=name, value=value: server.execute(f"SHOW {name}") == value)


def test_a_complete_installation_is_well(
    lonely: Command,
    migrated: str,
    postgres_server: PostgresServer,
    nats_server: NatsServer,
    s3_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_bucket(monkeypatch, s3_server, s3_server.create_bucket())
    monkeypatch.setenv("PROJECTDAVID_BUS_URL", nats_server.url)
    health = {"version": "0.1.0", "uptime_s": 1, "providers": [], "tools": {}, "runs": {}}
    with (
        configured(postgres_server, fsync="on", full_page_writes="on"),
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Refuser([], {"/health": health})) as server,
    ):
        monkeypatch.setenv("PROJECTDAVID_PUBLIC_URL", server.url.removesuffix("/v1"))
        checks = find(lonely)
    names = ("postgresql", "schema", "secret", "durability", "autovacuum", "connections", "clock", "transactions")
    found = {name: checks[name]["level"] for name in (*names, "bus", "files", "public url", "credentials")}
    assert set(found.values()) == {"ok"}, checks
    assert [name for name, check in checks.items() if check["level"] == "fail"] == ["server"], (
        "none runs at its address"
    )
    assert "NATS" in checks["bus"]["text"]
    assert "database" not in checks


def test_a_new_database_is_prepared_by_migrate(lonely: Command, shared: str) -> None:
    checks = find(lonely)
    assert checks["schema"]["level"] == "warn"
    assert "projectdavid migrate" in checks["schema"]["remedy"]
    assert "none yet" in checks["secret"]["text"]


def test_a_machine_without_a_key_is_checked_wherever_the_server_is(
    lonely: Command, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = find(lonely)["server"]
    assert server["level"] == "warn"
    assert "not checked" in server["text"]
    monkeypatch.setenv("PROJECTDAVID_BASE_URL", "http://host.invalid")
    monkeypatch.setenv("PROJECTDAVID_API_KEY", "pd_x")
    checks = find(lonely)
    assert checks["server"]["level"] == "fail"
    assert checks["postgresql"]["level"] == "ok"


def test_a_user_who_cannot_create_tables_is_a_fail_before_migrate(
    lonely: Command, shared: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_server.execute("CREATE ROLE guest LOGIN")
    try:
        monkeypatch.setenv("PROJECTDAVID_DATABASE_URL", shared.replace("postgres@", "guest@"))
        text, remedy = failed(find(lonely), "schema")
    finally:
        postgres_server.execute("DROP ROLE guest")
    assert "guest cannot create tables" in text
    assert "owner" in remedy


@pytest.mark.parametrize(
    "statement", ["UPDATE installation SET oldest = 999", "UPDATE search.schema_version SET version = 999"]
)
def test_a_database_of_a_newer_program_is_a_fail(
    lonely: Command, migrated: str, postgres_server: PostgresServer, statement: str
) -> None:
    postgres_server.execute(statement, database=migrated.rpartition("/")[2])
    assert failed(find(lonely), "schema")[1] == "upgrade projectdavid"


def test_a_server_that_cannot_be_reached_is_a_fail(
    lonely: Command, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTDAVID_DATABASE_URL", "postgresql://me:hidden@127.0.0.1:9/david")
    outcome = lonely("doctor", "--json")
    checks = find(lonely)
    assert "cannot be reached" in failed(checks, "postgresql")[0]
    assert "database_url" in failed(checks, "postgresql")[1]
    assert "delivers no hints" in failed(checks, "bus")[0]
    assert "hidden" not in outcome.out


def test_a_database_that_does_not_exist_is_a_fail(
    lonely: Command, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTDAVID_DATABASE_URL", f"{shared}_elsewhere")
    text, remedy = failed(find(lonely), "postgresql")
    assert "no such database" in text
    assert "createdb" in remedy


def test_an_invalid_url_is_a_fail_that_does_not_quote_it(
    lonely: Command, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTDAVID_DATABASE_URL", "postgresql://me:hidden@db:port/david")
    outcome = lonely("doctor", "--json")
    assert "invalid" in failed(find(lonely), "postgresql")[0]
    assert "hidden" not in outcome.out


@pytest.mark.parametrize("secret", ["0" * 64, None])
def test_another_secret_or_none_is_a_fail(
    lonely: Command, migrated: str, monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    if secret is None:
        monkeypatch.delenv("PROJECTDAVID_SECRET_KEY")
    else:
        monkeypatch.setenv("PROJECTDAVID_SECRET_KEY", secret)
    assert "secret_key" in failed(find(lonely), "secret")[1]


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("autovacuum", "autovacuum"),
        ("track_counts", "autovacuum"),
        ("fsync", "durability"),
        ("full_page_writes", "durability"),
        ("synchronous_commit", "durability"),
    ],
)
def test_a_setting_of_the_server_that_must_be_on_is_named(
    lonely: Command, shared: str, postgres_server: PostgresServer, setting: str, name: str
) -> None:
    with configured(postgres_server, **{setting: "off"}):
        text, remedy = failed(find(lonely), name)
    assert setting in text
    assert f"{setting} = on" in remedy


def test_too_few_connections_for_two_processes_are_a_fail(
    lonely: Command, shared: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_server.execute(f"ALTER DATABASE {shared.rpartition('/')[2]} CONNECTION LIMIT 29")
    text, remedy = failed(find(lonely), "connections")
    assert "opens at most 15" in text
    assert "room for 1 processes" in text
    assert "max_connections" in remedy
    monkeypatch.setenv("PROJECTDAVID_DATABASE_POOL", "7")
    assert find(lonely)["connections"]["level"] == "ok"


def test_a_proxy_that_pools_transactions_is_a_fail(
    lonely: Command, migrated: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = postgres_server.port
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(run_pooling_proxy(port)) as proxy:
        monkeypatch.setenv("PROJECTDAVID_DATABASE_URL", migrated.replace(f":{port}/", f":{proxy.port}/"))
        text, remedy = failed(find(lonely), "postgresql")
    assert "pools transactions" in text
    assert "session" in remedy


def test_a_clock_that_differs_is_a_fail_and_an_old_transaction_a_warning(
    lonely: Command, shared: str, postgres_server: PostgresServer
) -> None:
    name = shared.rpartition("/")[2]
    assert find(lonely)["clock"]["level"] == "ok"
    postgres_server.execute(FUTURE, database=name)
    postgres_server.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(open_transaction(shared)):
        checks = find(lonely)
    text, remedy = failed(checks, "clock")
    assert re.search(r"is -3(599|600|601)\.", text)
    assert "NTP" in remedy
    assert checks["transactions"]["level"] == "warn"
    assert "prevents vacuum" in checks["transactions"]["text"]


def test_a_bus_that_cannot_be_reached_is_a_fail(lonely: Command, shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTDAVID_BUS_URL", "nats://me:hidden@127.0.0.1:9")
    outcome = lonely("doctor", "--json")
    text, remedy = failed(find(lonely), "bus")
    assert "NATS delivers no hints" in text
    assert "bus_url" in remedy
    assert "hidden" not in outcome.out


def test_a_bucket_that_cannot_be_written_is_a_fail(
    lonely: Command, shared: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_bucket(monkeypatch, s3_server, "no-such-bucket")
    text, remedy = failed(find(lonely), "files")
    assert "cannot store an object: the bucket does not exist" in text
    assert "permissions" in remedy


def test_files_in_a_folder_and_a_missing_public_url_are_named(lonely: Command, shared: str) -> None:
    checks = find(lonely)
    assert checks["files"]["level"] == "warn"
    assert "blobs_url" in checks["files"]["remedy"]
    assert "public_url" in failed(checks, "public url")[1]


def test_a_public_url_at_which_nothing_answers_is_a_warning(
    lonely: Command, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTDAVID_PUBLIC_URL", "http://127.0.0.1:9")
    assert find(lonely)["public url"]["level"] == "warn"


def test_deep_checks_are_those_of_a_data_folder(lonely: Command, shared: str) -> None:
    outcome = lonely("doctor", "--deep", "--json")
    (check,) = outcome.json["checks"]
    assert outcome.code == 1
    assert "pg_amcheck" in check["remedy"]


@asynccontextmanager
async def open_transaction(url: str) -> AsyncGenerator[None]:
    """A session with a transaction that does nothing."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1")
            yield
    finally:
        await connection.close()


def set_bucket(monkeypatch: pytest.MonkeyPatch, server: S3Server, bucket: str) -> None:
    monkeypatch.setenv("PROJECTDAVID_BLOBS_URL", f"s3://{bucket}/files")
    monkeypatch.setenv("PROJECTDAVID_S3_ENDPOINT", server.endpoint)
    monkeypatch.setenv("PROJECTDAVID_S3_REGION", "us-east-1")
    monkeypatch.setenv("PROJECTDAVID_S3_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("PROJECTDAVID_S3_SECRET_ACCESS_KEY", "secret")
