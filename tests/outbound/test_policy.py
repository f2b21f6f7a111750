"""What the operator may except, and how far an exception reaches."""

import pytest

from projectdavid.egress import EgressGuard, TargetForbidden
from tests.outbound.servers import Names

pytestmark = pytest.mark.anyio


def refusal(guard: EgressGuard, url: str) -> TargetForbidden:
    """How a URL is refused."""
    with pytest.raises(TargetForbidden) as refused:
        guard.check(url)
    return refused.value


@pytest.mark.parametrize(
    ("entry", "admitted", "refused"),
    [
        (
            "10.1.0.0/16",
            ["https://10.1.0.0/", "https://10.1.255.255:8080/"],
            ["https://10.2.0.0/", "https://127.0.0.1/"],
        ),
        (
            "10.1.2.3",
            ["https://10.1.2.3/", "https://[::ffff:10.1.2.3]/"],
            ["https://10.1.2.4/", "https://10.1.2.3:25/"],
        ),
        ("10.1.2.3:25", ["https://10.1.2.3:25/"], ["https://10.1.2.3/", "https://10.1.2.4:25/"]),
        ("fd00::/8", ["https://[fd12::1]/"], ["https://[fc00::1]/", "https://[fd00:ec2::254]/"]),
        ("::1", ["https://[::1]/"], ["https://127.0.0.1/", "https://[::]/"]),
        ("[::1]:25", ["https://[::1]:25/"], ["https://[::1]/"]),
        ("127.0.0.0/8", ["https://127.0.0.1/", "https://localhost/"], ["https://[::1]/"]),
        (
            "localhost",
            ["https://localhost/", "https://LOCALHOST.:3000/"],
            ["https://a.localhost/", "https://127.0.0.1/"],
        ),
        ("localhost:25", ["https://localhost:25/"], ["https://localhost/"]),
        ("*.localhost", ["https://a.localhost/", "https://a.b.localhost/"], ["https://localhost/"]),
        (" LocalHost. ", ["https://localhost/"], []),
        (
            "*.corp.example:25",
            ["https://a.corp.example:25/"],
            ["https://corp.example:25/", "https://acorp.example:25/"],
        ),
        (
            "bücher.example:25",
            ["https://xn--bcher-kva.example:25/"],
            ["https://bucher.example:25/", "https://xn--bcher-kva.example:22/"],
        ),
        (
            "0.0.0.0/0",
            ["https://10.0.0.1/", "https://0.0.0.0/"],
            ["https://169.254.169.254/", "https://168.63.129.16/"],
        ),
        ("169.254.169.254", ["https://169.254.169.254/"], ["https://100.100.100.200/", "https://169.254.0.1/"]),
        ("169.254.169.254:443", ["https://169.254.169.254/"], ["https://169.254.169.254:8080/"]),
    ],
)
def test_an_exception_reaches_as_far_as_it_says(entry: str, admitted: list[str], refused: list[str]):
    guard = EgressGuard(allow=[entry])
    for url in admitted:
        guard.check(url)
        assert refusal(EgressGuard(), url)
    for url in refused:
        refusal(guard, url)


def test_an_exception_for_an_address_opens_neither_plain_http_nor_odd_spellings():
    guard = EgressGuard(allow=["127.0.0.1", "localhost"])
    assert refusal(guard, "http://127.0.0.1/").rule == "not_https"
    assert refusal(guard, "https://2130706433/").rule == "bad_url"


def test_an_exception_for_a_network_does_not_open_the_ports_of_its_databases():
    assert refusal(EgressGuard(allow=["10.0.0.0/8"]), "https://10.0.0.1:6379/").rule == "bad_port"


@pytest.mark.parametrize(
    "entry",
    [
        *("", "*", "*.", "*.*.example", "a.*.example", "https://hooks.internal", "hooks.internal/path", "a b"),
        *(
            "hooks.internal:",
            "hooks.internal:0",
            "hooks.internal:65536",
            "hooks.internal:http",
            "me@hooks.internal",
            "hooks.internal:\uff18\uff10",
        ),
        *(
            "10.1.2.3/16",
            "10.1.0.0/33",
            "10.1.0.0/16:80",
            "*.10.1.2.3",
            "127.1",
            "2130706433",
            "fe80::1%eth0x/64",
            "::g",
        ),
    ],
)
def test_an_exception_that_cannot_be_read_is_refused_at_once(entry: str):
    with pytest.raises(ValueError, match="outbound_allow") as refused:
        EgressGuard(allow=["10.0.0.0/8", entry])
    assert repr(entry) in str(refused.value)


def test_an_own_address_that_cannot_be_read_is_refused_at_once():
    with pytest.raises(ValueError, match="eth0"):
        EgressGuard(own_addresses=["eth0"])


@pytest.mark.parametrize(
    ("url", "rule", "remedy"),
    [
        ("https://127.0.0.1/", "loopback", "'127.0.0.1:443' to outbound_allow"),
        ("https://[fd12::1]:8443/", "private_network", "'[fd12::1]:8443' to outbound_allow"),
        ("https://hooks.example:22/", "bad_port", "'hooks.example:22' to outbound_allow"),
        ("http://hooks.example/", "not_https", "outbound_allow_http"),
        ("https://169.254.169.254/", "metadata", "exact address in outbound_allow"),
    ],
)
def test_a_refusal_names_the_rule_and_the_remedy(url: str, rule: str, remedy: str):
    refused = refusal(EgressGuard(), url)
    assert refused.rule == rule
    assert f"({rule})" in refused.message
    assert remedy in refused.message


def test_the_remedy_of_a_refusal_is_the_smallest_that_helps():
    for url in ("https://127.0.0.1/", "https://[fd12::1]:8443/", "https://hooks.example:22/"):
        entry = refusal(EgressGuard(), url).message.split("'")[1]
        EgressGuard(allow=[entry]).check(url)


async def test_the_addresses_of_a_name_are_handed_on_as_everybody_writes_them():
    names = Names(hooks_example=[["8.8.8.8", "::ffff:8.8.4.4", "2606:4700:0:0::1", "8.8.8.8"]])
    judged = await EgressGuard(resolver=names).judge("https://hooks.example/")
    assert judged == ("8.8.8.8", "8.8.4.4", "2606:4700::1")


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("10.0.0.1", "private_network"),
        ("169.254.169.254", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("fe80::1%eth0", "scoped"),
        ("0.0.0.0", "unspecified"),
        ("8.8.4.4", "own_address"),
        ("no address", "unreadable"),
    ],
)
@pytest.mark.parametrize(
    "others", [[], ["8.8.8.8"], ["2606:4700::1", "8.8.8.8"]], ids=["alone", "behind one", "behind two"]
)
async def test_a_name_with_one_forbidden_address_is_refused(answer: str, rule: str, others: list[str]):
    for answers in ([*others, answer], [answer, *others]):
        guard = EgressGuard(resolver=Names(hooks_example=[answers]), own_addresses=["8.8.4.4"])
        with pytest.raises(TargetForbidden) as refused:
            await guard.judge("https://hooks.example/")
        assert refused.value.rule == rule


async def test_a_refusal_does_not_tell_the_addresses_of_an_internal_name():
    guard = EgressGuard(resolver=Names(db_corp_example=[["10.11.12.13"]]))
    with pytest.raises(TargetForbidden) as refused:
        await guard.judge("https://db.corp.example/")
    assert "10.11" not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize("entry", ["hooks.internal", "*.internal", "10.0.0.0/8", "10.1.2.3", "10.1.2.3:443"])
async def test_an_allowed_name_or_network_may_lead_to_a_private_address(entry: str):
    guard = EgressGuard(allow=[entry], resolver=Names(hooks_internal=[["10.1.2.3"]]))
    assert await guard.judge("https://hooks.internal/") == ("10.1.2.3",)
    if entry.endswith(":443"):
        with pytest.raises(TargetForbidden):
            await guard.judge("https://hooks.internal:8443/")


async def test_an_allowed_network_does_not_excuse_an_address_outside_of_it():
    guard = EgressGuard(allow=["10.0.0.0/8"], resolver=Names(hooks_internal=[["10.1.2.3", "192.168.1.1"]]))
    with pytest.raises(TargetForbidden):
        await guard.judge("https://hooks.internal/")


@pytest.mark.parametrize("entry", ["hooks.internal", "169.254.0.0/16", "169.254.169.254:8080"])
async def test_neither_a_name_nor_a_network_opens_a_metadata_service(entry: str):
    guard = EgressGuard(allow=[entry], resolver=Names(hooks_internal=[["169.254.169.254"]]))
    with pytest.raises(TargetForbidden) as refused:
        await guard.judge("https://hooks.internal/")
    assert refused.value.rule == "metadata"


async def test_localhost_is_refused_whatever_a_name_server_says():
    names = Names(localhost=[["8.8.8.8"]])
    with pytest.raises(TargetForbidden):
        await EgressGuard(resolver=names).judge("https://localhost/")
    assert names.asked == []


async def test_a_literal_address_is_never_looked_up():
    names = Names()
    assert await EgressGuard(resolver=names).judge("https://8.8.8.8/") == ("8.8.8.8",)
    assert names.asked == []
