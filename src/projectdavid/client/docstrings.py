"""What a docstring says of a function and of its parameters (Google style)."""

import re
from dataclasses import dataclass

_ARGUMENTS = re.compile(r"(?:Args|Arguments|Parameters):\s*")
_PARAMETER = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")


@dataclass(frozen=True, slots=True)
class Description:
    """The first paragraph, and the text of each parameter."""

    summary: str
    parameters: dict[str, str]


def described(docstring: str) -> Description:
    """Read a docstring that `inspect.getdoc` has cleaned of its indentation."""
    lines = docstring.splitlines()
    start = next((number for number, line in enumerate(lines) if _ARGUMENTS.fullmatch(line)), len(lines))
    before = "\n".join(lines[:start]).strip()
    summary = " ".join(re.split(r"\n\s*\n", before)[0].split())
    return Description(summary, _parameters(lines[start + 1 :]))


def _parameters(lines: list[str]) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    margin: int | None = None
    current: list[str] = []
    for line in lines:
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        if indent == 0:
            break
        margin = indent if margin is None else margin
        match = _PARAMETER.fullmatch(line.strip()) if indent <= margin else None
        if match:
            current = texts.setdefault(match[1], [])
            current.append(match[2].strip())
        else:
            current.append(line.strip())
    return {name: " ".join(part for part in parts if part) for name, parts in texts.items()}
