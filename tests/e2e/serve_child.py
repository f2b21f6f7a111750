"""A process that starts servers, each in a process of its own, as fast as they can be killed.

    python -m tests.e2e.serve_child

It has everything imported and forks for each server, which takes a fiftieth of the time of a fresh start. A line of
standard input is a command, and is answered by a line of standard output:

    {"start": {"data": "/folder", ...}, "environ": {...}, "log": "/file", "user": id}   {"pid", "url", "key"}
    {"start": ..., "lives": seconds}                                                    {"status"}
    {"wait": pid}                                                                       {"status"}

`user` is whose rights the server has, `ahead` by how many seconds its clock is, `lives` when it is killed, started or
not. `schema` has the scripts of a release to come, of which the server is. With `"deadly": true` the server has a tool
`web_search` whose function `crash` ends the process with the status `CRASHED`, once the start was answered. A server
that cannot start says {"pid", "error"}. At the end of its input the process kills what it started.
"""

import asyncio
import encodings.ascii
import encodings.idna  # noqa: F401 - found now, and not by a server that may not read our folders
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import uvicorn
import uvloop

from projectdavid.adapters.stores.postgres import PostgresStore
from projectdavid.adapters.stores.postgres.migrations import SCHEMA, Schema
from projectdavid.composition.serve import serve
from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from projectdavid.settings import Settings

CRASHED = 7


class DeadlyTool:
    """A tool whose call ends the process of the server."""

    description = ToolDescription("web_search", render_function_step)

    def __init__(self) -> None:
        self.armed = asyncio.Event()

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        """Return its only function, which can be called again after a crash."""
        return [ToolFunction("crash", "Crash.", {"type": "object"}, effect="read")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        """End the process."""
        await self.armed.wait()
        os._exit(CRASHED)


def main() -> None:
    """Obey until the input ends."""
    children: set[int] = set()
    try:
        for line in sys.stdin:
            command = json.loads(line)
            pid = command.get("wait") or _fork(command)
            children.add(pid)
            if "lives" in command:
                time.sleep(command["lives"])
                os.kill(pid, signal.SIGKILL)
            if "lives" in command or "wait" in command:
                _, status = os.waitpid(pid, 0)
                children.discard(pid)
                _say(status=os.waitstatus_to_exitcode(status))
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def _fork(command: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        if "lives" in command:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody waits for what it says
        _serve(command)
        status = 0
    except Exception as error:  # noqa: BLE001 - told to who waits for the start
        _say(error=f"{type(error).__name__}: {error}", pid=os.getpid())
    finally:
        sys.stderr.flush()
        # Not sys.exit: the loop of the parent is still on this stack.
        os._exit(status)


def _serve(command: dict[str, Any]) -> None:
    log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stderr.fileno())
    if command["user"] != os.getuid():
        os.chdir("/")  # the folder of the tests may be closed to that user
        os.setuid(command["user"])
    os.environ.update(command["environ"])
    settings = Settings(**command["start"])
    deadly = DeadlyTool()

    def ready(url: str, _: uvicorn.Server) -> None:
        credentials = json.loads(settings.credentials.read_text(encoding="utf-8"))
        _say(pid=os.getpid(), url=url, key=credentials["api_key"])
        deadly.armed.set()

    tools = {"web_search": deadly} if command["deadly"] else {}
    store = None
    if command["schema"] and settings.database_url is not None:
        schema = next_release(*command["schema"])
        store = PostgresStore(settings.database_url.get_secret_value(), schema=schema)
    uvloop.run(serve(settings, ready, tools=tools, clock=lambda: time.time() + command["ahead"], store=store))


def next_release(*scripts: str) -> Schema:
    """The schema of a release after this one, which works with the schema of this one, and this one with it."""
    return Schema((*SCHEMA.scripts, *scripts), needed=SCHEMA.version, oldest=SCHEMA.version)


def _say(**words: Any) -> None:
    # One write, so that no other process writes into the middle of the line.
    os.write(sys.stdout.fileno(), (json.dumps(words) + "\n").encode())


if __name__ == "__main__":
    main()
