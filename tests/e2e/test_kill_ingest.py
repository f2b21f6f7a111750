"""`kill -9` while files are read: each is read or fails with a reason, and no chunk of it is there twice."""

import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from projectdavid.engine.chunks import split_document
from projectdavid.engine.documents import Document
from tests.e2e.processes import Server
from tests.e2e.reading import Address, Cut
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.slow

FILES = 200
KILLS = 15
BROKEN = frozenset(range(7, FILES, 20))
"""The files that cannot be read."""


def content(number: int, chance: random.Random) -> bytes:
    """A file that is not like any other: its own word is in each line."""
    if number in BROKEN:
        return b"%PDF-1.7\n" + chance.randbytes(2000)
    lines = chance.randint(1, 60) if number % 10 else 2500
    words = "The quick brown fox jumps over the lazy dog and thinks about it."
    return "\n".join(f"word{number:03} line {line}: {words}" for line in range(lines)).encode()


def uploaded(server: Server, texts: list[bytes]) -> list[str]:
    """The ids of files with these contents."""
    with httpx2.Client(base_url=server.url(), headers={"x-api-key": server.key}, timeout=EVENT_TIMEOUT) as client:
        answers = [
            client.post("/v1/files", files={"file": (f"{number}.txt", text)}) for number, text in enumerate(texts)
        ]
    return [answer.json()["id"] for answer in answers]


def persistently(server: Server, do: Callable[[Address], Any]) -> Any:
    """Ask until there is an answer."""
    while True:
        try:
            return do(Address(server.url(), server.key))
        except Cut:
            continue


def kill_at_random(server: Server, chance: random.Random, over: threading.Event) -> None:
    """Kill the server again and again, each time somewhere in what it does."""
    for _ in range(KILLS):
        if over.wait(chance.uniform(0.1, 1)):
            return
        server.kill()
        server.ended()
        server.start()


def everything_read(server: Server, path: str) -> dict[str, Any]:
    """The store, once nothing waits to be read any more."""
    while True:
        store = persistently(server, lambda address: address.ask("GET", path))
        if not store["file_counts"]["in_progress"]:
            return store


def stored_chunks(server: Server, path: str) -> list[dict[str, Any]]:
    """All chunks of a file of a store."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["position"] if found else -1
        page = persistently(
            server, lambda address, after=after: address.ask("GET", f"{path}/content?limit=100&behind={after}")
        )
        found += page["data"]
        if not page["has_more"]:
            return found


def test_a_server_that_is_killed_while_it_reads_reads_every_file_once(starting: Callable[..., Server], tmp_path: Path):
    seed = int(os.environ.get("E2E_SEED") or random.SystemRandom().randrange(10**6))
    print(f"E2E_SEED={seed}")
    chance, server = random.Random(seed), starting()
    texts = [content(number, chance) for number in range(FILES)]
    ids = uploaded(server, texts)
    broken = {ids[number] for number in BROKEN}
    here = Address(server.url(), server.key)
    store = here.ask("POST", "/v1/vector-stores", {"name": "Killed"})
    path = f"/v1/vector-stores/{store['id']}"
    over = threading.Event()
    killing = threading.Thread(target=kill_at_random, args=(server, chance, over))
    batch = here.ask("POST", f"{path}/file-batches", {"file_ids": ids})
    killing.start()
    everything_read(server, path)
    over.set()
    killing.join()
    counts = everything_read(server, path)["file_counts"]
    assert server.starts > 3, "it was not killed while it read"
    failed = Address(server.url(), server.key).ask("GET", f"{path}/files?filter=failed")
    wrongly = {file["filename"]: file["error_message"] for file in failed if file["id"] not in broken}
    assert wrongly == {}
    assert counts == {
        "in_progress": 0,
        "completed": FILES - len(BROKEN),
        "failed": len(BROKEN),
        "cancelled": 0,
        "total": FILES,
    }
    assert Address(server.url(), server.key).ask("GET", f"{path}/file-batches/{batch['id']}")["file_counts"] == counts
    for number, (file_id, text) in enumerate(zip(ids, texts, strict=True)):
        see_file(server, path, file_id, number, text)


def see_file(server: Server, path: str, file_id: str, number: int, text: bytes) -> None:
    """See that a file is there as it would be had nobody killed anything."""
    file = persistently(server, lambda address: address.ask("GET", f"{path}/files/{file_id}"))
    query = {"query": f"word{number:03}", "max_num_results": 50}
    hits = persistently(server, lambda address: address.ask("POST", f"{path}/search", query))["data"]
    if number in BROKEN:
        assert (file["status"], file["chunks"], hits) == ("failed", 0, [])
        assert file["last_error"]["code"] == "invalid_file"
        assert file["last_error"]["message"]
        return
    expected = list(split_document(Document(text.decode())))
    found = stored_chunks(server, f"{path}/files/{file_id}")
    assert [chunk["text"] for chunk in found] == [chunk.text for chunk in expected]
    assert (file["status"], file["chunks"]) == ("completed", len(expected))
    assert {hit["file_id"] for hit in hits} == {file_id}
    twice = Counter(hit["chunk"]["position"] for hit in hits)
    assert set(twice.values()) == {1}
    assert len(hits) == min(50, len(expected))
