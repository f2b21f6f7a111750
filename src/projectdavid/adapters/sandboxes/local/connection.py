"""The server's connection to its supervisor: starts it, sends requests, and receives the ends of sessions."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projectdavid.adapters.sandboxes.local.jail import channel
from projectdavid.adapters.sandboxes.local.jail.setup import SupervisorSetup

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from jail.launch import main; main()"
_END_SECONDS = 60.0


class SupervisorGone(Exception):
    """The supervisor has exited."""


@dataclass
class OpenedSession:
    """A session opened by the supervisor; `stream` is the host's end of its bytes."""

    number: int
    stream: socket.socket


@dataclass
class _Life:
    """The lifetime of a session: `ended` is set, with the reason, when it is gone."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""


class SupervisorConnection:
    """One supervisor."""

    def __init__(self) -> None:
        self._ours: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[channel.ChannelMessage]] = {}
        self._lives: dict[int, _Life] = {}
        self._report: asyncio.Future[channel.ChannelMessage] | None = None
        self.ended = asyncio.Event()

    async def start(self, setup: SupervisorSetup) -> None:
        """Start the supervisor; it reports when it is ready."""
        ours, theirs = channel.pair()
        ours.setblocking(False)
        closed = setup.hardening.closed_descriptors
        os.set_inheritable(theirs.fileno(), True)
        folder = str(Path(__file__).parent)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _START, folder, str(theirs.fileno())),
                env=setup.environment,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),) if closed else (),
                close_fds=closed,
                start_new_session=True,
            )
        finally:
            theirs.close()
        self._ours = ours
        loop = asyncio.get_running_loop()
        self._report = loop.create_future()
        loop.add_reader(ours, self._hear)
        await self._say({**vars(setup), "hardening": vars(setup.hardening)})

    async def report(self) -> dict[str, Any]:
        """Return its report about the available isolation.

        Raises:
            SupervisorGone: it exited before the report.
        """
        assert self._report is not None
        return (await asyncio.shield(self._report)).body

    async def open(self, kind: str, limits: dict[str, int]) -> OpenedSession:
        """Open a session.

        Raises:
            SupervisorGone: it has exited or failed; the message says why.
        """
        answer = await self._ask({"do": "open", "kind": kind, "limits": limits}, _let_go)
        if not answer.files:
            raise SupervisorGone(answer.body["reason"])
        return OpenedSession(answer.body["session"], socket.socket(fileno=answer.files[0]))

    async def stats(self, session: int) -> tuple[int, int, bool]:
        """Return memory, number of processes, and whether it is alive."""
        if session not in self._lives:
            return 0, 0, False
        try:
            body = (await self._ask({"do": "stats", "session": session})).body
        except SupervisorGone:
            return 0, 0, False
        return body["memory"], body["processes"], body["alive"]

    async def kill(self, session: int) -> None:
        """Kill a session, and wait until nothing is left."""
        life = self._lives.get(session)
        if life is not None:
            await self._say({"do": "kill", "session": session})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(life.ended.wait(), _END_SECONDS)

    def life(self, session: int) -> _Life | None:
        """Return the lifetime of a session; None if it is gone."""
        return self._lives.get(session)

    @property
    def sessions(self) -> int:
        """Number of sessions that are open or being opened."""
        return len(self._lives)

    async def close(self) -> None:
        """Stop the supervisor and all its sessions, and wait until it is gone."""
        self._lose()
        process = self._process
        if process is None:
            return
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _ask(self, body: dict[str, Any], unwanted: Any = None) -> channel.ChannelMessage:
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            await self._say({**body, "request": number})
            return await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None and unwanted is not None:
                unwanted(answer.result())
            raise
        finally:
            self._asked.pop(number, None)

    async def _say(self, body: dict[str, Any]) -> None:
        if self._ours is None or self.ended.is_set():
            raise SupervisorGone("The sandbox's supervisor has exited.")
        try:
            await asyncio.get_running_loop().sock_sendall(self._ours, json.dumps(body).encode())
        except OSError as error:
            self._lose()
            raise SupervisorGone("The sandbox's supervisor has exited.") from error

    def _hear(self) -> None:
        assert self._ours is not None
        try:
            message = channel.receive(self._ours)
        except (BlockingIOError, InterruptedError):
            return
        if message is None:
            self._lose()
            return
        say = message.body["say"]
        if say == "report":
            if self._report is not None and not self._report.done():
                self._report.set_result(message)
        elif say == "gone":
            life = self._lives.pop(message.body["session"], None)
            if life is not None:
                life.reason = message.body["reason"]
                life.ended.set()
        else:
            if say == "opened":
                self._lives[message.body["session"]] = _Life()
            asked = self._asked.get(message.body["request"])
            if asked is not None and not asked.done():
                asked.set_result(message)
            else:
                _let_go(message)

    def _lose(self) -> None:
        if self._ours is None:
            return
        asyncio.get_running_loop().remove_reader(self._ours)
        self._ours.close()
        self._ours = None
        self.ended.set()
        error = SupervisorGone("The sandbox's supervisor has exited.")
        waiting = [*self._asked.values(), *([self._report] if self._report is not None else [])]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # there can be no waiter
        for life in self._lives.values():
            life.reason = "The supervisor of the sandbox exited, and with it all sessions."
            life.ended.set()
        self._lives.clear()


def _let_go(message: channel.ChannelMessage) -> None:
    # The agent exits when the other end of its stream is closed, and the supervisor reports it.
    for file in message.files:
        os.close(file)
