"""Requests, responses, and the request that follows a redirect. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from projectdavid.egress.guard import failures
from projectdavid.egress.guard.targets import RequestTarget, parse_target, plain

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""RFC 9110, section 15.4; 300 and 304 have no target."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_OURS = frozenset(
    (
        *("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "upgrade"),
    )
)
"""Headers of the connection, framing and target (RFC 9110, sections 7.2 and 7.6.1)."""
_HARMLESS = frozenset(("accept", "accept-encoding", "accept-language", "content-type", "user-agent"))
"""Headers that are sent to another origin; unknown ones can contain keys."""


@dataclass(frozen=True, slots=True)
class GuardedReply:
    """The response of a server, of any status. Header names are in lower case, repeated headers joined by commas.

    `url` is the final URL after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""


# No repr, which could show keys.
@dataclass(frozen=True, slots=True, repr=False)
class GuardedRequest:
    """One request to one target."""

    method: str
    target: RequestTarget
    headers: Mapping[str, str]
    body: bytes | None


def sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers to send, with names in lower case.

    Raises:
        TargetForbidden: one is malformed, or belongs to the connection.
    """
    sent = {"accept": "*/*", "user-agent": "projectdavid"}
    for given, value in headers.items():
        # Neither is shown: an invalid name can be a misplaced value.
        if not _TOKEN.fullmatch(given):
            raise failures.bad_header("the name of a header contains invalid characters")
        name = given.lower()
        if name in _OURS:
            raise failures.bad_header(f"{name} cannot be set by the caller")
        if not _VALUE.fullmatch(value):
            raise failures.bad_header(f"the value of {name} contains a line break or another control character")
        sent[name] = value
    # No compression, so a byte read is a byte of the response: a small gzip can expand to gigabytes.
    sent["accept-encoding"] = "identity"
    return sent


def read_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers of a response by name, without cookies."""
    joined: dict[str, str] = {}
    for given, value in headers:
        name = given.lower()
        if name == "set-cookie":
            continue
        # Bytes that are not UTF-8 arrive as lone surrogates, which cannot be encoded again.
        text = value.encode(errors="surrogateescape").decode(errors="replace")
        joined[name] = f"{joined[name]}, {text}" if name in joined else text
    return joined


def leads_on(reply: GuardedReply) -> bool:
    """Return True if a response is a redirect."""
    return reply.status in REDIRECTS and "location" in reply.headers


def follow_redirect(asked: GuardedRequest, reply: GuardedReply) -> GuardedRequest:
    """Return the request that follows a redirect. The policy then checks its target.

    Source: the Fetch standard, section "HTTP-redirect fetch", for methods and bodies.

    Raises:
        TargetForbidden: it has no valid target, or leads from https to http.
    """
    location = reply.headers["location"]
    # Before the join, which drops tabs and line breaks.
    plain(location)
    try:
        url = urljoin(asked.target.url, location)
    except ValueError:
        raise failures.malformed_url("a redirect leads to an invalid URL") from None
    target = parse_target(url)
    if asked.target.scheme == "https" and target.scheme != "https":
        raise failures.bad_redirect(asked.target.where, "it leads from https to http")
    turned = replace(asked, target=target)
    if target.origin != asked.target.origin:
        turned = replace(turned, headers={name: asked.headers[name] for name in asked.headers if name in _HARMLESS})
    if reply.status == 303 or (reply.status in (301, 302) and asked.method == "POST"):
        headers = {name: turned.headers[name] for name in turned.headers if not name.startswith("content-")}
        turned = replace(turned, method="GET", headers=headers, body=None)
    return turned
