"""All cases of openai-python's own tests for the Assistants API, against our server."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import uvicorn

from tests.compat.vendor.front import BASE, Front
from tests.compat.vendor.suite import outcomes
from tests.server.conftest import serving
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.slow

CASES = 1190
SKIPPED = "the vendor skips it itself: its mock of HTTP knows no requests of aiohttp"
EXCEPTIONS = {
    f"test_files.TestAsyncFiles.test_{name}[aiohttp]": SKIPPED
    for name in ("method_content", "raw_response_content", "streaming_response_content")
}
"""The cases that do not pass, and why."""


@contextmanager
def fronted(url: str, key: str) -> Iterator[str]:
    """The front, on a port of its own."""
    config = uvicorn.Config(Front, port=0, log_config=None, lifespan="off")
    server, socket = uvicorn.Server(config), config.bind_socket()

    async def serve() -> None:
        headers = {"authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(base_url=url + BASE, headers=headers, timeout=EVENT_TIMEOUT) as client:
            config.app = Front(client)
            await server.serve([socket])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}{BASE}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()


def test_the_own_tests_of_openai_python_pass(tmp_path: Path) -> None:
    with serving(tmp_path) as server, fronted(server.base_url, server.admin_api_key) as url:
        found = outcomes(url, tmp_path / "report.xml")
    assert len(found) == CASES
    assert {name: said for name, said in found.items() if said != "passed" and name not in EXCEPTIONS} == {}
    assert {name for name in EXCEPTIONS if found[name] == "passed"} == set()
