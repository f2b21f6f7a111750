"""Schemathesis over the description of the dialect, against the running server, with every check it has."""

from typing import Any

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.wire import Wire
from tests.dialect.routes import ROUTES
from tests.dialect.stock import SPENT, Sender, Stock
from tests.server.fuzzing import STATEFUL, Found, Plan, answering, drawn, fuzzed, loaded
from tests.server.talking import Caller

pytestmark = pytest.mark.slow

DRAWN = {
    "path.assistant_id": "assistant",
    "path.thread_id": "thread",
    "path.run_id": "run",
    "path.message_id": "message",
    "path.step_id": "step",
    "path.file_id": "file",
    "path.vector_store_id": "store",
    "path.batch_id": "batch",
    "path.upload_id": "upload",
    "path.model": "model",
    "body.assistant_id": "assistant",
    "body.file_id": "file",
    "body.file_ids[*]": "file",
}
OF_A_STATE = [
    "POST /threads/{thread_id}/messages",
    "POST /threads/{thread_id}/runs",
    "POST /threads/{thread_id}/runs/{run_id}/cancel",
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
    "POST /uploads/{upload_id}/parts",
    "POST /uploads/{upload_id}/complete",
    "POST /uploads/{upload_id}/cancel",
    "DELETE /models/{model}",
]
"""Operations that answer 400 to well-formed requests too.

A run may be at work, or over, and an upload may be over; a model may be one that its provider keeps.
"""
OF_A_RULE = [
    "POST /assistants",
    "POST /threads",
    "POST /threads/runs",
    "POST /vector_stores",
    "POST /vector_stores/{vector_store_id}/files",
    "POST /vector_stores/{vector_store_id}/file_batches",
]
"""The same, for what no schema can say.

Chunks share half of their tokens at most; a file that is shown is an image; a tool that is chosen is one of the run's.
"""
OF_A_FILE = ["POST /uploads"]
"""The same, and 413: the file has to have a name that is one, and the server says how large it may be."""


def planned(url: str, key: str, stock: Stock) -> Plan:
    """Most ids in requests are those of things that are there."""
    accepted = ["2xx", "401", "403", "404", "409"]
    return Plan(
        base_url=url,
        ids=stock.ids | {"model": ["script"]},
        parameters=drawn(DRAWN),
        operations=[
            *({"include-name": name, "parameters": drawn(spent)} for name, spent in SPENT.items()),
            *answering([*OF_A_STATE, *OF_A_RULE], positive_data_acceptance=[*accepted, "400"]),
            *answering(OF_A_FILE, positive_data_acceptance=[*accepted, "400", "413"]),
        ],
        auth={"Bearer": {"bearer": key}},
        examples=8,
        scenarios=12,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return fuzzed(tmp_path_factory.mktemp("fuzzed"), _loaded)


def _loaded(server: EmbeddedPlatform, admin: Caller) -> Any:
    url = f"{server.base_url}/openai/v1"
    with Wire(server.base_url, admin.key) as user:
        stock = Stock(user)
    schema = loaded(f"{url}/openapi.json", planned(url, admin.key, stock))
    sender = Sender(stock)

    @schema.hook
    def filter_case(context: Any, case: Any) -> bool:
        return sender.may_be_sent(case)

    @schema.hook
    def map_case(context: Any, case: Any) -> Any:
        return sender.sent(case)

    return schema


@pytest.mark.parametrize("route", ROUTES)
def test_an_operation_keeps_to_its_description_also_where_it_does_what_it_is_for(found: Found, route: str) -> None:
    found.see_kept(route)
    assert found.accepted[route] > 0


def test_operations_that_follow_one_another_keep_to_their_description(found: Found) -> None:
    found.see_kept(STATEFUL, least=51)


def test_every_check_was_made_of_every_operation_and_the_fuzzer_itself_had_no_trouble(found: Found) -> None:
    assert set(found.cases) == {*ROUTES, STATEFUL}
    found.see_complete()
