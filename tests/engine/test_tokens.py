"""Estimates of tokens: what text in each script, and what an image, takes at least and at most."""

import pytest

from projectdavid.engine.prompt import PromptMessage, estimate
from projectdavid.engine.tokens import IMAGE_TOKENS, SMALL_IMAGE_TOKENS, estimate_text

TEXTS = {
    "English": ("The warranty lasts two years from the day of purchase. ", 8, 20),
    "German": ("Die Garantie läuft zwei Jahre ab dem Tag des Kaufs. ", 10, 24),
    "Russian": ("Гарантия действует два года. ", 6, 22),
    "Arabic": ("يستمر الضمان لمدة عامين من تاريخ الشراء. ", 10, 34),
    "Chinese": ("东京大学位于日本东京都。", 8, 16),
    "Japanese": ("東京大学は日本の東京都にあります。", 10, 22),
    "Korean": ("보증은 구매일로부터 2년간 지속됩니다. ", 10, 26),
    "emoji": ("😀🎉🚀❤️🐍", 5, 18),
}
"""A sentence, and how many tokens tokenizers of today take for it, from the thriftiest to the most wasteful."""


@pytest.mark.parametrize("script", TEXTS)
def test_a_sentence_is_estimated_as_tokenizers_count_it(script: str) -> None:
    text, least, most = TEXTS[script]
    assert least * 100 <= estimate_text(text * 100) <= most * 100


@pytest.mark.parametrize(
    ("image", "tokens"),
    [
        ({"url": "https://a.example/b.png"}, IMAGE_TOKENS),
        ({"url": "data:image/png;base64," + "A" * 3_000_000}, IMAGE_TOKENS),
        ({"url": "data:image/png;base64,AAAA", "detail": "low"}, SMALL_IMAGE_TOKENS),
    ],
)
def test_an_image_counts_as_an_image_and_not_as_its_bytes(image: dict[str, str], tokens: int) -> None:
    message = PromptMessage("user", [{"type": "text", "text": ""}, {"type": "image_url", "image_url": image}])
    assert tokens <= estimate(message) <= tokens + 10


def test_half_a_surrogate_pair_can_be_estimated() -> None:
    assert estimate_text("\ud83d") > 0
