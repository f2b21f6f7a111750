"""The events of a message that a run is writing, and of the step that it is."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from projectdavid.ports.store import Row, View
from projectdavid.runtime.records import run_of
from projectdavid.server.openai import step_words, words
from projectdavid.server.openai.events import Shown, delta, event
from projectdavid.server.openai.words import Json

MARK_ENDS = '】"'.encode()
"""How the JSON of a text ends that may be the mark of a citation, which comes next."""
PIECE = "thread.message.delta"


@dataclass(slots=True)
class OpenMessage:
    """A message that is being written; `images` are files that it shows, in front of its text."""

    id: str
    images: list[str]
    _text: list[bytes] = field(default_factory=list[bytes])
    _cited: list[Json] = field(default_factory=list[Json])
    _refusal: list[bytes] = field(default_factory=list[bytes])
    _mark: bytes | None = None
    _piece: bytes = b""
    """What stands before a piece of text in the event that tells of it."""

    def __post_init__(self) -> None:
        _, whole = self._delta([{"index": len(self.images), "type": "text", "text": {"value": ""}}])
        self._piece = whole.removesuffix(b'""}}]}}')

    @property
    def step_id(self) -> str:
        """The id of the step."""
        return f"step_{self.id.partition('_')[2]}"

    def begun(self, run: Row) -> list[Shown]:
        """It begins, with its images."""
        step, message = self._step(run, "in_progress"), self._message(run, "in_progress", None, [])
        shown = [
            event("thread.run.step.created", step),
            event("thread.run.step.in_progress", step),
            event("thread.message.created", message),
            event("thread.message.in_progress", message),
        ]
        images = words.images(self.images)
        return shown + [self._delta([{"index": number, **image}]) for number, image in enumerate(images)]

    def said(self, item: bytes) -> list[Shown]:
        """More text, as JSON; what may be a mark waits for its citation."""
        shown = self._unmarked()
        if item.endswith(MARK_ENDS):
            self._mark = item
            return shown
        return [*shown, self._said(item)]

    def refused(self, item: bytes) -> list[Shown]:
        """More of a refusal, as JSON; it is a part of its own, after the text."""
        shown = self._unmarked()
        self._refusal.append(item)
        index = len(self.images) + bool(self._text)
        return [*shown, self._delta([{"index": index, "type": "refusal", "refusal": msgspec.Raw(item)}])]

    def cited(self, annotation: Json) -> list[Shown]:
        """What the text refers to: told with its mark, where that came just before."""
        known = words.annotations([annotation])
        if not known:
            return self._unmarked()
        numbered = [{"index": len(self._cited), **known[0]}]
        self._cited.append(annotation)
        if self._mark is not None and msgspec.json.decode(self._mark) == annotation["text"]:
            mark, self._mark = self._mark, None
            return [self._said(mark, numbered)]
        return [*self._unmarked(), self._said(b'""', numbered)]

    def _unmarked(self) -> list[Shown]:
        mark, self._mark = self._mark, None
        return [] if mark is None else [self._said(mark)]

    def _said(self, item: bytes, numbered: list[Json] | None = None) -> Shown:
        begun = bool(self._text)
        self._text.append(item)
        if numbered is None and begun:  # almost every event of a stream is this one
            return PIECE, b"%b%b}}]}}" % (self._piece, item)
        text: Json = {"value": msgspec.Raw(item), "annotations": numbered or []}
        return self._delta([{"index": len(self.images), "type": "text", "text": text}])

    def _delta(self, content: list[Json]) -> Shown:
        return delta("thread.message", self.id, {"content": content})

    async def completed(self, view: View, run: Row, status: str) -> list[Shown]:
        """It is stored."""
        shown = self._unmarked()
        row, step = await view.one("message", id=self.id), await view.one("step", id=self.step_id, run_id=run.id)
        if row is None or step is None:  # deleted in between
            done = "completed" if status == "completed" else "failed"
            return [*shown, *self._ended(run, status, None if status == "completed" else "run_failed", done)]
        (step_shown,) = await step_words.described(view, run, [step])
        return [
            *shown,
            event(f"thread.message.{status}", words.message(row)),
            event(f"thread.run.step.{step_shown['status']}", step_shown),
        ]

    def broken(self, run: Row, status: str, reason: str) -> list[Shown]:
        """The run broke off while it wrote it, or takes it back."""
        return [*self._unmarked(), *self._ended(run, "incomplete", reason, step_words.ENDED.get(status, "failed"))]

    def _ended(self, run: Row, status: str, reason: str | None, step_status: str) -> list[Shown]:
        text, refusal = ("".join(map(msgspec.json.decode, items)) for items in (self._text, self._refusal))
        said = [words.text_part(text, self._cited)] if text or not refusal else []
        content = [*words.images(self.images), *said, *words.refusals(refusal)]
        return [
            event(f"thread.message.{status}", self._message(run, status, reason, content)),
            event(f"thread.run.step.{step_status}", self._step(run, step_status)),
        ]

    def _step(self, run: Row, status: str) -> Json:
        details = step_words.message_details(self.id)
        return step_words.step(run, self.step_id, status, details, begun_at(run), begun_at(run))

    def _message(self, run: Row, status: str, reason: str | None, content: list[Any]) -> Json:
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


def begun_at(run: Row) -> int:
    """What stands for the time of what is not stored yet: when the run started, so that it is always told the same."""
    return int(run_of(run).started_at or run.created_at)
