"""Splits text that contains reasoning or function calls between tags.

Servers without a parser for a model's template pass its tags through as text: `<think>` of DeepSeek R1, QwQ and Qwen 3,
`[THINK]` of Magistral, `<tool_call>` of Hermes and Qwen.
"""

from collections.abc import Iterator
from enum import Enum

REASONING_TAGS = (("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]"))
"""Opening and closing tags of reasoning, which is only recognized at the beginning of an answer."""
CALL_TAG = ("<tool_call>", "</tool_call>")


class TextKind(Enum):
    """The kind of a piece of text."""

    TEXT = "text"
    REASONING = "reasoning"
    CALL = "call"
    """The content of a complete `<tool_call>`."""


class TagSplitter:
    """Splits text incrementally: returns each piece as soon as its kind is certain.

    `calls`: whether functions were offered; if not, `<tool_call>` is plain text.
    """

    def __init__(self, *, calls: bool) -> None:
        self._calls = calls
        self._held = ""
        self._began = False
        self._closing = ""
        self._kind = TextKind.TEXT
        self._trims = False
        """True after a tag: the white space that follows is dropped."""

    @property
    def idle(self) -> bool:
        """True once all remaining text is plain, so no more splitting is needed."""
        return self._began and not self._calls and not self._closing and not self._held

    def feed(self, text: str) -> list[tuple[TextKind, str]]:
        """Add text; return the pieces whose kind is certain, without empty ones."""
        self._held += text.lstrip() if self._trims and not self._held else text
        return [(kind, piece) for kind, piece in self._pieces() if piece]

    def end(self) -> list[tuple[TextKind, str]]:
        """End the text; return what was held back because it could have been the beginning of a tag or a call."""
        held, self._held = self._held, ""
        kind = self._kind if self._closing else TextKind.TEXT
        return [(kind, held)] if held else []

    def _pieces(self) -> Iterator[tuple[TextKind, str]]:
        while self._held:
            self._trims = False
            if self._closing:
                inside, found, after = self._held.partition(self._closing)
                if not found:
                    if self._kind is TextKind.REASONING:
                        yield self._kind, self._take_certain(self._closing)
                    return
                yield self._kind, inside
                self._closing, self._held, self._trims = "", after.lstrip(), True
            elif not self._began:
                if not self._find_reasoning():
                    return
            elif not self._calls:
                text, self._held = self._held, ""
                yield TextKind.TEXT, text
            else:
                before, found, after = self._held.partition(CALL_TAG[0])
                if not found:
                    yield TextKind.TEXT, self._take_certain(CALL_TAG[0])
                    return
                yield TextKind.TEXT, before if before.strip() else ""
                self._kind, self._closing, self._held = TextKind.CALL, CALL_TAG[1], after

    def _find_reasoning(self) -> bool:
        """Find an opening tag at the beginning of the answer; return False while more text is needed to decide."""
        start = self._held.lstrip()
        for opening, closing in REASONING_TAGS:
            if start.startswith(opening):
                self._kind, self._closing = TextKind.REASONING, closing
                self._held, self._trims = start.removeprefix(opening).lstrip(), True
                return True
        if any(opening.startswith(start) for opening, _ in REASONING_TAGS):
            return False
        self._began = True
        return True

    def _take_certain(self, tag: str) -> str:
        """Remove and return the held text, except for a suffix that could be the beginning of `tag`."""
        held = self._held
        size = next((n for n in range(min(len(tag) - 1, len(held)), 0, -1) if held.endswith(tag[:n])), 0)
        self._held = held[len(held) - size :]
        return held[: len(held) - size]
