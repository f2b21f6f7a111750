"""Files, uploads in parts, and models."""

from hashlib import md5

import pytest

from tests.compat.behaviours.wire import Json, Wire, ok, refused

behaviour = pytest.mark.behaviour
FILE = {"id", "object", "bytes", "created_at", "expires_at", "filename", "purpose", "status", "status_details"}
UPLOAD = {"id", "object", "bytes", "created_at", "filename", "purpose", "status", "expires_at"}


@behaviour("files.object")
def test_a_file_has_every_field_and_its_bytes_come_back(wire: Wire) -> None:
    made = wire.upload(b"\x00\xffbytes", "a b.bin")
    assert made.keys() >= FILE - {"status_details"}
    assert (made["object"], made["bytes"], made["filename"]) == ("file", 7, "a b.bin")
    assert (made["purpose"], made["expires_at"]) == ("assistants", None)
    assert made["status"] in ("uploaded", "processed")
    assert wire.read(f"/files/{made['id']}") == made
    assert wire.get(f"/files/{made['id']}/content").content == b"\x00\xffbytes"


@behaviour("files.purposes")
@pytest.mark.parametrize("purpose", ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"])
def test_a_file_has_the_purpose_that_it_was_given(wire: Wire, purpose: str) -> None:
    assert wire.upload(b"{}", "a.jsonl", purpose)["purpose"] == purpose


@behaviour("files.expires-after")
def test_a_file_may_expire(wire: Wire) -> None:
    data = {"purpose": "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    made = ok(wire.post("/files", files={"file": ("a.txt", b"a")}, data=data))
    assert made["expires_at"] == made["created_at"] + 3600
    answer = wire.post("/files", files={"file": ("a.txt", b"a")}, data=data | {"expires_after[seconds]": "60"})
    refused(answer, 400, type="invalid_request_error")


@behaviour("files.list")
def test_files_are_listed_by_purpose_and_page(wire: Wire) -> None:
    made = [wire.upload(b"a", purpose=purpose)["id"] for purpose in ("assistants", "vision", "assistants")]
    assert [one["id"] for one in wire.read("/files")["data"]] == made[::-1]
    assert [one["id"] for one in wire.read("/files", purpose="vision")["data"]] == [made[1]]
    page = wire.read("/files", limit=2, order="asc")
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (made[:2], True)
    assert [one["id"] for one in wire.read("/files", order="asc", after=made[1])["data"]] == made[2:]


@behaviour("files.missing")
def test_a_file_without_bytes_or_without_purpose_is_refused(wire: Wire) -> None:
    refused(wire.post("/files", files={"file": ("a.txt", b"a")}), 400, type="invalid_request_error")
    refused(wire.post("/files", files={"nothing": ("a.txt", b"a")}, data={"purpose": "assistants"}), 400)


@behaviour("files.delete")
def test_a_file_that_is_deleted_leaves_its_stores_and_its_assistants(wire: Wire) -> None:
    file, store = wire.shelf()
    resources = {"code_interpreter": {"file_ids": [file["id"]]}}
    assistant = wire.assistant(tools=[{"type": "code_interpreter"}], tool_resources=resources)
    wire.delete(f"/files/{file['id']}")
    assert wire.read(f"/vector_stores/{store['id']}/files")["data"] == []
    left = wire.read(f"/assistants/{assistant['id']}")["tool_resources"].get("code_interpreter", {})
    assert left.get("file_ids", []) == []


def begun(wire: Wire, size: int) -> Json:
    """An upload that waits for its parts."""
    body = {"filename": "a.txt", "purpose": "assistants", "bytes": size, "mime_type": "text/plain"}
    return wire.make("/uploads", **body)


def part(wire: Wire, upload: Json, content: bytes) -> Json:
    """A part of an upload."""
    return ok(wire.post(f"/uploads/{upload['id']}/parts", files={"data": ("part", content)}))


@behaviour("uploads.object", "uploads.parts")
def test_an_upload_is_put_together_in_the_order_of_its_parts(wire: Wire) -> None:
    upload = begun(wire, 6)
    assert upload.keys() >= UPLOAD
    assert (upload["object"], upload["status"], upload["bytes"]) == ("upload", "pending", 6)
    assert upload["expires_at"] == upload["created_at"] + 3600
    assert upload.get("file") is None
    second, first = part(wire, upload, b"def"), part(wire, upload, b"abc")
    assert (first["object"], first["upload_id"]) == ("upload.part", upload["id"])
    ids, digest = [first["id"], second["id"]], md5(b"abcdef", usedforsecurity=False).hexdigest()
    done = wire.make(f"/uploads/{upload['id']}/complete", part_ids=ids, md5=digest)
    assert (done["status"], done["file"]["bytes"], done["file"]["filename"]) == ("completed", 6, "a.txt")
    assert wire.get(f"/files/{done['file']['id']}/content").content == b"abcdef"


@behaviour("uploads.bytes")
def test_an_upload_of_another_size_is_refused(wire: Wire) -> None:
    upload = begun(wire, 5)
    ids = [part(wire, upload, b"abc")["id"]]
    refused(wire.post(f"/uploads/{upload['id']}/complete", json={"part_ids": ids}), 400)


@behaviour("uploads.bytes")
def test_an_upload_with_another_sum_is_refused(wire: Wire) -> None:
    upload = begun(wire, 3)
    body = {"part_ids": [part(wire, upload, b"abc")["id"]], "md5": "0" * 32}
    refused(wire.post(f"/uploads/{upload['id']}/complete", json=body), 400)


@behaviour("uploads.cancel")
def test_a_cancelled_upload_takes_nothing(wire: Wire) -> None:
    upload = begun(wire, 3)
    assert wire.make(f"/uploads/{upload['id']}/cancel")["status"] == "cancelled"
    refused(wire.post(f"/uploads/{upload['id']}/parts", files={"data": ("part", b"abc")}), 400)


@behaviour("models.list")
def test_models_are_listed_and_read(wire: Wire) -> None:
    page = wire.read("/models")
    assert page["object"] == "list"
    one = page["data"][0]
    assert one.keys() >= {"id", "object", "created", "owned_by"}
    assert one["object"] == "model"
    assert wire.read(f"/models/{one['id']}") == one
