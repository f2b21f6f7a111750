"""Schemathesis over our own description of the API, against the running server, with every check it has."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from projectdavid.server.embedded import Embedded
from tests.server.conftest import serving
from tests.server.routes import ROUTES, World, world_of
from tests.server.talking import Caller, Json, ok

pytestmark = pytest.mark.slow

EXAMPLES = 15
"""Made-up requests for each operation, besides those of the coverage phase."""
SCENARIOS = 25
"""Walks along the links that Schemathesis finds between operations."""
STATEFUL = "Stateful tests"

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
]
"""Operations that answer 400 to well-formed requests too: their run or upload may be over, or wait for another call."""
OF_A_RULE = [
    "POST /v1/vector-stores",
    "POST /v1/vector-stores/{store_id}/files",
    "POST /v1/vector-stores/{store_id}/file-batches",
    "POST /v1/vector-stores/{store_id}/search",
    "POST /v1/vector-stores/{store_id}/vectors",
    "POST /v1/file-uploads",
    "POST /v1/file-uploads/{upload_id}/complete",
    "PATCH /v1/vector-stores/{store_id}/files/{file_id}",
]
"""Operations that answer 422 to well-formed requests too: their fields have to fit together, or the vector store."""
OF_A_URL = ["POST /v1/assistants", "PUT /v1/assistants/{assistant_id}"]
"""Operations that answer 422 to well-formed requests too: a `webhook_url` may lead where the guard lets nobody."""


def configured(admin: Caller, world: World, threads: list[str]) -> SchemathesisConfig:
    """Everything bounded, nothing random; most ids in requests are those of things that are there."""
    ids = {
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
    }
    placed = {"path": ["assistant_id", "thread_id", "run_id", "action_id", "message_id", "user_id", "prefix"]}
    placed["body"] = ["assistant_id", "thread_id", "run_id", "tool_id"]
    of_run = {"body.run_id": "open_run", "body.thread_id": "its_thread", "body.assistant_id": "assistant_id"}
    accepted = ["2xx", "400", "401", "403", "404", "409"]
    ruled = [*accepted, "413", "422"]
    guarded = ["2xx", "401", "403", "404", "409", "422"]
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "dictionaries": {name: {"values": values} for name, values in ids.items()},
            "parameters": {
                f"{place}.{name}": {"dictionary": name, "probability": 0.7}
                for place, names in placed.items()
                for name in names
            },
            "operations": [
                {
                    "include-name": "POST /v1/completions",
                    "parameters": {place: {"dictionary": name, "probability": 0.9} for place, name in of_run.items()},
                },
                {
                    "include-name": "GET /v1/usage",  # whose days may be in the wrong order
                    "checks": {"positive_data_acceptance": {"expected-statuses": [*accepted, "422"]}},
                },
                *(
                    {"include-name": name, "checks": {"positive_data_acceptance": {"expected-statuses": accepted}}}
                    for name in OF_A_STATE
                    if name not in OF_A_RULE
                ),
                *(
                    {
                        "include-name": name,
                        "checks": {
                            "positive_data_acceptance": {"expected-statuses": ruled},
                            "negative_data_rejection": {"expected-statuses": ["4xx", "5xx"]},
                        },
                    }
                    for name in OF_A_RULE
                ),
                *(
                    {"include-name": name, "checks": {"positive_data_acceptance": {"expected-statuses": guarded}}}
                    for name in OF_A_URL
                ),
            ],
            "auth": {"openapi": {"ApiKey": {"api_key": admin.key}}},
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none", "no-shrink": True},
            "phases": {"stateful": {"generation": {"max-examples": SCENARIOS}}},
            "checks": {"enabled": True},
            "max-stream-events": 3,
            "request-timeout": 10,
            "continue-on-failure": True,
            "cache": {"enabled": False},
        }
    )


@dataclass
class Found:
    """What came of all requests, by operation."""

    cases: Counter[str] = field(default_factory=Counter)
    checks: set[str] = field(default_factory=set)
    failures: dict[str, list[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def take(self, recorder: ScenarioRecorder) -> None:
        """Add what one scenario came to."""
        self.cases[recorder.label] += len(recorder.cases)
        for case_id, checks in recorder.checks.items():
            for check in checks:
                self.checks.add(check.name)
                if check.status is Status.FAILURE:
                    said = _told(recorder, case_id, check)
                    self.failures.setdefault(recorder.label, []).append(said)


def _told(recorder: ScenarioRecorder, case_id: str, check: Any) -> str:
    failure = check.failure_info.failure
    lines = [f"{check.name}: {failure.title}: {failure.message[:500]}"]
    interaction = recorder.interactions.get(case_id)
    if interaction is not None and interaction.request is not None:
        request = interaction.request
        lines.append(f"  {request.method} {request.uri} {(request.body or b'')[:500]!r}")
    if interaction is not None and interaction.response is not None:
        lines.append(f"  {interaction.response.status_code} {interaction.response.content[:500]!r}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, monkeypatch_module: pytest.MonkeyPatch) -> Found:
    path: Path = tmp_path_factory.mktemp("fuzzed")
    monkeypatch_module.chdir(path)
    found = Found()
    with serving(path, keep_alive=0.1) as server, Caller(server.base_url, "", server.admin_api_key) as admin:
        for event in from_schema(_loaded(server, admin)).execute():
            if isinstance(event, events.ScenarioFinished):
                found.take(event.recorder)
            elif isinstance(event, events.NonFatalError):
                found.errors.append(f"{event.label}: {event.value}")
            elif isinstance(event, events.FatalError):
                found.errors.append(str(event.exception))
    return found


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def _loaded(server: Embedded, admin: Caller) -> Any:
    """The description of the API, with hooks that keep the fuzzer from locking itself out."""
    admin.user_id = ok(admin.get("/v1/auth/validate-key"))["user_id"]
    world = {**world_of(admin), **_somebody_else(admin)}
    threads = [world["free"], *(admin.thread()["id"] for _ in range(30))]
    config = configured(admin, world, threads)
    schema = schemathesis.openapi.from_url(f"{server.base_url}/openapi.json", config=config)

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
    assert found.cases[route] > 0
    assert not found.failures.get(route), "\n".join(found.failures[route][:3])


def test_operations_that_follow_one_another_keep_to_their_description(found: Found) -> None:
    assert found.cases[STATEFUL] > 50
    assert not found.failures.get(STATEFUL), "\n".join(found.failures[STATEFUL][:3])


ELSEWHERE = {
    "max_response_time": "no test here looks at a clock",
    "object_level_authorization": "wants a file of users; test_ownership.py walks every route and every id",
    "missing_required_header": "no operation has a required header",
}


def test_every_check_was_made_and_the_fuzzer_itself_had_no_trouble(found: Found) -> None:
    assert found.errors == []
    assert found.checks | set(ELSEWHERE) >= set(CHECKS.get_all_names())
