"""Files, when the server dies or its disk is full: what was answered is there, and nothing else stays."""

import http.client
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from projectdavid import Entity, InternalServerError
from tests.e2e.processes import Server
from tests.timeouts import wait_until

pytestmark = pytest.mark.slow

BIG = os.urandom(1024) * 4096


def blobs(server: Server) -> list[Path]:
    return [path for path in (server.data / "blobs").rglob("*") if path.is_file()]


def begin_upload(server: Server) -> http.client.HTTPConnection:
    """An upload that stands still in the middle of the file."""
    url = urlsplit(server.url())
    connection = http.client.HTTPConnection(url.hostname or "", url.port)
    connection.putrequest("POST", "/v1/files")
    for name, value in {
        "x-api-key": server.key,
        "content-type": "multipart/form-data; boundary=b",
        "content-length": str(10 * len(BIG)),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + BIG)
    return connection


def test_a_server_that_is_killed_keeps_what_it_answered_and_deletes_nothing_at_its_start(server: Server) -> None:
    with Entity(server.url(), server.key) as client:
        kept = client.files.upload(BIG, filename="kept")
    (whole,) = blobs(server)
    connection = begin_upload(server)
    wait_until(lambda: any(path.stat().st_size > 0 for path in blobs(server) if path != whole))
    server.kill()
    server.ended()
    connection.close()
    (half,) = set(blobs(server)) - {whole}
    orphan = whole.with_name(whole.name[:-1] + ("0" if whole.name[-1] != "0" else "1"))
    orphan.write_bytes(b"stored, and then the server died before it wrote whose it is")
    long_ago = time.time() - 86_400
    for path in (whole, half, orphan):
        os.utime(path, (long_ago, long_ago))
    server.start()
    with Entity(server.url(), server.key) as client:
        assert client.files.content(kept.id) == BIG
        assert [file.id for file in client.files.list()] == [kept.id]
    assert {*blobs(server)} == {whole, half, orphan}, "bytes without a row wait: an operator may still be restoring"


def test_an_upload_to_a_full_disk_is_refused_and_leaves_nothing(server: Server) -> None:
    with Entity(server.url(), server.key, max_retries=0) as client:
        server.limit_files(1024 * 1024)
        with pytest.raises(InternalServerError) as caught:
            client.files.upload(BIG, filename="a")
        assert (caught.value.status_code, caught.value.code) == (503, "store_unavailable")
        assert blobs(server) == []
        server.limit_files(None)
        assert client.files.content(client.files.upload(BIG, filename="a").id) == BIG
