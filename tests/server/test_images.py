"""Images that stand in messages as files: who may name them, and what a model is shown of them."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider
from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok, refused, stored

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
"""As much of an image as its kind is seen from."""
GONE = {"type": "text", "text": "[An image stood here; it was deleted.]"}


@pytest.fixture(scope="module")
def play() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def owner(place: Path, play: ScriptedProvider) -> Iterator[Caller]:
    with serving(place, providers={"play": play}) as server, Caller(server.base_url, "", server.admin_api_key) as one:
        yield one


def picture(file: Json, **more: str) -> Json:
    return {"type": "image_file", "image_file": {"file_id": file["id"], **more}}


def shown(owner: Caller, play: ScriptedProvider, thread: Json) -> Json:
    """What the model is shown of the last message of a thread."""
    owner.until(owner.run("play/script", thread), "completed")
    said = [message.content for message in play.asked[-1].messages if message.role == "user"]
    return said[-1]


def test_a_model_is_shown_the_image_itself(owner: Caller, play: ScriptedProvider) -> None:
    file = owner.upload(PNG, "a.png")
    thread = owner.thread()
    owner.say(thread, [{"type": "text", "text": "What is it?"}, picture(file, detail="low"), picture(file)])
    url = f"data:image/png;base64,{b64encode(PNG).decode()}"
    assert shown(owner, play, thread) == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": url, "detail": "auto"}},
    ]


def test_where_an_image_was_deleted_the_model_is_told_so(owner: Caller, play: ScriptedProvider) -> None:
    file = owner.upload(PNG, "a.png")
    thread = owner.thread()
    owner.say(thread, [picture(file)])
    ok(owner.delete(f"/v1/files/{file['id']}"))
    assert shown(owner, play, thread) == [GONE]


def test_where_the_bytes_of_an_image_are_lost_the_model_is_told_so(
    owner: Caller, play: ScriptedProvider, place: Path
) -> None:
    kept = stored(place)
    file = owner.upload(PNG + b"lost", "a.png")
    thread = owner.thread()
    owner.say(thread, [picture(file)])
    (new,) = stored(place) - kept
    next((place / "blobs").rglob(new)).unlink()
    told = "[An image stood here; its content is lost on this server.]"
    assert shown(owner, play, thread) == [{"type": "text", "text": told}]


def test_an_image_that_is_too_large_is_not_shown(owner: Caller, play: ScriptedProvider) -> None:
    file = owner.upload(PNG + bytes(20 << 20), "a.png")
    thread = owner.thread()
    owner.say(thread, [picture(file)])
    (said,) = shown(owner, play, thread)
    assert said["type"] == "text"
    assert "it is too large to be shown" in said["text"]


def test_what_is_no_image_of_ones_own_cannot_be_shown(owner: Caller) -> None:
    thread = owner.thread()
    text = owner.upload(b"no image", "a.txt")
    for file_id, status, code in (("file_0", 404, "file_not_found"), (text["id"], 422, "invalid_value")):
        content = [{"type": "text", "text": "Look"}, picture({"id": file_id})]
        said = owner.post("/v1/messages", json={"thread_id": thread["id"], "content": content})
        refused(said, status, code, "content.1.image_file.file_id")
    assert owner.texts(thread) == []
