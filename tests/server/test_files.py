"""Files: uploaded, listed, read as a whole and in parts, linked to, deleted."""

from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from tests.server.talking import Caller, Json, ok, refused, stored

CSV = b"a,b\n1,2\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
BIG = bytes(range(256)) * 20_000


def content(user: Caller, file: Json, **headers: str) -> httpx2.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return user.get(f"/v1/files/{file['id']}/content", headers=names)


@pytest.mark.parametrize("path", ["/v1/files", "/v1/uploads"])
def test_a_file_that_was_uploaded_comes_back(user: Caller, path: str) -> None:
    response = user.post(path, files={"file": ("table.csv", CSV)}, data={"purpose": "vision"})
    assert response.status_code == 201
    file = response.json()
    assert file == {
        "id": file["id"],
        "object": "file",
        "bytes": len(CSV),
        "created_at": file["created_at"],
        "expires_at": None,
        "filename": "table.csv",
        "purpose": "vision",
        "status": "uploaded",
        "mime_type": "text/csv",
        "sha256": sha256(CSV).hexdigest(),
        "run_id": None,
    }
    assert file["id"].startswith("file_")
    assert ok(user.get(f"/v1/files/{file['id']}")) == file
    assert ok(user.get("/v1/files"))["data"] == [file]
    assert content(user, file).content == CSV
    assert b64decode(ok(user.get(f"/v1/files/{file['id']}/base64"))["base64"]) == CSV


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1024 * 1024, 1024 * 1024 + 1, len(BIG)])
def test_files_of_every_size_come_back_as_bytes_and_as_base64(user: Caller, size: int) -> None:
    file = user.upload(BIG[:size])
    assert file["bytes"] == size
    assert content(user, file).content == BIG[:size]
    answer = user.get(f"/v1/files/{file['id']}/base64")
    assert b64decode(answer.json()["base64"]) == BIG[:size]
    assert answer.headers["content-type"] == "application/json"


def test_bytes_that_look_like_a_form_come_back_as_they_are(user: Caller) -> None:
    tricky = b"\r\n--x\r\n--\r\n\r\n--boundary--\r\n" * 1000
    body = b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n--boundary--\r\n'
    inner = tricky.replace(b"--boundary", b"--boundarY")
    headers = {"content-type": "multipart/form-data; boundary=boundary"}
    for size in (1, 7, 100_000):
        whole = body % inner

        def pieces(whole: bytes = whole, size: int = size) -> Json:
            head = 200  # the first bytes one by one, so that every boundary is cut somewhere
            yield from (whole[at : at + 1] for at in range(head))
            step = max(size, len(whole) // 500) if size < 100 else size
            yield from (whole[at : at + step] for at in range(head, len(whole), step))

        file = ok(user.post("/v1/files", content=pieces(), headers=headers))
        assert content(user, file).content == inner


def test_fields_may_stand_behind_the_file(user: Caller) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n--b--\r\nan epilogue'
    )
    file = ok(user.post("/v1/files", content=body, headers={"content-type": "multipart/form-data; boundary=b"}))
    assert file["purpose"] == "vision"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("naïve 数据.csv", "naïve 数据.csv"),
        ('say "hi".txt', 'say "hi".txt'),
        ("gpj\u202e.exe", "gpj.exe"),
        ("a" * 255, "a" * 255),
    ],
)
def test_a_name_loses_its_folders_and_nothing_else_of_use(user: Caller, given: str, kept: str) -> None:
    file = user.upload(CSV, given)
    assert file["filename"] == kept
    disposition = content(user, file).headers["content-disposition"]
    assert disposition.isascii()


NAME = "Übersicht 你好.txt"
ENCODED: dict[str, bytes] = {
    "as it is": f'filename="{NAME}"'.encode(),
    "RFC 5987 alone": b"filename*=UTF-8''%C3%9Cbersicht%20%E4%BD%A0%E5%A5%BD.txt",
    "RFC 5987 after a name in ASCII": b"filename=\"U.txt\"; filename*=utf-8'de'%C3%9Cbersicht%20%E4%BD%A0%E5%A5%BD.txt",
    "RFC 5987 before a name in ASCII": b"filename*=utf-8''%C3%9Cbersicht%20%E4%BD%A0%E5%A5%BD.txt; filename=U.txt",
    "RFC 5987 in quotes": b"filename*=\"UTF-8''%C3%9Cbersicht%20%E4%BD%A0%E5%A5%BD.txt\"",
    "RFC 5987 in another charset": b"filename*=gb18030''%s" % quote(NAME.encode("gb18030")).encode(),
    "RFC 2231 in pieces": b"filename*0*=UTF-8''%C3%9Cbersicht%20; filename*1*=%E4%BD%A0%E5%A5%BD; filename*2=.txt",
    "RFC 2231 in pieces, not in order": b"filename*1*=%E4%BD%A0%E5%A5%BD.txt; filename*0*=UTF-8''%C3%9Cbersicht%20",
    "RFC 2231 in pieces as they are": 'filename*0="Übersicht "; filename*1="你好.txt"'.encode(),
    "RFC 2047 in base64": b'filename="=?utf-8?B?w5xiZXJzaWNodCDkvaDlpb0udHh0?="',
    "RFC 2047 in quoted-printable": b'filename="=?UTF-8?Q?=C3=9Cbersicht_=E4=BD=A0=E5=A5=BD.txt?="',
    "RFC 2047 in two words": b'filename="=?utf-8?B?w5xiZXJzaWNodCA=?= =?utf-8?Q?=E4=BD=A0=E5=A5=BD?=.txt"',
    "RFC 2047 in words that share a character": b'filename="=?utf-8?B?w5xiZXJzaWNodCDkvQ==?= =?utf-8?B?oOWlvS50eHQ=?="',
    "RFC 2047 with a language": b'filename="=?utf-8*de?B?w5xiZXJzaWNodCDkvaDlpb0udHh0?="',
    "RFC 2047 and 5987": b"filename=\"=?utf-8?B?eA==?=\"; filename*=utf-8''%C3%9Cbersicht%20%E4%BD%A0%E5%A5%BD.txt",
    "RFC 5987 that cannot be read": f"filename=\"{NAME}\"; filename*=utf-8''%FF".encode(),
}


def in_form(user: Caller, path: str, names: bytes) -> httpx2.Response:
    """The answer to a file with these names in the header of its part."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; %b\r\n\r\nhello\r\n' % names
    purpose = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--b--\r\n'
    return user.post(path, content=head + purpose, headers={"content-type": "multipart/form-data; boundary=b"})


@pytest.mark.parametrize("names", ENCODED.values(), ids=ENCODED)
def test_a_name_is_decoded_however_it_was_encoded(user: Caller, names: bytes) -> None:
    for path in ("/v1/files", "/openai/v1/files"):
        assert ok(in_form(user, path, names))["filename"] == NAME


@pytest.mark.parametrize(
    "names",
    [
        b"filename*=x-unknown''%C3%9C.txt",
        b"filename*=utf-8''%FF.txt",
        b"filename*=undefined''a.txt",
        b"filename*=utf-7''+2D0-.txt",
        b"filename*=utf-8''..",
        b"filename*=utf-8''a%2F",
        b'filename="=?utf-8?B?w5w?="',
        b'filename="=?x-unknown?B?w5w=?="',
        b'filename="=?utf-8?Q?=FF?="',
        b'filename="\xed\xa0\xbd"',
    ],
)
def test_a_name_that_cannot_be_decoded_is_refused_with_its_field(user: Caller, folder: Path, names: bytes) -> None:
    before = stored(folder)
    refused(in_form(user, "/v1/files", names), 422, "invalid_value", "file")
    answer = in_form(user, "/openai/v1/files", names)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file"), answer.text
    assert stored(folder) == before


@pytest.mark.parametrize("text", ["=?utf-8?X?abc?=", "=?utf-8?B?", "a=?b?=c", "100%.txt", "%C3%9C.txt", "a*b.txt"])
def test_a_name_that_only_looks_encoded_stays_as_it_is(user: Caller, text: str) -> None:
    assert ok(in_form(user, "/v1/files", f'filename="{text}"'.encode()))["filename"] == text


@pytest.mark.parametrize("name", ["..", "a/..", " ", "a" * 256])
def test_a_name_that_is_none_is_refused(user: Caller, folder: Path, name: str) -> None:
    before = stored(folder)
    refused(user.post("/v1/files", files={"file": (name, CSV)}), 422, "invalid_value", "file")
    assert stored(folder) == before


@pytest.mark.parametrize(
    ("bytes_", "name", "inline"),
    [
        (PNG, "a.png", "image/png"),
        (b"%PDF-1.7", "a.pdf", "application/pdf"),
        (b"hello", "a.txt", "text/plain; charset=utf-8"),
        (b"<html><script>alert(1)</script>", "a.png", None),
        (b"<html><script>alert(1)</script>", "a.txt", None),
        (b"<svg onload='alert(1)'>", "a.svg", None),
        (CSV, "a.csv", None),
        (BIG, "a.png", None),
    ],
)
def test_a_browser_shows_only_what_cannot_run(user: Caller, bytes_: bytes, name: str, inline: str | None) -> None:
    headers = content(user, user.upload(bytes_, name)).headers
    assert headers["x-content-type-options"] == "nosniff"
    way = "attachment" if inline is None else "inline"
    assert headers["content-disposition"] == f'{way}; filename="{name}"'
    assert headers["content-type"] == inline or inline is None
    assert ("sandbox" in headers.get("content-security-policy", "")) == (inline != "application/pdf")


def test_a_name_that_is_not_ascii_is_told_in_both_ways(user: Caller) -> None:
    said = content(user, user.upload(CSV, "dé\"j'à.csv")).headers["content-disposition"]
    assert said == "attachment; filename=\"d__j'_.csv\"; filename*=UTF-8''d%C3%A9%22j%27%C3%A0.csv"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-5", 2, 6),
        ("bytes=3-", 3, 8),
        ("bytes=-3", 5, 8),
        ("bytes=-100", 0, 8),
        ("bytes=6-100", 6, 8),
        ("bytes=7-7", 7, 8),
    ],
)
def test_a_part_of_a_file_is_read(user: Caller, asked: str, start: int, end: int) -> None:
    response = content(user, user.upload(CSV), range=asked)
    assert (response.status_code, response.content) == (206, CSV[start:end])
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/8"
    assert response.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=8-", "bytes=100-200", "bytes=-0", "bytes=8-8"])
def test_a_part_behind_the_end_is_refused(user: Caller, asked: str) -> None:
    response = content(user, user.upload(CSV), range=asked)
    refused(response, 416, "range_not_satisfiable", "range")
    assert response.headers["content-range"] == "bytes */8"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "0-1", ""])
def test_a_range_that_is_none_or_several_brings_the_whole_file(user: Caller, asked: str) -> None:
    response = content(user, user.upload(CSV), range=asked)
    assert (response.status_code, response.content) == (200, CSV)


def test_a_part_of_another_file_than_thought_is_not_given(user: Caller) -> None:
    file = user.upload(CSV)
    etag = content(user, file).headers["etag"]
    assert content(user, file, range="bytes=0-0", if_range=etag).status_code == 206
    assert content(user, file, range="bytes=0-0", if_range='"another"').content == CSV


def test_files_are_listed_by_page_and_by_purpose(user: Caller) -> None:
    ids = [user.upload(b"%d" % number, purpose="vision" if number % 2 else "assistants")["id"] for number in range(5)]
    page = ok(user.get("/v1/files?limit=2"))
    assert [file["id"] for file in page["data"]] == ids[:2:-1]
    assert page["has_more"]
    rest = ok(user.get(f"/v1/files?after={page['last_id']}"))
    assert [file["id"] for file in rest["data"]] == ids[2::-1]
    assert [file["id"] for file in ok(user.get("/v1/files?purpose=vision&order=asc"))["data"]] == [ids[1], ids[3]]
    refused(user.get("/v1/files?purpose=a b"), 422, "invalid_value", "purpose")


@pytest.mark.parametrize(("method", "tail"), [("DELETE", ""), ("PATCH", "/soft-delete")])
def test_a_file_that_is_deleted_is_gone_with_its_bytes(user: Caller, folder: Path, method: str, tail: str) -> None:
    before = stored(folder)
    file = user.upload(CSV)
    link = ok(user.get(f"/v1/files/{file['id']}/signed-url"))["signed_url"]
    assert len(stored(folder) - before) == 1
    answer = ok(user.request(method, f"/v1/files/{file['id']}{tail}"))
    assert answer == {"id": file["id"], "object": "file", "deleted": True}
    assert stored(folder) == before
    for path in ("", "/content", "/base64", "/signed-url"):
        refused(user.get(f"/v1/files/{file['id']}{path}"), 404, "file_not_found")
    refused(user.get(link), 404, "file_not_found", "file_id")
    refused(user.delete(f"/v1/files/{file['id']}"), 404, "file_not_found")


def test_the_same_upload_under_one_key_is_one_file(user: Caller, folder: Path) -> None:
    before = stored(folder)
    key = {"idempotency-key": "one"}
    answers = [user.post("/v1/files", files={"file": ("a.csv", CSV)}, headers=key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]
    assert len(stored(folder) - before) == 1
    assert len(ok(user.get("/v1/files"))["data"]) == 1


@pytest.mark.parametrize(
    "other", [{"files": {"file": ("a.csv", b"other")}}, {"files": {"file": ("b.csv", CSV)}}, {"data": {"purpose": "x"}}]
)
def test_another_upload_under_the_same_key_is_refused_and_leaves_nothing(
    user: Caller, folder: Path, other: Json
) -> None:
    key = {"idempotency-key": "one"}
    first = {"files": {"file": ("a.csv", CSV)}}
    ok(user.post("/v1/files", **first, headers=key))
    before = stored(folder)
    refused(user.post("/v1/files", **(first | other), headers=key), 409, "idempotency_key_reused")
    assert stored(folder) == before


def test_a_key_that_is_none_is_refused_before_the_file_is_read(user: Caller, folder: Path) -> None:
    before = stored(folder)
    response = user.post("/v1/files", files={"file": ("a", CSV)}, headers={"idempotency-key": "a" * 256})
    refused(response, 400, "invalid_idempotency_key")
    assert stored(folder) == before


def test_the_bytes_of_a_user_who_is_deleted_have_no_file(admin: Caller, new_user: Callable[[], Caller]) -> None:
    leaving = new_user()
    file = leaving.upload(CSV)
    link = ok(leaving.get(f"/v1/files/{file['id']}/signed-url"))["signed_url"]
    assert admin.delete(f"/v1/users/{leaving.user_id}").status_code == 200
    refused(admin.get(link), 404, "file_not_found", "file_id")
