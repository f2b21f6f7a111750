"""The events of the calls that a run is making, and of the step that they are."""

from dataclasses import dataclass, field

import msgspec

from projectdavid.engine.calls import SHOWN
from projectdavid.ports.store import Row
from projectdavid.server.openai import step_words
from projectdavid.server.openai.code_reading import CodeReader
from projectdavid.server.openai.events import Shown, delta, event
from projectdavid.server.openai.message_rendering import begun_at
from projectdavid.server.openai.words import Json

BEGINNINGS: dict[str, Json] = {
    "code_interpreter": {"input": "", "outputs": []},
    "file_search": {"ranking_options": dict(step_words.RANKING), "results": []},
}
"""What is told first of a call, by its tool; that of any other tool is told as that of a function."""


@dataclass(slots=True)
class _Call:
    """A call: its place in the step, its tool as the dialect calls it, and what was told of its outputs."""

    index: int
    kind: str
    code: CodeReader = field(default_factory=CodeReader)
    answered: bool = False
    outputs: int = 0
    """Outputs that were begun; of logs, more may come."""
    logging: bool = False


@dataclass(slots=True)
class OpenCalls:
    """The calls of a turn; `turn` is what their ids have in common."""

    turn: str
    step_id: str
    _calls: dict[str, _Call] = field(default_factory=dict[str, _Call])
    _writing: _Call | None = None

    @property
    def answered(self) -> bool:
        """Whether all have their outputs."""
        return all(call.answered for call in self._calls.values())

    def begun(self, run: Row) -> list[Shown]:
        """The step begins."""
        step = self._step(run, "in_progress")
        return [event("thread.run.step.created", step), event("thread.run.step.in_progress", step)]

    def created(self, call_id: str, name: str, tool: str | None) -> list[Shown]:
        """The model writes a call, for the first time or again."""
        if call_id in self._calls:
            self._writing = self._calls[call_id]
            return []
        kind = tool if tool in BEGINNINGS else "function"
        self._writing = self._calls[call_id] = _Call(len(self._calls), kind)
        first = BEGINNINGS.get(kind, {"name": name, "arguments": "", "output": None})
        return [self._delta(self._writing, first, id=call_id)]

    def written(self, item: bytes) -> list[Shown]:
        """More arguments, as JSON; of a search its own events tell."""
        call = self._writing
        if call is None:
            return []
        if call.kind == "code_interpreter":
            return self._coded(call, call.code.feed(msgspec.json.decode(item)))
        return [self._delta(call, {"arguments": msgspec.Raw(item)})] if call.kind == "function" else []

    def told(self, kind: str, told: Json) -> list[Shown]:
        """What a call tells while it runs, or its output."""
        call = self._calls.get(told["tool_call_id"])
        if call is None:
            return []
        if kind == "tool_output":
            call.answered = True
            return []
        if call.kind != "code_interpreter":
            return []
        match kind:
            case "code":  # what of it could not be read while it was written
                told_before, call.code.told = call.code.told, len(told["content"])
                return self._coded(call, told["content"][told_before:])
            case "output":
                return [self._logged(call, told["content"])]
            case "file" if told["mime_type"] in SHOWN:
                call.logging = False
                call.outputs += 1
                image = {"index": call.outputs - 1, "type": "image", "image": {"file_id": told["file_id"]}}
                return [self._delta(call, {"outputs": [image]})]
            case _:
                return []

    def _coded(self, call: _Call, code: str) -> list[Shown]:
        return [self._delta(call, {"input": code})] if code else []

    def _logged(self, call: _Call, text: str) -> Shown:
        if not call.logging:
            call.logging = True
            call.outputs += 1
        return self._delta(call, {"outputs": [{"index": call.outputs - 1, "type": "logs", "logs": text}]})

    def _delta(self, call: _Call, value: Json, **first: str) -> Shown:
        told = {"index": call.index, **first, "type": call.kind, call.kind: value}
        details = {"type": "tool_calls", "tool_calls": [told]}
        return delta("thread.run.step", self.step_id, {"step_details": details})

    def broken(self, run: Row, status: str) -> Shown:
        """The step ends, of whose calls nothing is stored."""
        return event(f"thread.run.step.{status}", self._step(run, status))

    def _step(self, run: Row, status: str) -> Json:
        details: Json = {"type": "tool_calls", "tool_calls": []}
        return step_words.step(run, self.step_id, status, details, begun_at(run), begun_at(run))
