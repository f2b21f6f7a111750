"""Extracts the code from the streamed arguments of a call: partial JSON."""

import json
import re
from dataclasses import dataclass, field

_OPENING = re.compile(r'\s*\{\s*"code"\s*:\s*"')
_LONGEST_OPENING = 64
"""Number of characters within which the code must start; otherwise the arguments are not those of this tool."""
_WHOLE = re.compile(
    r"(?:[^\"\\]|\\[\"\\/bfnrt]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*"
)
"""The end of a JSON string that is not within an escape."""


@dataclass(slots=True)
class CodeReader:
    """Finds the text of `{"code": "..."}`. Other JSON is ignored; the model receives an error elsewhere."""

    told: int = 0
    """Number of characters found so far."""
    _rest: str = field(default="")
    _inside: bool = False
    _over: bool = False

    def feed(self, part: str) -> str:
        """Add arguments, and return the code in them."""
        if self._over:
            return ""
        self._rest += part
        if not self._inside and not self._find_opening():
            return ""
        rest = _WHOLE.sub("", self._rest, count=1)
        text: str = json.loads(f'"{self._rest.removesuffix(rest)}"', strict=False)
        self._rest = rest
        self._over = self._rest.startswith('"') or len(self._rest) >= len("\\ud83d\\ude42")
        self.told += len(text)
        return text

    def _find_opening(self) -> bool:
        opening = _OPENING.match(self._rest)
        if opening is None:
            self._over = len(self._rest) > _LONGEST_OPENING
            return False
        self._inside, self._rest = True, self._rest[opening.end() :]
        return True
