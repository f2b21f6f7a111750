"""Recognizes errors about prompts that are too long, and the limits in them, for many servers.

Sources: errors reported in public issues, and the source code of vLLM, SGLang, llama.cpp and
text-generation-inference.
"""

import re
from collections.abc import Mapping
from typing import Any

from projectdavid.ports.model import ContextRefusal

_N = r"([\d,_]+)"
_FLAGS = re.IGNORECASE | re.DOTALL


def _limit_first(pattern: str) -> tuple[re.Pattern[str], int, int]:
    return re.compile(pattern.replace("#", _N), _FLAGS), 1, 2


def _asked_first(pattern: str) -> tuple[re.Pattern[str], int, int]:
    return re.compile(pattern.replace("#", _N), _FLAGS), 2, 1


_PHRASES = (
    # vLLM names the size of the answer first
    _limit_first(r"maximum context length is # tokens.*?(?:prompt contains(?: at least)?|request has) # input tokens"),
    # vLLM, OpenAI, DeepSeek, Azure, OpenRouter, SGLang
    _limit_first(r"maximum (?:context|prompt) length (?:is|of) # tokens?.*?\(# (?:in the messages|of text input)"),
    _limit_first(
        r"maximum (?:context|prompt) length (?:is|of) # tokens?"
        r".*?(?:requested(?: a total of)?|resulted in) (?:about )?#(?! output)"
    ),
    _limit_first(r"exceed the configured limit of # tokens.*?resulted in #"),
    _limit_first(r"maximum (?:context|prompt|model) length (?:is|of) #.*?contains(?: at least)? #"),
    _asked_first(r"prompt \(length #\) (?:is longer|exceeds).*?(?:maximum|model length)\D*#"),
    _asked_first(r"input \(# tokens\) is longer than .*?context length \(# tokens\)"),
    _asked_first(r"\(# tokens\) exceeds the available context size \(# tokens\)"),  # llama.cpp
    _asked_first(r"prompt is too long: # tokens > # maximum"),  # Anthropic
    _asked_first(r"exceed context limit: # \+ [\d,]+ > #"),
    _asked_first(r"input token count \(#\) exceeds the maximum number of tokens allowed \(#\)"),  # Gemini
    _asked_first(r"prompt contains # tokens.*?too large for .*?with # maximum context length"),  # Mistral
    _limit_first(r"cannot exceed # - received #"),  # Cohere
    _limit_first(r"must have less than # tokens\.? given: #"),  # text-generation-inference
    _limit_first(r"must be <= #\. given: # `inputs` tokens"),
    _asked_first(r"keep the first # tokens.*?context length of only #"),  # LM Studio
    _asked_first(r"prompt is too long: #, model maximum context length: #"),  # Fireworks
    _limit_first(r"exceeded model token limit: # \(requested: #"),  # Moonshot
    _asked_first(r"prompt_tokens \(#\) must be less than max_seq_len \(#"),  # SiliconFlow
    _asked_first(r"current length is # while limit is #"),  # Cerebras
    _asked_first(r"prompt is # tokens long.*?maximum supported sequence length is just #"),  # SambaNova
    _asked_first(r"number of input tokens # cannot exceed the total tokens limit #"),  # watsonx
    _asked_first(r"input length \(?#(?: tokens)?\)? exceeds (?:the )?(?:model's )?max\w*(?: \w+){1,3} \(?#"),
    _asked_first(r"requested tokens \(#\) exceed context window of #"),  # llama-cpp-python
    _asked_first(r"prompt length \(?#\)? (?:is greater than|exceeds) (?:\w+ ){0,4}\(?#"),  # TabbyAPI, TensorRT-LLM
    _asked_first(r"prompt length \(#\).{0,60}exceeds max_num_tokens \(#"),
    _asked_first(r"input token count is # but model only supports up to #"),  # Vertex
    _asked_first(r"token count of # exceeds the limit of #"),  # GitHub Copilot
    _asked_first(r"prompt has # tokens, larger than the model input length limit #"),  # MLC
    _limit_first(r"tokens per minute \(TPM\): limit #, requested #"),  # Groq: a prompt above it never fits
)
_LIMIT_ONLY = tuple(
    re.compile(pattern.replace("#", _N), _FLAGS)
    for pattern in (
        r"maximum (?:context|prompt|model) length (?:is|of|:) ?#",
        r"available context size \(# tokens\)",
        r"range of input length should be \[\d+, #\]",  # DashScope
        r"context (?:length|window|size) (?:is|of)(?: only)? #",
        r"maximum (?:number of tokens|input length)\D{0,40}#",
        r"\bn_ctx\b\D{0,5}#",
        r"exceeded model token limit: #",
        r"max(?:imum)? (?:context )?size: # tokens",  # GitHub Models
        r"prompt must be at most # tokens",
        r"`?max_new_tokens`? must be <= #",
        r"reached context length of # tokens",  # LM Studio
    )
)
_WITHOUT_LIMIT = re.compile(
    r"input is too long|prompt is too long|input length exceeds|context (?:size|window|length) exceeded"
    r"|exceeds? (?:the )?(?:available |maximum |model'?s? )*(?:maximum )?context|maximum context length"
    r"|context_length_exceeded|exceed_context_size|context window|greater than the context length"
    r"|too many (?:input |prompt )?tokens|exceeded model token limit|prompt must be at most|max_new_tokens`? must be"
    r"|prompt exceeds max length|prompt too long|exceeded max context length|reached context length"
    r"|input token count exceeds|input tokens exceeded|prompt tokens? exceeds? (?:the )?limit|exceed max message tokens"
    r"|body too large for \S+ model|contextwindowexceeded|max input characters|Prompt 超长"
    r"|reduce the length of the (?:messages|prompt)|request too large for model",
    _FLAGS,
)
_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "model_context_window_exceeded"})


def find_context_limit(text: str, code: str, fields: Mapping[str, Any]) -> ContextRefusal | None:
    """Return the limit that an error states; None if the error is not about the length of the prompt.

    `code` is the code or type of the error, `fields` is the error object.
    """
    named = ContextRefusal(_number(fields.get("n_ctx")), _number(fields.get("n_prompt_tokens")))
    if named.limit is not None:
        return named
    for pattern, limit, asked in _PHRASES:
        if found := pattern.search(text):
            return ContextRefusal(_number(found[limit]), _number(found[asked]))
    if code not in _CODES and not _WITHOUT_LIMIT.search(text) and not _LIMIT_ONLY[2].search(text):
        return None
    for pattern in _LIMIT_ONLY:
        if found := pattern.search(text):
            return ContextRefusal(_number(found[1]))
    return ContextRefusal()


def _number(value: Any) -> int | None:
    """Return a number of tokens; None if it is invalid."""
    if isinstance(value, str):
        digits = value.replace(",", "").replace("_", "")
        value = int(digits) if digits.isdecimal() and len(digits) < 10 else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
