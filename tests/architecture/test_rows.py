"""The records of rows are those of their queries, and a misspelled column is found before it runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from projectdavid.adapters.stores.queries import SQLText, read_texts
from projectdavid.adapters.stores.sqlite.queries import QUERIES
from projectdavid.ports import rows
from tests.architecture.modules import load_script


class MetaRow(NamedTuple):
    value: str


class OptionalRow(NamedTuple):
    value: str | None


class NumericRow(NamedTuple):
    value: int


class ExpiryRow(NamedTuple):
    expires_at: int


RECORDS = {record.__name__: record for record in (MetaRow, OptionalRow, NumericRow, ExpiryRow)}


def test_the_records_of_all_queries_have_their_columns_and_types() -> None:
    records = {name: getattr(rows, name) for name in rows.__all__}
    assert [*load_script("rows").schema_faults(list(read_texts()), records)] == []


@pytest.mark.parametrize(
    ("record", "sql", "fault"),
    [
        ("MetaRow", "SELECT valeu FROM meta", "no such column: valeu"),
        ("MetaRow", "SELECT key FROM meta", "returns key, but MetaRow has value"),
        ("MetaRow", "SELECT value, key FROM meta", "returns value, key, but MetaRow has value"),
        ("MetaRow", "DELETE FROM meta WHERE key = :key", "returns no rows, but MetaRow has value"),
        ("MetaRow", "SELECT * FROM meta", "name the columns instead of '*'"),
        ("MetaRow", "SELECT m.value, m.* FROM meta AS m", "name the columns instead of '*'"),
        (None, "SELECT value FROM meta", "declare the record of its rows"),
        (None, "DELETE FROM meta RETURNING value", "declare the record of its rows"),
        ("NumericRow", "SELECT value FROM meta", "its column holds str"),
        ("OptionalRow", "SELECT value FROM meta", "is never NULL"),
        ("ExpiryRow", "SELECT expires_at FROM files", "can be NULL"),
    ],
)
def test_a_query_that_differs_from_its_record_is_found(record: str | None, sql: str, fault: str) -> None:
    assert fault in " ".join(load_script("rows").schema_faults([SQLText("example", record, sql)], RECORDS))


@pytest.mark.parametrize(
    ("record", "sql"),
    [
        ("MetaRow", "SELECT value FROM meta"),
        ("OptionalRow", "SELECT m.value FROM users AS u LEFT JOIN meta AS m ON m.key = u.id"),
        ("OptionalRow", "SELECT (SELECT value FROM meta LIMIT 1) AS value"),
        ("NumericRow", "SELECT count(*) AS value FROM meta"),
        (None, "DELETE FROM meta"),
    ],
)
def test_a_query_that_is_like_its_record_has_no_fault(record: str | None, sql: str) -> None:
    assert [*load_script("rows").schema_faults([SQLText("example", record, sql)], RECORDS)] == []


def test_a_record_that_no_query_returns_is_found() -> None:
    assert [
        *load_script("rows").unused(
            [SQLText("example", "MetaRow", "")], {"MetaRow": MetaRow, "OptionalRow": OptionalRow}
        )
    ] == ["OptionalRow: no query returns this record"]


def test_the_stores_of_tests_refuse_a_value_of_another_type_than_its_record_declares() -> None:
    make = QUERIES["meta"].make
    assert make is not None
    assert make(("text",)) == rows.MetaRow("text")
    for value in (1, None):
        with pytest.raises(TypeError, match=r"meta: MetaRow\.value is"):
            make((value,))


SNIPPET = """
from projectdavid.ports import queries
from projectdavid.ports.store import Op, Store


async def spell(store: Store) -> None:
    for row in await store.all(queries.META, key="a"):
        print(row.value)
        print(row.valeu)  # Cannot access attribute "valeu" for class "MetaRow"
    await store.one(queries.RUN_DECIDE)  # Argument of type "Statement" cannot be assigned
    await store.one(queries.RUN_STAET, n=1)  # "RUN_STAET" is not a known attribute of module
    found = await store.one(queries.RUN_STATE, n=1)
    print(found.status)  # "status" is not a known attribute of "None"
    [written] = await store.write([Op(queries.DELIVERY_CLAIM)])
    if (claimed := queries.DELIVERY_CLAIM.narrow(written)) is not None:
        print(claimed.attempts)
        print(claimed.atempts)  # Cannot access attribute "atempts" for class "DeliveryClaimRow"
"""


def test_the_type_checker_finds_misspelled_columns_and_queries(tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(SNIPPET)
    command = [Path(sys.executable).with_name("basedpyright"), "--pythonpath", sys.executable, "--outputjson", "."]
    checked = subprocess.run(command, capture_output=True, cwd=tmp_path, check=False)
    reported = json.loads(checked.stdout)["generalDiagnostics"]
    errors = {one["range"]["start"]["line"]: one["message"] for one in reported if one["severity"] == "error"}
    expected = {n: line.partition("  # ")[2] for n, line in enumerate(SNIPPET.splitlines()) if "  # " in line}
    assert errors.keys() == expected.keys()
    assert all(errors[n].startswith(message) for n, message in expected.items()), errors
