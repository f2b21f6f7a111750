"""Renders the events of the message in progress, and of its run step."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from projectdavid.api.openai import serializers, step_serializers
from projectdavid.api.openai.events import Shown, delta, event
from projectdavid.api.openai.serializers import Json
from projectdavid.engine.step_status import unfinished_step_status
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import StoreView
from projectdavid.runtime.runs.records import run_of

MARK_ENDS = '】"'.encode()
"""End of the JSON of a text that can be a citation mark, whose citation follows."""
PIECE = "thread.message.delta"
PIECE_END = b"}}]}}"


@dataclass(slots=True)
class OpenMessage:
    """A message in progress; `images` are files shown before its text."""

    id: str
    images: list[str]
    _text: list[bytes] = field(default_factory=list[bytes])
    _cited: list[Json] = field(default_factory=list[Json])
    _refusal: list[bytes] = field(default_factory=list[bytes])
    _mark: bytes | None = None
    _piece: bytes = b""
    """The event data before a piece of text."""

    def __post_init__(self) -> None:
        _, whole = self._delta([{"index": len(self.images), "type": "text", "text": {"value": ""}}])
        self._piece = whole.removesuffix(b'""' + PIECE_END)

    @property
    def step_id(self) -> str:
        """The id of the step."""
        return f"step_{self.id.partition('_')[2]}"

    def render_begin(self, run: RunRow) -> list[Shown]:
        """Render the start of the message, with its images."""
        step, message = self._step(run, "in_progress"), self._message(run, "in_progress", None, [])
        shown = [
            event("thread.run.step.created", step),
            event("thread.run.step.in_progress", step),
            event("thread.message.created", message),
            event("thread.message.in_progress", message),
        ]
        images = serializers.images(self.images)
        return shown + [self._delta([{"index": number, **image}]) for number, image in enumerate(images)]

    def render_text(self, item: bytes) -> list[Shown]:
        """Render more text, given as JSON; a possible mark waits for its citation."""
        shown = self._release_mark()
        if item.endswith(MARK_ENDS):
            self._mark = item
            return shown
        return [*shown, self._text_delta(item)]

    def render_texts(self, items: list[bytes]) -> bytes | None:
        """Render further texts, each as one delta; returns how the data of these events starts.

        None, without effect, if a piece needs more: the first one does, and possible citation marks.
        """
        if not self._text or self._mark is not None or MARK_ENDS in b"".join(items):
            return None
        self._text += items
        return self._piece

    def render_refusal(self, item: bytes) -> list[Shown]:
        """Render more of a refusal, given as JSON; it is a separate part after the text."""
        shown = self._release_mark()
        self._refusal.append(item)
        index = len(self.images) + bool(self._text)
        return [*shown, self._delta([{"index": index, "type": "refusal", "refusal": msgspec.Raw(item)}])]

    def render_citation(self, annotation: Json) -> list[Shown]:
        """Render a citation, together with its mark if that came just before."""
        known = serializers.annotations([annotation])
        if not known:
            return self._release_mark()
        numbered = [{"index": len(self._cited), **known[0]}]
        self._cited.append(annotation)
        if self._mark is not None and msgspec.json.decode(self._mark) == annotation["text"]:
            mark, self._mark = self._mark, None
            return [self._text_delta(mark, numbered)]
        return [*self._release_mark(), self._text_delta(b'""', numbered)]

    def _release_mark(self) -> list[Shown]:
        mark, self._mark = self._mark, None
        return [] if mark is None else [self._text_delta(mark)]

    def _text_delta(self, item: bytes, numbered: list[Json] | None = None) -> Shown:
        begun = bool(self._text)
        self._text.append(item)
        if numbered is None and begun:  # almost every event of a stream takes this path
            return PIECE, b"%b%b%b" % (self._piece, item, PIECE_END)
        text: Json = {"value": msgspec.Raw(item), "annotations": numbered or []}
        return self._delta([{"index": len(self.images), "type": "text", "text": text}])

    def _delta(self, content: list[Json]) -> Shown:
        return delta("thread.message", self.id, {"content": content})

    async def render_completion(self, view: StoreView, run: RunRow, status: str) -> list[Shown]:
        """Render the end of a stored message."""
        shown = self._release_mark()
        row, step = (
            await view.one(queries.MESSAGE, id=self.id),
            await view.one(queries.STEP, id=self.step_id, run_id=run.id),
        )
        if row is None or step is None:  # deleted in the meantime
            done = "completed" if status == "completed" else "failed"
            return [*shown, *self._render_end(run, status, None if status == "completed" else "run_failed", done)]
        (step_shown,) = await step_serializers.serialize_steps(view, run, [step])
        return [
            *shown,
            event(f"thread.message.{status}", serializers.message(row)),
            event(f"thread.run.step.{step_shown['status']}", step_shown),
        ]

    def broken(self, run: RunRow, status: str, reason: str) -> list[Shown]:
        """Render the end of a message that was interrupted or discarded."""
        return [
            *self._release_mark(),
            *self._render_end(run, "incomplete", reason, unfinished_step_status(status)),
        ]

    def _render_end(self, run: RunRow, status: str, reason: str | None, step_status: str) -> list[Shown]:
        text, refusal = ("".join(map(msgspec.json.decode, items)) for items in (self._text, self._refusal))
        said = [serializers.text_part(text, self._cited)] if text or not refusal else []
        content = [*serializers.images(self.images), *said, *serializers.refusals(refusal)]
        return [
            event(f"thread.message.{status}", self._message(run, status, reason, content)),
            event(f"thread.run.step.{step_status}", self._step(run, step_status)),
        ]

    def _step(self, run: RunRow, status: str) -> Json:
        details = step_serializers.message_details(self.id)
        return step_serializers.step(run, self.step_id, status, details, begun_at(run), begun_at(run))

    def _message(self, run: RunRow, status: str, reason: str | None, content: list[Any]) -> Json:
        return {
            "id": self.id,
            "object": "thread.message",
            "created_at": begun_at(run),
            "thread_id": run.thread_id,
            "status": status,
            "incomplete_details": None if reason is None else {"reason": reason},
            "completed_at": begun_at(run) if status == "completed" else None,
            "incomplete_at": begun_at(run) if status == "incomplete" else None,
            "role": "assistant",
            "content": content,
            "assistant_id": run.assistant_id,
            "run_id": run.id,
            "attachments": [],
            "metadata": {},
        }


def begun_at(run: RunRow) -> int:
    """Return the timestamp of objects that are not stored yet: the start of the run, so it is always the same."""
    return int(run_of(run).started_at or run.created_at)
