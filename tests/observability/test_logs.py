"""Logs: one JSON object a line, with the ids of the work, and without secrets."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from projectdavid.api.http.telemetry import ACCESS_LOG
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.instruments.json_logs import MAX_LINE, JsonFormatter
from projectdavid.ports.tool import ToolCall, ToolContext, ToolOutput
from tests.cli.processes import COMMAND, started, stopped
from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok
from tests.server.test_tool_registry import Weather
from tests.timeouts import EVENT_TIMEOUT


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a server writes to standard error with `log_format = "json"` and `access_log = true`."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter("here-1"))
    root, access = logging.getLogger(), logging.getLogger(ACCESS_LOG)
    root.addHandler(handler)
    access.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    access.setLevel(logging.NOTSET)


def parsed(written: io.StringIO) -> list[Json]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_request_is_logged_with_its_id_and_template_and_without_its_path(
    lines: io.StringIO, user: Caller, server: EmbeddedPlatform
) -> None:
    path = "/v1/threads/thread_of_somebody?secret=sesame"
    assert user.get(path, headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"
    [line] = [line for line in parsed(lines) if line.get("request_id") == "mine"]
    assert line.pop("ms") >= 0
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "logger": ACCESS_LOG,
        "msg": "GET /v1/threads/{thread_id} 404",
        "instance": "here-1",
        "request_id": "mine",
        "method": "GET",
        "route": "/v1/threads/{thread_id}",
        "status": 404,
    }
    assert "sesame" not in lines.getvalue()


def test_a_request_without_an_id_gets_one_that_is_logged(lines: io.StringIO, user: Caller) -> None:
    request_id = user.get("/v1/threads").headers["x-request-id"]
    assert [line["status"] for line in parsed(lines) if line.get("request_id") == request_id] == [200]


class Broken(Weather):
    """A tool with a fault."""

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        raise ZeroDivisionError


def test_lines_about_a_run_carry_its_ids_and_the_stack_of_the_error(lines: io.StringIO, tmp_path: Path) -> None:
    with (
        serving(tmp_path, sandbox="off", tools={"weather": Broken()}) as server,
        Caller(server.base_url, "", server.api_key) as user,
    ):
        assistant = user.assistant(model="scripted/caller", tools=[{"type": "weather"}])
        thread = user.thread("Hi there")
        run = ok(user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]}))
        user.until(run, "completed")
    [line] = [line for line in parsed(lines) if line["logger"] == "projectdavid.tools"]
    assert (line["level"], line["run_id"], line["thread_id"]) == ("error", run["id"], run["thread_id"])
    assert line["error.type"] == "ZeroDivisionError"
    assert "ZeroDivisionError" in line["error.stack"].splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key pd_123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK!", "key pd_123456789[redacted]!"),
        ("authorization: Bearer sk-verysecretindeed", "authorization: Bearer [redacted]"),
        ("whsec_abcdefghijklmnopqrstuvwxyz0123=", "whsec_[redacted]"),
        ("pd_12345678", "pd_12345678"),
        ('two\nlines, a "quote", \x1b[31m and \ud800', 'two\nlines, a "quote", \x1b[31m and \ud800'),
    ],
)
def test_keys_are_cut_and_control_characters_are_escaped(text: str, shown: str) -> None:
    line = JsonFormatter("here-1").format(logging.LogRecord("a", logging.INFO, "", 0, "%s", (text,), None))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["msg"] == shown


def test_long_messages_and_stacks_are_cut_to_one_short_line() -> None:
    try:
        raise ValueError("x" * 100_000 + "the end")
    except ValueError as error:
        record = logging.LogRecord(
            "a", logging.INFO, "", 0, "ä" * 100_000, (), (ValueError, error, error.__traceback__)
        )
    text = JsonFormatter("here-1").format(record)
    line = json.loads(text)
    assert len(text) <= MAX_LINE
    assert line["msg"].startswith("ää")
    assert line["msg"].endswith("[cut]")


def test_the_setting_makes_a_server_log_json(tmp_path: Path) -> None:
    given = {"PROJECTDAVID_LOG_FORMAT": "json", "PROJECTDAVID_ACCESS_LOG": "true", "PROJECTDAVID_SANDBOX": "off"}
    command = (COMMAND, "serve", "--port", "0", "--data", str(tmp_path / "data"), "--json")
    with started(*command, home=tmp_path, environment=given) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert ok(httpx2.get(f"{url}/health/live", timeout=EVENT_TIMEOUT)) == {"status": "live"}
        _, _, errors = stopped(process)
    found = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    assert [line["route"] for line in found if line["logger"] == ACCESS_LOG] == ["/health/live"]
    assert found[0]["instance"].endswith(f"-{process.pid}")
