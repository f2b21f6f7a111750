"""Splits text that contains reasoning or function calls between tags.

Servers without a parser for a model's template pass its tags through as text: `<think>` of DeepSeek R1, QwQ and Qwen 3,
`[THINK]` of Magistral, `<tool_call>` of Hermes and Qwen.
"""

import re
from collections.abc import Collection, Iterator
from enum import Enum

from projectdavid.adapters.providers.openai_compatible.call_text import CALL_TAGS

THINK = ("<think>", "</think>")
REASONING_TAGS = (
    THINK,
    *((f"<{name}>", f"</{name}>") for name in ("thinking", "thought", "reasoning", "reason", "seed:think")),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
)
"""Opening and closing tags of reasoning, which is only recognized at the beginning of an answer."""
_BARE_CALL = re.compile(r'\{"(?:type":"function"|(?:name|function)":"([\w.:-]*)(")?)')
"""Beginning, without white space, of an answer that can be a call in JSON without tags (Llama 3)."""
_BARE_PREFIXES = ('{"type":"function"', '{"name":"', '{"function":"')
_HEAD = 200
"""Characters of an answer that are compared with these."""
_Tag = tuple[str, str]


class TextKind(Enum):
    """The kind of a piece of text."""

    TEXT = "text"
    REASONING = "reasoning"
    CALL = "call"
    """Calls with their tags, or a whole answer that can be a call."""


class TagSplitter:
    """Splits text incrementally: returns each piece as soon as its kind is certain.

    `offered`: the names of the functions that were offered; if empty, calls are plain text. `opened`: whether the
    template opens the reasoning in the prompt, so that answers have only its closing tag; None if unknown. If True, an
    answer is held back until that tag. At the end, `opened` says what was found.
    """

    def __init__(self, *, offered: Collection[str], opened: bool | None = False) -> None:
        self.opened = opened
        self._offered = offered
        self._calls = CALL_TAGS if offered else ()
        self._held = ""
        self._began = False
        self._reasoned = False
        self._tag: _Tag | None = None
        """The tag that is open, with its closing tag."""
        self._kind = TextKind.TEXT
        self._is_implied = False
        """True inside reasoning whose opening tag is in the prompt, if there is any."""
        self._trims = False
        """True after a tag: the white space that follows is dropped."""

    @property
    def idle(self) -> bool:
        """True once all remaining text is plain, so no more splitting is needed."""
        return self._began and not self._tag and not self._held and not self._tags()

    def feed(self, text: str) -> list[tuple[TextKind, str]]:
        """Add text; return the pieces whose kind is certain, without empty ones."""
        self._held += text.lstrip() if self._trims and not self._held else text
        return [(kind, piece) for kind, piece in self._pieces() if piece]

    def end(self) -> list[tuple[TextKind, str]]:
        """End the text; return what was held back because it could have been the beginning of a tag or a call."""
        held, self._held = self._held, ""
        if self._is_implied or (self.opened is None and (held or self._began)):
            self.opened = False
        tag, self._tag = self._tag, None
        if tag is None or self._is_implied:
            return [(TextKind.TEXT, held)] if held else []
        if self._kind is TextKind.CALL:
            held = tag[0] + held
        return [(self._kind, held)] if held else []

    def end_reasoning(self) -> None:
        """Record that the server sends the reasoning apart from the text, which therefore contains no tags of it."""
        self.opened, self._reasoned = False, True

    def _pieces(self) -> Iterator[tuple[TextKind, str]]:
        while self._held and (piece := self._next_piece()) is not None:
            yield piece

    def _next_piece(self) -> tuple[TextKind, str] | None:
        """Return the next piece, which can be empty; None while more text is needed to decide."""
        self._trims = False
        if self._tag is not None:
            return self._read_tag(*self._tag)
        return self._read_plain() if self._began else self._read_beginning()

    def _read_tag(self, opening: str, closing: str) -> tuple[TextKind, str] | None:
        inside, found, after = self._held.partition(closing) if closing else (self._held, "", "")
        if found:
            self._tag, self._held, self._trims = None, after.lstrip(), True
            if self._kind is TextKind.CALL:
                return self._kind, f"{opening}{inside}{closing}"
            self._reasoned, self._is_implied = True, False
            return self._kind, inside
        if self._kind is TextKind.CALL or self._is_implied:
            return None
        piece = self._take_certain(closing)
        return (self._kind, piece) if piece else None

    def _read_beginning(self) -> tuple[TextKind, str] | None:
        """Find the tag, or the call without tags, with which an answer begins."""
        start = self._held.lstrip()
        for tag in REASONING_TAGS:
            if start.startswith(tag[0]):
                self.opened = False
                return self._open(tag, TextKind.REASONING, start.removeprefix(tag[0]).lstrip())
        if any(opening.startswith(start) for opening, _ in REASONING_TAGS):
            return None
        if self._offered and (can_be_call := self._can_be_call(start)) is not False:
            if can_be_call is None:
                return None
            self._began = True
            return self._open(("", ""), TextKind.CALL, start)
        if self.opened and not self._reasoned:
            self._is_implied = True
            return self._open(("", THINK[1]), TextKind.REASONING, self._held)
        self._began = True
        return TextKind.TEXT, ""

    def _can_be_call(self, start: str) -> bool | None:
        """Return True if an answer begins as a call of an offered function, None if more text is needed to decide."""
        compact = "".join(start[:_HEAD].split())
        if (begun := _BARE_CALL.match(compact)) is None:
            return None if any(prefix.startswith(compact) for prefix in _BARE_PREFIXES) else False
        if begun[2] or begun[1] is None:
            return begun[1] is None or begun[1] in self._offered
        return None if any(name.startswith(begun[1]) for name in self._offered) else False

    def _read_plain(self) -> tuple[TextKind, str] | None:
        tags = self._tags()
        places = [(place, tag) for tag in tags if (place := self._held.find(tag[0])) >= 0]
        if not places:
            text = self._take_certain(*(opening for opening, _ in tags))
            return (TextKind.TEXT, text) if text else None
        place, tag = min(places)
        before, after = self._held[:place], self._held[place + len(tag[0]) :]
        if tag[0] == THINK[1]:
            self.opened, self._reasoned, self._held = True, True, after
            return TextKind.TEXT, before + tag[0]
        self._open(tag, TextKind.CALL, after)
        return TextKind.TEXT, before if before.strip() else ""

    def _tags(self) -> tuple[_Tag, ...]:
        """Return the tags that matter in plain text: those of calls, and an unmatched `</think>`."""
        return self._calls if self._reasoned or self.opened is not None else (*self._calls, (THINK[1], ""))

    def _open(self, tag: _Tag, kind: TextKind, rest: str) -> tuple[TextKind, str]:
        self._tag, self._kind, self._held = tag, kind, rest
        self._trims = kind is TextKind.REASONING
        return TextKind.TEXT, ""

    def _take_certain(self, *tags: str) -> str:
        """Remove and return the held text, except for a suffix that could be the beginning of a tag."""
        held = self._held
        longest = min(max(map(len, tags), default=0), len(held) + 1) - 1
        firsts = {tag[0] for tag in tags}
        starts = (n for n in range(longest, 0, -1) if held[-n] in firsts)
        size = next((n for n in starts if any(tag.startswith(held[-n:]) for tag in tags)), 0)
        self._held = held[len(held) - size :]
        return held[: len(held) - size]
