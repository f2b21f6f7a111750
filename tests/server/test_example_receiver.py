"""The example receiver: it runs as it stands there, and a run completes by what it answers."""

import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx2
import pytest
import uvicorn

from tests.server.conftest import serving
from tests.server.talking import WEATHER, Caller, Json, ok

EXAMPLE = Path(__file__).parents[2] / "examples/webhook_receiver.py"
SECRET = "a secret of sixteen and more"
LOOKS = 2000


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("PROJECTDAVID_WEBHOOK_SECRET", SECRET)
    spec = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def url(example: ModuleType) -> Iterator[str]:
    """Where the example listens."""
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: object = None) -> None:
            await super().startup()
            started.set()

    server = Server(uvicorn.Config(example.app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert started.wait(20)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/hook"
    server.should_exit = True
    thread.join()


def once(look: Json, wanted: Json) -> Json:
    """What `look` sees, once that is what is wanted of it."""
    for _ in range(LOOKS):
        seen = look()
        if wanted(seen):
            return seen
    raise AssertionError(seen)


def test_a_function_that_is_answered_by_the_example_alone_completes_a_run_and_the_log_shows_one_delivery(
    tmp_path: Path, url: str, example: ModuleType
) -> None:
    allowed = {"outbound_allow": ["127.0.0.1"], "outbound_allow_http": True}
    with serving(tmp_path, **allowed) as server, Caller(server.base_url, "", server.api_key) as ann:
        assistant = ann.assistant(model="scripted/caller", tools=[WEATHER], webhook_url=url, webhook_secret=SECRET)
        thread = ann.thread("How is the weather in Oslo?")
        run = ok(ann.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]}))
        path = f"/v1/runs/{run['id']}"
        run = once(lambda: ok(ann.get(path)), lambda seen: seen["status"] == "completed")
        deliveries = ok(ann.get("/v1/webhooks/deliveries"))["data"]
        said = ann.texts(thread)
    assert [(one["event"], one["status"], len(one["log"])) for one in deliveries] == [
        ("run.action_required", "delivered", 1)
    ]
    assert run["actions"][0]["result"] == {"output": '{"city": "Oslo", "sky": "clear"}'}
    assert said[-1] == ("assistant", 'They said: {"city": "Oslo", "sky": "clear"}')
    assert list(example.answers) == [run["actions"][0]["tool_call_id"]]


def test_the_example_refuses_what_is_not_signed(url: str) -> None:
    assert httpx2.post(url, json={"type": "run.action_required"}).status_code == 401
