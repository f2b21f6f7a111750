"""Renders the events of the calls in progress, and of their run step."""

from dataclasses import dataclass, field

import msgspec

from projectdavid.api.openai import step_serializers
from projectdavid.api.openai.code_arguments import CodeReader
from projectdavid.api.openai.events import Shown, delta, event
from projectdavid.api.openai.open_message import begun_at
from projectdavid.api.openai.serializers import Json
from projectdavid.engine.calls import IMAGE_TYPES
from projectdavid.ports.rows import RunRow

OWN_WORDS = frozenset({"code_interpreter", "file_search"})
"""Tools with their own types in the dialect; calls of other tools are shown as function calls."""


@dataclass(slots=True)
class _Call:
    """A call: its position in the step, its tool in the dialect, and the rendered part of its outputs."""

    index: int
    kind: str
    code: CodeReader = field(default_factory=CodeReader)
    answered: bool = False
    outputs: int = 0
    """Outputs that have started; logs can grow."""
    logging: bool = False


@dataclass(slots=True)
class OpenCalls:
    """The calls of a turn; `turn` is the common part of their ids."""

    turn: str
    step_id: str
    ranking: Json
    """The run's options of file search."""
    _calls: dict[str, _Call] = field(default_factory=dict[str, _Call])
    _writing: _Call | None = None

    @property
    def answered(self) -> bool:
        """Whether all have outputs."""
        return all(call.answered for call in self._calls.values())

    def render_begin(self, run: RunRow) -> list[Shown]:
        """Render the start of the step."""
        step = self._step(run, "in_progress")
        return [event("thread.run.step.created", step), event("thread.run.step.in_progress", step)]

    def render_call(self, call_id: str, name: str, tool: str | None) -> list[Shown]:
        """Render a call that the model starts or continues."""
        if call_id in self._calls:
            self._writing = self._calls[call_id]
            return []
        kind = tool if tool in OWN_WORDS else "function"
        self._writing = self._calls[call_id] = _Call(len(self._calls), kind)
        beginnings: dict[str, Json] = {
            "code_interpreter": {"input": "", "outputs": []},
            "file_search": {"ranking_options": self.ranking, "results": []},
        }
        first = beginnings.get(kind, {"name": name, "arguments": "", "output": None})
        return [self._delta(self._writing, first, id=call_id)]

    def render_arguments(self, item: bytes) -> list[Shown]:
        """Render more arguments, given as JSON; those of a search are rendered from its own events."""
        call = self._writing
        if call is None:
            return []
        if call.kind == "code_interpreter":
            return self._code_delta(call, call.code.feed(msgspec.json.decode(item)))
        return [self._delta(call, {"arguments": msgspec.Raw(item)})] if call.kind == "function" else []

    def render_event(self, kind: str, told: Json) -> list[Shown]:
        """Render an event of a running call, or its output."""
        call = self._calls.get(told["tool_call_id"])
        if call is None:
            return []
        if kind == "tool_output":
            call.answered = True
            return []
        if call.kind != "code_interpreter":
            return []
        match kind:
            case "code":  # the part that could not be parsed during the stream
                told_before, call.code.told = call.code.told, len(told["content"])
                return self._code_delta(call, told["content"][told_before:])
            case "output":
                return [self._log_delta(call, told["content"])]
            case "file" if told["mime_type"] in IMAGE_TYPES:
                call.logging = False
                call.outputs += 1
                image = {"index": call.outputs - 1, "type": "image", "image": {"file_id": told["file_id"]}}
                return [self._delta(call, {"outputs": [image]})]
            case _:
                return []

    def _code_delta(self, call: _Call, code: str) -> list[Shown]:
        return [self._delta(call, {"input": code})] if code else []

    def _log_delta(self, call: _Call, text: str) -> Shown:
        if not call.logging:
            call.logging = True
            call.outputs += 1
        return self._delta(call, {"outputs": [{"index": call.outputs - 1, "type": "logs", "logs": text}]})

    def _delta(self, call: _Call, value: Json, **first: str) -> Shown:
        told = {"index": call.index, **first, "type": call.kind, call.kind: value}
        details = {"type": "tool_calls", "tool_calls": [told]}
        return delta("thread.run.step", self.step_id, {"step_details": details})

    def broken(self, run: RunRow, status: str) -> Shown:
        """Render the end of a step whose calls were not stored."""
        return event(f"thread.run.step.{status}", self._step(run, status))

    def _step(self, run: RunRow, status: str) -> Json:
        details: Json = {"type": "tool_calls", "tool_calls": []}
        return step_serializers.step(run, self.step_id, status, details, begun_at(run), begun_at(run))
