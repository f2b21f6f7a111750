"""Reads the code out of the arguments of a call while the model writes them: JSON that comes in parts."""

import json
import re
from dataclasses import dataclass, field

_OPENING = re.compile(r'\s*\{\s*"code"\s*:\s*"')
_LONGEST_OPENING = 64
"""Characters within which the code begins, or the arguments are not those of this tool."""
_WHOLE = re.compile(
    r"(?:[^\"\\]|\\[\"\\/bfnrt]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*"
)
"""What of a string in JSON does not end within a character."""


@dataclass(slots=True)
class CodeReader:
    """Finds the text of `{"code": "..."}`. What is no such JSON it leaves alone; whoever wrote it is told elsewhere."""

    told: int = 0
    """Characters that were found so far."""
    _rest: str = field(default="")
    _inside: bool = False
    _over: bool = False

    def feed(self, part: str) -> str:
        """What a further part of the arguments says of the code."""
        if self._over:
            return ""
        self._rest += part
        if not self._inside and not self._opened():
            return ""
        rest = _WHOLE.sub("", self._rest, count=1)
        text: str = json.loads(f'"{self._rest.removesuffix(rest)}"', strict=False)
        self._rest = rest
        self._over = self._rest.startswith('"') or len(self._rest) >= len("\\ud83d\\ude42")
        self.told += len(text)
        return text

    def _opened(self) -> bool:
        opening = _OPENING.match(self._rest)
        if opening is None:
            self._over = len(self._rest) > _LONGEST_OPENING
            return False
        self._inside, self._rest = True, self._rest[opening.end() :]
        return True
