"""Why a request did not come to an end. No message holds more of a URL than its scheme, its host and its port."""

from dataclasses import dataclass

SETTING = "outbound_allow"
"""What the operator's list of exceptions is called in the settings."""

LEADS_TO = {
    "benchmarking": "an address for measurements",
    "broadcast": "all machines of a network",
    "discard": "nowhere",
    "documentation": "an address for examples",
    "link_local": "the nearest network",
    "loopback": "the machine of the platform itself",
    "metadata": "a cloud's metadata service",
    "multicast": "many machines at once",
    "own_address": "the machine of the platform itself",
    "private_network": "a private network",
    "reserved": "a reserved address",
    "scoped": "an address of one network interface",
    "site_local": "a private network",
    "tunnel": "a tunnel",
    "unreadable": "something that is no address",
    "unspecified": "no particular machine",
}
"""What an address of each rule is, in words."""


class OutboundError(Exception):
    """Everything that the guard may raise.

    OutboundError
    ├── Forbidden    a rule refuses the target: asking again changes nothing
    ├── Unreachable  no connection, or one that broke off
    ├── TimedOut     too slow
    └── TooLarge     the answer is longer than it may be
    """


@dataclass
class Forbidden(OutboundError):
    """A rule refuses a target; `rule` is a short code, `message` says which one it was and what helps.

    Of a URL: "bad_url", "bad_scheme", "not_https", "bad_port", "bad_header", "redirect". Of an address: what
    `addresses.forbidden` names.
    """

    rule: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass
class Unreachable(OutboundError):
    """There was no answer, or no whole one."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where} cannot be reached: {self.reason}."


@dataclass
class TimedOut(OutboundError):
    """There was no answer in time; `what` is what took too long."""

    where: str
    what: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.where} was too slow: {self.what} took more than {self.seconds:g} seconds."


@dataclass
class TooLarge(OutboundError):
    """The body of the answer is longer than it may be."""

    where: str
    max_bytes: int

    def __str__(self) -> str:
        return f"The answer of {self.where} is longer than {self.max_bytes} bytes."


def malformed(why: str) -> Forbidden:
    """A URL that does not say clearly where it leads; nothing of it is shown, for nobody knows what it holds."""
    return Forbidden("bad_url", f"The URL is refused (bad_url): {why}.")


def leads_to(rule: str, where: str, entry: str) -> Forbidden:
    """A target whose address is forbidden; `entry` is what would allow it."""
    # Not the address itself: who asks shall not read the names and numbers of an internal network from it.
    refused = f"{where} is refused ({rule}): it leads to {LEADS_TO[rule]}."
    if rule == "metadata":
        return Forbidden(rule, f"{refused} Only its very address in {SETTING} would allow it, no name and no network.")
    return Forbidden(rule, f"{refused} If it is meant, the operator adds {entry!r} to {SETTING}.")


def bad_port(where: str, entry: str) -> Forbidden:
    """A port that no web server is expected at."""
    why = "no web server is expected at this port"
    return Forbidden(
        "bad_port", f"{where} is refused (bad_port): {why}. If it is meant, the operator adds {entry!r} to {SETTING}."
    )


def not_https(where: str) -> Forbidden:
    """Plain http, where the operator has not allowed it."""
    why = "use https, or the operator sets outbound_allow_http"
    return Forbidden("not_https", f"{where} is refused (not_https): everybody on the way could read it; {why}.")


def bad_redirect(where: str, why: str) -> Forbidden:
    """A redirect that is not followed, whatever its target is."""
    return Forbidden("redirect", f"{where} is refused (redirect): {why}. Give the URL that it ends at.")


def bad_header(why: str) -> Forbidden:
    """A header that cannot be sent."""
    return Forbidden("bad_header", f"The request is refused (bad_header): {why}.")
