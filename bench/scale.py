"""Several processes over PostgreSQL: what a token and a turn cost, beside one process over SQLite.

The database is a server of its own with full durability. One process answers requests, two work. Costs are the CPU of
all of them, and of the server's processes.
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.postgres_server import PostgresServer, run_postgres

from bench.measures import ASSISTANT, STREAMS, TOKENS, Rig, Row
from bench.processes import NANOSECONDS, Process, running

ROUNDS = 5
PACED = f"[tokens={TOKENS}][delay=0.005]"
TURN_SECONDS = 4.0
TURN_CLIENTS = 16
READS = 100
DURABLE = ("ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()")


class Fleet:
    """One process that answers requests, two that work, and their database."""

    def __init__(self, api: Process, workers: list[Process], postgres: PostgresServer) -> None:
        self.told = api.told
        self._processes = [api, *workers]
        self._postgres = postgres

    def cpu(self) -> float:
        """Seconds of CPU that all of them have used."""
        return sum(process.cpu() for process in self._processes) + _cpu_of_children(self._postgres.pid)


def scale(rig: Rig) -> list[Row]:
    """Measure both in turns."""
    with ExitStack() as stack:
        rig.say("starting PostgreSQL")
        fleet = stack.enter_context(_fleet(rig))
        assistant = rig.load.ask({"do": "assistant", **fleet.told, "body": ASSISTANT})
        return [
            *_tokens(rig, fleet, assistant, f"[tokens={TOKENS}]", "as fast as possible"),
            *_tokens(rig, fleet, assistant, PACED, "one by one"),
            *_turns(rig, fleet, assistant),
            *_first_token(rig, fleet, assistant),
        ]


@contextmanager
def _fleet(rig: Rig) -> Generator[Fleet]:
    with ExitStack() as stack:
        servers = run_postgres()
        postgres = next(servers)
        stack.callback(servers.close)
        for statement in DURABLE:
            postgres.execute(statement)
        folder = rig.folder / "scale"
        shared = {
            "PROJECTDAVID_DATABASE_URL": stack.enter_context(postgres.create_database()),
            "PROJECTDAVID_PUBLIC_URL": "http://fleet.example",
            "PROJECTDAVID_SANDBOX": "off",
            "OPENAI_BASE_URL": rig.upstream,
        }
        roles = ("api", "worker", "worker")
        api, *workers = (
            stack.enter_context(running("bench.serve", str(folder), cwd=rig.folder, **shared, PROJECTDAVID_ROLE=role))
            for role in roles
        )
        yield Fleet(api, workers, postgres)


def _cpu_of_children(parent: int) -> float:
    """Seconds of CPU of the processes that a process has started, by the scheduler's own count."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return sum(int(Path(f"/proc/{child}/schedstat").read_text().split()[0]) for child in children) / NANOSECONDS


def _tokens(rig: Rig, fleet: Fleet, assistant: str, text: str, how: str) -> list[Row]:
    took: list[tuple[float, float]] = []
    for number in range(ROUNDS + 1):
        rig.say(f"tokens {how} {number}/{ROUNDS}")
        took.append(
            (
                _cpu_per_token(rig, fleet, assistant, text),
                _cpu_per_token(rig, rig.platform, rig.assistant, text),
            )
        )
    ratio = median(many / one for many, one in took[1:])  # the first is to warm up
    many, one = (median(column) for column in zip(*took[1:], strict=True))
    shown = f"{ratio:.2f} x ({many:.0f} us; one process {one:.0f} us)"
    return [Row(f"CPU per token of several processes, {STREAMS} streams, {how}", shown, "<= 2 x", ratio <= 2)]


def _cpu_per_token(rig: Rig, side: Fleet | Process, assistant: str, text: str) -> float:
    """Return microseconds of CPU."""
    do = partial(_ask, rig, side.told)
    do("waiting_runs", clients=STREAMS, text=text, assistant=assistant)
    before = side.cpu()
    streamed = do("streams", path="/v1/completions", clients=STREAMS)
    if streamed != STREAMS * TOKENS:
        raise RuntimeError(f"{streamed} tokens were streamed, {STREAMS * TOKENS} were asked for")
    return (side.cpu() - before) / streamed * 1e6


def _ask(rig: Rig, told: dict[str, Any], job: str, **values: Any) -> Any:
    return rig.load.ask({"do": job, **told, **values})


def _turns(rig: Rig, fleet: Fleet, assistant: str) -> list[Row]:
    job = {"text": "[tokens=20]", "tokens": 20, "clients": TURN_CLIENTS, "seconds": TURN_SECONDS}

    def rate(told: dict[str, Any], assistant_id: str) -> float:
        done = _ask(rig, told, "turns", assistant=assistant_id, **job)
        return done["turns"] / done["seconds"]

    rates: list[tuple[float, float]] = []
    for number in range(ROUNDS):
        rig.say(f"turns {number + 1}/{ROUNDS}")
        rates.append((rate(fleet.told, assistant), rate(rig.platform.told, rig.assistant)))
    share = median(many / one for many, one in rates)
    many, one = (median(column) for column in zip(*rates, strict=True))
    shown = f"{share:.0%} ({many:.0f}/s; one process {one:.0f}/s)"
    return [Row("Whole turns of several processes, 16 clients", shown, ">= 60%", share >= 0.6)]


def _first_token(rig: Rig, fleet: Fleet, assistant: str) -> list[Row]:
    rig.say("first token")
    took = _ask(rig, fleet.told, "first", upstream=rig.upstream, assistant=assistant, text="[tokens=20]", count=READS)
    added = median(took["through"]) - median(took["alone"])
    shown = f"{added:.1f} ms (p90 {quantiles(took['through'], n=10)[-1]:.1f} ms)"
    return [Row("Added time to first token, another process works", shown, "", ok=True)]
