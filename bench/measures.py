"""What is measured: each function gives the rows of one subject, and says how it came to them."""

import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.request import urlopen

from bench.files import summary, upload_against_copy
from bench.processes import Process, running, running_command

MODEL = "fake-model"
ASSISTANT = {
    "name": "Bench",
    "description": "Answers what the benchmark asks.",
    "model": MODEL,
    "instructions": "You are a helpful assistant that answers in one sentence. " * 3,
    "meta_data": {"team": "bench", "purpose": "measure"},
}
ROUNDS = 7
STREAMS, TOKENS = 64, 200
PACED_CLIENTS = (100, 250, 500, 1000)
PACED_TOKENS = 100
PACED_ROUNDS = 3
MOST_PACED_RATIO = 1.6
KILOBYTE = "Tell me more about it. " * 44


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    measured: str
    asked: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Rig:
    """All processes that take part. `load` does jobs against `platform`, which asks `upstream`."""

    folder: Path
    upstream: str
    load: Process
    platform: Process
    relay: Process
    empty: Process
    assistant: str
    say: Callable[[str], None]

    def do(self, job: str, **values: Any) -> Any:
        """Let the load do a job against the platform."""
        return self.load.ask({"do": job, **self.platform.told, **values})


def tokens(rig: Rig) -> list[Row]:
    """CPU of the server process for one token: 64 runs, created beforehand, are started and streamed at once.

    From `POST /v1/completions` to `[DONE]`: start, claim, prompt, model call, journal, events, end. The relay does the
    same requests with the same upstream in turns with it.
    """
    ours: list[float] = []
    floor: list[float] = []
    text = f"[tokens={TOKENS}]"
    question = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": text}]}
    for number in range(ROUNDS + 1):
        rig.say(f"tokens {number}/{ROUNDS}")
        rig.do("waiting_runs", clients=STREAMS, text=text, assistant=rig.assistant)
        start = partial(rig.do, "streams", path="/v1/completions", clients=STREAMS)
        relay = partial(rig.do, "streams", url=rig.relay.told["url"], path="/", body=question, clients=STREAMS)
        took = _cpu_per_token(rig.platform, start), _cpu_per_token(rig.relay, relay)
        if number:  # the first is to warm up
            ours.append(took[0])
            floor.append(took[1])
    cost, ratio = median(ours), median(a / b for a, b in zip(ours, floor, strict=True))
    name = f"CPU per streamed token, journaled, {STREAMS} x {TOKENS}"
    return [
        Row(name, f"{cost:.1f} us", "<= 15 us", cost <= 15),
        Row("  against a bare relay", f"{ratio:.2f} x (relay {median(floor):.1f} us)", "<= 2 x", ratio <= 2),
    ]


def dialect(rig: Rig) -> list[Row]:
    """The same in the OpenAI dialect: 64 threads are made, run and streamed by one request each."""
    took: list[tuple[float, float]] = []
    text = f"[tokens={TOKENS}]"
    said = [{"role": "user", "content": text}]
    body = {"assistant_id": rig.assistant, "thread": {"messages": said}, "stream": True}
    question = {"model": MODEL, "stream": True, "messages": said}
    start = partial(rig.do, "streams", path="/openai/v1/threads/runs", body=body, clients=STREAMS)
    relay = partial(rig.do, "streams", url=rig.relay.told["url"], path="/", body=question, clients=STREAMS)
    for number in range(ROUNDS + 1):
        rig.say(f"dialect {number}/{ROUNDS}")
        took.append((_cpu_per_token(rig.platform, start), _cpu_per_token(rig.relay, relay)))
    took = took[1:]  # the first is to warm up
    cost, floor = (median(column) for column in zip(*took, strict=True))
    ratio = median(ours / bare for ours, bare in took)
    name = f"CPU per streamed token, OpenAI dialect, {STREAMS} x {TOKENS}"
    return [
        Row(name, f"{cost:.1f} us", "<= 30 us", cost <= 30),
        Row("  against a bare relay", f"{ratio:.2f} x (relay {floor:.1f} us)", "<= 4 x", ratio <= 4),
    ]


def _cpu_per_token(process: Process, work: Callable[[], int], expected: int = STREAMS * TOKENS) -> float:
    """Return microseconds of CPU."""
    before = process.cpu()
    streamed = work()
    if streamed != expected:
        raise RuntimeError(f"{streamed} tokens were streamed, {expected} were asked for")
    return (process.cpu() - before) / streamed * 1e6


def paced_streams(rig: Rig) -> list[Row]:
    """CPU for one token when models stream token by token: each client is sent 100, one every 20 ms.

    A read brings a single token here, so that what a read, a commit and a send cost is not shared by many. The relay
    has the same load in turns. The machine must be able to deliver it: 1,000 clients are 50,000 tokens per second.
    """
    rows: list[Row] = []
    text = f"[tokens={PACED_TOKENS}][delay=0.02]"
    question = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": text}]}
    for clients in PACED_CLIENTS:
        took: list[tuple[float, float]] = []
        for number in range(PACED_ROUNDS):
            rig.say(f"paced streams, {clients} clients {number + 1}/{PACED_ROUNDS}")
            rig.do("waiting_runs", clients=clients, text=text, assistant=rig.assistant)
            start = partial(rig.do, "streams", path="/v1/completions", clients=clients)
            relay = partial(rig.do, "streams", url=rig.relay.told["url"], path="/", body=question, clients=clients)
            expected = clients * PACED_TOKENS
            took.append((_cpu_per_token(rig.platform, start, expected), _cpu_per_token(rig.relay, relay, expected)))
        cost, floor = (median(column) for column in zip(*took, strict=True))
        ratio = median(ours / bare for ours, bare in took)
        shown = f"{cost:.1f} us, {1e6 / cost:.0f} tokens/s per core"
        bound = MOST_PACED_RATIO
        rows += [
            Row(f"CPU per paced token, journaled, {clients} clients", shown, "", ok=True),
            Row("  against a bare relay", f"{ratio:.2f} x (relay {floor:.1f} us)", f"<= {bound} x", ratio <= bound),
        ]
    return rows


def first_token(rig: Rig) -> list[Row]:
    """Milliseconds from asking for a run (create it, follow its events) to its first token, less the upstream's own."""
    rig.say("first token")
    took = rig.do("first", upstream=rig.upstream, assistant=rig.assistant, text="[tokens=20]", count=200)
    through, alone = median(took["through"]), median(took["alone"])
    added = through - alone
    shown = f"{added:.2f} ms ({through:.2f} - {alone:.2f})"
    return [Row("Added time to first token, p50, 1 client", shown, "<= 5 ms", added <= 5)]


def whole_turns(rig: Rig) -> list[Row]:
    """Turns per second: thread, message, run, 20 tokens read to the end; 8 clients."""
    rates: list[float] = []
    costs: list[float] = []
    for number in range(ROUNDS):
        rig.say(f"whole turns {number + 1}/{ROUNDS}")
        before = rig.platform.cpu()
        job = {"assistant": rig.assistant, "text": "[tokens=20]", "tokens": 20, "clients": 8, "seconds": 2}
        done = rig.do("turns", **job)
        rates.append(done["turns"] / done["seconds"])
        costs.append((rig.platform.cpu() - before) / done["turns"] * 1000)
    rate = median(rates)
    shown = f"{rate:.0f} /s (server {median(costs):.2f} ms CPU)"
    return [Row("Whole turns of 20 tokens, 8 clients", shown, ">= 400 /s", rate >= 400)]


def objects(rig: Rig) -> list[Row]:
    """Read and create an assistant, against an empty route of the framework; 32 clients, in turns."""
    empty = {"url": rig.empty.told["url"], "path": "/empty"}
    read = {"path": f"/v1/assistants/{rig.assistant}"}
    create = {"path": "/v1/assistants", "body": ASSISTANT}
    rates: list[list[float]] = []
    for number in range(ROUNDS):
        rig.say(f"objects {number + 1}/{ROUNDS}")
        rates.append([rig.do("rate", clients=32, seconds=1, **job) for job in (empty, read, create)])
    reads = median(read / floor for floor, read, _ in rates)
    creates = median(create / floor for floor, _, create in rates)
    floor, read_rate, create_rate = (median(column) for column in zip(*rates, strict=True))
    read_shown = f"{reads:.0%} ({read_rate:.0f} of {floor:.0f} /s)"
    create_shown = f"{creates:.0%} ({create_rate:.0f} of {floor:.0f} /s)"
    return [
        Row("GET assistant against an empty route, 32 clients", read_shown, ">= 50%", reads >= 0.5),
        Row("Create assistant, committed, against the same", create_shown, ">= 30%", creates >= 0.3),
    ]


def long_thread(rig: Rig) -> list[Row]:
    """200 turns in one thread, with 1 KB of the user and a reply of 20 tokens in each.

    A model is asked with the whole thread, so that the last question is 230 KB long: what the upstream alone takes to
    read that, asked directly with as much, is shown, and is part of the times that are compared.
    """
    growths: list[float] = []
    spans: list[tuple[float, float]] = []
    job = {"assistant": rig.assistant, "text": KILOBYTE + "[tokens=20]", "count": 200}
    for number in range(3):
        rig.say(f"long thread {number + 1}/3")
        before = _database_size(rig.folder)
        took: list[float] = rig.do("conversation", **job)
        growths.append((_database_size(rig.folder) - before) / 1e6)
        spans.append((median(took[:20]), median(took[-20:])))
    question = {"text": job["text"], "reply": " ".join(f"w{token}" for token in range(20)), "count": 20}
    alone = [median(rig.do("alone", upstream=rig.upstream, turn=turn, **question)) for turn in (10, 190)]
    growth = median(growths)
    begun, ended = (median(column) for column in zip(*spans, strict=True))
    shown = f"{ended / begun:.2f} x ({ended:.1f} / {begun:.1f} ms, of it upstream {alone[1]:.1f} / {alone[0]:.1f})"
    return [
        Row("Database growth, 200 turns of 1 KB", f"{growth:.2f} MB", "<= 1.2 MB", growth <= 1.2),
        Row("  last 20 turns against the first 20", shown, "<= 1.2 x", ended <= 1.2 * begun),
    ]


def _database_size(folder: Path) -> int:
    """Bytes of the file, with what was still in the write-ahead log."""
    path = folder / "projectdavid.db"
    connection = sqlite3.connect(path, timeout=10)
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    if busy:
        raise RuntimeError("the database could not be checkpointed")
    return path.stat().st_size


def start(rig: Rig) -> list[Row]:
    """From starting the command over an empty folder to an answer of `/health`; then its memory (PSS).

    In turns with the start of a process that imports what every server of this kind imports, and does nothing else.
    """
    spans: list[tuple[float, float]] = []
    memory: list[float] = []
    for number in range(5):
        rig.say(f"start {number + 1}/5")
        with TemporaryDirectory() as folder:
            begun = perf_counter()
            with running("bench.imports", cwd=Path(folder)):
                imported = perf_counter() - begun
            command = (str(Path(sys.executable).with_name("projectdavid")), "serve", "--port", "0", "--json")
            begun = perf_counter()
            with running_command(*command, "--data", folder, cwd=Path(folder), OPENAI_BASE_URL=rig.upstream) as process:
                with urlopen(f"{process.told['url']}/health", timeout=10) as answer:
                    assert answer.status == 200
                spans.append((perf_counter() - begun, imported))
                memory.append(process.memory())
    taken, floor = (median(column) for column in zip(*spans, strict=True))
    ratio, held = median(ours / bare for ours, bare in spans), median(memory)
    return [
        Row("Start to healthy", f"{taken:.2f} s", "<= 1.5 s", taken <= 1.5),
        Row("  against importing FastAPI", f"{ratio:.2f} x (imports {floor:.2f} s)", "<= 1.5 x", ratio <= 1.5),
        Row("Memory, idle", f"{held:.0f} MB", "<= 120 MB", held <= 120),
    ]


def files(rig: Rig) -> list[Row]:
    """A file of 256 MB from the disk through the SDK into the store, against a plain copy beside it, both synced."""
    uploads, copies, memory = upload_against_copy(256, rig.folder, rig.platform, rig.say)
    seconds, ratio = summary(uploads, copies)
    return [
        Row("Upload of 256 MB, against a copy", f"{ratio:.0%} ({256 / seconds:.0f} MB/s)", ">= 50%", ratio >= 0.5),
        Row("  memory of the server, added", f"{memory:.0f} MB", "<= 64 MB", memory <= 64),
    ]


MEASURES: dict[str, Callable[[Rig], list[Row]]] = {
    measure.__name__: measure
    for measure in (tokens, dialect, paced_streams, first_token, whole_turns, objects, long_thread, files, start)
}
