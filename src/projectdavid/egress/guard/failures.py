"""Why a request failed. Messages never contain more of a URL than its scheme, host and port."""

from dataclasses import dataclass

SETTING = "outbound_allow"
"""Name of the setting with the operator's exceptions."""

LEADS_TO = {
    "benchmarking": "an address for benchmarks",
    "broadcast": "a broadcast address",
    "discard": "nowhere",
    "documentation": "an address for documentation",
    "link_local": "an anycast address",
    "loopback": "this machine",
    "metadata": "a cloud's metadata service",
    "multicast": "a multicast address",
    "own_address": "this machine",
    "private_network": "a private network",
    "reserved": "a reserved address",
    "scoped": "a link-local address",
    "site_local": "a private network",
    "tunnel": "a tunnel",
    "unreadable": "something that is not an address",
    "unspecified": "an unspecified address",
}
"""Descriptions of addresses, by rule."""


class OutboundError(Exception):
    """Base class of the guard's errors.

    OutboundError
    ├── TargetForbidden    a rule forbids the target: a retry changes nothing
    ├── TargetUnreachable  no connection, or it broke
    ├── TimedOut           too slow
    └── AnswerTooLarge     the response exceeds the limit
    """


@dataclass
class TargetForbidden(OutboundError):
    """A rule forbids a target; `rule` is a short code, `message` names the rule and the remedy.

    For URLs: "bad_url", "bad_scheme", "not_https", "bad_port", "bad_header", "redirect". For addresses: the names in
    `addresses.forbidden`.
    """

    rule: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass
class TargetUnreachable(OutboundError):
    """There was no response, or an incomplete one."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where} cannot be reached: {self.reason}."


@dataclass
class TimedOut(OutboundError):
    """There was no response in time; `what` is the step that took too long."""

    where: str
    what: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.where} was too slow: {self.what} took more than {self.seconds:g} seconds."


@dataclass
class AnswerTooLarge(OutboundError):
    """The body of the response exceeds the limit."""

    where: str
    max_bytes: int

    def __str__(self) -> str:
        return f"The response of {self.where} is longer than {self.max_bytes} bytes."


def malformed_url(why: str) -> TargetForbidden:
    """An ambiguous or invalid URL. The message shows none of it, because it can contain secrets."""
    return TargetForbidden("bad_url", f"The URL is refused (bad_url): {why}.")


def leads_to(rule: str, where: str, entry: str) -> TargetForbidden:
    """A target with a forbidden address; `entry` is the exception that would allow it."""
    # Not the address: a caller must not learn names and addresses of an internal network.
    refused = f"{where} is refused ({rule}): it leads to {LEADS_TO[rule]}."
    if rule == "metadata":
        return TargetForbidden(
            rule, f"{refused} Only an entry with its exact address in {SETTING} would allow it, not a name or network."
        )
    return TargetForbidden(rule, f"{refused} To allow it, the operator must add {entry!r} to {SETTING}.")


def bad_port(where: str, entry: str) -> TargetForbidden:
    """A port that is not used by web servers."""
    why = "web servers do not use this port"
    return TargetForbidden(
        "bad_port", f"{where} is refused (bad_port): {why}. To allow it, the operator must add {entry!r} to {SETTING}."
    )


def not_https(where: str) -> TargetForbidden:
    """Plain http, without the operator's permission."""
    why = "use https, or the operator must set outbound_allow_http"
    return TargetForbidden("not_https", f"{where} is refused (not_https): the connection is not encrypted; {why}.")


def bad_redirect(where: str, why: str) -> TargetForbidden:
    """A redirect that is never followed."""
    return TargetForbidden("redirect", f"{where} is refused (redirect): {why}. Use the URL that it redirects to.")


def bad_header(why: str) -> TargetForbidden:
    """A header that cannot be sent."""
    return TargetForbidden("bad_header", f"The request is refused (bad_header): {why}.")
