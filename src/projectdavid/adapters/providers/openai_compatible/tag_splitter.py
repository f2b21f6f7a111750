"""Split text in which a server left reasoning, or calls of functions, between tags.

Servers without a parser for a model's template hand its tags on as text: `<think>` of DeepSeek R1, QwQ and Qwen 3,
`[THINK]` of Magistral, `<tool_call>` of Hermes and Qwen.
"""

from collections.abc import Iterator
from enum import Enum

REASONING_TAGS = (("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]"))
"""Opening and closing tags of reasoning; an answer can only begin with one."""
CALL_TAG = ("<tool_call>", "</tool_call>")


class TextKind(Enum):
    """What a piece of text is."""

    TEXT = "text"
    REASONING = "reasoning"
    CALL = "call"
    """The inside of a whole `<tool_call>`."""


class TagSplitter:
    """Takes text as it comes, and returns pieces as soon as it is certain what they are.

    `calls` says whether functions were offered: without them, `<tool_call>` is text like any other.
    """

    def __init__(self, *, calls: bool) -> None:
        self._calls = calls
        self._held = ""
        self._began = False
        self._closing = ""
        self._kind = TextKind.TEXT
        self._trims = False
        """True after a tag: white space that follows belongs to neither side."""

    @property
    def idle(self) -> bool:
        """True once all that follows is plain text, so that nothing needs to be split any more."""
        return self._began and not self._calls and not self._closing and not self._held

    def feed(self, text: str) -> list[tuple[TextKind, str]]:
        """Take in text; returns what is certain by now, without empty pieces."""
        self._held += text.lstrip() if self._trims and not self._held else text
        return [(kind, piece) for kind, piece in self._pieces() if piece]

    def end(self) -> list[tuple[TextKind, str]]:
        """Return what was held back: nothing follows that could make it something else."""
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
                        yield self._kind, self._without_start_of(self._closing)
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
                    yield TextKind.TEXT, self._without_start_of(CALL_TAG[0])
                    return
                yield TextKind.TEXT, before if before.strip() else ""
                self._kind, self._closing, self._held = TextKind.CALL, CALL_TAG[1], after

    def _find_reasoning(self) -> bool:
        """Look for an opening tag at the beginning of the answer; False while more text is needed to decide."""
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

    def _without_start_of(self, tag: str) -> str:
        """Take what is held, but for an end of it that could be the beginning of a tag."""
        held = self._held
        size = next((n for n in range(min(len(tag) - 1, len(held)), 0, -1) if held.endswith(tag[:n])), 0)
        self._held = held[len(held) - size :]
        return held[: len(held) - size]
