"""Parses robots.txt (RFC 9309), at a cost that its author cannot increase."""

import re

from protego import Protego

LONGEST = 500 << 10
"""Bytes that are read; RFC 9309, section 2.5, requires no more."""
OTHER = "User-agent: other"
_AGENT = re.compile(r"\s*user[- ]?agent[:\s]([^#]*)", re.IGNORECASE)


def rules_of(body: bytes, agent: str) -> Protego:
    """Return the rules of a robots.txt for one agent."""
    lines = body[:LONGEST].decode("utf-8-sig", errors="replace").splitlines()
    return Protego.parse("\n".join(_ours(line, agent) for line in lines))


def _ours(line: str, agent: str) -> str:
    """Replace the names of other agents by one, so each rule is stored once and not for every agent of its group."""
    found = _AGENT.match(line)
    if found is None or found[1].strip(" \t:*").lower() in ("", agent):
        return line
    return OTHER
