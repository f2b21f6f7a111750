"""Strict URL parser. It rejects URLs that two programs can parse differently, since only one of them connects.

Sources: RFC 3986 (URLs), RFC 952 and 1123 (host names), RFC 3490 and 5891 (international names), and the host parser of
the WHATWG URL standard, which lists the spellings of IPv4 addresses.
"""

import contextlib
import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote

from projectdavid.egress.guard.addresses import Address, canonical
from projectdavid.egress.guard.failures import TargetForbidden, malformed_url

MAX_URL = 8000
"""RFC 9110, section 4.1: the length that every server should support."""

MAX_NAME = 253
"""RFC 1035, section 2.3.4, without the length bytes of the first label and of the root."""

DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"([a-z][a-z0-9+.-]*):(?://([^/?#]*)([^#]*))?.*", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
# No standard of host names allows underscores, but many container names have them.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT = "!$%&'()*+,/:;=?@[]~"


# No repr, which would show the path and the query.
@dataclass(frozen=True, slots=True, repr=False)
class RequestTarget:
    """A parsed URL: `host` is an ASCII name without a trailing dot, or an address in canonical form."""

    scheme: str
    host: str
    port: int
    path: str
    """The path with the query, ready to be sent."""
    address: Address | None
    """The address, if the URL contains one."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port, for the same-origin rule of secret headers (RFC 6454)."""
        return self.scheme, self.host, self.port

    @property
    def where(self) -> str:
        """The part that error messages can show."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self._bracketed}{port}"

    @property
    def entry(self) -> str:
        """The minimal exception in the operator's list that would allow this target."""
        return f"{self._bracketed}:{self.port}"

    @property
    def url(self) -> str:
        """The complete URL without a fragment."""
        return self.where + self.path

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_target(url: str) -> RequestTarget:
    """Parse a URL.

    Raises:
        TargetForbidden: it is not an http or https URL, or it is ambiguous.
    """
    plain(url)
    parts = _URL.fullmatch(url)
    if parts is None:
        raise malformed_url("it is not an absolute URL")
    scheme, authority, path = parts[1].lower(), parts[2], parts[3]
    if scheme not in DEFAULT_PORTS:
        raise TargetForbidden("bad_scheme", "The URL is refused (bad_scheme): only https and http are supported.")
    if not authority:
        raise malformed_url("it has no host")
    if "@" in authority:
        raise malformed_url("it contains a user name or a password, which belong in a header")
    try:
        host, address, given = authority_of(authority)
    except ValueError as error:
        raise malformed_url(str(error)) from None
    port = _port(given, DEFAULT_PORTS[scheme])
    path = path if path.startswith("/") else f"/{path}"
    # Most parsers treat an empty query as no query.
    path = path[:-1] if path.find("?") == len(path) - 1 else path
    return RequestTarget(scheme, host, port, quote(path, safe=_KEPT), address)


def plain(url: str) -> None:
    """Check that a URL contains no characters that some programs drop or interpret differently.

    Raises:
        TargetForbidden: it does.
    """
    if len(url) > MAX_URL:
        raise malformed_url(f"it is longer than {MAX_URL} characters")
    # Browsers and urllib drop tabs and line breaks, and some treat a backslash as a slash.
    if not url.isprintable() or " " in url or "\\" in url:
        raise malformed_url("it contains a space, a backslash or an invisible character, which must be escaped")


def authority_of(text: str) -> tuple[str, Address | None, str | None]:
    """Split `host:port` into the host, its address if it is one, and the port as written.

    Raises:
        ValueError: it is not a host followed by a port.
    """
    parts = _AUTHORITY.fullmatch(text)
    if parts is None:
        raise ValueError("its host is invalid")
    address = _literal(parts[1])
    if address is not None:
        return str(address), address, parts[2]
    return _name(parts[1]), None, parts[2]


def _name(text: str) -> str:
    """Return a host name in ASCII and lower case, without a trailing dot."""
    labels = _ascii(text).removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(".".join(labels)) > MAX_NAME:
        raise ValueError("its host is not a valid name")
    return ".".join(labels)


def _literal(host: str) -> Address | None:
    """Return the address that a host is; None if it is a name."""
    if host.startswith("["):
        # Also rejects zones and percent signs, which IPv6Address would accept.
        if not re.fullmatch(r"[0-9A-Fa-f:.]+", host[1:-1]):
            raise ValueError("its host is not an IPv6 address")
        try:
            return canonical(IPv6Address(host[1:-1]))
        except AddressValueError:
            raise ValueError("its host is not an IPv6 address") from None
    host = _ascii(host).removesuffix(".")
    # "Ends in a number" of the WHATWG standard: inet_aton reads 2130706433, 0177.1 and 0x7f000001 as 127.0.0.1.
    if not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(host)
    except AddressValueError:
        raise ValueError("its host is a number; write an IPv4 address as four decimal numbers") from None


def _ascii(host: str) -> str:
    """Return a host in lower case, with non-ASCII labels in xn-- form."""
    lower = host.lower()
    if lower.isascii():
        return lower
    # Full-width digits, circled letters, other dots, sharp s: parsers map them differently. Uses all of Unicode,
    # because the rules of IDNA 2003 stop at version 3.2.
    folded = unicodedata.normalize("NFKC", host.casefold())
    # Limited to the length of a name: before Python 3.11.1, the codec takes quadratic time.
    if folded == lower and len(lower) <= MAX_NAME and all(_is_letter(character) for character in lower):
        with contextlib.suppress(UnicodeError):
            encoded = lower.encode("idna")
            # The codec drops some invisible characters.
            if encoded.decode("idna") == lower:
                return encoded.decode()
    raise ValueError("its host contains characters that can be mistaken for others; use its xn-- form")


def _is_letter(character: str) -> bool:
    return character in "-." or unicodedata.category(character)[:1] in "LM" or character.isdecimal()


def _port(given: str | None, default: int) -> int:
    if not given:
        return default
    if re.fullmatch("[0-9]{1,5}", given) and 0 < int(given) < 2**16:
        return int(given)
    raise TargetForbidden("bad_port", "The URL is refused (bad_port): its port is not a number from 1 to 65535.")
