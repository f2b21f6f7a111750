"""Schemathesis with every check it has over a description of ours, against a running server: what both dialects share.

Everything is bounded, and nothing is random, but which links a walk takes: that is drawn anew each time.
"""

import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from projectdavid.api.http.etags import WELL_FORMED
from projectdavid.api.requests.idempotent_replies import DESCRIBED
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.protocol.base import NO_NUL
from tests.server.conftest import serving
from tests.server.talking import Caller, Json
from tests.timeouts import EVENT_TIMEOUT

STATEFUL = "Stateful tests"
SCALE = int(os.environ.get("FUZZ_SCALE", "1"))
"""Multiplies what is drawn; `make deep` sets it."""
KEY = DESCRIBED["schema"]
FALSE_ALARMS = (
    ("positive_data_acceptance", r"expected filters at most 8 deep"),  # JSON Schema cannot express the depth of a type
    ("negative_data_rejection", r"\(was string, became null\)[\s\S]*form-data"),  # a form has the text "null" then
    # Schemathesis makes a filter invalid for one of the types that it can have, and so valid for another.
    ("negative_data_rejection", r"violates `enum` at /properties/filters/anyOf"),
)
"""What a check says of a request that was answered as it should be."""
ELSEWHERE = {
    "max_response_time": "no test here looks at a clock",
    "object_level_authorization": "wants a file of users; test_ownership.py walks every route and every id",
    "missing_required_header": "no operation has a required header",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What requests are made of, and how many there are."""

    base_url: str
    """What paths are under."""
    ids: dict[str, list[str]]
    """By the name of a dictionary: ids of things that are there."""
    parameters: dict[str, Json]
    """Where they are put."""
    operations: list[Json]
    """What is special to single operations."""
    auth: Json
    examples: int
    """Made-up requests for each operation, besides those of the coverage phase."""
    scenarios: int
    """Walks along the links that Schemathesis finds between operations."""

    def configured(self) -> SchemathesisConfig:
        """The same in the words of Schemathesis."""
        return SchemathesisConfig.from_dict(
            {
                "seed": 1,
                "base-url": self.base_url,
                "dictionaries": {name: {"values": values} for name, values in self.ids.items()},
                "parameters": self.parameters,
                "operations": self.operations,
                "auth": {"openapi": self.auth},
                "generation": {
                    "max-examples": SCALE * self.examples,
                    "deterministic": True,
                    "database": "none",
                    "no-shrink": True,
                },
                "phases": {"stateful": {"generation": {"max-examples": SCALE * self.scenarios}}},
                "checks": {"enabled": True},
                "max-stream-events": 3,
                "request-timeout": EVENT_TIMEOUT,
                "continue-on-failure": True,
                "cache": {"enabled": False},
            }
        )


def drawn(dictionaries: dict[str, str], probability: float = 0.7) -> Json:
    """Parameters, such as `path.run_id`, that are mostly those of a dictionary."""
    return {name: {"dictionary": one, "probability": probability} for name, one in dictionaries.items()}


def answering(operations: Iterable[str], **statuses: list[str]) -> list[Json]:
    """Operations of which a check, such as `positive_data_acceptance`, expects these statuses."""
    checks = {check: {"expected-statuses": expected} for check, expected in statuses.items()}
    return [{"include-name": name, "checks": checks} for name in operations]


@dataclass
class Found:
    """What came of all requests, by operation."""

    cases: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    """Those of them that were answered with a 2xx."""
    checks: set[str] = field(default_factory=set)
    failures: dict[str, list[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def hear(self, event: events.EngineEvent) -> None:
        """Add what something that happened comes to."""
        if isinstance(event, events.ScenarioFinished):
            self._take(event.recorder)
        elif isinstance(event, events.NonFatalError):
            self.errors.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            self.errors.append(str(event.exception))

    def _take(self, recorder: ScenarioRecorder) -> None:
        self.cases[recorder.label] += len(recorder.cases)
        answers = [one.response for one in recorder.interactions.values() if one.response is not None]
        self.accepted[recorder.label] += sum(200 <= answer.status_code < 300 for answer in answers)
        for case_id, checks in recorder.checks.items():
            for check in checks:
                self.checks.add(check.name)
                if check.status is Status.FAILURE:
                    said = _told(recorder, case_id, check)
                    if not any(check.name == name and re.search(text, said) for name, text in FALSE_ALARMS):
                        self.failures.setdefault(recorder.label, []).append(said)

    def see_kept(self, label: str, least: int = 1) -> None:
        """See that so many requests were made of an operation, and that all went as described."""
        assert self.cases[label] >= least
        assert not self.failures.get(label), "\n".join(self.failures[label][:3])

    def see_complete(self) -> None:
        """See that every check was made, and that the fuzzer itself had no trouble."""
        assert self.errors == []
        assert self.checks | set(ELSEWHERE) >= set(CHECKS.get_all_names())


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


def fuzzed(path: Path, load: Callable[[EmbeddedPlatform, Caller], Any]) -> Found:
    """What comes of a server with its data in a folder; `load` makes the description ready, with what it names."""
    found = Found()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        with serving(path, stream_keep_alive=0.1) as server, Caller(server.base_url, "", server.admin_api_key) as admin:
            for event in from_schema(load(server, admin)).execute():
                found.hear(event)
    return found


def loaded(url: str, plan: Plan) -> Any:
    """The description that is served there, ready to be fuzzed; each idempotency key is used once.

    What comes with a key that was used is not done, but compared, and Schemathesis has few keys in mind.
    """
    schema = schemathesis.openapi.from_dict(
        _drawable(httpx2.get(url, timeout=EVENT_TIMEOUT).json()), config=plan.configured()
    )
    keys = (f"key {number}" for number in itertools.count())

    @schema.hook
    def filter_case(context: Any, case: Any) -> bool:
        # Of a list, some of which names nothing (a user's message no assistant), a walk may take what is not there.
        return None not in case.path_parameters.values()

    @schema.hook
    def map_case(context: Any, case: Any) -> Any:
        key = case.headers.get("Idempotency-Key", "")
        if re.fullmatch(KEY["pattern"], key) and len(key) <= KEY["maxLength"]:
            case.headers["Idempotency-Key"] = next(keys)
        tag = case.headers.get("If-Match")
        if tag is not None and (_is_positive(case) or re.fullmatch(WELL_FORMED, tag)):
            # A made-up tag is of no revision, so nothing would be seen of the body; the coverage phase of Schemathesis
            # makes up values that do not even have the pattern.
            case.headers["If-Match"] = "*"
        return case

    return schema


def _is_positive(case: Any) -> bool:
    """True if Schemathesis holds a request for well-formed."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def _drawable(description: Json) -> Json:
    """The same, with texts without a NUL in other words: where those may be long, Schemathesis draws none by pattern,
    and gives up the whole body."""
    if isinstance(description, list):
        return [_drawable(one) for one in description]
    if not isinstance(description, dict):
        return description
    if description.get("pattern") == NO_NUL:
        others = {name: value for name, value in description.items() if name != "pattern"}
        return {**others, "not": {"pattern": r"\x00"}}
    return {name: _drawable(value) for name, value in description.items()}
