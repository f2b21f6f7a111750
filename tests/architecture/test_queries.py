"""Every call of a named query gives exactly the parameters of its SQL."""

import ast
import re

import pytest

from projectdavid.stores.sqlite.queries import QUERIES, Query
from tests.architecture.modules import Module
from tests.architecture.query_calls import RECEIVERS, WRAPPERS, calls, calls_of, receivers

PASSED_ON = {
    "server/objects/updates.py:update": "adds the revision to a Change, which is checked where it is made",
    "runtime/driver.py:_born": "adds the owner to operations that others built, which are checked there",
    "stores/sqlite/__init__.py:write": "adds the owner to operations that others built, which are checked there",
}
"""Calls whose query or parameters the text does not say; in the functions of WRAPPERS, their callers' count."""


def test_every_call_of_a_query_gives_its_parameters() -> None:
    assert [fault for call in calls() for fault in call.faults()] == []


def test_only_functions_whose_callers_are_checked_leave_query_or_parameters_open() -> None:
    unresolved = {call.place for call in calls() if not call.queries or call.parameters is None}
    wrappers = "|".join(re.escape(place).replace(r"\*", ".*") for place in WRAPPERS)
    assert {place for place in unresolved if not re.fullmatch(wrappers, place)} == set(PASSED_ON)


def test_reads_of_a_store_are_recognized_by_their_receiver() -> None:
    assert [where for where, name, query in receivers() if query in QUERIES and name not in RECEIVERS] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('view.one("meta")', "is missing 'key'"),
        ('view.one("meta", key=1, keys=2)', "has no parameter 'keys'"),
        ('view.one("metta", key=1)', "there is no query 'metta'"),
        ('Op("meta_set", {"key": 1})', "is missing 'value'"),
        ('Op("meta_set", {**{"key": 1}, "valu": 2})', "is missing 'value' and has no parameter 'valu'"),
        ('Change("message_update", {"id": 1})', "is missing 'meta_data'"),
        ('[Op(query, {"n": 1}) for query in ("ingest_again", "ingest_lost")]', "'ingest_lost' is missing 'now'"),
        ('page(view, "users_page", 1, "asc", None, known, owner_id=2)', "has no parameter 'owner_id'"),
    ],
)
def test_a_wrong_call_is_found_in_the_source(text: str, fault: str) -> None:
    source = f"async def routine(view):\n    return {text}\n"
    found = calls_of(Module("server/example.py", source, ast.parse(source)))
    assert fault in " ".join(fault for call in found for fault in call.faults())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"key": "a"}, "The query 'meta_set' is missing 'value'."),
        ({"key": "a", "value": "b", "n": 1}, "The query 'meta_set' has no parameter 'n'."),
    ],
)
def test_a_wrong_call_is_refused_before_it_runs(given: dict[str, str], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        QUERIES["meta_set"].check(given.keys())


def test_literals_and_comments_are_no_parameters() -> None:
    assert Query("example", "SELECT ':no', a FROM t WHERE b = :yes AND c = ':neither'").parameters == {"yes"}
