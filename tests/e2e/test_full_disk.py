"""Users make room on a full disk: deleting works, and what was deleted can be used at once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from projectdavid import Entity, InternalServerError
from tests.e2e.conftest import Starting
from tests.e2e.disks import Tiny, tiny
from tests.e2e.reading import Address
from tests.e2e.test_disk import sound, until_refused
from tests.timeouts import wait_until

pytestmark = pytest.mark.slow

SIZE = 64 << 20
BIG = os.urandom(1024) * (12 << 10)


def room(disk: Tiny) -> int:
    """Free bytes, with those that the server keeps in reserve: it fills that up again as soon as it can."""
    reserve = disk.data / "projectdavid.reserve"
    return shutil.disk_usage(disk.data).free + (reserve.stat().st_size if reserve.exists() else 0)


def test_users_delete_on_a_full_disk_and_then_store_again(starting: Starting, tmp_path: Path) -> None:
    with tiny(tmp_path / "disk", SIZE) as disk:
        server = starting(disk.data)
        with Entity(server.url(), server.key, max_retries=0) as client:
            big = client.files.upload(BIG, filename="big")
            indexed = [client.files.upload(f"Fjord {n}".encode(), filename=f"{n}.txt") for n in range(2)]
            store = client.vectors.create("papers", file_ids=[file.id for file in indexed])
            thread = client.threads.create_thread()
            messages = [client.messages.create_message(thread.id, f"Question {n}") for n in range(2)]
            disk.fill()
            until_refused(Address(server.url(), server.key), set())
            with pytest.raises(InternalServerError, match="cannot write now"):
                client.files.upload(BIG[:1], filename="more")
            deletions: list[Callable[[], object]] = [
                lambda: client.vectors.remove_file(store, indexed[0].id),
                lambda: client.messages.delete_message(messages[0].id),
                lambda: client.vectors.delete(store),
                lambda: client.threads.delete_thread(thread.id),
                lambda: client.files.delete(indexed[0].id),
            ]
            for delete in deletions:
                delete()
            with pytest.raises(InternalServerError, match="cannot write now"):
                client.threads.create_thread()
            before = room(disk)
            client.files.delete(big.id)
            # The reserve is filled up at the same moment, and its file has its size only at the end.
            wait_until(lambda: room(disk) - before > len(BIG) * 9 // 10)
            again = client.files.upload(BIG[: 2 << 20], filename="again")
            assert client.files.content(again.id) == BIG[: 2 << 20]
            client.threads.create_thread()
        assert (disk.data / "projectdavid.reserve").stat().st_size > 0, "the next full disk can be cleared, too"
        assert "the disk has space again" in server.logged()
        server.kill()
        server.ended()
        sound(server)
