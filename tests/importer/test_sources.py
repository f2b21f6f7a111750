"""How sources are named and asked, and in which order exports are read."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from projectdavid.importer.credentials import SourceCredential
from projectdavid.importer.endpoints import parse_endpoint, segment
from projectdavid.importer.exports import ExportSource
from projectdavid.importer.local_files import LocalFiles
from projectdavid.importer.source_client import retry_after

pytestmark = pytest.mark.anyio

FOUNDRY = "https://n.services.ai.azure.com/api/projects/p"
RESOURCE = "https://n.openai.azure.com"
ENDPOINTS = [
    (FOUNDRY, FOUNDRY, "v1"),
    (f"{FOUNDRY}/", FOUNDRY, "v1"),
    (f"{FOUNDRY}/assistants?api-version=2025-05-01", FOUNDRY, "2025-05-01"),
    ("HTTPS://N.services.ai.azure.com/api/projects/p", FOUNDRY, "v1"),
    (RESOURCE, f"{RESOURCE}/openai", "2024-05-01-preview"),
    (f"{RESOURCE}/", f"{RESOURCE}/openai", "2024-05-01-preview"),
    (f"{RESOURCE}/openai/assistants?api-version=x", f"{RESOURCE}/openai", "x"),
    (f"{RESOURCE}/openai/v1/", f"{RESOURCE}/openai", "2024-05-01-preview"),
    ("https://n.cognitiveservices.azure.com", "https://n.cognitiveservices.azure.com/openai", "2024-05-01-preview"),
    ("https://gate.example/a/openai", "https://gate.example/a/openai", "2024-05-01-preview"),
    ("https://gate.example:8443/x/api/projects/p", "https://gate.example:8443/x/api/projects/p", "v1"),
]


@pytest.mark.parametrize(("given", "base", "version"), ENDPOINTS)
def test_an_endpoint_is_read_however_it_is_written(given: str, base: str, version: str) -> None:
    endpoint = parse_endpoint(given)
    assert (endpoint.base, endpoint.api_version) == (base, version)
    assert endpoint.name == f"azure:{base.removeprefix('https://')}"
    assert parse_endpoint(given, "mine").url("/files", {"a": "b c"}) == f"{base}/files?a=b+c&api-version=mine"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "n.openai.azure.com",
        "ftp://n.openai.azure.com",
        "https://user:key@n.openai.azure.com",
        "https://n.services.ai.azure.com",
        "https://n.services.ai.azure.com/api/projects/",
    ],
)
def test_what_is_no_endpoint_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_endpoint(given)


@pytest.mark.parametrize(("one", "escaped"), [("a/../b", "a%2F..%2Fb"), ("ä?#", "%C3%A4%3F%23")])
def test_an_id_cannot_name_another_path(one: str, escaped: str) -> None:
    assert segment(one) == escaped
    with pytest.raises(ValueError, match="not a valid id"):
        segment("..")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"x-ms-retry-after-ms": "20"}, 0.02),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": format_datetime(datetime.now(UTC) - timedelta(hours=1))}, 0.0),
    ],
)
def test_the_pause_that_a_source_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_credential_shows_nothing_of_itself() -> None:
    secret = "a-very-secret-value"
    for credential in (SourceCredential(key=secret), SourceCredential(token=secret)):
        assert secret not in f"{credential!r} {credential}"
        assert secret in str(credential.headers())


ORDERS = [
    ("aqaq", [1, 1, 2, 2], [0, 1, 2, 3]),
    ("qaqa", [2, 2, 1, 1], [3, 2, 1, 0]),
    ("aq", [1, 1], [1, 0]),
    ("qa", [1, 1], [0, 1]),
    ("qaqa", [1, 3, 2, 4], [0, 2, 1, 3]),
]
"""The roles and times of messages as they were read, and the order in which they were said."""


@pytest.mark.parametrize(("roles", "times", "order"), ORDERS)
async def test_messages_of_an_export_are_put_in_order(
    tmp_path: Path, roles: str, times: list[int], order: list[int]
) -> None:
    names = {"q": "user", "a": "assistant"}
    lines = [
        {"thread_id": "t", "message_id": str(place), "role": names[role], "text": "x", "created_at": time}
        for place, (role, time) in enumerate(zip(roles, times, strict=True))
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    source = ExportSource("s", LocalFiles(None))
    source.load([path])
    assert [one["id"] async for page in source.threads() for one in page] == ["t"]
    assert [int(one["id"]) async for page in source.messages("t", None) for one in page] == order


async def test_other_threads_of_an_export_say_how_messages_of_one_second_were_read(tmp_path: Path) -> None:
    def lines(thread: str, *times: int) -> list[str]:
        fields = {"thread_id": thread, "role": "user", "text": "x"}
        return [json.dumps({**fields, "message_id": f"{n}", "created_at": time}) for n, time in enumerate(times)]

    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*lines("level", 5, 5), *lines("falling", 3, 2, 1)]))
    source = ExportSource("s", LocalFiles(None))
    source.load([path])
    assert [one["id"] async for page in source.messages("level", None) for one in page] == ["1", "0"]


async def test_what_an_export_leaves_open_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    inside = {"object": "vector_store.file", "id": "f", "vector_store_id": "vs_lost", "created_at": 1}
    path.write_bytes(json.dumps(inside).encode() + b"\n\xff\n" + b"[" * 100_000 + b"\n{\n")
    source = ExportSource("s", LocalFiles(None))
    source.load([path])
    assert [(one.code, one.source_id, one.line) for one in source.problems] == [
        *[("bad_line", None, line) for line in (2, 3, 4)],
        ("not_exported", "vs_lost", None),
    ]
    assert re.search("UTF-8.*nested too deep", " ".join(one.message for one in source.problems))
