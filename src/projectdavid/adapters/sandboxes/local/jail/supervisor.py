"""The process between the server and the sessions: single-threaded, without secrets. It exits with the server."""

import contextlib
import json
import selectors
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from . import channel
from .cgroups import SupervisorGroups
from .hardening_switches import HardeningSwitches
from .session_record import SessionRecord, out_of_memory
from .setup import BindMount, SupervisorSetup
from .zygote import CHECK
from .zygote_process import ZygoteProcess

_WATCH_SECONDS: Final = 0.05
_SPARE_SECONDS: Final = 0.1
"""Seconds between handing out a session and creating a spare: its user takes precedence."""
_LONGEST_PAUSE: Final = 5.0
_FAILURES: Final = 3
_WAITING: Final = 64
"""Maximum number of sessions created concurrently; more wait."""


class Supervisor:
    """Serves one server."""

    def __init__(
        self,
        server: socket.socket,
        setup: SupervisorSetup,
        binds: tuple[BindMount, ...],
        groups: SupervisorGroups | None,
    ) -> None:
        self._server = server
        self._setup = setup
        self._binds = binds
        self._groups = groups
        self._cells: dict[int, SessionRecord] = {}
        self._wanted: list[dict[str, Any]] = []
        self._nurseries: list[ZygoteProcess] = []
        self._count = 0
        self._failures = 0
        self._reported = False
        self._remarks: list[str] = []
        self._installed: dict[str, str] = {}
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._selector = selectors.DefaultSelector()
        self._ended = False

    def run(self) -> None:
        """Serve until the server exits."""
        self._selector.register(self._server, selectors.EVENT_READ, self._hear_server)
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        self._start_nursery()
        try:
            while not self._ended:
                self._turn()
        finally:
            self._clean()

    def _stop(self) -> None:
        self._ended = True

    def _turn(self) -> None:
        now = time.monotonic()
        waits = [max(0.0, when - now) for when, _ in self._timers]
        if self._watching:
            waits.append(_WATCH_SECONDS)
        for key, _ in self._selector.select(min(waits, default=None)):
            key.data()
        now = time.monotonic()
        due = [one for one in self._timers if one[0] <= now]
        self._timers = [one for one in self._timers if one[0] > now]
        for _, action in due:
            action()
        if self._watching:
            for cell in self._cells.values():
                if not cell.ending and cell.over():
                    cell.kill(out_of_memory(cell.limits["memory"]))

    @property
    def _watching(self) -> bool:
        return bool(self._cells) and self._setup.hardening.memory_limit

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        if all(action != planned for _, planned in self._timers):
            self._timers.append((time.monotonic() + seconds, action))

    def _clean(self) -> None:
        for nursery in self._nurseries:
            nursery.end()
        for cell in self._cells.values():
            cell.end()
        if self._groups is not None:
            self._groups.remove()

    # Requests of the server

    def _hear_server(self) -> None:
        message = channel.receive(self._server)
        if message is None:
            self._ended = True
            return
        body = message.body
        if body["do"] == "open":
            self._wanted.append(body)
            self._serve_wanted()
        elif body["do"] == "kill":
            cell = self._cells.get(body["session"])
            if cell is not None:
                cell.kill("The session was closed.")
        elif body["do"] == "stats":
            cell = self._cells.get(body["session"])
            memory, processes = cell.stats() if cell is not None else (0, 0)
            alive = cell is not None and not cell.ending
            self._tell(say="stats", request=body["request"], memory=memory, processes=processes, alive=alive)

    def _tell(self, files: tuple[int, ...] = (), **body: object) -> None:
        try:
            channel.send(self._server, body, files)
        except OSError:
            self._ended = True

    # Zygotes

    def _start_nursery(self) -> None:
        try:
            nursery = ZygoteProcess(self._setup, self._binds)
        except OSError as error:
            self._fail(f"Bubblewrap could not be started: {error.strerror}.")
            return
        self._nurseries.append(nursery)
        self._selector.register(nursery.socket, selectors.EVENT_READ, lambda: self._hear_zygote(nursery))

    def _nursery(self) -> ZygoteProcess | None:
        """The zygote that creates sessions now, if there is one."""
        return next((one for one in reversed(self._nurseries) if one.warm), None)

    def _hear_zygote(self, nursery: ZygoteProcess) -> None:
        message = channel.receive(nursery.socket)
        if message is None:
            self._lose_nursery(nursery)
            return
        body, say = message.body, message.body["say"]
        if say == "warm":
            nursery.warm = True
            self._installed = body["installed"]
            if body["missing"] and not self._reported:
                self._remarks.append(f"The interpreter of the sandbox lacks {', '.join(body['missing'])}.")
            self._retire_others(nursery)
            self._make(CHECK, self._setup.limits, None) if not self._reported else self._go_on()
            return
        if say == "exit":
            ended = [one for one in self._cells.values() if one.nursery is nursery and one.inner_pid == body["pid"]]
            for cell in ended:
                self._lose(cell, cell.why(body["status"]))
            return
        cell = self._cells.get(body["session"])
        if cell is None:
            return
        if say == "born":
            cell.inner_pid = body["pid"]
        elif say == "ready":
            self._settle(cell, message.pid)
        else:
            self._lose(cell, body["reason"])

    def _retire_others(self, nursery: ZygoteProcess) -> None:
        for spare in self._spares:
            spare.kill("")
        for other in self._nurseries:
            if other is not nursery:
                other.retire()

    def _lose_nursery(self, nursery: ZygoteProcess) -> None:
        self._selector.unregister(nursery.socket)
        current = nursery is self._nurseries[-1]
        self._nurseries.remove(nursery)
        complaint = nursery.end()
        for cell in [one for one in self._cells.values() if one.nursery is nursery]:
            self._lose(cell, cell.reason or "The process that sessions are forked from was killed.")
        if current:
            self._fail(complaint or "The sandbox exited before it was ready.")

    def _fail(self, complaint: str) -> None:
        """Handle a missing zygote: at the start it is reported, later it is retried."""
        self._failures += 1
        if not self._reported:
            self._report(complaint)
            return
        if self._failures >= _FAILURES:
            for wanted in self._wanted:
                self._tell(say="failed", request=wanted["request"], reason=complaint)
            self._wanted.clear()
        self._after(min(_LONGEST_PAUSE, 0.1 * 2**self._failures), self._start_nursery)

    def _report(self, failure: str = "", fallen: tuple[str, ...] = ()) -> None:
        bounds = self._groups.bounds if self._groups is not None else ()
        self._reported = not failure
        self._tell(
            say="report", failure=failure, remarks=[*self._remarks, *fallen], bounds=bounds, installed=self._installed
        )
        if failure:
            self._stop()

    def _go_on(self) -> None:
        self._failures = 0
        self._serve_wanted()
        self._make_spares()

    # Sessions

    def _make(self, kind: str, limits: dict[str, int], request: int | None) -> None:
        nursery = self._nursery()
        assert nursery is not None
        self._count += 1
        ours, theirs = socket.socketpair()
        cell = SessionRecord(self._count, kind, limits, nursery, ours, theirs, request)
        self._cells[cell.number] = cell
        if kind == CHECK:
            self._selector.register(ours, selectors.EVENT_READ, lambda: self._hear_check(cell))
        with contextlib.suppress(OSError):  # its exit is received as a message
            nursery.fork(cell.number, kind, limits, self._groups is not None, theirs)
        if nursery.old and nursery is self._nurseries[-1]:
            self._start_nursery()

    def _settle(self, cell: SessionRecord, pid: int) -> None:
        hardening = self._setup.hardening
        try:
            cell.settle(pid, self._groups, hardening.process_limit, hardening.memory_limit)
        except OSError as error:
            if cell.kind != CHECK or self._groups is None:
                cell.kill(f"The session could not be limited: {error}.")
                return
            # For the first session, nothing runs yet, and the report says that there is only the watchdog.
            self._remarks.append(f"Control groups cannot be used ({error}).")
            self._groups = None
            cell.settle(pid, None, hardening.process_limit, hardening.memory_limit)
        if cell.ending:
            cell.kill(cell.reason)
        elif cell.request is not None:
            self._give(cell, cell.request)

    def _give(self, cell: SessionRecord, request: int) -> None:
        assert cell.stream is not None
        cell.given = True
        self._tell((cell.stream.fileno(),), say="opened", request=request, session=cell.number, pid=cell.pid)
        cell.stream.close()
        cell.stream = None

    def _lose(self, cell: SessionRecord, reason: str) -> None:
        del self._cells[cell.number]
        if cell.kind == CHECK:
            self._check_ended(cell, reason)
        elif cell.given:
            self._tell(say="gone", session=cell.number, reason=reason)
        elif cell.request is not None:
            self._tell(say="failed", request=cell.request, reason=reason)
        cell.end()
        self._serve_wanted()

    def _hear_check(self, cell: SessionRecord) -> None:
        assert cell.stream is not None
        self._selector.unregister(cell.stream)
        fallen = tuple(json.loads(cell.stream.recv(1 << 16) or b'["The isolation test gave no answer."]'))
        # A test that removes a barrier checks what comes in, so the session must still open.
        self._report("" if not fallen or self._setup.hardening != HardeningSwitches() else " ".join(fallen), fallen)
        if self._reported:
            self._go_on()

    def _check_ended(self, cell: SessionRecord, reason: str) -> None:
        if cell.stream is not None and cell.stream.fileno() in self._selector.get_map():
            self._selector.unregister(cell.stream)
            self._report(reason)

    def _serve_wanted(self) -> None:
        while (
            self._wanted
            and self._nursery() is not None
            and self._reported
            and sum(not cell.pid for cell in self._cells.values()) < _WAITING
        ):
            wanted = self._wanted.pop(0)
            spare = self._spare(wanted)
            if spare is not None:
                self._give(spare, wanted["request"])
            else:
                self._make(wanted["kind"], wanted["limits"], wanted["request"])
        self._after(_SPARE_SECONDS, self._make_spares)

    def _spare(self, wanted: dict[str, Any]) -> SessionRecord | None:
        if wanted["kind"] != "python" or wanted["limits"] != self._setup.limits:
            return None
        return next((one for one in self._spares if one.pid and not one.ending), None)

    @property
    def _spares(self) -> list[SessionRecord]:
        return [one for one in self._cells.values() if one.kind != CHECK and one.request is None and not one.given]

    def _make_spares(self) -> None:
        if self._nursery() is None or not self._reported or self._wanted:
            return
        for _ in range(self._setup.spares - len(self._spares)):
            self._make("python", self._setup.limits, None)
