"""Provider for the Responses protocol of OpenAI.

Source: OpenAI API reference, "Create a model response" and "Streaming events".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import quote

from projectdavid.adapters.providers.http.answer_parts import as_object
from projectdavid.adapters.providers.http.option_lessons import NO_IMAGES
from projectdavid.adapters.providers.http.vendor_provider import (
    ListedModel,
    RequestRules,
    VendorProvider,
    VendorRequest,
)
from projectdavid.adapters.providers.openai_responses.answer_fold import ResponseFold
from projectdavid.adapters.providers.openai_responses.request_builder import build_body
from projectdavid.engine.prompt import ModelRequest

__all__ = ["ResponsesProvider"]


class ResponsesProvider(VendorProvider):
    """A client of the Responses API; `base_url` is the parent of `/responses`. Responses are not stored there."""

    kind: ClassVar[str] = "openai_responses"
    catalog_name: ClassVar[str] = "openai"
    option_patterns: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "encrypted_reasoning": r"encrypted",
            "reasoning_summary": r"summar",
            "reasoning_effort": r"reasoning",
            "top_p": r"top_p",
            "temperature": r"temperature",
            "response_format": r"text\.format|json_schema|structured output",
            "parallel_tool_calls": r"parallel_tool_calls",
            "strict": r"\bstrict\b|additionalProperties",
            "tool_choice": r"tool_choice",
            "images": NO_IMAGES,
        }
    )

    async def _build(self, ask: ModelRequest, rules: RequestRules) -> VendorRequest:
        return build_body(ask, rules, self.client.server.url("/responses"))

    def _fold(self, ask: ModelRequest, rules: RequestRules) -> ResponseFold:
        limited = ask.max_tokens is not None and ask.max_tokens <= (rules.max_output or ask.max_tokens)
        return ResponseFold(self.client.failures, ask.model, limited=limited)

    async def _list(self) -> dict[str, ListedModel]:
        listed = as_object(await self.client.fetch(self.client.server.url("/models"))).get("data")
        if not isinstance(listed, list):
            raise self.client.failures.build_unreadable("the list of models is malformed")
        entries = (one.get("id") for one in listed if isinstance(one, dict))
        return {name: ListedModel() for name in entries if isinstance(name, str)}

    async def delete(self, model: str) -> None:
        """Delete a fine-tuned model.

        Raises:
            ModelError: it does not exist, cannot be deleted, or the server could not be reached.
        """
        url = self.client.server.url(f"/models/{quote(model, safe='')}")
        await self.client.request(url, method="DELETE", model=model)
