"""Finish reasons of many servers, and their meaning.

Sources: the API references of OpenAI, Mistral, Anthropic, Gemini, DeepSeek, Cohere, Zhipu and OpenRouter; the sources
of vLLM, SGLang, llama.cpp and text-generation-inference.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FinishMeaning:
    """The meaning of a finish reason: its normalized name, or None if the answer failed."""

    finish: str | None
    retryable: bool = False


_STOP = ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "stop_token", "complete", "completed", "finished")
_LENGTH = ("length",)
_MODEL_LENGTH = ("model_length", "max_tokens", "max_length", "max_output_tokens", "model_context_window_exceeded")
_CALLS = ("tool_calls", "tool_call", "tool_use", "function_call", "function_calls")
_FILTERED = (
    *("content_filter", "content_filtered", "sensitive", "safety", "recitation", "blocklist", "prohibited_content"),
    *("spii", "image_safety", "language", "guardrail_intervened", "refusal", "error_toxic"),
)
_BROKEN = (
    *("error", "abort", "aborted", "cancelled", "canceled", "network_error", "insufficient_system_resource"),
    *("load", "timeout", "malformed_function_call", "unexpected_tool_call", "error_limit", "other"),
)

_ENDINGS: dict[str, FinishMeaning] = {
    **dict.fromkeys(_STOP, FinishMeaning("stop")),
    **dict.fromkeys(_LENGTH, FinishMeaning("length")),
    **dict.fromkeys(_MODEL_LENGTH, FinishMeaning("model_length")),
    **dict.fromkeys(_CALLS, FinishMeaning("tool_calls")),
    **dict.fromkeys(_FILTERED, FinishMeaning("content_filter")),
    **dict.fromkeys(_BROKEN, FinishMeaning(None, retryable=True)),
}
_UNKNOWN = FinishMeaning(None)


def find_ending(reason: str) -> FinishMeaning:
    """Return the meaning of a finish reason, in any letter case. Gemini prepends a class: `content_filter: SAFETY`.

    An unknown reason means that the answer failed, because an incomplete answer must not count as complete.
    """
    word = reason.strip().lower()
    if word in _ENDINGS:
        return _ENDINGS[word]
    kind, _, detail = word.partition(":")
    return _ENDINGS.get(detail.strip()) or _ENDINGS.get(kind.strip()) or _UNKNOWN
