"""The many ways to write a target that is not meant for strangers, and the few to write one that is."""

import contextlib
import socket
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from projectdavid.egress import EgressGuard, TargetForbidden
from projectdavid.egress.guard.targets import parse_target
from tests.outbound.spellings import FORBIDDEN

guard = EgressGuard(allow_http=True)


@pytest.mark.parametrize(("url", "rule"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_forbidden_target_is_refused_however_it_is_written(url: str, rule: str):
    with pytest.raises(TargetForbidden) as refused:
        guard.check(url)
    assert refused.value.rule == rule
    assert f"({rule})" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.COM:443/A?B#c", "https://example.com/A?B"),
        ("http://example.com.:80", "http://example.com/"),
        ("https://example.com:8443?a=/b?c", "https://example.com:8443/?a=/b?c"),
        ("https://example.com:/x", "https://example.com/x"),
        ("https://8.8.8.8./", "https://8.8.8.8/"),
        ("https://[2606:4700:0:0::1]:8443/", "https://[2606:4700::1]:8443/"),
        ("https://[::ffff:8.8.8.8]/", "https://8.8.8.8/"),
        ("https://my_service.example-1.com/", "https://my_service.example-1.com/"),
        ("https://bücher.example/ä?ö=ü#é", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://例え.example/", "https://xn--r8jz45g.example/"),
        ("https://موقع.example/", "https://xn--4gbrim.example/"),
        ("https://e.example/a/../b%2Fc%2c?sig=a%2Bb+c%zz&d=[1]|'\"", None),
        ("https://localhost.example.com/", "https://localhost.example.com/"),
        ("https://notlocalhost/", "https://notlocalhost/"),
        ("https://127.0.0.1.example.com/", "https://127.0.0.1.example.com/"),
        ("https://0x7f.example/", "https://0x7f.example/"),
    ],
)
def test_a_public_target_is_admitted_and_sent_as_it_was_given(url: str, sent: str | None):
    guard.check(url)
    assert parse_target(url).url == (sent or "https://e.example/a/../b%2Fc%2c?sig=a%2Bb+c%zz&d=[1]%7C'%22")


@pytest.mark.parametrize("port", [1024, 1337, 3000, 5678, 8000, 8080, 8443, 65535])
def test_a_usual_port_above_the_low_ones_is_admitted(port: int):
    guard.check(f"https://example.com:{port}/")


def test_plain_http_and_its_port_are_refused_unless_the_operator_allows_them():
    strict = EgressGuard()
    strict.check("https://example.com/")
    for url, rule in {"http://example.com/": "not_https", "https://example.com:80/": "bad_port"}.items():
        guard.check(url)
        with pytest.raises(TargetForbidden) as refused:
            strict.check(url)
        assert refused.value.rule == rule


def test_the_operator_may_choose_the_ports():
    few = EgressGuard(ports={443, 25})
    few.check("https://example.com/")
    few.check("https://example.com:25/")
    with pytest.raises(TargetForbidden, match="bad_port"):
        few.check("https://example.com:8443/")


def test_the_own_address_of_the_machine_is_refused():
    with pytest.raises(TargetForbidden) as refused:
        EgressGuard(own_addresses=["::ffff:8.8.8.8"]).check("https://8.8.8.8/")
    assert refused.value.rule == "own_address"


_pieces = st.sampled_from(["0x", "0", "00", "1", "7f", "127", "177", "255", "256", "2130706433", "f"])


@given(host=st.lists(_pieces, min_size=1, max_size=6).map(".".join) | st.lists(_pieces, max_size=3).map("".join))
@example("127.0.0.1")
def test_what_inet_aton_takes_for_an_address_is_refused_or_judged_as_that_address(host: str):
    with contextlib.suppress(OSError):
        meant = socket.inet_ntoa(struct.pack("!I", int.from_bytes(socket.inet_aton(host))))
        with contextlib.suppress(TargetForbidden):
            assert parse_target(f"http://{host}/").host == meant


_alphabet = "abxX01279fF.:[]%/@?#&\\-_ \t~!$'()*+,;=|^`\"äßİſ１①。\uff0e\u00ad\u200b\ufe0f٣例"


@given(url=st.text(_alphabet, max_size=30).map("http://{}".format) | st.text())
@example("http://a?@b")
@example("http://a?")
@example("http://a/b??")
@example("http://a#@b/")
@example("http://a/@b")
def test_what_is_admitted_is_read_by_the_client_as_it_was_judged(url: str):
    try:
        target = parse_target(url)
    except TargetForbidden:
        return
    read = URL(target.url, encoded=True)
    assert (read.scheme, read.raw_host, read.port) == target.origin
    assert (read.raw_path_qs, read.user, read.password, read.raw_fragment) == (target.path, None, None, "")
    assert parse_target(target.url).url == target.url
    assert target.url.isascii()
    assert " " not in target.url
