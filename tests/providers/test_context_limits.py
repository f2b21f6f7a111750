"""A prompt that is too long is recognized, with its limit, in the words of each server."""

import json
from typing import Any

import pytest

from projectdavid.ports.model import ContextRefusal, ModelError
from tests.fakes.raw import answering, response
from tests.providers.asking import asking, at, chunks

pytestmark = pytest.mark.anyio

WORDS: dict[str, tuple[int, str, int | None, int | None]] = {
    "OpenAI": (
        400,
        "This model's maximum context length is 2048 tokens. However, your messages resulted in 5000 tokens.",
        2048,
        5000,
    ),
    "OpenAI, older": (
        400,
        "This model's maximum context length is 4097 tokens. However, you requested 5123 tokens (4100 in the messages,"
        " 1023 in the completion). Please reduce the length of the messages or completion.",
        4097,
        4100,
    ),
    "vLLM": (
        400,
        "This model's maximum context length is 8192 tokens. However, your request has 9000 input tokens. Please reduce"
        " the length of the input messages.",
        8192,
        9000,
    ),
    "vLLM, prompt": (
        400,
        "The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that"
        " `max_model_len` is no smaller than the number of text tokens.",
        4096,
        5000,
    ),
    "OpenRouter": (
        400,
        "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 tokens (8500 of text"
        " input, 500 in the output).",
        8192,
        8500,
    ),
    "llama.cpp": (
        400,
        "request (5122 tokens) exceeds the available context size (1024 tokens), try increasing it",
        1024,
        5122,
    ),
    "llama.cpp, older": (
        400,
        "the request exceeds the available context size (2048 tokens), try increasing it",
        2048,
        None,
    ),
    "llama.cpp, 500": (500, "context size exceeded", None, None),
    "Anthropic": (400, "prompt is too long: 215000 tokens > 200000 maximum", 200000, 215000),
    "Anthropic, with the answer": (
        400,
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length",
        200000,
        190000,
    ),
    "Gemini": (
        400,
        "The input token count (1248576) exceeds the maximum number of tokens allowed (1048576).",
        1048576,
        1248576,
    ),
    "Mistral": (
        400,
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        32768,
        40000,
    ),
    "SGLang": (
        400,
        "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        4096,
        5000,
    ),
    "SGLang, total": (
        400,
        "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000"
        " tokens: 4000 tokens from the input messages and 1000 tokens for the completion.",
        4096,
        5000,
    ),
    "xAI": (
        400,
        "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
        131072,
        200000,
    ),
    "DashScope": (
        400,
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
        30720,
        None,
    ),
    "LM Studio": (
        400,
        "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context"
        " length of only 4096 tokens, which is not enough.",
        4096,
        5000,
    ),
    "LM Studio, newer": (
        400,
        "The number of tokens to keep from the initial prompt is greater than the context length.",
        None,
        None,
    ),
    "Bedrock": (400, "Input is too long for requested model.", None, None),
    "text-generation-inference": (
        422,
        "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000",
        4095,
        5000,
    ),
    "text-generation-inference, with the answer": (
        422,
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 20"
        " `max_new_tokens`",
        4096,
        5000,
    ),
    "Cohere": (
        400,
        "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000. Try using a shorter"
        " prompt.",
        4081,
        5000,
    ),
    "Groq": (
        413,
        "Request too large for model `llama-3.1-8b` in organization `o` on tokens per minute (TPM): Limit 6000,"
        " Requested 7000, please reduce your message size and try again.",
        6000,
        7000,
    ),
    "Ollama": (400, "the input length exceeds the context length", None, None),
    "vLLM, with the answer": (
        400,
        "This model's maximum context length is 2048 tokens. However, you requested 1 output tokens and your "
        "prompt contains at least 2049 input tokens, for a total of at least 2050 tokens.",
        2048,
        2049,
    ),
    "vLLM, the answer alone": (
        400,
        "'max_tokens' or 'max_completion_tokens' is too large: 4000. This model's maximum context length is "
        "4096 tokens and your request has 1000 input tokens (4000 > 4096 - 1000).",
        4096,
        1000,
    ),
    "OpenAI, newer": (
        400,
        "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.",
        272000,
        300000,
    ),
    "Fireworks": (400, "The prompt is too long: 140000, model maximum context length: 131071", 131071, 140000),
    "Moonshot": (
        400,
        "Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)",
        262144,
        300000,
    ),
    "Moonshot, older": (400, "Invalid request: Your request exceeded model token limit: 8192", 8192, None),
    "Zhipu": (400, "Prompt exceeds max length", None, None),
    "SiliconFlow": (400, "length of prompt_tokens (40000) must be less than max_seq_len (32768).", 32768, 40000),
    "Cerebras": (
        400,
        "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
        8192,
        9000,
    ),
    "SambaNova": (
        400,
        "The provided prompt is 5000 tokens long, so generating 1000 tokens requires a sequence length of "
        "6000, but the maximum supported sequence length is just 4096!",
        4096,
        5000,
    ),
    "watsonx": (
        400,
        "the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this model",
        4096,
        5000,
    ),
    "Databricks": (400, "Input length (5000) exceeds the maximum allowed context length (4096)", 4096, 5000),
    "llama-cpp-python": (400, "Requested tokens (5000) exceed context window of 2048", 2048, 5000),
    "TabbyAPI": (400, "Prompt length 5000 is greater than max_seq_len 4096", 4096, 5000),
    "TensorRT-LLM": (400, "Prompt length (5000) exceeds maximum input length (4096)", 4096, 5000),
    "Ollama, 500": (500, "prompt too long; exceeded max context length by 3000 tokens", None, None),
    "Ollama, newer": (
        400,
        "input length (5000 tokens) exceeds the model's maximum context length (4096 tokens)",
        4096,
        5000,
    ),
    "Bedrock Nova": (400, "Input Tokens Exceeded: Number of input tokens exceeds maximum length.", None, None),
    "Vertex": (
        400,
        "Unable to submit request because the input token count is 40000 but model only supports up to 32768.",
        32768,
        40000,
    ),
    "GitHub Models": (413, "Request body too large for gpt-4o model. Max size: 8000 tokens.", 8000, None),
    "GitHub Copilot": (400, "prompt token count of 13425 exceeds the limit of 12288", 12288, 13425),
    "LM Studio, in the answer": (
        400,
        "Reached context length of 4096 tokens with model (arch: llama) that does not currently support it",
        4096,
        None,
    ),
    "LiteLLM": (400, "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException", None, None),
    "Azure": (
        400,
        "This model's maximum context length is 16,384 tokens. However, your messages resulted in 20,000 tokens.",
        16384,
        20000,
    ),
}


async def refusal(status: int, body: Any) -> ModelError:
    """What a provider makes of a refusal."""
    async with answering(response(f"{status} Refused", json.dumps(body).encode())) as raw, at(raw.url) as provider:
        with pytest.raises(ModelError) as caught:
            await chunks(provider, asking("hi"))
    return caught.value


@pytest.mark.parametrize("server", WORDS)
async def test_the_words_of_a_server_name_the_limit(server: str):
    status, words, limit, asked = WORDS[server]
    failure = await refusal(status, {"error": {"message": words, "type": "invalid_request_error"}})
    assert (failure.code, failure.retryable) == ("context_length_exceeded", False)
    assert failure.context == ContextRefusal(limit, asked)


async def test_the_words_of_the_server_behind_a_router_name_the_limit():
    raw = json.dumps({"type": "error", "error": {"message": WORDS["Anthropic"][1]}})
    failure = await refusal(400, {"error": {"message": "Provider returned error", "metadata": {"raw": raw}}})
    assert (failure.code, failure.context) == ("context_length_exceeded", ContextRefusal(200000, 215000))
    assert "215000 tokens" in failure.message


async def test_the_fields_of_an_error_name_the_limit():
    error = {"message": "too much", "type": "exceed_context_size_error", "n_prompt_tokens": 5122, "n_ctx": 1024}
    assert (await refusal(400, {"error": error})).context == ContextRefusal(1024, 5122)


async def test_a_code_alone_is_enough():
    failure = await refusal(400, {"error": {"message": "No.", "code": "context_length_exceeded"}})
    assert (failure.code, failure.context) == ("context_length_exceeded", ContextRefusal())


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (400, "Unsupported value: 'temperature' must be 1", "invalid_request"),
        (400, "tool_calls[0].function.name is too long", "invalid_request"),
        (400, "max_tokens must be at least 1", "invalid_request"),
        (429, "Rate limit reached: 30000 tokens per min. Try again in 6s.", "rate_limit_exceeded"),
        (403, "Your input was flagged by moderation", "invalid_prompt"),
        (400, "Rejected as a result of our safety system.", "invalid_prompt"),
        (403, "You have no access to this model", "authentication_error"),
        (401, "maximum context length is 5 tokens", "authentication_error"),
        (500, "Internal server error", "server_error"),
    ],
)
async def test_other_refusals_are_something_else(status: int, words: str, code: str):
    failure = await refusal(status, {"error": {"message": words}})
    assert (failure.code, failure.context) == (code, None)
