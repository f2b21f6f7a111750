"""Every operation of the dialect with a request that a user may make of what is theirs."""

import re
from collections.abc import Callable
from typing import Any

import httpx2

from tests.compat.behaviours.hands import PNG
from tests.compat.behaviours.wire import Wire, ok
from tests.server.routes import Asked
from tests.server.talking import WEATHER

Json = Any
World = dict[str, str]
"""The ids of what a user has, by kind."""
Body = Callable[[World], Json]

MODEL = "scripted/script"
SECRET = b"a secret"


def world_of(wire: Wire) -> World:
    """One of everything: a run that is over, one that waits for a call, and a thread that is free."""
    file, image = wire.upload(SECRET, "secret.txt"), wire.upload(PNG, "secret.png", "vision")
    store = wire.make("/vector_stores", name="a secret")
    batch = wire.make(f"/vector_stores/{store['id']}/file_batches", file_ids=[file["id"]])
    upload = wire.make(
        "/uploads", filename="secret.txt", purpose="assistants", bytes=len(SECRET), mime_type="text/plain"
    )
    part = ok(wire.post(f"/uploads/{upload['id']}/parts", files={"data": SECRET}))
    wire.filled(store)
    resources = {
        "code_interpreter": {"file_ids": [file["id"]]},
        "file_search": {"vector_store_ids": [store["id"]]},
    }
    assistant = wire.assistant("caller", name="a secret", tools=[WEATHER], tool_resources=resources)
    thread, free = wire.thread("a secret"), wire.thread("a secret")
    runs = f"/threads/{thread['id']}/runs"
    ended = wire.ended(wire.make(runs, assistant_id=assistant["id"], model=MODEL))
    run = wire.ended(wire.make(runs, assistant_id=assistant["id"]), "requires_action")
    return {
        "assistant": assistant["id"],
        "thread": thread["id"],
        "free": free["id"],
        "run": run["id"],
        "ended": ended["id"],
        "call": run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"],
        "step": wire.steps(run)[0]["id"],
        "message": wire.messages(thread["id"])[0]["id"],
        "said": wire.messages(free["id"])[0]["id"],
        "file": file["id"],
        "image": image["id"],
        "vector_store": store["id"],
        "batch": batch["id"],
        "upload": upload["id"],
        "part": part["id"],
    }


def _answers(world: World) -> Json:
    return {"tool_outputs": [{"tool_call_id": world["call"], "output": "rain"}]}


ROUTES: dict[str, Body | None] = {
    "POST /assistants": lambda _: {"model": MODEL},
    "GET /assistants": None,
    "GET /assistants/{assistant_id}": None,
    "POST /assistants/{assistant_id}": lambda _: {"name": "changed"},
    "DELETE /assistants/{assistant_id}": None,
    "POST /threads": lambda _: {},
    "GET /threads": None,
    "GET /threads/{thread_id}": None,
    "POST /threads/{thread_id}": lambda _: {"metadata": {"changed": "yes"}},
    "DELETE /threads/{thread_id}": None,
    "POST /threads/runs": lambda world: {
        "assistant_id": world["assistant"],
        "thread": {"messages": [{"role": "user", "content": "hi"}]},
    },
    "POST /threads/{thread_id}/messages": lambda _: {"role": "user", "content": "hi"},
    "GET /threads/{thread_id}/messages": None,
    "GET /threads/{thread_id}/messages/{message_id}": None,
    "POST /threads/{thread_id}/messages/{message_id}": lambda _: {"metadata": {"changed": "yes"}},
    "DELETE /threads/{thread_id}/messages/{message_id}": None,
    "POST /threads/{thread_id}/runs": lambda world: {"assistant_id": world["assistant"]},
    "GET /threads/{thread_id}/runs": None,
    "GET /threads/{thread_id}/runs/{run_id}": None,
    "POST /threads/{thread_id}/runs/{run_id}": lambda _: {"metadata": {"changed": "yes"}},
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": _answers,
    "POST /threads/{thread_id}/runs/{run_id}/cancel": None,
    "GET /threads/{thread_id}/runs/{run_id}/events": None,
    "GET /threads/{thread_id}/runs/{run_id}/steps": None,
    "GET /threads/{thread_id}/runs/{run_id}/steps/{step_id}": None,
    "POST /files": None,
    "GET /files": None,
    "GET /files/{file_id}": None,
    "DELETE /files/{file_id}": None,
    "GET /files/{file_id}/content": None,
    "POST /uploads": lambda _: {"filename": "a.txt", "purpose": "assistants", "bytes": 1, "mime_type": "text/plain"},
    "POST /uploads/{upload_id}/parts": None,
    "POST /uploads/{upload_id}/complete": lambda world: {"part_ids": [world["part"]]},
    "POST /uploads/{upload_id}/cancel": None,
    "POST /vector_stores": lambda world: {"file_ids": [world["file"]]},
    "GET /vector_stores": None,
    "GET /vector_stores/{vector_store_id}": None,
    "POST /vector_stores/{vector_store_id}": lambda _: {"name": "changed"},
    "DELETE /vector_stores/{vector_store_id}": None,
    "POST /vector_stores/{vector_store_id}/files": lambda world: {"file_id": world["file"]},
    "GET /vector_stores/{vector_store_id}/files": None,
    "GET /vector_stores/{vector_store_id}/files/{file_id}": None,
    "POST /vector_stores/{vector_store_id}/files/{file_id}": lambda _: {"attributes": {"changed": True}},
    "DELETE /vector_stores/{vector_store_id}/files/{file_id}": None,
    "GET /vector_stores/{vector_store_id}/files/{file_id}/content": None,
    "POST /vector_stores/{vector_store_id}/file_batches": lambda world: {"file_ids": [world["file"]]},
    "GET /vector_stores/{vector_store_id}/file_batches/{batch_id}": None,
    "POST /vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel": None,
    "GET /vector_stores/{vector_store_id}/file_batches/{batch_id}/files": None,
    "POST /vector_stores/{vector_store_id}/search": lambda _: {"query": "secret"},
    "GET /models": None,
    "GET /models/{model}": None,
    "DELETE /models/{model}": None,
}
ADMIN_ONLY = "DELETE /models/{model}"
EVENTS = "GET /threads/{thread_id}/runs/{run_id}/events"
BEYOND = (EVENTS, "GET /threads")
"""The operations that the Assistants API of OpenAI does not have."""
OTHERS: dict[str, dict[str, str]] = {
    "POST /threads/{thread_id}/messages": {"thread_id": "free"},
    "POST /threads/{thread_id}/runs": {"thread_id": "free"},
    EVENTS: {"run_id": "ended"},
}
"""Where an operation is for another object than the usual one: a thread that is free, a run that has ended."""
FORMS: dict[str, Json] = {
    "POST /files": {"files": {"file": ("new.txt", b"new")}, "data": {"purpose": "assistants"}},
    "POST /uploads/{upload_id}/parts": {"files": {"data": b"new"}},
}
"""Operations whose body is a form with a file."""
LISTS = [route for route in ROUTES if re.match(r"GET .*s$", route) and route not in (EVENTS, "GET /models")]
WITH_BODY = [route for route, body in ROUTES.items() if body is not None]
POSTS = [route for route in ROUTES if route.startswith("POST ")]


class Call(Asked):
    """One request: the operation, and everything in it that can be put in another's place."""

    def __init__(self, route: str, world: World, body: Json = None) -> None:
        self.route = route
        self.method, self.template = route.split()
        names = {"model": MODEL}
        for name in re.findall(r"\{(\w+_id)\}", self.template):
            names[name] = world[OTHERS.get(route, {}).get(name) or name.removesuffix("_id")]
        self.path = {name: names[name] for name in re.findall(r"\{(\w+)\}", self.template)}
        self.query: dict[str, str] = {}
        make = ROUTES[route]
        self.body = body if body is not None or make is None else make(world)

    @property
    def url(self) -> str:
        """Where the request goes."""
        return self.template.format(**self.path)

    def send(self, client: Any, **options: Any) -> httpx2.Response:
        """Make the request."""
        body = FORMS.get(self.route) or ({} if self.body is None else {"json": self.body})
        return client.request(self.method, self.url, params=self.query, **body, **options)


def everything(wire: Wire, world: World) -> Json:
    """All that a user has: what is listed, here and by the native API, and what no list shows."""
    told = {route: Call(route, world).send(wire) for route in (*LISTS, "GET /threads/{thread_id}")}
    native = [f"/file-uploads/{world['upload']}", "/threads?limit=100", "/runs?limit=100"]
    found = {path: wire.get(httpx2.URL(str(wire.base_url)).join(f"/v1{path}")) for path in native}
    return {name: (answer.status_code, answer.text) for name, answer in {**told, **found}.items()}
