"""Provider for the Messages protocol of Anthropic.

Source: Anthropic API reference, "Create a Message" and "List Models".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from projectdavid.adapters.providers.anthropic.answer_fold import MessageFold
from projectdavid.adapters.providers.anthropic.request_builder import build_body
from projectdavid.adapters.providers.http.answer_parts import as_count, as_object
from projectdavid.adapters.providers.http.option_lessons import NO_IMAGES
from projectdavid.adapters.providers.http.vendor_provider import (
    ListedModel,
    RequestRules,
    VendorProvider,
    VendorRequest,
)
from projectdavid.engine.prompt import ModelRequest

__all__ = ["AnthropicProvider"]

_PAGE = 1000
_CAPABILITIES = {"image_input": "images", "thinking": "reasoning", "structured_outputs": "structured_output"}


class AnthropicProvider(VendorProvider):
    """A client of the Messages API; `base_url` is the parent of `/messages`."""

    kind: ClassVar[str] = "anthropic"
    catalog_name: ClassVar[str] = "anthropic"
    key_header: ClassVar[str] = "x-api-key"
    fixed_headers: ClassVar[Mapping[str, str]] = MappingProxyType({"anthropic-version": "2023-06-01"})
    option_patterns: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "adaptive_thinking": r"adaptive",
            "effort": r"\beffort\b",
            "reasoning_effort": r"thinking",
            "top_p": r"top_p",
            "temperature": r"temperature",
            "response_format": r"output_config|output_format|structured output|json_schema|additionalProperties",
            "strict": r"\bstrict\b",
            "cache_control": r"cache_control",
            "tool_choice": r"tool_choice",
            "images": NO_IMAGES,
        }
    )

    async def _build(self, ask: ModelRequest, rules: RequestRules) -> VendorRequest:
        return build_body(ask, rules, self.client.server.url("/messages"))

    def _fold(self, ask: ModelRequest, rules: RequestRules) -> MessageFold:
        limited = ask.max_tokens is not None and ask.max_tokens <= (rules.max_output or ask.max_tokens)
        return MessageFold(self.client.failures, ask.model, limited=limited)

    async def _list(self) -> dict[str, ListedModel]:
        listed = as_object(await self.client.fetch(self.client.server.url("/models", f"limit={_PAGE}"))).get("data")
        if not isinstance(listed, list):
            raise self.client.failures.build_unreadable("the list of models is malformed")
        return {one["id"]: _read(one) for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)}


def _read(listed: Mapping[str, Any]) -> ListedModel:
    """Return the facts in an entry of the list of models."""
    said = as_object(listed.get("capabilities"))
    known = {name: flag for word, name in _CAPABILITIES.items() if (flag := _flag(said.get(word))) is not None}
    thinking = as_object(as_object(said.get("thinking")).get("types"))
    rejected: set[str] = set()
    if _flag(thinking.get("adaptive")) is False:
        rejected.add("adaptive_thinking")
    if _flag(said.get("effort")) is False:
        rejected.add("effort")
    return ListedModel(
        as_count(listed.get("max_input_tokens")) or None,
        as_count(listed.get("max_tokens")) or None,
        {"tools": True, **known},
        frozenset(rejected),
    )


def _flag(capability: Any) -> bool | None:
    flag = as_object(capability).get("supported")
    return flag if isinstance(flag, bool) else None
