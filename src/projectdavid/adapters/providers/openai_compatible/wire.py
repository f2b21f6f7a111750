"""Types of the answers of the chat completions protocol.

Source: OpenAI API reference, "Create chat completion" and "The chat completion chunk object". Every field can be
missing or null, because compatible servers differ in the fields that they send.
"""

from typing import Any

import msgspec

from projectdavid.engine.deltas import TokenUsage


class MessageDelta(msgspec.Struct, gc=False):
    """The content that one event adds; the message of an answer that is not streamed has the same shape.

    Calls stay dicts, because their additional fields are sent back to the provider.
    """

    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_text: str | None = None
    """GitHub Copilot."""
    refusal: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    function_call: dict[str, Any] | None = None
    """The call, on servers older than `tool_calls`."""
    reasoning_details: list[Any] | None = None
    thinking_blocks: list[Any] | None = None
    extra_content: dict[str, Any] | None = None
    images: list[Any] | None = None
    """OpenRouter."""


class StreamChoice(msgspec.Struct, gc=False):
    """One of the answers; requests ask for a single one."""

    delta: MessageDelta | None = None
    message: MessageDelta | None = None
    text: str | None = None
    """Servers that send the format of the older completions protocol."""
    finish_reason: str | int | None = None
    error: Any = None


MOST_TOKENS = 10**9
"""Maximum tokens of one call; larger numbers are invalid."""


def as_tokens(value: Any) -> int | None:
    """Return a reported number of tokens; None if it is invalid."""
    return value if type(value) is int and 0 < value <= MOST_TOKENS else None


class WireUsage(msgspec.Struct, gc=False):
    """The token usage of a call."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    total_tokens: Any = None
    input_tokens: Any = None
    output_tokens: Any = None
    """With `input_tokens`: Anthropic's names, which some gateways pass through."""
    prompt_tokens_details: Any = None
    completion_tokens_details: Any = None
    input_tokens_details: Any = None
    output_tokens_details: Any = None
    prompt_cache_hit_tokens: Any = None
    """DeepSeek."""
    cache_read_input_tokens: Any = None
    cache_creation_input_tokens: Any = None
    """Gateways to Anthropic."""
    cached_tokens: Any = None
    """Moonshot."""
    reasoning_tokens: Any = None
    """Groq, xAI, Perplexity."""

    def counted(self) -> TokenUsage | None:
        """Return the usage, or None if its numbers are invalid or still zero.

        Invalid cached and reasoning tokens count as not reported.
        """
        given = (self.prompt_tokens or self.input_tokens or 0, self.completion_tokens or self.output_tokens or 0)
        if not all(type(number) in (int, float) and 0 <= number <= MOST_TOKENS for number in given):
            return None
        # Some servers send zeros until they have counted: no usage is better than a wrong one.
        if not any(given):
            return None
        prompt, completion = int(given[0]), int(given[1])
        reasoning = _first(
            _part(self.completion_tokens_details, "reasoning_tokens"),
            _part(self.output_tokens_details, "reasoning_tokens"),
            self.reasoning_tokens,
        )
        prompt += self._uncounted_cache(prompt, completion, reasoning)
        # xAI and Gemini include reasoning only in the total, and Gemini reports it nowhere else.
        uncounted = _first(self.total_tokens) - prompt - completion
        if uncounted > 0 and reasoning in (0, uncounted):
            completion, reasoning = completion + uncounted, uncounted
        return TokenUsage(
            prompt,
            completion,
            cached_tokens=self._cached(prompt),
            reasoning_tokens=reasoning if reasoning <= completion else 0,
        )

    def _cached(self, most: int) -> int:
        return _first(
            _part(self.prompt_tokens_details, "cached_tokens"),
            _part(self.input_tokens_details, "cached_tokens"),
            self.prompt_cache_hit_tokens,
            self.cache_read_input_tokens,
            self.cached_tokens,
            most=most,
        )

    def _uncounted_cache(self, prompt: int, completion: int, reasoning: int) -> int:
        """Return the tokens read from and written to a cache, if the reported prompt excludes them.

        Anthropic's prompt excludes them; some gateways pass its numbers through, others, such as LiteLLM, add them up.
        Gateways to Gemini subtract the cached tokens from the prompt.
        """
        cache = _first(self.cache_read_input_tokens) + _first(self.cache_creation_input_tokens)
        beyond = _first(self.total_tokens) - prompt - completion
        for tokens in (cache, self._cached(MOST_TOKENS)):
            if tokens and beyond in (tokens, tokens + reasoning):
                return tokens
        apart = not self.prompt_tokens or cache > prompt
        return cache if apart and prompt + cache <= MOST_TOKENS else 0


def _part(details: Any, name: str) -> Any:
    return details.get(name) if isinstance(details, dict) else None


def _first(*reported: Any, most: int = MOST_TOKENS) -> int:
    """Return the first valid number of tokens, or 0."""
    for one in reported:
        if type(one) in (int, float) and 0 < one <= most:
            return int(one)
    return 0


class StreamEvent(msgspec.Struct, gc=False):
    """One event of a stream, or an answer that is not streamed."""

    choices: list[StreamChoice] | None = None
    usage: WireUsage | None = None
    error: Any = None


class ModelList(msgspec.Struct):
    """The response of `GET /models`."""

    class Model(msgspec.Struct):
        """An entry of the list."""

        id: str
        max_model_len: Any = None
        """vLLM, SGLang."""
        context_length: Any = None
        """OpenRouter, Together."""
        context_window: Any = None
        """Groq."""
        loaded_context_length: Any = None
        max_context_length: Any = None
        """Mistral; LM Studio, which sends `loaded_context_length` as well."""
        max_input_tokens: Any = None
        """Anthropic."""
        meta: Any = None
        """llama.cpp: an object with `n_ctx`."""
        owned_by: Any = None
        supported_parameters: Any = None
        """OpenRouter, as is `architecture`."""
        architecture: Any = None
        capabilities: Any = None
        """Mistral, Anthropic: an object; LM Studio, llama.cpp: a list."""
        type: Any = None
        """LM Studio: `llm` or `vlm`."""
        supports_tools: Any = None
        """Fireworks, as is `supports_image_input`."""
        supports_image_input: Any = None

        @property
        def is_llamacpp(self) -> bool:
            """Whether the server is llama.cpp."""
            return self.owned_by == "llamacpp"

        @property
        def window(self) -> int | None:
            """Maximum tokens of a prompt and its answer together; None if not reported."""
            meta = self.meta.get("n_ctx") if isinstance(self.meta, dict) else None
            said = (meta, self.max_model_len, self.loaded_context_length, self.context_length, self.context_window)
            numbers = (*said, self.max_context_length, self.max_input_tokens)
            return next((tokens for one in numbers if (tokens := as_tokens(one)) is not None), None)

    data: list[Model] | None = None
