"""Which addresses are forbidden, by which rule, and that their neighbours are not."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid.egress.guard.addresses import canonical, forbidden

RANGES = [
    ("unspecified", "0.0.0.0", "0.255.255.255"),
    ("private_network", "10.0.0.0", "10.255.255.255"),
    ("private_network", "100.64.0.0", "100.127.255.255"),
    ("loopback", "127.0.0.0", "127.255.255.255"),
    ("link_local", "169.254.0.0", "169.254.255.255"),
    ("private_network", "172.16.0.0", "172.31.255.255"),
    ("reserved", "192.0.0.0", "192.0.0.255"),
    ("documentation", "192.0.2.0", "192.0.2.255"),
    ("reserved", "192.88.99.0", "192.88.99.255"),
    ("private_network", "192.168.0.0", "192.168.255.255"),
    ("benchmarking", "198.18.0.0", "198.19.255.255"),
    ("documentation", "198.51.100.0", "198.51.100.255"),
    ("documentation", "203.0.113.0", "203.0.113.255"),
    ("multicast", "224.0.0.0", "239.255.255.255"),
    ("reserved", "240.0.0.0", "255.255.255.254"),
    ("broadcast", "255.255.255.255", "255.255.255.255"),
    ("metadata", "169.254.169.254", "169.254.169.254"),
    ("metadata", "169.254.170.2", "169.254.170.23"),
    ("metadata", "169.254.42.42", "169.254.42.42"),
    ("metadata", "169.254.0.23", "169.254.0.23"),
    ("metadata", "100.100.100.200", "100.100.100.200"),
    ("metadata", "168.63.129.16", "168.63.129.16"),
    ("metadata", "192.0.0.192", "192.0.0.192"),
    ("unspecified", "::", "::"),
    ("loopback", "::1", "::1"),
    ("reserved", "::808:808", "::808:808"),
    ("reserved", "::1:0:0", "::fffe:ffff:ffff"),
    ("reserved", "::ffff:0:808:808", "::ffff:0:808:808"),
    ("private_network", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("discard", "100::", "100::ffff:ffff:ffff:ffff"),
    ("reserved", "100:0:0:1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("tunnel", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("reserved", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("benchmarking", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
    ("documentation", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("documentation", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("reserved", "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("reserved", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("private_network", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("metadata", "fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("metadata", "fd20:ce::254", "fd20:ce::254"),
    ("metadata", "fd00:c1::a9fe:a9fe", "fd00:c1::a9fe:a9fe"),
    ("metadata", "fd00:42::42", "fd00:42::42"),
    ("metadata", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe"),
    ("link_local", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("site_local", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("multicast", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
]
"""Written down again, and not taken from the code."""

PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "93.184.215.14", "1.0.0.0", "223.255.255.255"),
    *("9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"),
    *("169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.1.255"),
    *("192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"),
    *("198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "168.63.129.15", "168.63.129.17"),
    *("2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2606:4700:4700::1111", "3ffe:ffff::", "3fff:1000::"),
    *("64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8", "2a00::5efe:808:808"),
]

CARRYING = {
    "mapped": lambda v4: IPv6Address(0xFFFF_0000_0000 | v4),
    "NAT64": lambda v4: IPv6Address(0x64_FF9B << 96 | v4),
    "6to4": lambda v4: IPv6Address(0x2002 << 112 | v4 << 80 | 1),
    "ISATAP, private": lambda v4: IPv6Address(0x2A00 << 112 | 0x5EFE << 32 | v4),
    "ISATAP, global": lambda v4: IPv6Address(0x2A00 << 112 | 0x0200_5EFE << 32 | v4),
}


@pytest.mark.parametrize(("rule", "first", "last"), RANGES, ids=lambda part: str(part))
def test_a_special_range_is_forbidden_from_its_first_address_to_its_last(rule: str, first: str, last: str):
    assert (forbidden(first), forbidden(last)) == (rule, rule)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_addresses_beside_a_range_are_allowed(address: str):
    assert forbidden(address) is None


@pytest.mark.parametrize(
    "address", ["fe80::1%eth0", "2606:4700::1%1", "::1%lo", "::ffff:127.0.0.1%1", "64:ff9b::8.8.8.8%2"]
)
def test_an_address_with_a_scope_is_forbidden(address: str):
    assert forbidden(address) == "scoped"


@pytest.mark.parametrize(
    "address", ["", "localhost", "0177.0.0.1", "127.1", "2130706433", "[::1]", "1.2.3.4/32", "::g"]
)
def test_what_is_no_address_is_forbidden(address: str):
    assert forbidden(address) == "unreadable"


@pytest.mark.parametrize("address", ["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"])
def test_the_addresses_of_this_machine_are_forbidden_in_every_form(address: str):
    assert forbidden(address, own=[canonical("8.8.8.8")]) == "own_address"


def test_the_own_address_may_be_an_ipv6_address():
    assert forbidden("2606:4700:0::1", own=[canonical("2606:4700::1")]) == "own_address"


@pytest.mark.parametrize("carrying", CARRYING.values(), ids=CARRYING.keys())
@given(v4=st.ip_addresses(v=4) | st.sampled_from([ip_address(first) for _, first, _ in RANGES if "." in first]))
def test_an_ipv4_address_inside_an_ipv6_address_is_judged_as_itself(carrying, v4: IPv4Address):
    assert forbidden(carrying(int(v4))) == forbidden(v4)


@given(v4=st.ip_addresses(v=4))
def test_no_ipv4_compatible_and_no_teredo_address_is_allowed(v4: IPv4Address):
    assert forbidden(IPv6Address(int(v4)))
    assert forbidden(IPv6Address(0x2001 << 112 | int(v4) << 64 | (int(v4) ^ 0xFFFF_FFFF))) == "tunnel"


@given(v4=st.ip_addresses(v=4))
def test_what_the_standard_library_calls_not_global_is_forbidden(v4: IPv4Address):
    if not v4.is_global or v4.is_multicast or v4.is_reserved:
        assert forbidden(v4)


@given(v6=st.ip_addresses(v=6))
def test_what_the_standard_library_calls_not_global_is_forbidden_in_ipv6_too(v6: IPv6Address):
    carries = v6.ipv4_mapped is not None or v6.sixtofour is not None
    if not carries and (not v6.is_global or v6.is_multicast or v6.is_site_local):
        assert forbidden(v6)


@given(v6=st.ip_addresses(v=6))
def test_an_address_is_judged_by_what_it_is_and_not_by_how_it_is_written(v6: IPv6Address):
    rule = forbidden(v6)
    assert {forbidden(str(v6)), forbidden(v6.exploded), forbidden(str(v6).upper())} == {rule}
    assert forbidden(socket.inet_ntop(socket.AF_INET6, v6.packed)) == rule
