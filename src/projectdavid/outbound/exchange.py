"""What is asked, what is answered, and what a redirect turns a question into. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from projectdavid.outbound import failures
from projectdavid.outbound.targets import Target, parsed, plain

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""RFC 9110, section 15.4; 300 and 304 name no place to go to."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_OURS = frozenset(
    (
        *("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "upgrade"),
    )
)
"""What decides about the connection, where a message ends and whom it is for (RFC 9110, sections 7.2 and 7.6.1)."""
_HARMLESS = frozenset(("accept", "accept-encoding", "accept-language", "content-type", "user-agent"))
"""All that another origin is sent: whoever invents headers puts keys into them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a server, of any status: names of headers are in lower case, repeated ones joined by commas.

    `url` is where it came from: behind redirects, where these led.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""


# Without a repr, which would show keys.
@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """One request to one target."""

    method: str
    target: Target
    headers: Mapping[str, str]
    body: bytes | None


def sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers to send for those that were given, with names in lower case.

    Raises:
        Forbidden: one breaks the message up, or decides about the connection.
    """
    sent = {"accept": "*/*", "user-agent": "projectdavid"}
    for given, value in headers.items():
        # Neither is shown: what looks like no name may be a value.
        if not _TOKEN.fullmatch(given):
            raise failures.bad_header("the name of a header holds characters that it may not")
        name = given.lower()
        if name in _OURS:
            raise failures.bad_header(f"{name} is not for the caller to set")
        if not _VALUE.fullmatch(value):
            raise failures.bad_header(f"the value of {name} holds a line break or another control character")
        sent[name] = value
    # So that a byte read is a byte of the answer: a small gzip can hold a very large one.
    sent["accept-encoding"] = "identity"
    return sent


def received(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers of an answer by name, without cookies, which are not kept for anybody."""
    joined: dict[str, str] = {}
    for given, value in headers:
        name = given.lower()
        if name == "set-cookie":
            continue
        # What is no UTF-8 came as halves of surrogate pairs, which nobody could write down again.
        text = value.encode(errors="surrogateescape").decode(errors="replace")
        joined[name] = f"{joined[name]}, {text}" if name in joined else text
    return joined


def leads_on(reply: Reply) -> bool:
    """Whether an answer is a redirect."""
    return reply.status in REDIRECTS and "location" in reply.headers


def redirected(asked: Question, reply: Reply) -> Question:
    """What to ask after a redirect; whether its target may be asked is for the policy to say.

    Source: the Fetch standard, section "HTTP-redirect fetch", for methods and bodies.

    Raises:
        Forbidden: it leads nowhere, or from https to http.
    """
    location = reply.headers["location"]
    # Before the join, which drops tabs and line breaks.
    plain(location)
    try:
        url = urljoin(asked.target.url, location)
    except ValueError:
        raise failures.malformed("a redirect leads to what is no URL") from None
    target = parsed(url)
    if asked.target.scheme == "https" and target.scheme != "https":
        raise failures.bad_redirect(asked.target.where, "it leads from https to http")
    turned = replace(asked, target=target)
    if target.origin != asked.target.origin:
        turned = replace(turned, headers={name: asked.headers[name] for name in asked.headers if name in _HARMLESS})
    if reply.status == 303 or (reply.status in (301, 302) and asked.method == "POST"):
        headers = {name: turned.headers[name] for name in turned.headers if not name.startswith("content-")}
        turned = replace(turned, method="GET", headers=headers, body=None)
    return turned
