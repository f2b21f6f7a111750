"""Files: sent from the disk and written to it piece by piece, again where a request is repeated, and never half."""

import asyncio
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from projectdavid import APIConnectionError, AsyncEntity, Entity, NotFoundError, PayloadTooLargeError
from tests.client.fake import HANG_UP, Answer, Asked, Fake, error
from tests.client.samples import FILE
from tests.server.conftest import serving

BIG = bytes(range(256)) * 5000
CONTENT = "GET /v1/files/file_1/content"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entity]:
    """A client of a server."""
    with (
        serving(tmp_path_factory.mktemp("server"), max_file=2_000_000) as server,
        Entity(server.base_url, server.api_key) as client,
    ):
        yield client


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    folder.mkdir()
    return folder


class Progress:
    """What was told of it."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.told.append((done, total))


def test_a_file_goes_up_from_the_disk_and_comes_down_to_it(real: Entity, tmp_path: Path, saved: Path) -> None:
    path = tmp_path / 'a "b" ü.bin'
    path.write_bytes(BIG)
    up, down = Progress(), Progress()
    file = real.files.upload(path, on_progress=up)
    assert (file.filename, file.bytes, file.purpose) == (path.name, len(BIG), "assistants")
    assert real.files.download(file.id, saved, on_progress=down) == saved / path.name
    assert (saved / path.name).read_bytes() == BIG
    for told in (up.told, down.told):
        assert told[-1] == (len(BIG), len(BIG))
        assert len(told) > 1
        assert told == sorted(told)


def test_a_path_bytes_and_an_open_file_are_taken(real: Entity, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n")
    with path.open("rb") as opened:
        opened.read(2)
        assert real.files.content(real.files.upload(opened).id) == b"b\n"
        assert not opened.closed
    assert real.files.upload(str(path)).filename == "a.csv"
    assert real.files.upload(path, filename="b.csv", purpose="vision").filename == "b.csv"
    made = real.files.upload(b"a,b\n", filename="c.csv", expires_after=3600)
    assert (made.mime_type, made.expires_at) == ("text/csv", made.created_at + 3600)
    assert real.files.content(real.files.upload(BytesIO(b""), filename="empty").id) == b""


def test_what_cannot_be_sent_is_refused_before_anything_is_asked(fake: Fake, client: Entity, tmp_path: Path) -> None:
    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(FileNotFoundError):
        client.files.upload(tmp_path / "nothing")
    for given in (b"abc", BytesIO(b"abc")):
        with pytest.raises(ValueError, match="filename"):
            client.files.upload(given)
    with pytest.raises(ValueError, match="seekable"):
        client.files.upload(Pipe(b"abc"), filename="a")
    assert fake.asked == []


def test_an_imported_file_keeps_its_id_and_its_time(real: Entity) -> None:
    begun = real.imports.begin("another service")
    fields: dict[str, Any] = {"source_id": "file-there", "created_at": 7, "filename": "a.txt"}
    made = real.imports.add_file(
        begun.id, b"words", **fields, purpose="vision", expires_at=4_000_000_000, text_only=True
    )
    assert (made.id, made.state, made.notes[0].code) == ("file-there", "imported", "text_only")
    assert real.files.content("file-there") == b"words"
    file = real.files.retrieve("file-there")
    assert (file.created_at, file.purpose, file.expires_at) == (7, "vision", 4_000_000_000)
    assert real.imports.add_file(begun.id, b"words", **fields).state == "unchanged"
    assert real.imports.add_file(begun.id, b"words", **{**fields, "source_id": "b"}, id_policy="new").id != "b"


def test_an_upload_that_is_repeated_sends_all_of_it_with_the_same_key(fake: Fake, client: Entity) -> None:
    fake.on("POST /v1/files", HANG_UP, error(503), Answer(FILE))
    told = Progress()
    assert client.files.upload(BIG, filename="a", on_progress=told).id == "file_1"
    assert len(fake.asked) == 3
    assert len({asked.headers["idempotency-key"] for asked in fake.asked}) == 1
    assert len({asked.body for asked in fake.asked}) == 1
    assert BIG in fake.asked[0].body
    assert told.told.count((len(BIG), len(BIG))) == 3


def test_a_download_that_breaks_off_is_begun_again(fake: Fake, client: Entity, tmp_path: Path) -> None:
    fake.on("GET /v1/files/file_1", Answer(FILE | {"bytes": 5}))
    fake.on(CONTENT, Answer(parts=[b"wrong", b"half"], whole=False), error(503), Answer(b"whole"))
    assert client.files.download("file_1", tmp_path / "a") == tmp_path / "a"
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_download_that_fails_leaves_what_was_there(fake: Fake, client: Entity, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")
    fake.on("GET /v1/files/file_1", Answer(FILE))
    fake.on(CONTENT, Answer(parts=[b"half"], whole=False))
    with pytest.raises(APIConnectionError):
        client.files.download("file_1", tmp_path / "a")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"before")]
    with pytest.raises(NotFoundError):
        client.files.download("file_2", tmp_path / "a")


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "..", "a\\b", ""])
def test_a_name_of_the_server_leads_nowhere_else(fake: Fake, client: Entity, saved: Path, name: str) -> None:
    fake.on("GET /v1/files/file_1", Answer({**FILE, "filename": name}))
    fake.on(CONTENT, Answer(b"bad"))
    with pytest.raises(ValueError, match="lead out"):
        client.files.download("file_1", saved)
    assert list(saved.iterdir()) == []
    assert list(saved.parent.iterdir()) == [saved]


def test_a_file_that_is_too_large_is_refused_in_words(real: Entity) -> None:
    with pytest.raises(PayloadTooLargeError) as caught:
        real.files.upload(bytes(2_000_001), filename="a")
    assert (caught.value.code, caught.value.param) == ("file_too_large", "file")


def test_files_are_listed_and_deleted(real: Entity) -> None:
    made = [real.files.upload(b"%d" % number, purpose="listed", filename=f"{number}") for number in range(3)]
    assert [file.id for file in real.files.list(purpose="listed", order="asc")] == [file.id for file in made]
    assert real.files.delete(made[0].id).deleted
    with pytest.raises(NotFoundError):
        real.files.retrieve(made[0].id)


def test_the_async_client_does_the_same(
    fake: Fake, new_async_client: Callable[[], AsyncEntity], real: Entity, saved: Path
) -> None:
    def refuses(asked: Asked) -> Answer:
        return error(503) if len(fake.asked) == 1 else Answer(FILE)

    async def main() -> Any:
        async with new_async_client() as client:
            fake.on("POST /v1/files", refuses)
            await client.files.upload(BIG, filename="a")
        key = real._transport.target.api_key
        async with AsyncEntity(real.base_url, key) as client:
            file = await client.files.upload(BIG, filename="a")
            assert await client.files.content(file.id) == BIG
            return await client.files.download(file.id, saved)

    assert asyncio.run(main()).read_bytes() == BIG
    assert fake.asked[0].body == fake.asked[1].body
