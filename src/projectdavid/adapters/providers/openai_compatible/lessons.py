"""Learns from rejected requests which fields to omit or rename for a model, and which shape its prompts need.

A lesson costs one rejected request, which no provider bills, and applies to the model until the process ends.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from projectdavid.adapters.providers.openai_compatible.message_shape import MessageRules
from projectdavid.adapters.providers.openai_compatible.profiles import ServerCapabilities, ServerProfile
from projectdavid.engine.prompt import ModelRequest
from projectdavid.protocol.model_options import MODEL_OPTIONS

MAX_LESSONS = 6
"""Maximum lessons per request; the request is sent again after each."""
TEACHING_STATUSES = frozenset({400, 404, 415, 422, 500, 501})
"""Statuses that can mean that the content of a request was rejected. (llama.cpp sends 500 for images.)"""

OMITTABLE = (
    *("stream_options", "parallel_tool_calls", "tool_choice", *MODEL_OPTIONS, "strict"),
    *("reasoning_content", "reasoning_details", "reasoning", "extra_content", "thinking_blocks"),
)
"""Fields without which a request can still be answered; tools are not among them."""
_USER_FIELDS = frozenset({"parallel_tool_calls", "tool_choice", *MODEL_OPTIONS, "strict"})
"""Fields that users can set; the run warns if they are omitted."""
_MAX_TOKENS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}

_FLAGS = re.IGNORECASE | re.DOTALL
_REFUSES = re.compile(
    r"unsupported|not supported|does ?n[o']t support|unrecogni[sz]ed|unknown|extra (?:inputs|fields)|extra_forbidden"
    r"|not permitted|not allowed|unexpected|additional ?properties|cannot (?:both )?be|only the default"
    r"|cannot find field|invalid (?:parameter|argument|field)|not available|deprecated|instead",
    _FLAGS,
)
_REFUSES_VALUE = re.compile(
    r"only \d|(?:may|can|must) (?:only|not)|must be (?:one of|set)|or unset|incompatible|not enabled|only '?auto"
    r"|does ?n[o']t (?:allow|accept)",
    _FLAGS,
)
"""Texts that reject every value but one; the default of the model is that value."""
_REASONING_EFFORT = re.compile(
    r"reasoningEffort|does ?n[o']t support thinking|thinking is not (?:enabled|supported)|\bthink value", _FLAGS
)
_OUTPUT_LIMITS = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        r"max_(?:completion_)?tokens.{0,40}range.{0,40}\[\d+, ?(\d+)\]",
        r"supports at most (\d+) (?:completion|output) tokens",
        r"max_(?:completion_)?tokens: \d+ > (\d+)",
        r"max_(?:completion_)?tokens.{0,60}(?:less than or equal to|must be <=|at most|maximum value(?: is| of)?)"
        r" `?(\d+)",
    )
)
_NO_STREAM = re.compile(
    r"must be verified to stream|stream(?:ing)?(?: with \w+)? is not supported|does ?n[o']t support stream(?:ing)?\b",
    _FLAGS,
)
_NO_SCHEMA = re.compile(
    r"(?:response.?format|json_schema|structured output).{0,60}(?:unavailable|unsupported|not (?:supported|available))"
    r"|(?:n[o']t|unsupported|invalid).{0,40}(?:response.?format|json_schema|structured output)",
    _FLAGS,
)
_NO_CONTENT = re.compile(
    r"missing (?:field )?\W{0,2}(?:reasoning_)?content|content\W{1,20}(?:is a required|field required)"
    r"|must contain \W{0,2}content|content\W{1,20}msg\W{1,20}field required",
    _FLAGS,
)
_ENDS_WITH_USER = re.compile(
    r"must end with a user message|assistant message prefill|expected last role user"
    r"|last message must (?:have role|be).{0,9}user",
    _FLAGS,
)
_UNKNOWN_KEYWORD = re.compile(r"unknown name [\"'\\]{1,4}(\$?\w+)[\"'\\]{1,4} at '[^']*parameters", _FLAGS)
_NO_SYSTEM = re.compile(
    r"system (?:role|messages?|prompt)s? (?:is |are )?(?:not supported|unsupported|not allowed)"
    r"|does ?n[o']t support (?:the )?\W{0,2}(?:system|developer)"
    r"|only user(?:,| and)(?: and)? assistant(?: and tool)? roles"
    r"|developer instruction is not enabled|invalid message role: system",
    _FLAGS,
)
_SYSTEM_FIRST = re.compile(
    r"system message must be (?:at the beginning|the first)|system.{0,20}only.{0,20}first|unexpected role .?system",
    _FLAGS,
)
_ALTERNATE = re.compile(
    r"roles must alternate|must alternate between user|should alternate with|requests alternate between"
    r"|first message must be|must (?:start|begin) with a user|of first message must be user"
    r"|unexpected role .?user.? after role .?tool|function call turn comes immediately after",
    _FLAGS,
)
_NO_IMAGES = re.compile(
    r"image input|does ?n[o']t support (?:images?|vision|multi ?modal)|not (?:a )?(?:vision|multi ?modal)|mmproj"
    r"|(?:image_url|images?).{0,40}(?:not supported|unsupported|not allowed|only supported)"
    r"|no endpoints found that support image|unknown variant `?image_url|at most 0 image",
    _FLAGS,
)
_FLAT_TEXT = re.compile(
    r"content.{0,40}(?:must be|should be|expected|is not)(?: of type| a valid)? ?(?:a )?str(?:ing)?"
    r"|invalid type: sequence, expected a string|input should be a valid string",
    _FLAGS,
)


@dataclass(frozen=True, slots=True)
class ModelLessons:
    """What errors have taught about one model, in addition to its server's profile."""

    omit: frozenset[str] = frozenset()
    max_tokens_field: str | None = None
    system: str | None = None
    alternates: bool = False
    flat_text: bool = False
    no_images: bool = False
    call_content: bool = False
    ends_with_user: bool = False
    most_output: int | None = None
    """Maximum tokens of an answer."""
    no_schemas: bool = False
    """Whether it rejects JSON schemas as response formats."""
    omit_keywords: frozenset[str] = frozenset()
    """Keywords of JSON Schema that it rejects in the parameters of functions."""

    def shape(self, profile: ServerProfile) -> MessageRules:
        """Return the rules for its messages."""
        return MessageRules(
            system=self.system or profile.system,  # pyright: ignore[reportArgumentType] - one of its literals
            alternates=self.alternates or profile.alternates,
            flat_text=self.flat_text or profile.flat_text,
            call_content=self.call_content or profile.call_content,
            ends_with_user=self.ends_with_user,
            images=not self.no_images and profile.capabilities.images is not False,
            call_ids=profile.call_ids,
            returns=profile.returns,
            omit=self.omit | profile.omit | _unsupported_fields(profile.capabilities),
        )

    def to_settings(self) -> dict[str, Any]:
        """Return the provider settings that prevent these errors."""
        chosen = {"omit": sorted(self.omit), "max_tokens_field": self.max_tokens_field}
        return {name: value for name, value in chosen.items() if value}

    def describe(self) -> tuple[str, ...]:
        """Return the lessons as phrases for the operator."""
        lessons = [f"does not accept '{name}'" for name in sorted(self.omit)]
        if self.max_tokens_field:
            lessons.append(f"expects '{self.max_tokens_field}'")
        if self.system == "user":
            lessons.append("has no system role")
        elif self.system == "first":
            lessons.append("requires system messages first")
        flags = {
            "requires a user message first": self.alternates,
            "accepts content only as text": self.flat_text,
            "cannot see images": self.no_images,
            "requires content in messages with calls": self.call_content,
            "requires a user message last": self.ends_with_user,
            f"writes at most {self.most_output} tokens": self.most_output,
            "accepts no JSON schema as response format": self.no_schemas,
            f"does not accept {', '.join(sorted(self.omit_keywords))} in schemas": self.omit_keywords,
        }
        return (*lessons, *(phrase for phrase, applies in flags.items() if applies))


def _unsupported_fields(capabilities: ServerCapabilities) -> frozenset[str]:
    """Return the fields for capabilities that the model does not have."""
    return frozenset({"reasoning_effort"} if capabilities.reasoning is False else ())


NOTHING_LEARNED = ModelLessons()


def learn(
    known: ModelLessons, text: str, error: Any, sent: dict[str, Any], profile: ServerProfile
) -> ModelLessons | None:
    """Return the lessons including that of an error; None if it teaches nothing new.

    `text` is the text of the error, `error` is its error object, `sent` is the rejected body.
    """
    shape = known.shape(profile)
    if _NO_SYSTEM.search(text) and shape.system != "user":
        return replace(known, system="user")
    if _SYSTEM_FIRST.search(text) and shape.system == "anywhere":
        return replace(known, system="first")
    if _ALTERNATE.search(text) and not shape.alternates:
        return replace(known, alternates=True, system="first" if shape.system == "anywhere" else known.system)
    if _ENDS_WITH_USER.search(text) and not shape.ends_with_user:
        return replace(known, ends_with_user=True)
    if _NO_IMAGES.search(text) and shape.images and _has_images(sent):
        return replace(known, no_images=True)
    if _FLAT_TEXT.search(text):
        if not shape.flat_text:
            return replace(known, flat_text=True)
        return replace(known, no_images=True) if shape.images and _has_images(sent) else None
    if _NO_CONTENT.search(text) and not shape.call_content and any("content" not in one for one in sent["messages"]):
        return replace(known, call_content=True)
    return _learn_request(known, text, sent) or _learn_field(known, text, error, sent)


def _learn_request(known: ModelLessons, text: str, sent: dict[str, Any]) -> ModelLessons | None:
    """Learn about the parts of a request other than its messages and optional fields."""
    if _NO_STREAM.search(text) and "stream" not in known.omit:
        return replace(known, omit=known.omit | {"stream", "stream_options"})
    keywords = frozenset(_UNKNOWN_KEYWORD.findall(text)) - known.omit_keywords
    if keywords and sent.get("tools"):
        return replace(known, omit_keywords=known.omit_keywords | keywords)
    asked = sent.get("max_tokens") or sent.get("max_completion_tokens") or 0
    limits = [int(found[1][:9]) for pattern in _OUTPUT_LIMITS if (found := pattern.search(text))]
    if limits and 0 < limits[0] < asked:
        return replace(known, most_output=limits[0])
    is_schema = sent.get("response_format", {}).get("type") == "json_schema"
    if is_schema and _NO_SCHEMA.search(text) and "invalid schema" not in text.lower():
        return replace(known, no_schemas=True)
    return None


def _learn_field(known: ModelLessons, text: str, error: Any, sent: dict[str, Any]) -> ModelLessons | None:
    refuses = _REFUSES.search(text)
    if "reasoning_effort" in sent and "reasoning_effort" not in known.omit and _REASONING_EFFORT.search(text):
        return replace(known, omit=known.omit | {"reasoning_effort"})
    if not refuses and not _REFUSES_VALUE.search(text):
        return None
    named = _named_fields(text, error)
    for field, other in _MAX_TOKENS.items():
        if refuses and field in sent and field in named and known.max_tokens_field is None:
            return replace(known, max_tokens_field=other)
    if {"temperature", "top_p"} <= named and {"temperature", "top_p"} <= sent.keys():
        named -= {"temperature"}  # omitting one of them is sufficient
    for field in OMITTABLE:
        if field in named and field not in known.omit and _is_sent(field, sent):
            return replace(known, omit=known.omit | {field})
    return None


def _named_fields(text: str, error: Any) -> set[str]:
    """Return the fields that an error names in its `param`, or else in its text."""
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


def find_omitted_options(ask: ModelRequest, omit: frozenset[str]) -> list[str]:
    """Return the fields that the user set and the request omits."""
    set_by_user = {
        **ask.options,
        "parallel_tool_calls": ask.parallel_tool_calls if ask.tools else None,
        "tool_choice": None if ask.tool_choice in ("auto", "none") else ask.tool_choice,
        "strict": True if any(tool.get("strict") for tool in ask.tools) else None,
    }
    return [name for name in sorted(_USER_FIELDS & omit) if set_by_user.get(name) is not None]
