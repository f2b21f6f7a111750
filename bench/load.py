"""The load, in a process of its own: reads one job per line (JSON), does it, and answers with one line.

A job names a server (`url`, `key`) and what to do to it (`do`, one of `JOBS`); connections are made before the clock
starts. Whatever is answered wrongly ends the process: a wrong answer is not to be measured.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import uvloop

from bench.client import Answer, Connection, Target, must

LIMIT = 60
"""Seconds that a job may take."""
TOKENS = (b'"type":"content","content":', b"event: thread.message.delta\n")
"""With what a token begins, in the native stream and in that of the OpenAI dialect."""
MODEL = "fake-model"
Job = dict[str, Any]


async def rate(job: Job) -> Any:
    """Repeat one request from `clients` connections for `seconds`; answers per second."""
    target = Target(job["url"], job.get("key", ""))
    request = target.post(job["path"], job["body"]) if "body" in job else target.get(job["path"])
    connections = await target.connect(job["clients"])
    begun = perf_counter()
    end, done = begun + job["seconds"], 0

    async def repeat(connection: Connection) -> None:
        nonlocal done
        while perf_counter() < end:
            await must(connection, request)
            done += 1

    await asyncio.gather(*map(repeat, connections))
    result = done / (perf_counter() - begun)
    _hang_up(connections)
    return result


async def assistant(job: Job) -> Any:
    """Make an assistant; its id."""
    target = Target(job["url"], job["key"])
    (connection,) = await target.connect()
    made = await must(connection, target.post("/v1/assistants", job["body"]))
    connection.close()
    return made.json()["id"]


_waiting: list[Job] = []
"""The bodies that start what `waiting_runs` has created."""


async def waiting_runs(job: Job) -> Any:
    """Create `clients` threads, each with a message and a run that waits to be started by the next `streams`."""
    target = Target(job["url"], job["key"])
    (connection,) = await target.connect()
    _waiting.clear()
    for _ in range(job["clients"]):
        thread = await _thread(target, connection, job["text"])
        run = {"assistant_id": job["assistant"], "thread_id": thread, "status": "pending"}
        made = await must(connection, target.post("/v1/runs", run))
        _waiting.append({"run_id": made.json()["id"], "thread_id": thread, "assistant_id": job["assistant"]})
    connection.close()
    return len(_waiting)


async def streams(job: Job) -> Any:
    """Post `clients` times at once, each on a connection of its own; returns how many tokens were streamed back.

    They all post `body`; without one, each starts one of the waiting runs.
    """
    target = Target(job["url"], job.get("key", ""))
    connections = await target.connect(job["clients"])
    bodies = [job["body"]] * job["clients"] if "body" in job else _waiting
    requests = [target.post(job["path"], body) for body in bodies]
    answers = await asyncio.gather(*map(must, connections, requests))
    _hang_up(connections)
    return sum(_tokens(answer) for answer in answers)


async def first(job: Job) -> Any:
    """From asking for a run to the first token read, and the same from the upstream itself, in turns; milliseconds."""
    target, upstream = Target(job["url"], job["key"]), Target(job["upstream"])
    (connection,), (direct,) = await target.connect(), await upstream.connect()
    question = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": job["text"]}]}
    through: list[float] = []
    alone: list[float] = []
    for _ in range(job["count"]):
        begun = perf_counter()
        answer = await must(direct, upstream.post("/chat/completions", question))
        alone.append((answer.first - begun) * 1000)
        thread = await _thread(target, connection, job["text"])
        begun = perf_counter()
        answer = await _run(target, connection, job["assistant"], thread)
        through.append((answer.first - begun) * 1000)
    _hang_up([connection, direct])
    return {"through": through, "alone": alone}


async def turns(job: Job) -> Any:
    """Whole turns (thread, message, run, all of its events) from `clients` connections for `seconds`; their number."""
    target = Target(job["url"], job["key"])
    connections = await target.connect(job["clients"])
    begun = perf_counter()
    end, done = begun + job["seconds"], 0

    async def repeat(connection: Connection) -> None:
        nonlocal done
        while perf_counter() < end:
            thread = await _thread(target, connection, job["text"])
            answer = await _run(target, connection, job["assistant"], thread)
            if _tokens(answer) != job["tokens"]:
                raise RuntimeError(f"{_tokens(answer)} tokens in {answer.body!r}")
            done += 1

    await asyncio.gather(*map(repeat, connections))
    seconds = perf_counter() - begun
    _hang_up(connections)
    return {"turns": done, "seconds": seconds}


async def conversation(job: Job) -> Any:
    """`count` turns in one thread, one after another; how long each took, in milliseconds."""
    target = Target(job["url"], job["key"])
    (connection,) = await target.connect()
    thread = (await must(connection, target.post("/v1/threads", {}))).json()["id"]
    took: list[float] = []
    for _ in range(job["count"]):
        begun = perf_counter()
        message = {"thread_id": thread, "role": "user", "content": job["text"]}
        await must(connection, target.post("/v1/messages", message))
        await _run(target, connection, job["assistant"], thread)
        took.append((perf_counter() - begun) * 1000)
    connection.close()
    return took


async def alone(job: Job) -> Any:
    """What the upstream itself takes for the question of turn number `turn` of such a conversation; milliseconds."""
    target = Target(job["upstream"])
    (connection,) = await target.connect()
    said = [{"role": "user", "content": job["text"]}, {"role": "assistant", "content": job["reply"]}]
    question = {"model": MODEL, "stream": True, "messages": [*said * job["turn"], said[0]]}
    request = target.post("/chat/completions", question)
    took: list[float] = []
    for _ in range(job["count"]):
        begun = perf_counter()
        await must(connection, request)
        took.append((perf_counter() - begun) * 1000)
    connection.close()
    return took


async def _thread(target: Target, connection: Connection, text: str) -> str:
    thread = (await must(connection, target.post("/v1/threads", {}))).json()["id"]
    await must(connection, target.post("/v1/messages", {"thread_id": thread, "role": "user", "content": text}))
    return thread


async def _run(target: Target, connection: Connection, assistant_id: str, thread: str) -> Answer:
    body = {"assistant_id": assistant_id, "thread_id": thread}
    run = (await must(connection, target.post("/v1/runs", body))).json()["id"]
    answer = await must(connection, target.get(f"/v1/runs/{run}/events"))
    if b'"status":"completed"' not in answer.body:
        raise RuntimeError(f"the run did not complete: {answer.body!r}")
    return answer


def _tokens(answer: Answer) -> int:
    return sum(map(answer.body.count, TOKENS))


def _hang_up(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()


JOBS: dict[str, Callable[[Job], Awaitable[Any]]] = {
    job.__name__: job for job in (rate, assistant, waiting_runs, streams, first, turns, conversation, alone)
}


async def _do(job: Job) -> Any:
    async with asyncio.timeout(LIMIT):
        return await JOBS[job["do"]](job)


def main() -> None:
    """Do jobs until there are no more."""
    print(json.dumps({"jobs": list(JOBS)}), flush=True)
    for line in sys.stdin:
        print(json.dumps(uvloop.run(_do(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
