"""The table of operations is that of the contract, and what it says is a request that works."""

import httpx2
import pytest

from tests.compat.behaviours.wire import Wire, ok, refused
from tests.dialect.routes import ADMIN_ONLY, BEYOND, ROUTES, Call, world_of


def test_the_description_shows_the_51_operations_of_the_contract_and_two_more(stranger: httpx2.Client) -> None:
    paths = ok(stranger.get("/openapi.json"))["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert described == set(ROUTES)
    assert len(ROUTES) == 51 + len(BEYOND)


@pytest.mark.parametrize("route", ROUTES)
def test_a_request_works_with_ones_own_ids(wire: Wire, route: str) -> None:
    answer = Call(route, world_of(wire)).send(wire)
    if route == ADMIN_ONLY:
        refused(answer, 403, code="admin_only")
    else:
        assert answer.status_code == 200, answer.text


def test_an_admin_may_delete_a_model(admin: Wire) -> None:
    gone = ok(admin.delete("/models/scripted/script"))
    assert gone == {"id": "scripted/script", "object": "model", "deleted": True}
