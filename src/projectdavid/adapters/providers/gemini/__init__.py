"""Provider for the protocol of Gemini.

Source: Gemini API reference, "Generating content" and "Models".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from projectdavid.adapters.providers.gemini.answer_fold import CandidateFold
from projectdavid.adapters.providers.gemini.request_builder import build_body, model_path
from projectdavid.adapters.providers.http.answer_parts import as_count, as_object
from projectdavid.adapters.providers.http.option_lessons import NO_IMAGES
from projectdavid.adapters.providers.http.vendor_provider import (
    ListedModel,
    RequestRules,
    VendorProvider,
    VendorRequest,
)
from projectdavid.engine.prompt import ModelRequest

__all__ = ["GeminiProvider"]

_PAGE = 1000
_METHOD = "generateContent"


class GeminiProvider(VendorProvider):
    """A client of the Gemini API; `base_url` is the parent of `/models`."""

    kind: ClassVar[str] = "gemini"
    catalog_name: ClassVar[str] = "gemini"
    key_header: ClassVar[str] = "x-goog-api-key"
    option_patterns: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "thinking_level": r"thinking.?level",
            "reasoning_effort": r"thinking|thought",
            "response_format": r"mime.?type|response.?(?:json.?)?schema",
            "strict": r"VALIDATED",
            "tool_choice": r"function.?calling.?config|tool.?config|calling mode",
            "top_p": r"top.?p\b",
            "temperature": r"temperature",
            "images": NO_IMAGES,
        }
    )

    async def _build(self, ask: ModelRequest, rules: RequestRules) -> VendorRequest:
        path = f"/{model_path(ask.model)}:streamGenerateContent"
        return build_body(ask, rules, self.client.server.url(path, "alt=sse"))

    def _fold(self, ask: ModelRequest, rules: RequestRules) -> CandidateFold:
        limited = ask.max_tokens is not None and ask.max_tokens <= (rules.max_output or ask.max_tokens)
        return CandidateFold(self.client.failures, ask.model, limited=limited)

    async def _list(self) -> dict[str, ListedModel]:
        url = self.client.server.url("/models", f"pageSize={_PAGE}")
        listed = as_object(await self.client.fetch(url)).get("models")
        if not isinstance(listed, list):
            raise self.client.failures.build_unreadable("the list of models is malformed")
        entries = [one for one in listed if isinstance(one, dict) and isinstance(one.get("name"), str)]
        return {one["name"].removeprefix("models/"): _read(one) for one in entries if _generates(one)}


def _generates(listed: Mapping[str, Any]) -> bool:
    """Return True unless an entry of the list is for a model that does not generate text, such as an embedder."""
    methods = listed.get("supportedGenerationMethods")
    return not isinstance(methods, list) or _METHOD in methods


def _read(listed: Mapping[str, Any]) -> ListedModel:
    """Return the facts in an entry of the list of models."""
    thinking = listed.get("thinking")
    return ListedModel(
        as_count(listed.get("inputTokenLimit")) or None,
        as_count(listed.get("outputTokenLimit")) or None,
        {"reasoning": thinking} if isinstance(thinking, bool) else {},
    )
