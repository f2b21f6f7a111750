"""The shapes of the answers of the chat-completions protocol.

Source: OpenAI API reference, "Create chat completion" and "The chat completion chunk object". Every field that is
read may be missing or null, because compatible servers disagree about which ones they send.
"""

from typing import Any

import msgspec


class Delta(msgspec.Struct, gc=False):
    """What one event adds to the answer; the message of a plain answer has the same shape.

    Calls stay dicts: what they hold besides the protocol goes back to the provider.
    """

    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    function_call: dict[str, Any] | None = None
    """The call of servers that are older than `tool_calls`."""
    reasoning_details: list[Any] | None = None
    thinking_blocks: list[Any] | None = None
    extra_content: dict[str, Any] | None = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers; only one is ever asked for."""

    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    error: Any = None


MOST_TOKENS = 10**9
"""No single call takes more, whatever is said."""


def as_tokens(value: Any) -> int | None:
    """Return a number of tokens as servers report it; None if it is no such number."""
    return value if type(value) is int and 0 < value <= MOST_TOKENS else None


class Spent(msgspec.Struct, gc=False):
    """The tokens that the call took."""

    prompt_tokens: Any = None
    completion_tokens: Any = None

    def counted(self) -> tuple[int, int] | None:
        """Both numbers, or None where they cannot be true, or say nothing yet."""
        given = (self.prompt_tokens or 0, self.completion_tokens or 0)
        if not all(type(number) in (int, float) and 0 <= number <= MOST_TOKENS for number in given):
            return None
        # Some servers send zeros while they are still counting: no report is better than a wrong one.
        return (int(given[0]), int(given[1])) if any(given) else None


class Event(msgspec.Struct, gc=False):
    """One event of a stream, or a whole plain answer."""

    choices: list[Choice] | None = None
    usage: Spent | None = None
    error: Any = None


class ModelList(msgspec.Struct):
    """The answer to `GET /models`."""

    class Model(msgspec.Struct):
        """One of the models."""

        id: str
        max_model_len: Any = None
        """vLLM, SGLang."""
        context_length: Any = None
        """OpenRouter, Together."""
        context_window: Any = None
        """Groq."""
        loaded_context_length: Any = None
        max_context_length: Any = None
        """Mistral; LM Studio has what is loaded beside it."""
        max_input_tokens: Any = None
        """Anthropic."""
        meta: Any = None
        """llama.cpp: an object with `n_ctx`."""
        owned_by: Any = None
        supported_parameters: Any = None
        """OpenRouter; so is `architecture`."""
        architecture: Any = None
        capabilities: Any = None
        """Mistral, Anthropic: an object; LM Studio, llama.cpp: a list."""
        type: Any = None
        """LM Studio: `llm` or `vlm`."""
        supports_tools: Any = None
        """Fireworks; so is the next."""
        supports_image_input: Any = None

        @property
        def is_llamacpp(self) -> bool:
            """Whether the server is llama.cpp."""
            return self.owned_by == "llamacpp"

        @property
        def window(self) -> int | None:
            """Tokens of a prompt and its answer, where the server says so in one of these ways."""
            meta = self.meta.get("n_ctx") if isinstance(self.meta, dict) else None
            said = (meta, self.max_model_len, self.loaded_context_length, self.context_length, self.context_window)
            numbers = (*said, self.max_context_length, self.max_input_tokens)
            return next((tokens for one in numbers if (tokens := as_tokens(one)) is not None), None)

    data: list[Model] | None = None
