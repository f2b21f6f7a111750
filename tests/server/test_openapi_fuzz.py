"""Schemathesis over our own description of the API, against the running server, with every check it has."""

from typing import Any

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.server.fuzzing import STATEFUL, Found, Plan, answering, drawn, fuzzed, loaded
from tests.server.routes import ROUTES, World, world_of
from tests.server.talking import Caller, Json, ok

pytestmark = pytest.mark.slow

OF_A_STATE = [
    "POST /v1/runs/{run_id}/cancel",
    "POST /v1/runs/{run_id}/submit_tool_outputs",
    "POST /v1/messages",
    "POST /v1/messages/tools",
    "PUT /v1/actions/{action_id}",
    "POST /v1/assistants/{assistant_id}/webhook/test",
    "POST /v1/file-uploads/{upload_id}/parts",
    "POST /v1/file-uploads/{upload_id}/complete",
    "POST /v1/file-uploads/{upload_id}/cancel",
    "PATCH /v1/vector-stores/{store_id}/files/{file_id}",
    "POST /v1/imports/{import_id}/objects",
    "POST /v1/imports/{import_id}/files",
]
"""Operations that answer 400 to well-formed requests too: their run, upload or import may be over, or wait for another
call."""
OF_A_RULE = [
    "POST /v1/vector-stores",
    "POST /v1/vector-stores/{store_id}/files",
    "POST /v1/vector-stores/{store_id}/file-batches",
    "POST /v1/vector-stores/{store_id}/search",
    "POST /v1/vector-stores/{store_id}/vectors",
    "POST /v1/file-uploads",
    "POST /v1/file-uploads/{upload_id}/complete",
    "PATCH /v1/vector-stores/{store_id}/files/{file_id}",
    "POST /v1/approvals/{approval_id}",
]
"""Operations that answer 422 to well-formed requests too: their fields have to fit together, or the vector store."""
LINKED = ["POST /v1/imports/{import_id}/files"]
"""Operations where the fuzzer replaces an invalid field by an id of an earlier answer, and then expects a refusal of
the request, which is valid by then. `test_imports.py` checks what their form accepts."""
OF_A_LIMIT = ["POST /v1/users/{user_id}/apikeys", "POST /v1/admin/users/{user_id}/keys"]
"""Operations that answer 400 and 422 to well-formed requests too: the fuzzer makes users that may have no key, and both
fields for the end of a key."""
OF_A_CODE = ["POST /v1/auth/exchange"]
"""The operation answers 429 to well-formed requests too: the fuzzer invents codes."""
OF_A_URL = ["POST /v1/assistants", "PUT /v1/assistants/{assistant_id}"]
"""Operations that answer 422 to well-formed requests too: a `webhook_url` may lead where the guard lets nobody."""


def planned(admin: Caller, world: World, threads: list[str]) -> Plan:
    """Most ids in requests are those of things that are there."""
    placed = {"path": ["assistant_id", "thread_id", "run_id", "action_id", "message_id", "user_id", "prefix"]}
    placed["body"] = ["assistant_id", "thread_id", "run_id", "tool_id"]
    of_run = {"body.run_id": "open_run", "body.thread_id": "its_thread", "body.assistant_id": "assistant_id"}
    return Plan(
        base_url=str(admin.base_url),
        ids={
            "assistant_id": [world["assistant"]],
            "thread_id": threads,
            "run_id": [world["run"], world["ended"]],
            "action_id": [world["action"]],
            "tool_id": [world["action"]],
            "message_id": [world["message"]],
            "user_id": [world["user"]],
            "prefix": [world["prefix"]],
            "open_run": [world["run"]],
            "its_thread": [world["thread"]],
        },
        parameters=drawn({f"{place}.{name}": name for place, names in placed.items() for name in names}),
        operations=[{"include-name": "POST /v1/completions", "parameters": drawn(of_run, 0.9)}, *_refusing()],
        auth={"ApiKey": {"api_key": admin.key}},
        examples=8,
        scenarios=12,
    )


def _refusing() -> list[Json]:
    """What the operations may answer to well-formed requests that are not what they can do."""
    accepted = ["2xx", "400", "401", "403", "404", "409"]
    ruled = [*accepted, "413", "422"]
    guarded = ["2xx", "401", "403", "404", "409", "422"]
    stateful = [name for name in OF_A_STATE if name not in (*OF_A_RULE, *LINKED)]
    days = ["GET /v1/usage"]  # which may be in the wrong order
    return [
        *answering(days, positive_data_acceptance=[*accepted, "422"]),
        *answering(stateful, positive_data_acceptance=accepted),
        *answering(OF_A_LIMIT, positive_data_acceptance=[*accepted, "422"]),
        *answering(OF_A_CODE, positive_data_acceptance=[*accepted, "413", "429"]),
        *answering(LINKED, positive_data_acceptance=accepted, negative_data_rejection=["2xx", "4xx", "5xx"]),
        *answering(OF_A_RULE, positive_data_acceptance=ruled, negative_data_rejection=["4xx", "5xx"]),
        *answering(OF_A_URL, positive_data_acceptance=guarded),
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return fuzzed(tmp_path_factory.mktemp("fuzzed"), _loaded)


def _loaded(server: EmbeddedPlatform, admin: Caller) -> Any:
    """The description of the API, with hooks that keep the fuzzer from locking itself out."""
    admin.user_id = ok(admin.get("/v1/auth/validate-key"))["user_id"]
    world = {**world_of(admin), **_somebody_else(admin)}
    threads = [world["free"], *(admin.thread()["id"] for _ in range(30))]
    schema = loaded(f"{server.base_url}/openapi.json", planned(admin, world, threads))

    @schema.hook
    def filter_case(context: Any, case: Any) -> bool:
        """No request may take the admin's rights, or revoke the key in use."""
        own = {admin.user_id, admin.key[:12]}
        return case.method == "GET" or own.isdisjoint(case.path_parameters.values())

    return schema


def _somebody_else(admin: Caller) -> Json:
    user_id = ok(admin.post("/v1/users", json={}))["id"]
    return {"user": user_id, "prefix": ok(admin.post(f"/v1/users/{user_id}/apikeys"))["details"]["prefix"]}


@pytest.mark.parametrize("route", list(ROUTES))
def test_an_operation_keeps_to_its_description(found: Found, route: str) -> None:
    found.see_kept(route)


def test_operations_that_follow_one_another_keep_to_their_description(found: Found) -> None:
    found.see_kept(STATEFUL, least=51)


def test_every_check_was_made_and_the_fuzzer_itself_had_no_trouble(found: Found) -> None:
    found.see_complete()
