"""Small test requests that show the capabilities of a model and its server."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.cli.configuration import read_settings
from projectdavid.cli.output import CommandError
from projectdavid.composition.model_providers import models_of
from projectdavid.engine.deltas import ModelReply, ReasoningDelta, ReplyBuilder, TextDelta
from projectdavid.engine.prompt import ModelRequest, PromptMessage
from projectdavid.ports.model import ModelError, ModelProvider
from projectdavid.runtime.model_registry import ModelRegistry, UnknownModel

MAX_TOKENS = 256
PATIENCE = 120.0
"""Timeout of each request, in seconds."""
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA, "strict": True}}


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """The result of one request: `yes`, `no` (no effect), `refused` or `failed`."""

    name: str
    verdict: str
    detail: str = ""


@dataclass(slots=True)
class ProbeReport:
    """The results of all requests, and the lines for `config.toml`."""

    model: str
    outcomes: list[ProbeOutcome] = field(default_factory=list[ProbeOutcome])
    learned: tuple[str, ...] = ()
    settings: list[str] = field(default_factory=list[str])

    @property
    def usable(self) -> bool:
        """True if the model answers."""
        return self.outcomes[0].verdict == "yes"

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {"usable": self.usable, **asdict(self)}


@dataclass(frozen=True, slots=True)
class _Answer:
    reply: ModelReply
    reads: int


def _user(text: str) -> tuple[PromptMessage, ...]:
    return (PromptMessage("user", text),)


_TEXT = ModelRequest("", _user("Answer with the word OK."), max_tokens=MAX_TOKENS)
_IMAGE = [
    {"type": "text", "text": "Which color is this? Answer with one word."},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
]
_WEATHER_OF_TWO = "Call get_weather for Oslo and for Rome, both at once."


def _says(answer: _Answer) -> ProbeOutcome:
    said = answer.reply.text.strip()[:60]
    return ProbeOutcome("text", "yes" if said or answer.reply.reasoning else "no", said or "no text was returned")


def _calls(answer: _Answer) -> ProbeOutcome:
    names = [call.name for call in answer.reply.calls]
    if "get_weather" in names:
        return ProbeOutcome("tools", "yes", f"arguments {answer.reply.calls[0].arguments[:60]}")
    return ProbeOutcome("tools", "no", _left_out(answer) or "it answered without calling the function")


def _calls_twice(answer: _Answer) -> ProbeOutcome:
    count = len(answer.reply.calls)
    return ProbeOutcome("parallel calls", "yes" if count > 1 else "no", f"{count} calls in one answer")


def _sees(answer: _Answer) -> ProbeOutcome:
    if missing := _left_out(answer):
        return ProbeOutcome("images", "refused", missing)
    return ProbeOutcome("images", "yes", f"it said: {answer.reply.text.strip()[:40]}")


def _keeps(answer: _Answer) -> ProbeOutcome:
    name = "structured output"
    try:
        value = json.loads(answer.reply.text)
    except ValueError:
        return ProbeOutcome(name, "no", "the answer is not JSON")
    fits = isinstance(value, dict) and value.keys() == {"city", "people"} and type(value["people"]) is int
    return ProbeOutcome(name, "yes" if fits else "no", "" if fits else "the answer does not match the schema")


def _left_out(answer: _Answer) -> str:
    return next((one.message for one in answer.reply.warnings if one.code.endswith("_left_out")), "")


QUESTIONS: list[tuple[str, ModelRequest, Callable[[_Answer], ProbeOutcome]]] = [
    ("text", _TEXT, _says),
    ("tools", replace(_TEXT, messages=_user("Call get_weather for Oslo."), tools=(WEATHER,)), _calls),
    (
        "parallel calls",
        replace(_TEXT, messages=_user(_WEATHER_OF_TWO), tools=(WEATHER,), parallel_tool_calls=True),
        _calls_twice,
    ),
    ("images", replace(_TEXT, messages=(PromptMessage("user", _IMAGE),)), _sees),
    (
        "structured output",
        replace(_TEXT, messages=_user("Name a city and how many people live there."), response_format=FORMAT),
        _keeps,
    ),
]


def probe_model(name: str | None, data: Path | None) -> ProbeReport:
    """Send all test requests to a model, with the settings of this machine.

    Raises:
        Failure: the settings are invalid, or do not include the model.
    """
    settings = read_settings(data=data)
    try:
        models = models_of(settings, {})
    except ValueError as error:
        raise CommandError(f"bad configuration: {error}") from error
    return asyncio.run(_probe(models, name))


async def _probe(models: ModelRegistry, name: str | None) -> ProbeReport:
    try:
        model = name or await _only_model(models)
        provider, served = models.resolve(model)
        report = ProbeReport(models.full_name(model))
        for title, ask, judge in QUESTIONS:
            outcome, answer = await _ask(provider, replace(ask, model=served), title, judge)
            report.outcomes.append(outcome)
            if title == "text" and answer is None:
                return report
            if title == "text" and answer is not None:
                report.outcomes += _transport(answer)
        facts = await provider.facts(served)
        report.learned = facts.learned
        models.windows.discover(report.model, facts.window)
        window = models.windows.of(report.model)
        report.outcomes.append(
            ProbeOutcome(
                "context window", "no" if window.source == "default" else "yes", f"{window.tokens} ({window.source})"
            )
        )
        lessons = provider.lessons(served).to_settings() if isinstance(provider, OpenAICompatible) else {}
        report.settings = _advise(report, lessons)
        return report
    except UnknownModel as error:
        raise CommandError(str(error)) from error
    finally:
        await models.close()


async def _only_model(models: ModelRegistry) -> str:
    listed: list[str] = []
    for provider_name, provider in models.providers.items():
        if provider_name == "demo" and len(models.providers) > 1:
            continue
        try:
            listed += [f"{provider_name}/{model}" for model in await provider.models()]
        except ModelError as error:
            raise CommandError(f"the provider '{provider_name}' lists no models: {error}", "set the model") from error
    if len(listed) != 1:
        some = ", ".join(listed[:5])
        raise CommandError(
            f"there are {len(listed)} models ({some}...)", "choose one: projectdavid models --probe NAME"
        )
    return listed[0]


async def _ask(
    provider: ModelProvider, ask: ModelRequest, title: str, judge: Callable[[_Answer], ProbeOutcome]
) -> tuple[ProbeOutcome, _Answer | None]:
    fold, reads = ReplyBuilder("msg_probe"), 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunks in provider.stream(ask):
                fold.add(chunks)
                reads += any(isinstance(chunk, TextDelta | ReasoningDelta) for chunk in chunks)
    except TimeoutError:
        return ProbeOutcome(title, "failed", f"no complete answer in {PATIENCE:g} s"), None
    except ModelError as error:
        verdict = "refused" if error.code in ("invalid_request", "invalid_prompt") else "failed"
        return ProbeOutcome(title, verdict, str(error)), None
    answer = _Answer(fold.reply(), reads)
    return judge(answer), answer


def _transport(answer: _Answer) -> list[ProbeOutcome]:
    usage = answer.reply.usage
    told = "tokens are estimated" if usage is None else f"{usage.prompt_tokens} + {usage.completion_tokens} tokens"
    return [
        ProbeOutcome("stream", "yes" if answer.reads > 1 else "no", f"the answer arrived in {answer.reads} parts"),
        ProbeOutcome("usage", "no" if usage is None or usage.estimated else "yes", told),
    ]


def _advise(report: ProbeReport, lessons: dict[str, Any]) -> list[str]:
    """Return the lines for `config.toml` that avoid failed requests; they apply to all models of the provider."""
    verdicts = {one.name: one.verdict for one in report.outcomes}
    table = f"providers.{json.dumps(report.model.partition('/')[0])}"
    lines = [f"{name} = {json.dumps(value)}" for name, value in lessons.items()]
    if lines:
        lines.insert(0, f"[{table}]")
    flags = {"tools": "tools", "images": "images", "parallel calls": "parallel_calls"}
    refused = [f"{flags[name]} = false" for name in flags if verdicts.get(name) == "refused"]
    if refused:
        lines += [f"[{table}.capabilities]", *refused]
    if verdicts["context window"] == "no":
        lines += ["[context_windows]", f"{json.dumps(report.model)} = 8192  # the real limit of its server"]
    return lines
