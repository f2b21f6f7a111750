"""What tests say to the server: a client for each user, and the steps with which many tests begin."""

import json
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx2

from tests.timeouts import EVENT_TIMEOUT

Json = Any
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
NOBODY = "asst_0000000000000000000000"
"""The id of nothing."""


class Caller(httpx2.Client):
    """A user with a key of their own."""

    def __init__(self, base_url: str, user_id: str, key: str) -> None:
        super().__init__(base_url=base_url, headers={"x-api-key": key}, timeout=EVENT_TIMEOUT)
        self.user_id = user_id
        self.key = key

    def assistant(self, **fields: Json) -> Json:
        """A new assistant."""
        return ok(self.post("/v1/assistants", json={"model": "scripted/hello", **fields}))

    def thread(self, *texts: str) -> Json:
        """A new thread in which the user has said these texts."""
        thread = ok(self.post("/v1/threads"))
        for text in texts:
            self.say(thread, text)
        return thread

    def say(self, thread: Json, text: Json, **fields: Json) -> Json:
        """A message in a thread."""
        return ok(self.post("/v1/messages", json={"thread_id": thread["id"], "content": text, **fields}))

    def upload(self, content: bytes, name: str = "a.txt", **fields: Json) -> Json:
        """A new file."""
        return ok(self.post("/v1/files", files={"file": (name, content)}, data=fields))

    def store(self, *files: Json, **fields: Json) -> Json:
        """A new vector store with these files, as it is made: they are still to be read."""
        ids = [file["id"] for file in files]
        return ok(self.post("/v1/vector-stores", json={"file_ids": ids, **fields}))

    def read(self, store: Json) -> Json:
        """The store, once all of its files are read."""
        while True:
            now = ok(self.get(f"/v1/vector-stores/{store['id']}"))
            if not now["file_counts"]["in_progress"]:
                return now

    def run(self, model: str = "scripted/hello", thread: Json = None, **fields: Json) -> Json:
        """A new run of a new assistant that may call `get_weather`, on a new thread."""
        assistant = self.assistant(model=model, tools=[WEATHER])
        thread = thread or self.thread("Hi there")
        return ok(self.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"], **fields}))

    def waiting(self, model: str = "scripted/caller") -> Json:
        """A run that waits for the output of a call."""
        return self.until(self.run(model), "action_required")

    def events(self, run: Json, path: str = "events", **options: Json) -> Iterator[Json]:
        """The events of a run as they come."""
        with self.stream("GET", f"/v1/runs/{run['id']}/{path}", **options) as response:
            assert response.status_code == 200, response.read()
            yield from frames(response)

    def until(self, run: Json, status: str) -> Json:
        """The run, once its events have told this status."""
        for event in self.events(run):
            if event.get("status") == status:
                break
        else:
            raise AssertionError(f"the run ended, and was never {status}")
        return ok(self.get(f"/v1/runs/{run['id']}"))

    def complete(self, run: Json, **fields: Json) -> httpx2.Response:
        """`POST /v1/completions` for a run, read to its end."""
        names = ("thread_id", "assistant_id")
        body = {"run_id": run["id"], **{name: run[name] for name in names}, **fields}
        return self.post("/v1/completions", json=body)

    def submit(self, run: Json, *outputs: tuple[str, str]) -> httpx2.Response:
        """Answers calls: pairs of call id and output."""
        body = {"tool_outputs": [{"tool_call_id": call, "output": output} for call, output in outputs]}
        return self.post(f"/v1/runs/{run['id']}/submit_tool_outputs", json=body)

    def texts(self, thread: Json) -> list[tuple[str, Json]]:
        """Who said what in a thread."""
        page = ok(self.get(f"/v1/threads/{thread['id']}/messages", params={"limit": 100}))
        return [(message["role"], message["content"]) for message in page["data"]]


def stored(folder: Path) -> set[str]:
    """The names of what a server has on its disk of files, whole or not."""
    return {path.name for path in (folder / "blobs").rglob("*") if path.is_file()}


def frames(response: httpx2.Response) -> Iterator[Json]:
    """The data of the frames of a stream, each with its `id`; ends with `[DONE]`."""
    frame: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            frame[name] = value
        elif frame.get("data") == "[DONE]":
            return
        elif "data" in frame:
            yield {**json.loads(frame["data"]), "id": int(frame.get("id", 0)), "event": frame.get("event")}
            frame = {}
        else:
            frame = {}
    raise AssertionError("the stream ended without [DONE]")


def chunks(response: httpx2.Response) -> list[Json]:
    """The frames of a stream that was read."""
    return list(frames(response))


def ok(response: httpx2.Response) -> Json:
    """The body of an answer that is no error."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def refused(response: httpx2.Response, status: int, code: str, param: str | None = None) -> str:
    """The message of an error, whose envelope says exactly this."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    error = body["error"]
    assert list(error) == ["type", "code", "param", "message"]
    assert (error["code"], error["param"]) == (code, param), error
    return error["message"]


async def once(content: bytes) -> AsyncGenerator[bytes]:
    """Bytes in one piece."""
    yield content
