"""What a refusal teaches about a model: a field to leave out or to rename, or a shape of the prompt.

A lesson costs one refused request, which no provider charges, and holds for the model as long as the process lives.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from projectdavid.adapters.providers.openai_compatible.message_shape import MessageRules
from projectdavid.adapters.providers.openai_compatible.profiles import ServerCapabilities, ServerProfile
from projectdavid.engine.prompt import ModelRequest
from projectdavid.protocol.model_options import MODEL_OPTIONS

MOST_LESSONS = 6
"""Of one request: each is asked again once."""
TEACHES = frozenset({400, 404, 415, 422, 500, 501})
"""The statuses that can stand for a refusal of what was sent. (llama.cpp says 500 of images.)"""

OMITTABLE = (
    *("stream_options", "parallel_tool_calls", *MODEL_OPTIONS, "strict"),
    *("reasoning_content", "reasoning_details", "reasoning", "extra_content", "thinking_blocks"),
)
"""Fields without which a request still means what its user wants; tools and formats are not among them."""
_WISHES = frozenset({"parallel_tool_calls", *MODEL_OPTIONS, "strict"})
"""Those that a user can have set; the run warns about them."""
_MAX_TOKENS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}

_FLAGS = re.IGNORECASE | re.DOTALL
_REFUSES = re.compile(
    r"unsupported|not supported|does ?n[o']t support|unrecogni[sz]ed|unknown|extra (?:inputs|fields)|extra_forbidden"
    r"|not permitted|not allowed|unexpected|additional ?properties|cannot (?:both )?be|only the default"
    r"|cannot find field|invalid (?:parameter|argument|field)|not available|deprecated|instead",
    _FLAGS,
)
_NO_SYSTEM = re.compile(
    r"system (?:role|messages?|prompt)s? (?:is |are )?(?:not supported|unsupported|not allowed)"
    r"|does ?n[o']t support (?:the )?(?:system|developer)|only user(?:,| and)(?: and)? assistant(?: and tool)? roles",
    _FLAGS,
)
_SYSTEM_FIRST = re.compile(
    r"system message must be (?:at the beginning|the first)|system.{0,20}only.{0,20}first", _FLAGS
)
_ALTERNATE = re.compile(r"roles must alternate|first message must be|must (?:start|begin) with a user", _FLAGS)
_NO_IMAGES = re.compile(
    r"image input|does ?n[o']t support (?:images?|vision|multi ?modal)|not (?:a )?(?:vision|multi ?modal)|mmproj"
    r"|(?:image_url|images?).{0,40}(?:not supported|unsupported|not allowed|only supported)"
    r"|no endpoints found that support image|unknown variant `?image_url",
    _FLAGS,
)
_FLAT_TEXT = re.compile(
    r"content.{0,40}(?:must be|should be|expected|is not)(?: of type| a valid)? ?(?:a )?str(?:ing)?", _FLAGS
)


@dataclass(frozen=True, slots=True)
class ModelLessons:
    """What is known of one model besides its server's profile."""

    omit: frozenset[str] = frozenset()
    max_tokens_field: str | None = None
    system: str | None = None
    alternates: bool = False
    flat_text: bool = False
    no_images: bool = False

    def shape(self, profile: ServerProfile) -> MessageRules:
        """How its prompts are written."""
        return MessageRules(
            system=self.system or profile.system,  # pyright: ignore[reportArgumentType] - one of its words
            alternates=self.alternates or profile.alternates,
            flat_text=self.flat_text or profile.flat_text,
            images=not self.no_images and profile.capabilities.images is not False,
            call_ids=profile.call_ids,
            returns=profile.returns,
            omit=self.omit | profile.omit | _needless(profile.capabilities),
        )

    def to_settings(self) -> dict[str, Any]:
        """Return the settings of a provider that spare the refusals that taught this."""
        chosen = {"omit": sorted(self.omit), "max_tokens_field": self.max_tokens_field}
        return {name: value for name, value in chosen.items() if value}

    def describe(self) -> tuple[str, ...]:
        """What was learned, in words for the operator."""
        told = [f"does not take '{name}'" for name in sorted(self.omit)]
        if self.max_tokens_field:
            told.append(f"takes '{self.max_tokens_field}'")
        if self.system == "user":
            told.append("has no system role")
        elif self.system == "first":
            told.append("wants system messages first")
        flags = {
            "must begin with the user": self.alternates,
            "takes content as text only": self.flat_text,
            "cannot see images": self.no_images,
        }
        return (*told, *(words for words, holds in flags.items() if holds))


def _needless(capabilities: ServerCapabilities) -> frozenset[str]:
    """The fields that mean nothing to a model that cannot do what they ask for."""
    return frozenset({"reasoning_effort"} if capabilities.reasoning is False else ())


NOTHING_LEARNED = ModelLessons()


def learn(
    known: ModelLessons, text: str, error: Any, sent: dict[str, Any], profile: ServerProfile
) -> ModelLessons | None:
    """What a refusal teaches beyond what is known; None if it teaches nothing.

    `text` is what it says, `error` is its error object, `sent` is the body that it refuses.
    """
    shape = known.shape(profile)
    if _NO_SYSTEM.search(text) and shape.system != "user":
        return replace(known, system="user")
    if _SYSTEM_FIRST.search(text) and shape.system == "anywhere":
        return replace(known, system="first")
    if _ALTERNATE.search(text) and not shape.alternates:
        return replace(known, alternates=True, system="first" if shape.system == "anywhere" else known.system)
    if _NO_IMAGES.search(text) and shape.images and _has_images(sent):
        return replace(known, no_images=True)
    if _FLAT_TEXT.search(text) and not shape.flat_text:
        return replace(known, flat_text=True)
    return _learn_field(known, text, error, sent)


def _learn_field(known: ModelLessons, text: str, error: Any, sent: dict[str, Any]) -> ModelLessons | None:
    if not _REFUSES.search(text):
        return None
    named = _named_fields(text, error)
    for field, other in _MAX_TOKENS.items():
        if field in sent and field in named and known.max_tokens_field is None:
            return replace(known, max_tokens_field=other)
    if {"temperature", "top_p"} <= named and {"temperature", "top_p"} <= sent.keys():
        named -= {"temperature"}  # one of the two is enough
    for field in OMITTABLE:
        if field in named and field not in known.omit and _is_sent(field, sent):
            return replace(known, omit=known.omit | {field})
    return None


def _named_fields(text: str, error: Any) -> set[str]:
    """The fields that an error names, in its message or in its `param`."""
    param = error.get("param") if isinstance(error, dict) else None
    if isinstance(param, str) and param.rpartition(".")[2] in (*OMITTABLE, *_MAX_TOKENS):
        return {param.rpartition(".")[2]}
    return {field for field in (*OMITTABLE, *_MAX_TOKENS) if re.search(rf"(?<!\w){field}(?!\w)", text)}


def _is_sent(field: str, sent: dict[str, Any]) -> bool:
    if field in sent:
        return True
    if field == "strict":
        return any("strict" in tool["function"] for tool in sent.get("tools", ()))
    calls = [call for message in sent["messages"] for call in message.get("tool_calls", ())]
    return any(field in one for one in (*sent["messages"], *calls))


def _has_images(sent: dict[str, Any]) -> bool:
    parts = (part for message in sent["messages"] for part in _list(message.get("content")))
    return any(part.get("type") == "image_url" for part in parts)


def _list(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


def dropped_wishes(ask: ModelRequest, omit: frozenset[str]) -> list[str]:
    """The fields that a user set, and that are not sent."""
    set_by_user = {
        **ask.options,
        "parallel_tool_calls": ask.parallel_tool_calls if ask.tools else None,
        "strict": True if any(tool.get("strict") for tool in ask.tools) else None,
    }
    return [name for name in sorted(_WISHES & omit) if set_by_user.get(name) is not None]
