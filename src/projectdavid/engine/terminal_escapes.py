"""Terminal escape sequences in texts that are not shown by a terminal. Source: ECMA-48."""

import re

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,1000}(?:\x07|\x1b\\)|[@-Z\\-_])")


def strip_escapes(text: str) -> str:
    """Return a text without complete escape sequences: colors, titles, links and others."""
    return _SEQUENCE.sub("", text) if "\x1b" in text else text
