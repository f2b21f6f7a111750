"""What code leaves behind to harm who collects it: only regular files come out, under names that are safe."""

import pytest

from projectdavid.ports.sandbox import SandboxFileRefused, SandboxSession, SessionLost
from tests.contracts.sandbox.hold import FOLDER, Hold, got, put, ran

GETS = 300
LISTED = 2000
BAD_NAMES = ("", ".", "..", "../x", "a/../../x", "/etc/x", "a\0b", "a//../../b", "x/", "./..")
LINKS = (
    *("absolute", "outside", "relative", "folder", "process", "root", "descriptor", "zero", "self", "nowhere", "inner"),
    *("pipe", "socket"),
)


async def names(session: SandboxSession) -> list[str]:
    """The files that a session lists, but for those of the probes."""
    listing = await session.list()
    return [info.name for info in listing.files if not info.name.startswith(f"{FOLDER}/")]


@pytest.mark.anyio
class Outputs:
    """Files of a session, collected from outside."""

    async def test_only_regular_files_are_listed(self, hold: Hold) -> None:
        async with hold.session() as session:
            await hold.found(session, "artifacts", "links")
            listed = set(await names(session))
            assert {"regular.txt", "set-id"} <= listed <= {"regular.txt", "set-id", "links/hard"}

    async def test_nothing_but_a_regular_file_is_read(self, hold: Hold) -> None:
        async with hold.session() as session:
            await hold.found(session, "artifacts", "links")
            for name in (*(f"links/{name}" for name in LINKS), "links", "linked-folder/outside.txt", *BAD_NAMES):
                with pytest.raises(SandboxFileRefused):
                    await got(session, name)
            assert await got(session, "regular.txt") == b"regular"

    async def test_nothing_is_written_through_a_link(self, hold: Hold) -> None:
        async with hold.session() as session:
            await hold.found(session, "artifacts", "links")
            with pytest.raises(SandboxFileRefused):
                await put(session, "linked-folder/outside.txt", b"changed")
            for name in ("links/outside", "links/inner"):  # the link itself gives way to the file
                try:
                    await put(session, name, b"changed")
                except SandboxFileRefused:
                    continue
                assert await got(session, name) == b"changed"
            assert "outside" in (await ran(session, "print(open('/tmp/outside.txt').read())")).text
            assert await got(session, "regular.txt") == b"regular"

    @pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
    async def test_a_name_that_leads_out_is_refused(self, hold: Hold, name: str) -> None:
        async with hold.session() as session:
            with pytest.raises(SandboxFileRefused):
                await put(session, name, b"x")

    async def test_names_that_are_no_plain_text_do_no_harm(self, hold: Hold) -> None:
        async with hold.session() as session:
            await hold.found(session, "artifacts", "odd_names")
            listed = await names(session)
            assert "odd/-rf" in listed
            for name in listed:
                assert name.isprintable(), name
                name.encode()
                assert await got(session, name) == b""

    async def test_folders_without_end_are_listed_in_part(self, hold: Hold) -> None:
        async with hold.session() as session:
            await hold.found(session, "artifacts", "deep_folders")
            listing = await session.list()
            assert not any("bottom" in info.name for info in listing.files)
            assert not listing.complete
            assert "still" in (await ran(session, "print('still')")).text

    async def test_very_many_files_are_listed_in_part(self, hold: Hold) -> None:
        async with hold.session() as session:
            await hold.found(session, "artifacts", "many_files")
            listing = await session.list()
            assert len(listing.files) <= LISTED
            assert "still" in (await ran(session, "print('still')")).text

    async def test_a_file_that_is_swapped_for_a_link_leaks_nothing(self, hold: Hold) -> None:
        async with hold.session() as session:
            await hold.found(session, "artifacts", "swapped_file")
            read = {"swapped": 0, "swapped-folder/passwd": 0}
            for _ in range(GETS):
                for name in read:
                    try:
                        data = await got(session, name)
                    except SandboxFileRefused:
                        continue
                    assert data == b"regular" * 1000
                    read[name] += 1
            for info in (await session.list()).files:
                assert not info.name.startswith("swap") or info.size == len(b"regular" * 1000), info
            assert all(read.values())

    async def test_a_file_that_is_gone_is_refused(self, hold: Hold) -> None:
        async with hold.session() as session:
            with pytest.raises(SandboxFileRefused):
                await got(session, "nothing.txt")

    async def test_a_file_that_claims_a_terabyte_can_be_left_in_the_middle(self, hold: Hold) -> None:
        async with hold.session() as session:
            await ran(session, "import os; open('sparse', 'w').close(); os.truncate('sparse', 1 << 40)")
            try:
                await got(session, "sparse")
                assert "still" in (await ran(session, "print('still')")).text
            except SessionLost:
                pass
