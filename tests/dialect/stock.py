"""What the description is fuzzed with: things of every kind, several where requests make an end of them."""

import hashlib
import itertools
from collections import defaultdict
from typing import Any

from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from tests.compat.behaviours.hands import PNG
from tests.compat.behaviours.wire import Json, Wire, ok
from tests.server.talking import WEATHER

MANY = 12
"""Things that requests delete, or end."""
WORDS = b"The warranty lasts two years."
MD5 = hashlib.md5(WORDS, usedforsecurity=False).hexdigest()
UPLOAD = {"filename": "words.txt", "bytes": len(WORDS), "purpose": "assistants", "mime_type": "text/plain"}
SPENT = {
    "DELETE /assistants/{assistant_id}": {"path.assistant_id": "spare_assistant"},
    "DELETE /threads/{thread_id}": {"path.thread_id": "spare_thread"},
    "DELETE /threads/{thread_id}/messages/{message_id}": {"path.message_id": "spare_message"},
    "DELETE /files/{file_id}": {"path.file_id": "spare_file"},
    "DELETE /vector_stores/{vector_store_id}": {"path.vector_store_id": "spare_store"},
    "DELETE /vector_stores/{vector_store_id}/files/{file_id}": {"path.file_id": "shelved"},
    "POST /threads/{thread_id}/runs/{run_id}/cancel": {"path.run_id": "open_run"},
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": {"path.run_id": "asking_run"},
    "GET /threads/{thread_id}/runs/{run_id}/events": {"path.run_id": "ended_run"},
    "POST /uploads/{upload_id}/complete": {"path.upload_id": "whole_upload"},
    "POST /uploads/{upload_id}/cancel": {"path.upload_id": "spare_upload"},
}
"""Operations that end what they are about, or want what has ended, with the kind of things that they get."""
NAMED = {
    "assistant_id": "assistant",
    "file_id": "image",
    "file_ids": "image",
    "vector_store_ids": "store",
    "part_ids": "part",
}
"""What bodies name; no part is there for any upload."""
KEPT = ("assistant", "file", "image", "store", "message")
"""What is named by many requests."""


class Stock:
    """What a user has, and how it is found."""

    def __init__(self, user: Wire) -> None:
        self.ids: dict[str, list[str]] = defaultdict(list)
        """By kind."""
        self.places: dict[str, dict[str, str]] = {}
        """By an id: the other parameters of its path."""
        self.fitting: dict[str, Json] = {}
        """By the id of what waits: fields of the body that it waits for."""
        self._user = user
        self._talk()
        self._run()
        self._shelve()
        self._upload()

    def _talk(self) -> None:
        user = self._user
        self._add("assistant", user.assistant())
        for _ in range(MANY):
            self._add("thread", user.thread("Hi there"))
            self._add("spare_thread", user.thread("Hi there"))
            self._add("spare_assistant", user.assistant())
        thread = user.thread("Hi there", *["And?"] * MANY)
        for message in user.messages(thread["id"]):
            self._add("spare_message" if self.ids["message"] else "message", message, thread_id=thread["id"])

    def _run(self) -> None:
        ended = self._user.ended(self._made())
        (step,) = self._user.steps(ended)
        self._add("step", step, thread_id=ended["thread_id"], run_id=ended["id"])
        for kind in ("run", *["open_run"] * MANY, *["asking_run"] * MANY):
            run = self._user.ended(self._made(model="scripted/caller", tools=[WEATHER]), "requires_action")
            self._add(kind, run, thread_id=run["thread_id"])
            calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
            outputs = [{"tool_call_id": call["id"], "output": "rain"} for call in calls]
            self.fitting[run["id"]] = {"tool_outputs": outputs}
        for kind in ("run", "ended_run"):
            self._add(kind, ended, thread_id=ended["thread_id"])

    def _made(self, **fields: Json) -> Json:
        thread = self._user.thread("Hi there")
        return self._user.make(f"/threads/{thread['id']}/runs", assistant_id=self.ids["assistant"][0], **fields)

    def _shelve(self) -> None:
        user = self._user
        for _ in range(MANY):
            self._add("spare_file", user.upload(WORDS, "words.txt"))
            self._add("spare_store", user.make("/vector_stores"))
            self._add("shelved", user.upload(WORDS, "words.txt"))
        self._add("image", user.upload(PNG, "dot.png", "vision"))
        kept = user.upload(WORDS, "words.txt")
        store = user.store(kept, *({"id": one} for one in self.ids["shelved"]))
        self._add("file", kept)
        self._add("store", store)
        for one in self.ids["shelved"]:
            self.places[one] = {"vector_store_id": store["id"]}
        self._add(
            "batch",
            user.make(f"/vector_stores/{store['id']}/file_batches", file_ids=[kept["id"]]),
            vector_store_id=store["id"],
        )

    def _upload(self) -> None:
        for kind in ("upload", *["spare_upload"] * MANY, *["whole_upload"] * MANY):
            upload = self._user.make("/uploads", **UPLOAD)
            self._add(kind, upload)
            part = ok(self._user.post(f"/uploads/{upload['id']}/parts", files={"data": WORDS}))
            self.fitting[upload["id"]] = {"part_ids": [part["id"]], "md5": MD5}

    def _add(self, kind: str, thing: Json, **place: str) -> None:
        self.ids[kind].append(thing["id"])
        self.places[thing["id"]] = place


class Sender:
    """Makes of a well-formed request for things in stock one that finds them."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._turns = {kind: itertools.cycle(stock.ids[kind]) for spent in SPENT.values() for kind in spent.values()}

    def may_be_sent(self, case: Any) -> bool:
        """Whether a request leaves what others need: one that follows another may find it by itself, and delete it."""
        kept = {one for kind in KEPT for one in self._stock.ids[kind]}
        return case.method != "DELETE" or not _follows(case) or [*case.path_parameters.values()][-1] not in kept

    def sent(self, case: Any) -> Any:
        """The request, as it is to be sent."""
        if not case.meta.is_negative_at(ParameterLocation.PATH):
            self._take(case)
            self._place(case.path_parameters)
        written = isinstance(case.body, dict) and case.media_type == "application/json"
        if written and not case.meta.is_negative_at(ParameterLocation.BODY):
            self._answer(case)
            if _follows(case):
                case.body = self._found(case.body)
        self._head(case)
        return case

    def _take(self, case: Any) -> None:
        """What ends something gets another thing each time."""
        if not _follows(case):
            taken = SPENT.get(case.operation.label, {})
            case.path_parameters |= {
                name.removeprefix("path."): next(self._turns[kind]) for name, kind in taken.items()
            }

    def _place(self, path: Json) -> None:
        """What is in something else is looked for there."""
        places = self._stock.places
        for one in [*path.values()]:
            path |= {name: place for name, place in places.get(one, {}).items() if path.get(name) in places}

    def _answer(self, case: Any) -> None:
        """What waits gets what it waits for."""
        for one in case.path_parameters.values():
            for name, value in self._stock.fitting.get(str(one), {}).items():
                if name in case.body:
                    case.body[name] = value

    def _found(self, value: Json, kind: str = "") -> Json:
        """What follows something else names what is there: a 404 is to say that what was made is gone."""
        if isinstance(value, dict):
            return {name: self._found(one, NAMED.get(name, "")) for name, one in value.items()}
        if isinstance(value, list):
            return [self._found(one, kind) for one in value if not kind or self._stock.ids[kind]]
        return self._stock.ids[kind][0] if kind and isinstance(value, str) else value

    def _head(self, case: Any) -> None:
        """A position in a stream is one wherever it should be.

        Schemathesis puts no dots into headers, and leaves what is none in requests that it calls well-formed.
        """
        on_purpose = case.meta.phase.data.parameter_location is ParameterLocation.HEADER
        if "last-event-id" in case.headers and (case.meta.generation.mode.is_positive or not on_purpose):
            case.headers["last-event-id"] = "1.0"


def _follows(case: Any) -> bool:
    """Whether a request is one of a walk from operation to operation."""
    return case.meta.phase.name is TestPhase.STATEFUL
