"""Every call of a named query gives exactly the parameters of its SQL."""

import ast
import re

import pytest

from projectdavid.adapters.stores.queries import check_params
from projectdavid.adapters.stores.sqlite.queries import QUERIES, NamedQuery
from tests.architecture.modules import Module
from tests.architecture.query_calls import RECEIVERS, WRAPPERS, calls, calls_of, receivers

PASSED_ON = {
    "api/resources/updates.py:update": "adds the revision to an ObjectUpdate, which is checked where it is made",
    "runtime/runs/driver.py:_creation_ops": "adds the owner to operations that others built, which are checked there",
}
"""Calls whose query or parameters the text does not say; in the functions of WRAPPERS, their callers' count."""


def test_every_call_of_a_query_gives_its_parameters() -> None:
    assert [fault for call in calls() for fault in call.faults()] == []


def test_only_functions_whose_callers_are_checked_leave_query_or_parameters_open() -> None:
    unresolved = {call.place for call in calls() if not call.queries or call.parameters is None}
    wrappers = "|".join(re.escape(place).replace(r"\*", ".*") for place in WRAPPERS)
    assert {place for place in unresolved if not re.fullmatch(wrappers, place)} == set(PASSED_ON)


def test_reads_of_a_store_are_recognized_by_their_receiver() -> None:
    assert [where for where, name, _ in receivers() if name not in RECEIVERS] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("view.one(queries.META)", "is missing 'key'"),
        ("view.one(queries.META, key=1, keys=2)", "has no parameter 'keys'"),
        ("view.one(queries.METTA, key=1)", "there is no query 'METTA'"),
        ("view.one(queries.USERS_PAGE.asc, after=1)", "is missing 'limit'"),
        ('Op(queries.META_SET, {"key": 1})', "is missing 'value'"),
        ('Op(queries.META_SET, {**{"key": 1}, "valu": 2})', "is missing 'value' and has no parameter 'valu'"),
        ('ObjectUpdate(queries.MESSAGE_UPDATE, {"id": 1})', "is missing 'meta_data'"),
        (
            '[Op(query, {"n": 1}) for query in (queries.INGEST_AGAIN, queries.INGEST_LOST)]',
            "'ingest_lost' is missing 'now'",
        ),
        ('page(view, queries.USERS_PAGE, 1, "asc", None, locate, owner_id=2)', "has no parameter 'owner_id'"),
    ],
)
def test_a_wrong_call_is_found_in_the_source(text: str, fault: str) -> None:
    source = f"async def routine(view):\n    return {text}\n"
    found = calls_of(Module("api/example.py", source, ast.parse(source)))
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
        check_params("meta_set", QUERIES["meta_set"].parameters, given.keys())


def test_literals_and_comments_are_no_parameters() -> None:
    assert NamedQuery("example", "SELECT ':no', a FROM t WHERE b = :yes AND c = ':neither'").parameters == {"yes"}
