"""What a session's programs can reach, if anything: only its tunnel."""

import asyncio

import pytest

from projectdavid.ports.sandbox import Sandbox
from tests.contracts.sandbox.driving import PATIENCE, opened, ran, value

FETCH = """
import urllib.request
def fetch(path):
    with urllib.request.urlopen('http://somewhere.example' + path) as answer:
        return answer.read()
"""


class Tunnels:
    """Needs a fixture `sandbox`, a started `ports.sandbox.Sandbox`."""

    pytestmark = pytest.mark.anyio

    async def test_programs_reach_the_one_who_serves_the_tunnel(self, sandbox: Sandbox) -> None:
        heads: list[bytes] = []

        async def serve(read, write) -> None:
            heads.append(await _head(read))
            await write(b"HTTP/1.0 200 OK\r\n\r\nhello")

        async with opened(sandbox, tunnel=serve) as session:
            assert await value(session, FETCH + "fetch('/a')") == "b'hello'"
        assert heads[0].startswith(b"GET http://somewhere.example/a HTTP/1.1\r\n")

    async def test_large_answers_come_whole_over_many_connections_at_once(self, sandbox: Sandbox) -> None:
        async def serve(read, write) -> None:
            size = int((await _head(read)).split()[1].rpartition(b"/")[2])
            await write(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * size)

        async with opened(sandbox, tunnel=serve) as session:
            await value(session, FETCH + "from concurrent.futures import ThreadPoolExecutor")
            source = (
                "with ThreadPoolExecutor(8) as pool: sizes = pool.map(lambda n: len(fetch(f'/{n}00000')), range(20))"
            )
            assert await value(session, source + "\nlist(sizes) == [n * 100000 for n in range(20)]") == "True"

    async def test_what_a_program_sends_arrives_whole_and_its_end_is_seen(self, sandbox: Sandbox) -> None:
        arrived = asyncio.get_running_loop().create_future()

        async def serve(read, write) -> None:
            data = b""
            while piece := await read():
                data += piece
            arrived.set_result(data)
            await write(b"thanks")

        source = """
import os, socket, urllib.parse
proxy = urllib.parse.urlsplit(os.environ['http_proxy'])
with socket.create_connection((proxy.hostname, proxy.port)) as line:
    line.sendall(b'y' * 2_000_000)
    line.shutdown(socket.SHUT_WR)
    answer = line.recv(100)
answer
"""
        async with opened(sandbox, tunnel=serve) as session:
            assert await value(session, source) == "b'thanks'"
            assert await arrived == b"y" * 2_000_000

    async def test_a_program_that_goes_is_noticed(self, sandbox: Sandbox) -> None:
        gone = asyncio.Event()

        async def serve(read, write) -> None:
            try:
                while True:
                    await write(b"x" * 100_000)
            except ConnectionError:
                gone.set()

        source = "import os, socket\nhost, _, port = os.environ['http_proxy'][7:].partition(':')\n"
        source += "line = socket.create_connection((host, int(port)))\nline.recv(10)\nline.close()"
        async with opened(sandbox, tunnel=serve) as session:
            assert (await ran(session, source)).done.status == "ok"
            async with asyncio.timeout(PATIENCE):
                await gone.wait()
            assert await value(session, "1 + 1") == "2"

    async def test_without_a_tunnel_there_is_no_proxy(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            assert await value(session, "import os; [name for name in os.environ if 'proxy' in name.lower()]") == "[]"


async def _head(read) -> bytes:
    """What comes up to an empty line."""
    head = b""
    while b"\r\n\r\n" not in head and (piece := await read()):
        head += piece
    return head
