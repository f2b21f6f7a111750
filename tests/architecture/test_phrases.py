"""Texts that people read avoid the phrases that CONTRIBUTING.md rules out; `scripts/sentences.py` finds the texts."""

import re
from functools import cache

import pytest

from tests.architecture.modules import load_script

PHRASES = {
    r"somebody|nobody|anybody|everybody|whoever|whomever": "name the user, the client, the server or the writer",
    r"strangers?": "name the untrusted party: the sender, the code, the page",
    r"anew": "again",
    r"meanwhile": "name the event: 'another writer changed it first'",
    r"at the most": "at most",
    r"c[ao]mes? to(?! mind)": "results in",
    r"there (?:is|are) (?-i:none)|(?:it|they|which) (?:is|are) (?-i:none)": "None, empty or invalid",
    r"(?:is|are|was|were) to be": "must be",
    r"told|tells?": "reports, emits, informs, shows",
    r"what (?:it|they|he|she) made|who sends|whose it is": "name the thing or the sender",
    r"g(?:o|oes|oing) on": "continue",
    r"g[ai]ve(?:s|n)? back": "release, close, return",
    r"in (?:its|the|their) (?:own )?words": "in the format of",
    r"(?:mistake|fault|error) of ours|failed by a fault": "internal error",
    r"however often": "each time, across retries",
    r"side by side": "concurrently",
    r"what (?:becomes|became) of|becomes? of it": "the outcome of",
    r"(?<!there )is no (?!longer|more than|guarantee)[a-z]+": "is not a",
}
"""What a text must not say, and what it says instead."""
CODE = re.compile(r"`[^`\n]*`|\b[a-z]+_[a-z_]+\b")
"""Names in texts, which are those of the code and of the wire."""


@cache
def _texts() -> list[tuple[str, str]]:
    return [
        (text.place, " ".join(CODE.sub("`", text.content).split())) for text in load_script("sentences").list_texts()
    ]


def _find(phrase: str) -> list[str]:
    pattern = re.compile(rf".{{0,40}}\b(?:{phrase})\b.{{0,40}}", re.IGNORECASE)
    return [f"{place} {found[0]}" for place, text in _texts() for found in pattern.finditer(text)]


@pytest.mark.parametrize("phrase", PHRASES)
def test_no_text_uses_a_phrase_that_is_ruled_out(phrase: str) -> None:
    assert _find(phrase) == [], f"write instead: {PHRASES[phrase]}"


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It tells the client.", r"told|tells?"),
        ("The size is no number.", r"(?<!there )is no (?!longer|more than|guarantee)[a-z]+"),
        ("Retry at the most twice.", r"at the most"),
    ],
)
def test_phrases_are_found_in_sentences(text: str, phrase: str) -> None:
    assert phrase in PHRASES
    assert re.search(rf"\b(?:{phrase})\b", text, re.IGNORECASE)


def test_a_draw_of_sentences_can_be_repeated() -> None:
    sentences = load_script("sentences")
    texts = [one for text in sentences.list_texts() for one in sentences.split_sentences(text.content)]
    assert len(texts) > 5000
    assert sentences.split_sentences("Return the open run of a thread. None. See `find_run` and the other ones.") == [
        "Return the open run of a thread.",
        "See `find_run` and the other ones.",
    ]
