"""Every route of the API with a request that a user may make of what is theirs; and where it names ids."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import httpx2

from tests.server.talking import WEATHER, Caller, Json, ok

World = dict[str, str]
"""The ids of what a user has, by kind."""
Body = Callable[[World], Json]

ID_LIKE = re.compile(r"(^|_)ids?$|^after$|^before$|^prefix$")
KINDS = {
    "tool": "action",
    "sender": "user",
    "participant": "user",
    "tool_call": "call",
    "prefix": "prefix",
    "room": "free",
    "owner": "user",
}


def begun(user: Caller, content: bytes) -> Json:
    """An upload that waits for its parts."""
    return ok(user.post("/v1/file-uploads", json={"filename": "words.txt", "bytes": len(content)}))


VECTORS: Json = {
    "texts": ["a secret"],
    "vectors": [[1, 0]],
    "file": {"file_id": "file_brought", "file_name": "words.txt", "file_path": "a/words.txt"},
}
"""What is brought to a store whose vectors its owner makes."""


IMPORTED: Json = {"object": "thread.message", "thread_id": "thread_there", "id": "msg_there", "created_at": 1}
"""An object of another service."""


def world_of(user: Caller) -> World:
    """One of everything: a run that waits for a call, one that is over, and a thread that is free."""
    waiting, ended = user.waiting(), user.run(status="pending")
    ok(user.post(f"/v1/runs/{ended['id']}/cancel"))
    free = user.thread("a secret")
    ok(user.put(f"/v1/assistants/{waiting['assistant_id']}", json={"webhook_url": "https://hooks.invalid/"}))
    steps = ok(user.get(f"/v1/runs/{waiting['id']}/steps"))
    delivery = ok(user.post(f"/v1/assistants/{waiting['assistant_id']}/webhook/test"))
    file = user.upload(b"a secret", "words.txt")
    upload = begun(user, b"a secret")
    part = ok(user.post(f"/v1/file-uploads/{upload['id']}/parts", files={"data": b"a secret"}))
    store, brought = user.store(file), user.store(vector_size=2)
    ok(user.post(f"/v1/vector-stores/{brought['id']}/vectors", json=VECTORS))
    batch = ok(user.post(f"/v1/vector-stores/{store['id']}/file-batches", json={"file_ids": [file["id"]]}))
    user.read(store)
    assistant = user.assistant(model="scripted/caller", tools=[{**WEATHER, "require_approval": True}])
    gated = {"assistant_id": assistant["id"], "thread_id": user.thread("a secret")["id"]}
    gated = user.until(ok(user.post("/v1/runs", json=gated)), "action_required")
    imported = ok(user.post("/v1/imports", json={"source": "another service"}))
    ok(user.post(f"/v1/imports/{imported['id']}/objects", json={"objects": [IMPORTED]}))
    link = httpx2.URL(ok(user.get(f"/v1/files/{file['id']}/signed-url"))["signed_url"]).params
    return {
        "assistant": waiting["assistant_id"],
        "thread": waiting["thread_id"],
        "free": free["id"],
        "run": waiting["id"],
        "ended": ended["id"],
        "action": waiting["actions"][0]["id"],
        "call": waiting["actions"][0]["tool_call_id"],
        "approval": gated["actions"][0]["decision"]["gate"]["approval_id"],
        "message": ok(user.get(f"/v1/threads/{waiting['thread_id']}/messages"))["first_id"],
        "user": user.user_id,
        "erasure": f"erasure_of_{user.user_id}",
        "prefix": user.key[:12],
        "delivery": delivery["id"],
        "step": steps["first_id"],
        "file": file["id"],
        "store": store["id"],
        "brought": brought["id"],
        "batch": batch["id"],
        "upload": upload["id"],
        "part": part["id"],
        "import": imported["id"],
        "expires": link["expires"],
        "signature": link["signature"],
    }


def _said(world: World) -> Json:
    return {"thread_id": world["free"], "content": "hi"}


def _answered(world: World) -> Json:
    return {"thread_id": world["thread"], "content": "rain", "role": "tool", "tool_id": world["action"]}


def _completed(world: World) -> Json:
    return {"run_id": world["run"], "thread_id": world["thread"], "assistant_id": world["assistant"]}


ROUTES: dict[str, list[Body | None]] = {
    "POST /v1/assistants": [lambda _: {"model": "m"}],
    "GET /v1/assistants": [None],
    "GET /v1/assistants/{assistant_id}": [None],
    "PUT /v1/assistants/{assistant_id}": [lambda _: {"name": "changed"}],
    "DELETE /v1/assistants/{assistant_id}": [None],
    "GET /v1/users/{user_id}/assistants": [None],
    "POST /v1/threads": [lambda _: {}],
    "GET /v1/threads": [None],
    "GET /v1/threads/user/{user_id}": [None],
    "GET /v1/threads/user/{user_id}/records": [None],
    "GET /v1/threads/{thread_id}": [None],
    "PUT /v1/threads/{thread_id}": [lambda _: {"meta_data": {"changed": True}}],
    "POST /v1/threads/{thread_id}": [lambda _: {"meta_data": {"changed": True}}],
    "DELETE /v1/threads/{thread_id}": [None],
    "PUT /v1/threads/{thread_id}/metadata": [lambda _: {"changed": True}],
    "POST /v1/messages": [_said, _answered],
    "POST /v1/messages/assistant": [_said],
    "POST /v1/messages/tools": [_answered],
    "GET /v1/messages/{message_id}": [None],
    "PUT /v1/messages/{message_id}": [lambda _: {"meta_data": {"changed": True}}],
    "DELETE /v1/messages/{message_id}": [None],
    "GET /v1/threads/{thread_id}/messages": [None],
    "GET /v1/threads/{thread_id}/formatted_messages": [None],
    "POST /v1/runs": [lambda world: {"assistant_id": world["assistant"], "thread_id": world["free"]}],
    "GET /v1/runs": [None],
    "GET /v1/threads/{thread_id}/runs": [None],
    "GET /v1/runs/{run_id}": [None],
    "DELETE /v1/runs/{run_id}": [None],
    "PUT /v1/runs/{run_id}/metadata": [lambda _: {"metadata": {"changed": True}}],
    "POST /v1/runs/{run_id}/cancel": [None],
    "POST /v1/runs/{run_id}/submit_tool_outputs": [
        lambda world: {"tool_outputs": [{"tool_call_id": world["call"], "output": "rain"}]}
    ],
    "GET /v1/runs/{run_id}/events": [None],
    "GET /v1/runs/{run_id}/steps": [None],
    "GET /v1/runs/{run_id}/steps/{step_id}": [None],
    "GET /v1/actions/pending/{run_id}": [None],
    "GET /v1/runs/{run_id}/actions/status": [None],
    "GET /v1/actions/{action_id}": [None],
    "PUT /v1/actions/{action_id}": [
        lambda _: {"status": "processing"},
        lambda _: {"status": "completed", "result": "rain"},
    ],
    "GET /v1/approvals": [None],
    "GET /v1/approvals/{approval_id}": [None],
    "POST /v1/approvals/{approval_id}": [lambda _: {"approve": True}, lambda _: {"approve": False}],
    "POST /v1/completions": [_completed],
    "GET /v1/models": [None],
    "GET /v1/usage": [None],
    "GET /v1/settings": [None],
    "POST /v1/users": [lambda _: {}],
    "GET /v1/users": [None],
    "GET /v1/users/{user_id}": [None],
    "PUT /v1/users/{user_id}": [lambda _: {"full_name": "Eve"}],
    "DELETE /v1/users/{user_id}": [None],
    "GET /v1/admin/erasures/{erasure_id}": [None],
    "GET /v1/auth/validate-key": [None],
    "POST /v1/auth/codes": [None],
    "POST /v1/auth/exchange": [lambda _: {"key_name": "k"}],
    "POST /v1/users/{user_id}/apikeys": [lambda _: {"key_name": "k"}],
    "GET /v1/users/{user_id}/apikeys": [None],
    "POST /v1/admin/users/{user_id}/keys": [lambda _: {"key_name": "k"}],
    "GET /v1/users/{user_id}/apikeys/{prefix}": [None],
    "DELETE /v1/users/{user_id}/apikeys/{prefix}": [None],
    "GET /v1/webhooks/deliveries": [None],
    "GET /v1/webhooks/deliveries/{delivery_id}": [None],
    "POST /v1/webhooks/deliveries/{delivery_id}/redeliver": [None],
    "POST /v1/assistants/{assistant_id}/webhook/test": [None],
    "POST /v1/assistants/{assistant_id}/webhook/rotate": [lambda _: {"overlap_seconds": 60}],
    "POST /v1/files": [None],
    "POST /v1/uploads": [None],
    "GET /v1/files": [None],
    "GET /v1/files/{file_id}": [None],
    "GET /v1/files/{file_id}/content": [None],
    "GET /v1/files/{file_id}/signed-url": [None],
    "GET /v1/files/{file_id}/base64": [None],
    "GET /v1/files/download": [None],
    "DELETE /v1/files/{file_id}": [None],
    "PATCH /v1/files/{file_id}/soft-delete": [None],
    "POST /v1/vector-stores": [lambda _: {}, lambda world: {"file_ids": [world["file"]]}],
    "GET /v1/vector-stores": [None],
    "GET /v1/vector-stores/admin/by-user": [None],
    "GET /v1/vector-stores/{store_id}": [None],
    "PUT /v1/vector-stores/{store_id}": [lambda _: {"name": "changed"}],
    "DELETE /v1/vector-stores/{store_id}": [None],
    "POST /v1/vector-stores/{store_id}/files": [lambda world: {"file_id": world["file"]}],
    "GET /v1/vector-stores/{store_id}/files": [None],
    "DELETE /v1/vector-stores/{store_id}/files": [None],
    "GET /v1/vector-stores/{store_id}/files/{file_id}": [None],
    "PUT /v1/vector-stores/{store_id}/files/{file_id}": [lambda _: {"attributes": {"changed": True}}],
    "PATCH /v1/vector-stores/{store_id}/files/{file_id}": [lambda _: {"status": "failed"}],
    "DELETE /v1/vector-stores/{store_id}/files/{file_id}": [None],
    "GET /v1/vector-stores/{store_id}/files/{file_id}/content": [None],
    "POST /v1/vector-stores/{store_id}/file-batches": [
        lambda world: {"file_ids": [world["file"]]},
        lambda world: {"files": [{"file_id": world["file"]}]},
    ],
    "GET /v1/vector-stores/{store_id}/file-batches/{batch_id}": [None],
    "POST /v1/vector-stores/{store_id}/file-batches/{batch_id}/cancel": [None],
    "GET /v1/vector-stores/{store_id}/file-batches/{batch_id}/files": [None],
    "POST /v1/vector-stores/{store_id}/search": [lambda _: {"query": "secret"}],
    "POST /v1/vector-stores/{store_id}/vectors": [lambda _: deepcopy(VECTORS)],
    "POST /v1/file-uploads": [lambda _: {"filename": "a.txt", "bytes": 1}],
    "GET /v1/file-uploads/{upload_id}": [None],
    "POST /v1/file-uploads/{upload_id}/parts": [None],
    "POST /v1/file-uploads/{upload_id}/complete": [lambda world: {"part_ids": [world["part"]]}],
    "POST /v1/file-uploads/{upload_id}/cancel": [None],
    "POST /v1/imports": [lambda _: {"source": "a third service"}],
    "GET /v1/imports": [None],
    "GET /v1/imports/{import_id}": [None],
    "POST /v1/imports/{import_id}/objects": [lambda _: {"objects": [dict(IMPORTED)]}],
    "GET /v1/imports/{import_id}/objects": [None],
    "POST /v1/imports/{import_id}/files": [None],
    "POST /v1/imports/{import_id}/end": [None],
    "GET /v1/computer/session": [None],
    "GET /health": [None],
}
QUERIES = {"GET /v1/computer/session": ["room_id"], "GET /v1/vector-stores/admin/by-user": ["owner_id"]}
"""The ids that a route wants in its query."""
OF_BROUGHT = {
    "POST /v1/vector-stores/{store_id}/vectors",
    "PATCH /v1/vector-stores/{store_id}/files/{file_id}",
    "DELETE /v1/vector-stores/{store_id}/files",
}
"""What is done with a store whose vectors its owner brings."""
BY_LINK = "GET /v1/files/download"
"""What is signed says who may, and not a key."""
BY_CODE = "POST /v1/auth/exchange"
"""A one-time code says who may, and it works once: an idempotency key repeats nothing."""
FORMS = {
    "POST /v1/files": "file",
    "POST /v1/uploads": "file",
    "POST /v1/file-uploads/{upload_id}/parts": "data",
    "POST /v1/imports/{import_id}/files": "file",
}
"""Routes whose body is a form with a file, and what it is called there."""
FORM_FIELDS = {"POST /v1/imports/{import_id}/files": {"id": "file_there", "created_at": "1"}}
"""What else these forms must have."""
INSTEAD = {"file_ids": "files", "files": "file_ids"}
"""Of which fields a body has one or the other."""
BEGUN = {
    **{name: [{"type": "file_search"}] for name in ("tools", "platform_tools")},
    **{name: [{"role": "user", "content": "hi"}] for name in ("messages", "additional_messages")},
}
"""What a list has to say where it is to name an id."""
ADMIN_ONLY = {
    "GET /v1/settings",
    "POST /v1/users",
    "GET /v1/users",
    "DELETE /v1/users/{user_id}",
    "GET /v1/admin/erasures/{erasure_id}",
    "POST /v1/admin/users/{user_id}/keys",
}
OF_ENDED = {"DELETE /v1/runs/{run_id}", "GET /v1/runs/{run_id}/events"}
"""What can be done, or ends by itself, with a run that is over."""

CASES = [(route, number) for route, bodies in ROUTES.items() for number in range(len(bodies))]
WITH_BODY = [(route, number) for route, number in CASES if ROUTES[route][number] is not None]


def counted(user: Caller) -> Json:
    """How much there is of everything that an admin has."""
    threads = ok(user.get("/v1/threads?limit=100"))["data"]
    return {
        "assistants": len(ok(user.get("/v1/assistants"))),
        "messages": {thread["id"]: len(user.texts(thread)) for thread in threads},
        "runs": [(run["id"], run["status"]) for run in ok(user.get("/v1/runs?limit=100"))["data"]],
        "keys": len(ok(user.get(f"/v1/users/{user.user_id}/apikeys?include_inactive=true"))["keys"]),
        "users": ok(user.get("/v1/users?limit=1"))["last_id"],
        "files": [file["id"] for file in ok(user.get("/v1/files?limit=100"))["data"]],
        "stores": [store["id"] for store in ok(user.get("/v1/vector-stores"))],
    }


class Asked:
    """One request: the route, and everything in it that can be put in another's place."""

    def __init__(self, route: str, number: int, world: World) -> None:
        self.method, self.template = route.split()
        self.path = {name: world[_kind(name)] for name in re.findall(r"\{(\w+)\}", self.template)}
        if route in OF_ENDED:
            self.path["run_id"] = world["ended"]
        if route in OF_BROUGHT:
            self.path |= {"store_id": world["brought"]} | ({"file_id": "file_brought"} if "{file_id}" in route else {})
        self.query = {name: world[_kind(name)] for name in QUERIES.get(route, ())}
        if route == "DELETE /v1/vector-stores/{store_id}/files":
            self.query = {"file_path": "a/words.txt"}
        if route == BY_LINK:
            self.query = {"file_id": world["file"], **{name: world[name] for name in ("expires", "signature")}}
        make = ROUTES[route][number]
        self.body = None if make is None else make(world)
        self.form = {FORMS[route]: ("new.txt", b"new")} if route in FORMS else None
        self.fields = FORM_FIELDS.get(route)

    def put(self, place: tuple[str, ...], value: str) -> "Asked":
        """Put an id into one place: `("path", name)`, `("query", name)` or `("body", name, "[]", ...)`."""
        where, *steps = place
        if where == "body":
            self.body = _put(self.body, steps, value)
        else:
            getattr(self, where)[steps[0]] = value
        return self

    def send(self, client: Any, **options: Any) -> Any:
        """Make the request."""
        form = {"files": self.form, "data": self.fields}
        body = form if self.form else {} if self.body is None else {"json": self.body}
        return client.request(self.method, self.template.format(**self.path), params=self.query, **body, **options)


TAGS = {"image_file": {"type": "image_file"}}
"""What stands beside a field, and says that it is there."""


def _put(value: Json, steps: list[str], new: str) -> Json:
    if not steps:
        return new
    if steps[0] == "[]":
        return [_put(value[0] if value and isinstance(value, list) else None, steps[1:], new)]
    value = {**(value or {}), **TAGS.get(steps[0], {})}
    value.pop(INSTEAD.get(steps[0]), None)
    return {**value, steps[0]: _put(value.get(steps[0], BEGUN.get(steps[0])), steps[1:], new)}


def _kind(name: str) -> str:
    stem = re.sub(r"_ids?$", "", name)
    return KINDS.get(stem, stem)


def places(schema: Json, route: str) -> list[tuple[str, ...]]:
    """Where a route takes an id, as its description says."""
    method, template = route.split()
    operation = schema["paths"][template][method.lower()]
    found = [
        (parameter["in"], parameter["name"])
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "path" or ID_LIKE.search(parameter["name"])
    ]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return [*found, *dict.fromkeys(("body", *steps) for steps in _named(schema, content.get("schema", {})))]


def _named(schema: Json, part: Json, within: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all fields of a body whose name says that they hold an id; `within` are the schemas around it."""
    if "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[1]
        if name in within:
            return
        part, within = schema["components"]["schemas"][name], (*within, name)
    for branch in [*part.get("anyOf", ()), *part.get("oneOf", ())]:
        yield from _named(schema, branch, within)
    if "items" in part:
        yield from (("[]", *steps) for steps in _named(schema, part["items"], within))
    for name, field in part.get("properties", {}).items():
        if ID_LIKE.search(name):
            yield (name, "[]") if name.endswith("_ids") else (name,)
        else:
            yield from ((name, *steps) for steps in _named(schema, field, within))
