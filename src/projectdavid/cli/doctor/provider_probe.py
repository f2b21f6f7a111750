"""Test requests that show what a provider's server does with each part of a request: `doctor --provider`."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from projectdavid.cli.configuration import read_settings
from projectdavid.cli.output import CommandError
from projectdavid.composition.model_providers import models_of
from projectdavid.engine.deltas import CallPart, ModelReply, ReasoningDelta, ReplyBuilder, TextDelta
from projectdavid.engine.prompt import ModelRequest, PromptCall, PromptMessage
from projectdavid.ports.model import ModelError, ModelProvider
from projectdavid.runtime.model_registry import ModelRegistry

MAX_TOKENS = 64
"""Maximum tokens of each answer."""
MOST_REQUESTS = 14
"""Maximum requests to the model, without repetitions after errors that teach something."""
PATIENCE = 60.0
"""Timeout of each request, in seconds."""
RED_PIXELS = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC"
"""A red picture of 8 by 8 pixels."""
Verdict = Literal["yes", "no", "ignored", "refused", "unknown"]
_REFUSED = frozenset({"invalid_request", "invalid_prompt", "authentication_error", "model_not_found"})
_CITY = {"type": "string"}
_FORECAST = {
    "name": "get_forecast",
    "description": "The weather in a city on one of the next days.",
    "parameters": {
        "type": "object",
        "properties": {"city": _CITY, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
_SCHEMA = {
    "type": "object",
    "properties": {"city": _CITY, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": _SCHEMA, "strict": True}}
_PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{RED_PIXELS}"}}


@dataclass(frozen=True, slots=True)
class ProviderFinding:
    """What one request showed. `ignored`: the server accepted a part of the request that had no effect."""

    name: str
    verdict: Verdict
    detail: str = ""


@dataclass(slots=True)
class ProviderReport:
    """What all requests showed about a model of a provider."""

    provider: str
    model: str
    findings: list[ProviderFinding] = field(default_factory=list[ProviderFinding])
    learned: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: everything works; 1: with limits; 2: the model does not answer."""
        verdicts = {one.name: one.verdict for one in self.findings}
        if verdicts.get("text") != "yes":
            return 2
        return 0 if set(verdicts.values()) == {"yes"} and not self.learned else 1

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {"exit_code": self.exit_code, **asdict(self)}


@dataclass(frozen=True, slots=True)
class _Answer:
    reply: ModelReply
    reads: int
    pieces: int
    """Parts in which arguments arrived."""


def _user(text: str) -> tuple[PromptMessage, ...]:
    return (PromptMessage("user", text),)


_TEXT = ModelRequest("", _user("Answer with the word OK."), max_tokens=MAX_TOKENS)
_CALL = replace(
    _TEXT,
    messages=_user("What will the weather be in Oslo in 2 days? Use get_forecast."),
    tools=(_FORECAST,),
    tool_choice={"type": "function", "function": {"name": "get_forecast"}},
)


def _judge_required(answer: _Answer) -> ProviderFinding:
    name = "tool_choice required"
    return ProviderFinding(name, "yes") if answer.reply.calls else ProviderFinding(name, "ignored", "it did not call")


def _judge_none(answer: _Answer) -> ProviderFinding:
    name = "tool_choice none"
    return ProviderFinding(name, "ignored", "it called") if answer.reply.calls else ProviderFinding(name, "yes")


def _judge_parallel(answer: _Answer) -> ProviderFinding:
    count = len(answer.reply.calls)
    return ProviderFinding("parallel calls", "yes" if count > 1 else "no", f"{count} calls in one answer")


def _judge_schema(answer: _Answer) -> ProviderFinding:
    try:
        value: Any = json.loads(answer.reply.text)
    except ValueError:
        value = None
    fits = isinstance(value, dict) and value.keys() == {"city", "people"} and type(value["people"]) is int
    return ProviderFinding("json_schema", "yes" if fits else "ignored", "" if fits else "the answer does not match")


def _judge_image(answer: _Answer) -> ProviderFinding:
    said = answer.reply.text.strip()[:40]
    if any(one.code == "images_left_out" for one in answer.reply.warnings):
        return ProviderFinding("images", "refused")
    return ProviderFinding("images", "yes" if "red" in said.lower() else "ignored", f"it said: {said}")


def _judge_reasoning(answer: _Answer) -> ProviderFinding:
    if any("reasoning_effort" in one.message for one in answer.reply.warnings):
        return ProviderFinding("reasoning", "refused")
    usage = answer.reply.usage
    thought = bool(answer.reply.reasoning) or (usage is not None and usage.reasoning_tokens > 0)
    return ProviderFinding("reasoning", "yes" if thought else "ignored", "" if thought else "no reasoning was returned")


def _judge_order(answer: _Answer) -> ProviderFinding:
    return ProviderFinding("two users in a row", "yes" if answer.reply.text else "no")


PROBES: list[tuple[str, ModelRequest, Callable[[_Answer], ProviderFinding]]] = [
    (
        "parallel calls",
        replace(_TEXT, messages=_user("Call get_forecast for Oslo and for Rome, both at once."), tools=(_FORECAST,)),
        _judge_parallel,
    ),
    ("tool_choice required", replace(_TEXT, tools=(_FORECAST,), tool_choice="required"), _judge_required),
    ("tool_choice none", replace(_CALL, tool_choice="none"), _judge_none),
    (
        "json_schema",
        replace(_TEXT, messages=_user("Name a city and how many people live there."), response_format=_FORMAT),
        _judge_schema,
    ),
    (
        "images",
        replace(_TEXT, messages=(PromptMessage("user", [{"type": "text", "text": "Which color?"}, _PICTURE]),)),
        _judge_image,
    ),
    ("reasoning", replace(_TEXT, options={"reasoning_effort": "low"}), _judge_reasoning),
    ("two users in a row", replace(_TEXT, messages=_user("Hello.") + _TEXT.messages), _judge_order),
]
"""The independent requests, with what their answers show."""


def probe_provider(name: str, model: str | None, data: Path | None) -> ProviderReport:
    """Send all test requests to a model of a provider, with the settings of this machine.

    Raises:
        CommandError: the settings are invalid, or do not contain the provider.
    """
    settings = read_settings(data=data)
    try:
        models = models_of(settings, {})
    except ValueError as error:
        raise CommandError(f"bad configuration: {error}") from error
    if name not in models.providers:
        raise CommandError(f"there is no provider '{name}'", f"choose one of {', '.join(models.providers)}")
    return asyncio.run(_probe(models, name, model))


async def _probe(models: ModelRegistry, name: str, model: str | None) -> ProviderReport:
    provider = models.providers[name]
    report = ProviderReport(name, model or "")
    try:
        listed = await _list_models(provider, report)
        report.model = model or (listed[0] if listed else "")
        if not report.model:
            raise CommandError(f"the provider '{name}' lists no models", "name one with --model")
        await _probe_model(provider, report)
        report.learned = (await provider.facts(report.model)).learned
        return report
    finally:
        await models.close()


async def _list_models(provider: ModelProvider, report: ProviderReport) -> list[str]:
    try:
        async with asyncio.timeout(PATIENCE):
            listed = await provider.models()
    except (ModelError, TimeoutError) as error:
        report.findings.append(ProviderFinding("models", _verdict_of(error), str(error)))
        return []
    report.findings.append(ProviderFinding("models", "yes" if listed else "no", f"{len(listed)} models"))
    return listed


async def _probe_model(provider: ModelProvider, report: ProviderReport) -> None:
    answer = await _ask(provider, report, "text", _TEXT)
    if answer is None:
        return
    said = answer.reply.text.strip()[:60]
    report.findings.append(ProviderFinding("text", "yes" if said or answer.reply.reasoning else "no", said))
    report.findings.append(ProviderFinding("usage", "no" if answer.reply.usage is None else "yes"))
    await _probe_calls(provider, report)
    for title, ask, judge in PROBES:
        if (answer := await _ask(provider, report, title, ask)) is not None:
            report.findings.append(judge(answer))


async def _probe_calls(provider: ModelProvider, report: ProviderReport) -> None:
    """Have a function called, and return its output without and with the opaque state of the turn."""
    answer = await _ask(provider, report, "tool call", _CALL)
    if answer is None:
        return
    if not answer.reply.calls:
        report.findings.append(ProviderFinding("tool call", "ignored", "it answered without calling the function"))
        return
    valid = _has_typed_arguments(answer.reply.calls[0].arguments)
    report.findings.append(ProviderFinding("tool call", "yes" if valid else "no", answer.reply.calls[0].arguments[:60]))
    streamed = answer.pieces > 1
    report.findings.append(ProviderFinding("arguments in pieces", "yes" if streamed else "no"))
    without = await _ask(provider, report, "", _continue(answer.reply, with_state=False))
    if without is not None:
        report.findings.append(ProviderFinding("results without state", "yes"))
        return
    refused = report.findings.pop()
    report.findings.append(replace(refused, name="results without state"))
    if await _ask(provider, report, "results with state", _continue(answer.reply, with_state=True)) is not None:
        report.findings.append(ProviderFinding("results with state", "yes"))


def _has_typed_arguments(arguments: str) -> bool:
    try:
        value = json.loads(arguments)
    except ValueError:
        return False
    return isinstance(value, dict) and isinstance(value.get("city"), str) and type(value.get("days")) is int


def _continue(reply: ModelReply, *, with_state: bool) -> ModelRequest:
    """Return the request that returns the output of a call."""
    call = reply.calls[0]
    kept: dict[str, Any] = {}
    if with_state and reply.provider_fields is not None:
        kept = dict(reply.provider_fields.fields)
        if reply.provider_fields.reasoning_field:
            kept[reply.provider_fields.reasoning_field] = reply.reasoning
    called = PromptCall(call.id, call.name, call.arguments, call.provider_id, call.extra if with_state else None)
    turn = PromptMessage("assistant", reply.text, (called,), provider_fields=kept)
    output = PromptMessage("tool", "Sunny.", call_id=call.id, provider_call_id=call.provider_id)
    return replace(_CALL, messages=(*_CALL.messages, turn, output), tool_choice=None)


async def _ask(provider: ModelProvider, report: ProviderReport, title: str, ask: ModelRequest) -> _Answer | None:
    """Send one request; if it fails, add a finding with the reason and return None."""
    fold, reads, pieces = ReplyBuilder("msg_probe"), 0, 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunks in provider.stream(replace(ask, model=report.model)):
                fold.add(chunks)
                reads += any(isinstance(chunk, TextDelta | ReasoningDelta) for chunk in chunks)
                pieces += sum(isinstance(chunk, CallPart) and bool(chunk.arguments) for chunk in chunks)
    except (ModelError, TimeoutError) as error:
        report.findings.append(ProviderFinding(title, _verdict_of(error), str(error)[:200]))
        return None
    return _Answer(fold.reply(), reads, pieces)


def _verdict_of(error: Exception) -> Verdict:
    return "refused" if isinstance(error, ModelError) and error.code in _REFUSED else "unknown"
