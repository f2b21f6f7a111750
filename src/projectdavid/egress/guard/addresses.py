"""IP addresses that requests for users must not reach, with the rule for each. Pure.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190); each range names its RFC. An
IPv6 address with an embedded IPv4 address is judged by the latter, because a translator or tunnel would connect there.
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_V4 = tuple(
    (IPv4Network(network), rule)
    for network, rule in (
        ("168.63.129.16/32", "metadata"),  # Azure; a public address otherwise
        ("100.100.100.200/32", "metadata"),  # Alibaba
        ("192.0.0.192/32", "metadata"),  # Oracle, older regions
        ("169.254.169.0/24", "metadata"),  # AWS, Azure, Google and most others at .254; DNS and time next to it
        ("169.254.170.0/24", "metadata"),  # AWS: container credentials
        ("169.254.42.42/32", "metadata"),  # Scaleway
        ("169.254.0.23/32", "metadata"),  # Tencent
        ("0.0.0.0/8", "unspecified"),  # RFC 791: "this network"; Linux treats 0.0.0.0 as itself
        ("127.0.0.0/8", "loopback"),  # RFC 1122
        ("10.0.0.0/8", "private_network"),  # RFC 1918
        ("172.16.0.0/12", "private_network"),  # RFC 1918
        ("192.168.0.0/16", "private_network"),  # RFC 1918
        ("100.64.0.0/10", "private_network"),  # RFC 6598: carrier-grade NAT and many overlay networks
        ("169.254.0.0/16", "link_local"),  # RFC 3927
        ("192.0.0.0/24", "reserved"),  # RFC 6890: protocol assignments
        ("192.0.2.0/24", "documentation"),  # RFC 5737
        ("198.51.100.0/24", "documentation"),  # RFC 5737
        ("203.0.113.0/24", "documentation"),  # RFC 5737
        ("192.88.99.0/24", "reserved"),  # RFC 7526: former 6to4 relays
        ("198.18.0.0/15", "benchmarking"),  # RFC 2544
        ("224.0.0.0/4", "multicast"),  # RFC 5771
        ("255.255.255.255/32", "broadcast"),  # RFC 919
        ("240.0.0.0/4", "reserved"),  # RFC 1112
    )
)
"""The first range that contains an address determines the rule."""

_V6 = tuple(
    (IPv6Network(network), rule)
    for network, rule in (
        ("fd00:ec2::/32", "metadata"),  # AWS
        ("fd20:ce::254/128", "metadata"),  # Google
        ("fd00:c1::a9fe:a9fe/128", "metadata"),  # Oracle
        ("fd00:42::42/128", "metadata"),  # Scaleway
        ("fe80::a9fe:a9fe/128", "metadata"),  # OpenStack
        ("::/128", "unspecified"),  # RFC 4291
        ("::1/128", "loopback"),  # RFC 4291
        ("64:ff9b:1::/48", "private_network"),  # RFC 8215: translators within a network
        ("fc00::/7", "private_network"),  # RFC 4193
        ("fe80::/10", "link_local"),  # RFC 4291
        ("fec0::/10", "site_local"),  # RFC 3879
        ("ff00::/8", "multicast"),  # RFC 4291
        ("100::/64", "discard"),  # RFC 6666
        ("2001::/32", "tunnel"),  # RFC 4380: Teredo
        ("2001:2::/48", "benchmarking"),  # RFC 5180
        ("2001::/23", "reserved"),  # RFC 2928: protocol assignments
        ("2001:db8::/32", "documentation"),  # RFC 3849
        ("3fff::/20", "documentation"),  # RFC 9637
    )
)
_GLOBAL = IPv6Network("2000::/3")
"""RFC 4291, section 2.5.4: public addresses are only assigned from this range."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: maps the IPv4 internet for IPv6-only hosts."""
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def forbidden(address: str | Address, *, own: Collection[Address] = ()) -> str | None:
    """Return the name of the rule that forbids an address, or None; "unreadable" if it is not an address.

    Args:
        address: the address to connect to.
        own: the addresses of this machine, in the form of `canonical`.
    """
    try:
        judged = canonical(address)
    except ValueError:
        return "unreadable"
    if judged in own:
        return "own_address"
    if isinstance(judged, IPv4Address):
        return next((rule for network, rule in _V4 if judged in network), None)
    if judged.scope_id is not None:
        return "scoped"
    rule = next((rule for network, rule in _V6 if judged in network), None)
    carried = None if rule else _embedded_ipv4(judged)
    if carried is not None:
        rule = forbidden(carried, own=own)
    if rule is None and judged not in _GLOBAL and judged not in _NAT64:
        return "reserved"
    return rule


def canonical(address: str | Address) -> Address:
    """Return the effective address: every operating system treats ::ffff:127.0.0.1 as 127.0.0.1 (RFC 4291, 2.5.5.2).

    Raises:
        ValueError: it is not an IP address.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None and parsed.scope_id is None:
        return parsed.ipv4_mapped
    return parsed


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address embedded in an IPv6 address, as defined by the standards."""
    if address.sixtofour is not None:  # RFC 3056
        return address.sixtofour
    low = int(address) & 0xFFFF_FFFF
    if address in _NAT64 or address in _COMPATIBLE:  # RFC 6052; RFC 4291, section 2.5.5.1
        return IPv4Address(low)
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:  # RFC 5214, section 6.1
        return IPv4Address(low)
    return None
