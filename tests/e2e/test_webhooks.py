"""A receiver that is down, and a server that is killed meanwhile: every event arrives, in order, and signed."""

import socket
from typing import Any

import openai
import pytest
from standardwebhooks import Webhook

from tests.e2e.conftest import Starting
from tests.e2e.processes import Server
from tests.e2e.reading import Address
from tests.e2e.story import FUNCTIONS, new_run, outputs
from tests.fakes.hooks import Got, receiving

pytestmark = pytest.mark.slow

DOWN = 600
"""Virtual seconds: the server's clock begins so many before ours, and is moved on at each start."""
KILLS = 3
RUNS = 4
"""Of each life of the server."""
LOOKS = 5000


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def address(server: Server) -> Address:
    return Address(server.url(), server.key)


def new_hooked_assistant(server: Server, url: str) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in FUNCTIONS]
    hooked = {"webhook_url": url, "webhook_events": ["run.completed", "run.cancelled"]}
    return address(server).ask("POST", "/v1/assistants", {"model": "fake-model", "tools": tools, **hooked})


def waits_for(server: Server, path: str, wanted: Any) -> Any:
    for _ in range(LOOKS):
        seen = address(server).ask("GET", path)
        if wanted(seen):
            return seen
    raise AssertionError(seen)


def live(server: Server, assistant_id: str) -> dict[str, list[str]]:
    """Runs that ask for a function, are answered and complete, or are cancelled; the events that each promises."""
    promised: dict[str, list[str]] = {}
    for number in range(RUNS):
        text = f"webhooks-{server.starts}-{number} [call=weather:{{}}]"
        run = new_run(address(server), assistant_id, text)
        path = f"/v1/runs/{run['id']}"
        waiting = waits_for(server, path, lambda seen: seen["status"] == "action_required")
        if number % 2:
            address(server).ask("POST", f"{path}/cancel")
            promised[run["id"]] = ["run.action_required", "run.cancelled"]
        else:
            calls = [action["tool_call_id"] for action in waiting["actions"]]
            address(server).ask("POST", f"{path}/submit_tool_outputs", outputs(calls, "rain"))
            waits_for(server, path, lambda seen: seen["status"] == "completed")
            promised[run["id"]] = ["run.action_required", "run.completed"]
    return promised


def tried(server: Server) -> bool:
    """Whether the oldest event was sent in vain since the start."""
    (oldest,) = address(server).ask("GET", "/v1/webhooks/deliveries?status=pending&limit=1&order=asc")["data"]
    return len(oldest["log"]) >= server.starts


def check_signature(got: Got, secret: str) -> None:
    Webhook(secret).verify(got.body, got.headers)
    with openai.OpenAI(api_key="none") as client:
        client.webhooks.verify_signature(got.body, got.headers, secret=secret)


def test_a_receiver_that_is_down_for_ten_minutes_while_the_server_is_killed_three_times_gets_every_event(
    starting: Starting,
) -> None:
    server = starting(wait=True, outbound_allow=["127.0.0.1"], outbound_allow_http=True)
    port = a_free_port()
    server.ahead = -DOWN
    server.start()
    assistant = new_hooked_assistant(server, f"http://127.0.0.1:{port}/hook")
    promised: dict[str, list[str]] = {}
    for life in range(KILLS):
        promised |= live(server, assistant["id"])
        assert any(tried(server) for _ in range(LOOKS)), "nothing was tried"
        server.kill()
        server.ended()
        server.ahead = -DOWN + DOWN * (life + 1) / KILLS
        if life < KILLS - 1:
            server.start()
    with receiving(port) as hooks:
        server.start()
        got = hooks.until(2 * len(promised))
        path = "/v1/webhooks/deliveries?limit=100&order=asc"
        log = waits_for(server, path, lambda seen: all(one["status"] == "delivered" for one in seen["data"]))["data"]
    told: dict[str, list[str]] = {}
    for one in got:
        told.setdefault(one.event["data"]["run_id"], []).append(one.event["type"])
        check_signature(one, assistant["webhook_secret"])
    assert told == promised
    assert {one.headers["webhook-id"] for one in got} == {one["id"] for one in log}
    first = [attempt["status"] for attempt in log[0]["log"]]
    assert first == [None] * (len(first) - 1) + [204]
    assert len(first) > KILLS
    assert log[0]["log"][-1]["at"] - log[0]["created_at"] >= DOWN - 1
    assert server.starts == KILLS + 1
    assert server.logged() == ""


def test_a_receiver_that_never_answers_holds_up_nobody_else(starting: Starting) -> None:
    server = starting(outbound_allow=["127.0.0.1"], outbound_allow_http=True, webhook_timeout=60)
    with socket.socket() as deaf, receiving(a_free_port()) as hooks:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(64)
        silent = new_hooked_assistant(server, f"http://127.0.0.1:{deaf.getsockname()[1]}/hook")
        quick = new_hooked_assistant(server, hooks.url)
        for number in range(12):
            new_run(address(server), silent["id"], f"silent-{number} [call=weather:{{}}]")
        path = f"/v1/webhooks/deliveries?assistant_id={silent['id']}&status=pending"
        waits_for(server, path, lambda seen: sum(one["attempts"] for one in seen["data"]) == 8)
        new_run(address(server), quick["id"], "quick [call=weather:{}]")
        assert [one.event["data"]["assistant_id"] for one in hooks.until(1)] == [quick["id"]]
        assert sum(one["attempts"] for one in address(server).ask("GET", path)["data"]) == 8
