"""Bad queries, and ids that cannot be: always the right refusal, and never a fault of ours."""

import re

import pytest

from tests.compat.behaviours.wire import Wire, ok, refused
from tests.dialect.routes import ADMIN_ONLY, LISTS, ROUTES, Call, Json, World, everything
from tests.dialect.test_ownership import never
from tests.server.test_bad_input import ODD

FILES = "GET /files"
"""The list that may be as long as 10,000, and that has no `before`."""
CURSORS = [(route, cursor) for route in LISTS for cursor in ("after", "before") if (route, cursor) != (FILES, "before")]


@pytest.mark.parametrize("route", LISTS)
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("0", "integer_below_min_value"),
        ("-1", "integer_below_min_value"),
        ("101", "integer_above_max_value"),
        ("9" * 30, "integer_above_max_value"),
        ("9" * 5000, "invalid_type"),
        ("x", "invalid_type"),
        ("", "invalid_type"),
        ("1.5", "invalid_type"),
        ("1e2", "invalid_type"),
        ("%00", "invalid_type"),
    ],
)
def test_a_limit_out_of_range_is_refused(ann: Wire, anns: World, route: str, value: str, code: str) -> None:
    given = "10001" if route == FILES and value == "101" else value
    answer = ann.get(f"{Call(route, anns).url}?limit={given}")
    refused(answer, 400, type="invalid_request_error", param="limit", code=code)


@pytest.mark.parametrize("route", LISTS)
def test_a_list_of_the_greatest_length_is_a_list(ann: Wire, anns: World, route: str) -> None:
    for limit in ("1", "10000" if route == FILES else "100"):
        page = ok(ann.get(Call(route, anns).url, params={"limit": limit}))
        assert page.keys() == {"object", "data", "first_id", "last_id", "has_more"}


@pytest.mark.parametrize("route", LISTS)
@pytest.mark.parametrize("value", ["newest", "", "ASC", "%00"])
def test_an_order_that_is_none_is_refused(ann: Wire, anns: World, route: str, value: str) -> None:
    answer = ann.get(f"{Call(route, anns).url}?order={value}")
    message = refused(answer, 400, type="invalid_request_error", param="order", code="invalid_value")["message"]
    assert "'asc' or 'desc'" in message


@pytest.mark.parametrize(("route", "cursor"), CURSORS)
def test_a_cursor_that_is_not_of_the_list_is_refused(
    ann: Wire, anns: World, bob: Wire, bobs: World, route: str, cursor: str
) -> None:
    url = Call(route, anns).url
    inside = ok(ann.get(url))["data"][0]["id"]
    outside = ok(Call(route, bobs).send(bob))["data"][0]["id"]
    for value in (never(inside), outside, *set(anns.values()) - ids(ann, url), "", "%00", "%ff", "%F0%9F%98%80"):
        refused(ann.get(f"{url}?{cursor}={value}"), 404, type="invalid_request_error", param=cursor, code=None)
    error = refused(ann.get(url, params={cursor: "x" * 65}), 400, param=cursor)
    assert error["code"] == "string_above_max_length"


def ids(wire: Wire, url: str) -> set[str]:
    """The ids of a list."""
    return {one["id"] for one in ok(wire.get(url))["data"]}


@pytest.mark.parametrize(
    ("route", "query", "param"),
    [
        ("GET /vector_stores/{vector_store_id}/files", "filter=done", "filter"),
        ("GET /vector_stores/{vector_store_id}/files", "filter=", "filter"),
        ("GET /vector_stores/{vector_store_id}/file_batches/{batch_id}/files", "filter=done", "filter"),
        ("GET /threads/{thread_id}/messages", "run_id=asst_x", "run_id"),
        ("GET /threads/{thread_id}/messages", "run_id=" + "x" * 65, "run_id"),
        ("GET /files", "purpose=" + "x" * 65, "purpose"),
        ("GET /threads/{thread_id}/runs/{run_id}/steps", "include[]=everything", "include[]"),
        ("GET /threads/{thread_id}/runs/{run_id}/steps/{step_id}", "include[]=everything", "include[]"),
        ("GET /threads/{thread_id}/runs/{run_id}/events", "include[]=everything", "include[]"),
        ("POST /threads/{thread_id}/runs", "include[]=everything", "include[]"),
    ],
)
def test_a_filter_that_is_none_is_refused(
    ann: Wire, anns: World, whole: Json, route: str, query: str, param: str
) -> None:
    call = Call(route, anns)
    answer = ann.request(call.method, f"{call.url}?{query}", json=call.body)
    error = refused(answer, 400, type="invalid_request_error")
    assert re.sub(r"\[\d+\]$", "", error["param"]) == param
    assert error["code"] in ("invalid_value", "string_above_max_length")
    assert everything(ann, anns) == whole


EVENT_IDS = ["x", "-1", "1", "1.5.6", "", "9" * 16 + ".0", "1.99999", "٣.٣", "1,2"]


@pytest.mark.parametrize("value", EVENT_IDS)
@pytest.mark.parametrize(
    "route",
    [
        "GET /threads/{thread_id}/runs/{run_id}/events",
        "POST /threads/{thread_id}/runs",
        "POST /threads/runs",
        "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
    ],
)
def test_a_last_event_id_that_is_none_is_refused(ann: Wire, anns: World, whole: Json, route: str, value: str) -> None:
    answer = Call(route, anns).send(ann, headers=[(b"last-event-id", value.encode())])
    refused(answer, 400, type="invalid_request_error", param="last-event-id", code="invalid_value")
    assert everything(ann, anns) == whole


@pytest.mark.parametrize("odd", ["", *ODD], ids=lambda odd: odd[:20] or "nothing")
def test_an_odd_id_in_a_path_finds_nothing(ann: Wire, anns: World, whole: Json, admin: Wire, odd: str) -> None:
    for route in ROUTES:
        for name in Call(route, anns).path:
            call = Call(route, anns)
            call.path[name] = odd
            answer = call.send(admin if route == ADMIN_ONLY else ann)
            assert answer.status_code in (400, 404, 405), (route, answer.text)
            refused(answer, answer.status_code, type="invalid_request_error")
            assert len(answer.text) < 6000
            assert "x-evil" not in answer.headers
    assert everything(ann, anns) == whole


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "GET", "POST", "DELETE"])
def test_what_a_path_does_not_answer_to_is_refused(ann: Wire, anns: World, method: str) -> None:
    for route in ROUTES:
        template = route.split()[1]
        answered_as = "GET" if method == "HEAD" else method
        if f"{answered_as} {template}" not in ROUTES:
            answer = ann.request(method, Call(route, anns).url)
            assert answer.status_code in (400, 404, 405), (route, answer.text)
            if method != "HEAD":
                refused(answer, answer.status_code, type="invalid_request_error")
