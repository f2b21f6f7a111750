"""Links that open one file for a while, without a key; and files that are kept for a while."""

from pathlib import Path

import httpx2
import pytest

from projectdavid.runtime.file_lifecycle import ORPHANED_AFTER, FileLifecycle
from projectdavid.services.platform import Platform
from tests.server.conftest import Clock, serving
from tests.server.talking import Caller, Json, ok, once, refused, stored

CSV = b"a,b\n1,2\n"
NEVER_IN_A_LINK = ("0" * 64, "", "é", "x" * 128)


def link_of(user: Caller, file: Json, **query: str) -> httpx2.URL:
    return httpx2.URL(ok(user.get(f"/v1/files/{file['id']}/signed-url", params=query))["signed_url"])


def test_a_link_opens_its_file_without_a_key(user: Caller, stranger: httpx2.Client) -> None:
    file = user.upload(CSV, "t.csv")
    link = link_of(user, file, use_real_filename="true")
    assert str(link).startswith(f"{user.base_url}".rstrip("/") + "/v1/files/download?")
    opened = stranger.get(link)
    assert (opened.status_code, opened.content) == (200, CSV)
    assert opened.headers["content-disposition"] == 'attachment; filename="t.csv"'
    by_id = stranger.get(link_of(user, file))
    assert by_id.headers["content-disposition"] == f'attachment; filename="{file["id"]}"'
    assert stranger.get(link, headers={"range": "bytes=0-0"}).content == b"a"


def test_a_link_of_which_anything_is_changed_opens_nothing(
    user: Caller, other: Caller, stranger: httpx2.Client
) -> None:
    file, more = user.upload(CSV), other.upload(CSV)
    link = link_of(user, file)
    expires = int(link.params["expires"])
    changes = [
        {"file_id": more["id"]},
        {"expires": str(expires + 1)},
        {"expires": str(expires - 1)},
        {"use_real_filename": "true"},
        *({"signature": signature} for signature in NEVER_IN_A_LINK),
        {"signature": link.params["signature"].upper()},
        {"signature": link_of(other, more).params["signature"]},
    ]
    for change in changes:
        refused(stranger.get(link.copy_merge_params(change)), 403, "invalid_link")
    assert stranger.get(link).status_code == 200


IMAGE = b"\x89PNG\r\n\x1a\n" + b"0" * 32
EMBEDDED = {"a.png": "cross-origin", "a.txt": "same-origin", "a.html": "same-origin", "a.pdf": "same-origin"}


@pytest.mark.parametrize(("name", "policy"), EMBEDDED.items())
def test_other_sites_can_embed_images_by_their_links_and_nothing_else(
    user: Caller, stranger: httpx2.Client, name: str, policy: str
) -> None:
    file = user.upload({"a.png": IMAGE, "a.pdf": b"%PDF-1.4\n"}.get(name, b"words"), name)
    link = ok(user.get(f"/v1/files/{file['id']}/signed-url"))["signed_url"]
    assert stranger.get(link).headers["cross-origin-resource-policy"] == policy
    with_key = user.get(f"/v1/files/{file['id']}/content")
    assert with_key.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("name", ["file_id", "expires", "signature"])
def test_a_link_that_lacks_a_part_is_refused(user: Caller, stranger: httpx2.Client, name: str) -> None:
    link = link_of(user, user.upload(CSV))
    refused(stranger.get(link.copy_remove_param(name)), 422, "missing_field", name)


@pytest.mark.parametrize("seconds", ["0", "-1", "604801", "soon"])
def test_a_link_opens_for_at_most_a_week(user: Caller, seconds: str) -> None:
    file = user.upload(CSV)
    response = user.get(f"/v1/files/{file['id']}/signed-url", params={"expires_in": seconds})
    refused(response, 422, "invalid_value", "expires_in")


def test_links_begin_as_the_operator_says(tmp_path: Path) -> None:
    public = "https://david.example/api/"
    with serving(tmp_path, public_url=public) as server, Caller(server.base_url, "", server.api_key) as user:
        assert str(link_of(user, user.upload(CSV))).startswith(f"{public}v1/files/download?")


async def _uploaded(still: httpx2.AsyncClient, **fields: str) -> Json:
    return ok(await still.post("/v1/files", files={"file": ("a.csv", CSV)}, data=fields))


@pytest.mark.anyio
async def test_a_link_opens_nothing_when_its_time_is_up(still: httpx2.AsyncClient, clock: Clock) -> None:
    file = await _uploaded(still)
    link = ok(await still.get(f"/v1/files/{file['id']}/signed-url?expires_in=60"))["signed_url"]
    clock.now += 59
    assert (await still.get(link)).status_code == 200
    clock.now += 1
    refused(await still.get(link), 403, "invalid_link")


@pytest.mark.anyio
async def test_a_file_is_deleted_when_its_time_is_up(
    still: httpx2.AsyncClient, clock: Clock, platform: Platform
) -> None:
    kept, short = await _uploaded(still), await _uploaded(still, expires_after="60")
    assert short["expires_at"] == int(clock.now) + 60
    resources = {"code_interpreter": {"file_ids": [kept["id"], short["id"]]}}
    thread = ok(await still.post("/v1/threads", json={"tool_resources": resources}))
    clock.now += 59
    assert await platform.filing.expire() == 0
    clock.now += 1
    assert await platform.filing.expire() == 1
    refused(await still.get(f"/v1/files/{short['id']}"), 404, "file_not_found")
    left = ok(await still.get(f"/v1/threads/{thread['id']}"))["tool_resources"]
    assert left == {"code_interpreter": {"file_ids": [kept["id"]]}}
    assert len(stored(platform.settings.data)) == 1


@pytest.mark.anyio
async def test_bytes_that_no_file_has_are_moved_aside_in_time(still: httpx2.AsyncClient, platform: Platform) -> None:
    ours = await _uploaded(still)
    await platform.blobs.put(once(b"unlinked"), 100)
    assert await platform.filing.prune() == 0  # they may be of a file that is only being made
    later = FileLifecycle(platform.store, platform.blobs, platform.clock, orphaned_after=-ORPHANED_AFTER)
    assert await later.prune() == 1
    assert len(stored(platform.settings.data)) == 1
    assert (await still.get(f"/v1/files/{ours['id']}/content")).content == CSV
