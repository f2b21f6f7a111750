"""Token estimates for text and images, without the model's tokenizer.

The estimate depends on the script: one token is about 3.5 ASCII characters, but less than one Chinese or Japanese
character. `runtime.context_windows` corrects it per model from reported usage.
"""

from typing import Any

CHARACTERS_PER_TOKEN = 3.5
"""For ASCII text."""
TOKENS_PER_EXTRA_BYTE = 0.6
"""For each UTF-8 byte beyond one per character: 0.6 tokens for a Cyrillic letter, 1.2 for a Chinese one, 1.8 for an
emoji. Tokenizers of 2023 to 2026 take 0.4 to 0.7, 0.6 to 1.3 and 1 to 3.
"""
IMAGE_TOKENS = 1000
"""For an image in full detail. OpenAI counts 765 to 1,105, Claude up to 1,600, Gemini 258 per tile."""
SMALL_IMAGE_TOKENS = 100
"""For an image with `detail: low`."""


def estimate_text(text: str) -> float:
    """Estimate the tokens of a text."""
    if text.isascii():
        return len(text) / CHARACTERS_PER_TOKEN
    ascii_size = len(text.encode("ascii", "ignore"))
    extra = len(text.encode("utf-8", "surrogatepass")) - len(text)
    return ascii_size / CHARACTERS_PER_TOKEN + extra * TOKENS_PER_EXTRA_BYTE


def estimate_block(block: dict[str, Any]) -> float:
    """Estimate the tokens of one content part; the size of an image's data or URL does not matter."""
    match block:
        case {"type": "text", "text": str(text)} | {"type": "refusal", "refusal": str(text)}:
            return estimate_text(text)
        case {"type": "image_url", "image_url": dict(image)} | {"type": "image_file", "image_file": dict(image)}:
            return SMALL_IMAGE_TOKENS if image.get("detail") == "low" else IMAGE_TOKENS
        case _:
            return estimate_text(str(block))
