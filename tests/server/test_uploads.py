"""Uploads in parts: whole, resumed, and all that can be wrong with them."""

import hashlib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from projectdavid import BadRequestError, Entity, UnprocessableEntityError
from projectdavid.runtime.file_lifecycle import ORPHANED_AFTER, FileLifecycle
from projectdavid.services.platform import Platform
from tests.server.conftest import Clock
from tests.server.routes import begun
from tests.server.talking import NOBODY, Caller, Json, ok, once, refused, stored

CONTENT = b"The first part." * 1000 + b"The second." * 1000


def sent(user: Caller, upload: Json, piece: bytes, **options: Any) -> httpx2.Response:
    """A part that is sent."""
    return user.post(f"/v1/file-uploads/{upload['id']}/parts", files={"data": piece}, **options)


def completed(user: Caller, upload: Json, *parts: Json, **fields: Json) -> httpx2.Response:
    """An upload that is completed."""
    body = {"part_ids": [part["id"] for part in parts], **fields}
    return user.post(f"/v1/file-uploads/{upload['id']}/complete", json=body)


def test_the_parts_become_one_file_in_their_order(user: Caller, folder: Path) -> None:
    before, upload = stored(folder), begun(user, CONTENT)
    assert (upload["status"], upload["bytes"], upload["filename"]) == ("pending", len(CONTENT), "words.txt")
    assert upload["expires_at"] == upload["created_at"] + 3600
    second, first = ok(sent(user, upload, CONTENT[15_000:])), ok(sent(user, upload, CONTENT[:15_000]))
    done = ok(completed(user, upload, first, second, md5=hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()))
    file = done["file"]
    assert (done["status"], done["parts"]) == ("completed", [])
    assert (file["filename"], file["bytes"], file["mime_type"]) == ("words.txt", len(CONTENT), "text/plain")
    assert file["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert user.get(f"/v1/files/{file['id']}/content").content == CONTENT
    assert len(stored(folder) - before) == 1
    assert ok(completed(user, upload, first, second)) == done


def test_an_upload_shows_the_parts_that_it_has(user: Caller) -> None:
    upload = begun(user, CONTENT)
    part = ok(sent(user, upload, b"a piece"))
    assert (part["object"], part["bytes"], part["upload_id"]) == ("upload.part", 7, upload["id"])
    assert ok(user.get(f"/v1/file-uploads/{upload['id']}"))["parts"] == [part]


def test_a_part_with_a_key_comes_once_however_often_it_is_sent(user: Caller, folder: Path) -> None:
    before, upload = stored(folder), begun(user, CONTENT)
    first, again = (sent(user, upload, b"piece", headers={"idempotency-key": "part-0"}) for _ in range(2))
    assert ok(first) == ok(again)
    assert len(ok(user.get(f"/v1/file-uploads/{upload['id']}"))["parts"]) == 1
    assert len(stored(folder) - before) == 1


def test_an_empty_file_needs_no_parts(user: Caller) -> None:
    assert ok(completed(user, begun(user, b"")))["file"]["bytes"] == 0


def test_what_does_not_fit_together_makes_no_file(user: Caller, other: Caller) -> None:
    upload, second, foreign = begun(user, CONTENT), begun(user, CONTENT), begun(other, CONTENT)
    part, theirs = ok(sent(user, upload, CONTENT[:10])), ok(sent(other, foreign, CONTENT))
    elsewhere = ok(sent(user, second, CONTENT))
    assert "not 26000" in refused(completed(user, upload, part), 422, "invalid_value", "part_ids")
    refused(completed(user, upload, part, theirs), 404, "upload_part_not_found", "part_ids.1")
    refused(completed(user, upload, part, elsewhere), 404, "upload_part_not_found", "part_ids.1")
    refused(completed(user, upload, part, part), 422, "invalid_value", "part_ids.1")
    refused(completed(user, upload, {"id": NOBODY}), 404, "upload_part_not_found", "part_ids.0")
    rest = ok(sent(user, upload, CONTENT[10:]))
    refused(completed(user, upload, part, rest, md5="0" * 32), 422, "invalid_value", "md5")
    assert ok(user.get("/v1/files"))["data"] == []
    assert ok(completed(user, upload, part, rest))["status"] == "completed"


def test_an_upload_that_is_cancelled_leaves_nothing(user: Caller, folder: Path) -> None:
    before, upload = stored(folder), begun(user, CONTENT)
    part = ok(sent(user, upload, CONTENT))
    cancelled = ok(user.post(f"/v1/file-uploads/{upload['id']}/cancel"))
    assert (cancelled["status"], cancelled["parts"]) == ("cancelled", [])
    assert stored(folder) == before
    assert ok(user.post(f"/v1/file-uploads/{upload['id']}/cancel")) == cancelled
    for response in (sent(user, upload, b"more"), completed(user, upload, part)):
        assert "cancelled" in refused(response, 400, "invalid_state")
    assert stored(folder) == before


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"filename": "a"}, 422, "bytes"),
        ({"bytes": 1}, 422, "filename"),
        ({"filename": "", "bytes": 1}, 422, "filename"),
        ({"filename": "../..", "bytes": 1}, 422, "filename"),
        ({"filename": "a", "bytes": -1}, 422, "bytes"),
        ({"filename": "a", "bytes": 1.5}, 422, "bytes"),
        ({"filename": "a", "bytes": 2**40}, 413, "bytes"),
        ({"filename": "a", "bytes": 1, "purpose": "a b"}, 422, "purpose"),
        ({"filename": "a", "bytes": 1, "expires_after": 0}, 422, "expires_after"),
        ({"filename": "a", "bytes": 1, "more": 1}, 422, "more"),
    ],
)
def test_an_upload_that_is_none_is_refused(user: Caller, body: Json, status: int, param: str) -> None:
    response = user.post("/v1/file-uploads", json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (status, param), response.text


def test_a_part_that_is_none_is_refused(user: Caller, folder: Path) -> None:
    before, upload = stored(folder), begun(user, CONTENT)
    path = f"/v1/file-uploads/{upload['id']}/parts"
    refused(user.post(path, files={"file": b"x"}), 422, "unknown_field", "file")
    refused(user.post(path, files=[("data", b"x"), ("data", b"y")]), 422, "invalid_value", "data")
    refused(user.post(path, files={"other": b""}), 422, "unknown_field", "other")
    refused(user.post(path, json={"data": "x"}), 415, "unsupported_media_type")
    refused(user.post(path, files={"data": bytes((64 << 20) + 1)}), 413, "file_too_large", "data")
    refused(user.post(f"/v1/file-uploads/{NOBODY}/parts", files={"data": b"x"}), 404, "upload_not_found")
    assert stored(folder) == before


@pytest.mark.anyio
async def test_an_upload_whose_hour_is_over_takes_nothing_more(
    still: httpx2.AsyncClient, clock: Clock, platform: Platform, tmp_path: Path
) -> None:
    upload = ok(await still.post("/v1/file-uploads", json={"filename": "a.txt", "bytes": len(CONTENT)}))
    path = f"/v1/file-uploads/{upload['id']}"
    part = ok(await still.post(f"{path}/parts", files={"data": CONTENT}))
    clock.now += 3601
    late = await still.post(f"{path}/complete", json={"part_ids": [part["id"]]})
    assert "expired" in refused(late, 400, "invalid_state")
    assert ok(await still.get(path))["status"] == "expired"
    await platform.filing.expire()
    assert stored(tmp_path) == set()
    assert ok(await still.get(path))["parts"] == []


@pytest.mark.anyio
async def test_what_looks_for_bytes_without_a_file_leaves_the_parts_of_uploads(
    still: httpx2.AsyncClient, platform: Platform, tmp_path: Path
) -> None:
    upload = ok(await still.post("/v1/file-uploads", json={"filename": "a.txt", "bytes": len(CONTENT)}))
    ok(await still.post(f"/v1/file-uploads/{upload['id']}/parts", files={"data": CONTENT}))
    orphan = await platform.blobs.put(once(b"of nobody"), 100)
    before = stored(tmp_path)
    assert len(before) == 2
    later = FileLifecycle(platform.store, platform.blobs, platform.clock, orphaned_after=-ORPHANED_AFTER)
    assert await later.prune() == 1
    assert before - stored(tmp_path) == {orphan.key}


def test_the_sdk_uploads_in_parts_and_goes_on_where_it_broke_off(user: Caller, tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(CONTENT)
    upload = begun(user, CONTENT)
    headers = {"idempotency-key": f"{upload['id']}-0"}
    ok(sent(user, upload, CONTENT[:10_000], headers=headers))
    with Entity(base_url=str(user.base_url), api_key=user.key) as client:
        seen: list[tuple[int, int]] = []
        told = lambda done, total: seen.append((done, total))  # noqa: E731
        file = client.files.upload_in_parts(path, upload_id=upload["id"], part_size=8000, on_progress=told)
        assert client.files.content(file.id) == CONTENT
        assert seen == [(18_000, 26_000), (26_000, 26_000)]
        ids: list[str] = []
        whole = client.files.upload_in_parts(CONTENT, filename="b.txt", part_size=20_000, on_begin=ids.append)
        assert (whole.filename, whole.sha256) == ("b.txt", file.sha256)
        other = begun(user, CONTENT)
        ok(sent(user, other, b"x" * 10_000, headers={"idempotency-key": f"{other['id']}-0"}))
        with pytest.raises(UnprocessableEntityError, match="md5"):
            client.files.upload_in_parts(path, upload_id=other["id"])
        cancelled = begun(user, CONTENT)
        ok(user.post(f"/v1/file-uploads/{cancelled['id']}/cancel"))
        with pytest.raises(BadRequestError, match="cancelled"):
            client.files.upload_in_parts(path, upload_id=cancelled["id"])
