"""What these tests say to the dialect over plain HTTP, and the steps with which many of them begin."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.server.talking import WEATHER
from tests.timeouts import EVENT_TIMEOUT

Json = Any
TERMINAL = {"cancelled", "failed", "completed", "incomplete", "expired"}
RESULTS = "step_details.tool_calls[*].file_search.results[*].content"
"""What `include[]` may ask for."""
HANDBOOK = """# Handbook

The device weighs two kilograms and is made of steel.

## Warranty

The warranty lasts two years from the day of purchase. Batteries are not covered by the warranty.
"""
QUESTION = "The warranty lasts how many years?"


@dataclass(frozen=True)
class Frame:
    """One event of a stream, as it came."""

    event: str
    data: Json
    id: str | None = None


class Wire(httpx2.Client):
    """A user of the dialect."""

    def __init__(self, base_url: str, key: str) -> None:
        headers = {"authorization": f"Bearer {key}", "openai-beta": "assistants=v2"}
        super().__init__(base_url=f"{base_url}/openai/v1", headers=headers, timeout=EVENT_TIMEOUT)
        self.key = key

    def make(self, path: str, **body: Json) -> Json:
        """What a POST answers that is no error."""
        return ok(self.post(path, json=body))

    def read(self, path: str, **params: Json) -> Json:
        """What a GET answers that is no error."""
        return ok(self.get(path, params=params))

    def assistant(self, model: str = "hello", **fields: Json) -> Json:
        """A new assistant of a scripted model."""
        return self.make("/assistants", model=f"scripted/{model}", **fields)

    def thread(self, *texts: str) -> Json:
        """A new thread in which the user has said these texts."""
        return self.make("/threads", messages=[{"role": "user", "content": text} for text in texts])

    def run(self, model: str = "hello", thread: Json = None, tools: Json = (), **fields: Json) -> Json:
        """A new run of a new assistant on a new thread, as it is made."""
        assistant = self.assistant(model, tools=list(tools))
        thread = thread or self.thread("Hi there")
        return self.make(f"/threads/{thread['id']}/runs", assistant_id=assistant["id"], **fields)

    def ended(self, run: Json, *stops: str) -> Json:
        """The run, once it is over, or has one of these states."""
        for _ in range(50_000):
            run = self.read(path_of(run))
            if run["status"] in TERMINAL or run["status"] in stops:
                return run
        raise AssertionError(f"the run is still {run['status']}")

    def done(self, model: str = "hello", **fields: Json) -> Json:
        """A run that is over."""
        return self.ended(self.run(model, **fields))

    def waiting(self, model: str = "caller", **fields: Json) -> Json:
        """A run that waits for the outputs of calls."""
        run = self.ended(self.run(model, tools=[WEATHER], **fields), "requires_action")
        assert run["status"] == "requires_action", run
        return run

    def working(self, model: str = "silent", **fields: Json) -> Json:
        """A run whose model has been asked, and does not come to an end."""
        run = self.ended(self.run(model, **fields), "in_progress")
        assert run["status"] == "in_progress", run
        return run

    def submit(self, run: Json, *texts: str, **fields: Json) -> httpx2.Response:
        """Answers the calls that a run waits for, in their order."""
        wanted = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        pairs = zip(wanted, texts, strict=False)
        outputs = [{"tool_call_id": call["id"], "output": text} for call, text in pairs]
        return self.post(f"{path_of(run)}/submit_tool_outputs", json={"tool_outputs": outputs, **fields})

    def frames(self, path: str, **body: Json) -> list[Frame]:
        """The events of a stream that a POST opens, to its end."""
        with self.stream("POST", path, json=body | {"stream": True}) as response:
            assert response.status_code == 200, response.read()
            return list(frames_of(response))

    def told(self, model: str = "hello", thread: Json = None, tools: Json = (), **fields: Json) -> list[Frame]:
        """The events of a new run."""
        assistant = self.assistant(model, tools=list(tools))
        thread = thread or self.thread("Hi there")
        return self.frames(f"/threads/{thread['id']}/runs", assistant_id=assistant["id"], **fields)

    def steps(self, run: Json, **params: Json) -> list[Json]:
        """The steps of a run, the oldest first."""
        return self.read(f"{path_of(run)}/steps", order="asc", **params)["data"]

    def messages(self, thread_id: str) -> list[Json]:
        """The messages of a thread, the oldest first."""
        return self.read(f"/threads/{thread_id}/messages", order="asc", limit=100)["data"]

    def upload(self, content: bytes, name: str = "a.txt", purpose: str = "assistants") -> Json:
        """A new file."""
        return ok(self.post("/files", files={"file": (name, content)}, data={"purpose": purpose}))

    def store(self, *files: Json, **fields: Json) -> Json:
        """A new vector store, once its files are read."""
        return self.filled(self.make("/vector_stores", file_ids=[file["id"] for file in files], **fields))

    def filled(self, store: Json) -> Json:
        """The store, once its files are read."""
        for _ in range(50_000):
            store = self.read(f"/vector_stores/{store['id']}")
            if store["status"] != "in_progress":
                return store
        raise AssertionError("the store is still in progress")

    def shelf(self) -> tuple[Json, Json]:
        """A file with something to find, and the store that has it."""
        file = self.upload(HANDBOOK.encode(), "handbook.md")
        return file, self.store(file)


def user_of(server: EmbeddedPlatform) -> Wire:
    """A new user of a server."""
    admin = {"x-api-key": server.admin_api_key}
    user = ok(httpx2.post(f"{server.base_url}/v1/users", headers=admin, json={}))
    key = ok(httpx2.post(f"{server.base_url}/v1/users/{user['id']}/apikeys", headers=admin))
    return Wire(server.base_url, key["plain_key"])


def path_of(run: Json) -> str:
    """Where a run is found."""
    return f"/threads/{run['thread_id']}/runs/{run['id']}"


def frames_of(response: httpx2.Response) -> Iterator[Frame]:
    """The events of a stream; the last one is `done`."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            data = fields["data"]
            plain = data if data.startswith("[DONE]") else json.loads(data)
            yield Frame(fields.get("event", ""), plain, fields.get("id"))
            fields = {}
        else:
            fields = {}


def names(frames: list[Frame]) -> list[str]:
    """The names of events; of deltas that follow each other only the first."""
    told: list[str] = []
    for frame in frames:
        if not (frame.event.endswith(".delta") and told and told[-1] == frame.event):
            told.append(frame.event)
    return told


def ok(response: httpx2.Response) -> Json:
    """The body of an answer that is no error."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def refused(response: httpx2.Response, status: int, message: str | None = None, **fields: str | None) -> Json:
    """The error of an answer that says exactly this."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    if message is not None:
        assert error["message"] == message
    assert {name: error[name] for name in fields} == fields, error
    return error
