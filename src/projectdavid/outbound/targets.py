"""Read a URL strictly: what two programs might read differently is refused, for one of them is the one that connects.

Sources: RFC 3986 (URLs), RFC 952 and 1123 (host names), RFC 3490 and 5891 (international names), and the host parser
of the WHATWG URL standard, which says which spellings mean an IPv4 address.
"""

import contextlib
import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote

from projectdavid.outbound.addresses import Address, canonical
from projectdavid.outbound.failures import Forbidden, malformed

MAX_URL = 8000
"""RFC 9110, section 4.1: what every server should take."""

MAX_NAME = 253
"""RFC 1035, section 2.3.4, without the lengths of the first label and of the root."""

DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"([a-z][a-z0-9+.-]*):(?://([^/?#]*)([^#]*))?.*", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
# The underscore is in no standard of host names, but in the names of many containers.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT = "!$%&'()*+,/:;=?@[]~"


# Without a repr, which would show the path and the query.
@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """Where a URL leads: `host` is a name in ASCII without a trailing dot, or an address as everybody writes it."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query, ready to be sent."""
    address: Address | None
    """The address that the URL itself gives."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a header with a secret may be sent to again (RFC 6454)."""
        return self.scheme, self.host, self.port

    @property
    def where(self) -> str:
        """What may be shown of it."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self._bracketed}{port}"

    @property
    def entry(self) -> str:
        """The entry in the operator's list that would allow this and nothing else."""
        return f"{self._bracketed}:{self.port}"

    @property
    def url(self) -> str:
        """All of it, without a fragment."""
        return self.where + self.path

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def parsed(url: str) -> Target:
    """Where a URL leads.

    Raises:
        Forbidden: it is no http or https URL, or it does not say clearly where it leads.
    """
    plain(url)
    parts = _URL.fullmatch(url)
    if parts is None:
        raise malformed("it is no absolute URL")
    scheme, authority, path = parts[1].lower(), parts[2], parts[3]
    if scheme not in DEFAULT_PORTS:
        raise Forbidden("bad_scheme", "The URL is refused (bad_scheme): only https and http are spoken.")
    if not authority:
        raise malformed("it names no host")
    if "@" in authority:
        raise malformed("it holds a user name or a password, which belong into a header")
    try:
        host, address, given = authority_of(authority)
    except ValueError as error:
        raise malformed(str(error)) from None
    port = _port(given, DEFAULT_PORTS[scheme])
    path = path if path.startswith("/") else f"/{path}"
    # An empty query is none to most who read a URL.
    path = path[:-1] if path.find("?") == len(path) - 1 else path
    return Target(scheme, host, port, quote(path, safe=_KEPT), address)


def plain(url: str) -> None:
    """See that a URL holds nothing that some programs drop or take for something else.

    Raises:
        Forbidden: it does.
    """
    if len(url) > MAX_URL:
        raise malformed(f"it is longer than {MAX_URL} characters")
    # Browsers and urllib drop tabs and line breaks, and a backslash is a slash to some.
    if not url.isprintable() or " " in url or "\\" in url:
        raise malformed("it holds a space, a backslash or an invisible character, which would have to be escaped")


def authority_of(text: str) -> tuple[str, Address | None, str | None]:
    """The host of `host:port`, its address if it is one, and the port as it is written.

    Raises:
        ValueError: it is no host with a port behind it.
    """
    parts = _AUTHORITY.fullmatch(text)
    if parts is None:
        raise ValueError("its host is none")
    address = _literal(parts[1])
    if address is not None:
        return str(address), address, parts[2]
    return _name(parts[1]), None, parts[2]


def _name(text: str) -> str:
    """A host name in ASCII, in lower case, without the dot that may end it."""
    labels = _ascii(text).removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(".".join(labels)) > MAX_NAME:
        raise ValueError("its host is no name")
    return ".".join(labels)


def _literal(host: str) -> Address | None:
    """The address that a host is; None if it is a name."""
    if host.startswith("["):
        # Zones and percent signs are refused with it: IPv6Address would take them.
        if not re.fullmatch(r"[0-9A-Fa-f:.]+", host[1:-1]):
            raise ValueError("its host is no IPv6 address")
        try:
            return canonical(IPv6Address(host[1:-1]))
        except AddressValueError:
            raise ValueError("its host is no IPv6 address") from None
    host = _ascii(host).removesuffix(".")
    # "Ends in a number" of the WHATWG standard: 2130706433, 0177.1 and 0x7f000001 are 127.0.0.1 to inet_aton.
    if not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(host)
    except AddressValueError:
        raise ValueError("its host is a number, and not an address as four decimal numbers") from None


def _ascii(host: str) -> str:
    """A host in lower case, and what is not ASCII in it in its xn-- form."""
    lower = host.lower()
    if lower.isascii():
        return lower
    # Full-width digits, letters in circles, other dots, a sharp s: readers disagree about what they stand for.
    # By the whole of Unicode, because the rules of international names stopped at its version 3.2.
    folded = unicodedata.normalize("NFKC", host.casefold())
    # Not longer than a name: the codec takes quadratic time before Python 3.11.1.
    if folded == lower and len(lower) <= MAX_NAME and all(_is_letter(character) for character in lower):
        with contextlib.suppress(UnicodeError):
            encoded = lower.encode("idna")
            # The codec drops some invisible marks.
            if encoded.decode("idna") == lower:
                return encoded.decode()
    raise ValueError("its host holds characters that can be read as others; write it in its xn-- form")


def _is_letter(character: str) -> bool:
    return character in "-." or unicodedata.category(character)[:1] in "LM" or character.isdecimal()


def _port(given: str | None, default: int) -> int:
    if not given:
        return default
    if re.fullmatch("[0-9]{1,5}", given) and 0 < int(given) < 2**16:
        return int(given)
    raise Forbidden("bad_port", "The URL is refused (bad_port): its port is no number from 1 to 65535.")
