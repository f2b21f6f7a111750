"""The guard against servers of this machine: where it connects, whom it trusts, what it sends."""

import asyncio
import ssl
from collections.abc import Sequence

import pytest

from projectdavid.egress import EgressGuard, GuardedReply, TargetForbidden, TargetUnreachable
from projectdavid.egress.guard.connections import ConnectionOptions, ask
from projectdavid.egress.guard.http_messages import GuardedRequest
from projectdavid.egress.guard.targets import parse_target
from tests.outbound.asking import HERE, failure_of
from tests.outbound.servers import CERTIFICATE, Names, reply, serving

pytestmark = pytest.mark.anyio

OK = reply()


async def test_an_allowed_server_is_asked_and_answers():
    async with serving(reply("201 Created", b"thanks", "X-Seen: 1", "x-seen: 2", "Set-Cookie: a=b")) as server:
        guard = EgressGuard(allow=HERE, allow_http=True)
        got = await guard.post(server.url + "?a=%2F#part", b'{"a":1}', {"Content-Type": "application/json"})
    assert got == GuardedReply(201, {"content-length": "6", "x-seen": "1, 2"}, b"thanks", f"{server.url}?a=%2F")
    assert server.line() == "POST /hook?a=%2F HTTP/1.1"
    assert server.body() == b'{"a":1}'


async def test_a_name_is_asked_by_its_name_at_the_address_that_was_checked():
    async with serving(OK) as server:
        names = Names(hooks_internal=[["127.0.0.1"]])
        guard = EgressGuard(allow=["hooks.internal"], allow_http=True, resolver=names)
        assert (await guard.get(f"http://hooks.internal:{server.port}/")).body == b"ok"
    assert server.headers()["host"] == f"hooks.internal:{server.port}"
    assert names.asked == ["hooks.internal"]


async def test_an_ipv6_server_is_asked():
    async with serving(OK, host="::1") as server:
        guard = EgressGuard(allow=["::1"], allow_http=True)
        assert (await guard.get(f"http://[::1]:{server.port}/")).body == b"ok"


async def test_the_next_checked_address_is_taken_where_the_first_does_not_answer():
    async with serving(OK) as server:
        guard = EgressGuard(
            allow=["127.0.0.0/8"], allow_http=True, resolver=Names(hooks_internal=[["127.0.0.2", "127.0.0.1"]])
        )
        assert (await guard.get(f"http://hooks.internal:{server.port}/")).body == b"ok"


@pytest.mark.parametrize("spelling", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0.0.0.0"])
async def test_a_server_that_is_not_allowed_is_never_connected_to(spelling: str):
    async with serving(OK) as server:
        guard = EgressGuard(allow_http=True, resolver=Names(localhost=[["127.0.0.1"]]))
        failure = await failure_of(guard, f"http://{spelling}:{server.port}/")
    assert isinstance(failure, TargetForbidden)
    assert server.connections == 0


# Name servers that change their mind


async def test_a_name_that_turns_to_this_machine_after_it_was_judged_is_refused():
    async with serving(OK) as server:
        names = Names(evil_example=[["8.8.8.8"], ["127.0.0.1"]])
        guard = EgressGuard(allow_http=True, resolver=names)
        url = f"http://evil.example:{server.port}/"
        assert await guard.judge(url) == ("8.8.8.8",)
        failure = await failure_of(guard, url)
    assert isinstance(failure, TargetForbidden)
    assert failure.rule == "loopback"
    assert server.connections == 0


async def test_the_connection_goes_to_the_address_that_was_checked_and_no_name_is_looked_up_twice():
    async with serving(OK, host="127.0.0.2") as checked, serving(OK, port=checked.port) as other:
        names = Names(evil_example=[["127.0.0.2"], ["127.0.0.1"]])
        guard = EgressGuard(allow=["127.0.0.2"], allow_http=True, resolver=names)
        url = f"http://evil.example:{checked.port}/"
        assert (await guard.get(url)).body == b"ok"
        assert names.asked == ["evil.example"]
        # The next request is judged anew: no connection and no answer of a name server is kept.
        assert isinstance(await failure_of(guard, url), TargetForbidden)
    assert (checked.connections, other.connections) == (1, 0)


async def test_a_name_that_mixes_allowed_and_forbidden_addresses_is_not_asked_at_any():
    async with serving(OK, host="127.0.0.2") as allowed, serving(OK, port=allowed.port) as other:
        guard = EgressGuard(
            allow=["127.0.0.2"], allow_http=True, resolver=Names(evil_example=[["127.0.0.2", "127.0.0.1"]])
        )
        assert isinstance(await failure_of(guard, f"http://evil.example:{allowed.port}/"), TargetForbidden)
    assert (allowed.connections, other.connections) == (0, 0)


class Late:
    """Name servers that are asked for one name and answer while another is being asked for."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Each name has an address of its own."""
        await asyncio.sleep(0)
        return [host.removesuffix(".example").replace("-", ".")]

    async def close(self) -> None:
        """Nothing is held."""


async def test_requests_at_the_same_time_do_not_share_their_addresses():
    async with serving(reply(body=b"one")) as one, serving(reply(body=b"two"), host="127.0.0.2", port=one.port):
        guard = EgressGuard(allow=["127.0.0.0/8"], allow_http=True, resolver=Late())
        hosts = ("127-0-0-1.example", "127-0-0-2.example", "127-0-0-1.example")
        replies = await asyncio.gather(*(guard.get(f"http://{host}:{one.port}/") for host in hosts))
    assert [got.body for got in replies] == [b"one", b"two", b"one"]


async def test_no_connection_is_made_to_an_address_that_was_not_checked_whatever_the_client_thinks():
    async with serving(OK) as server:
        asked = GuardedRequest("GET", parse_target(server.url), {}, None)
        with pytest.raises(TargetUnreachable):
            await ask(asked, ["127.0.0.2"], ConnectionOptions(10, 100, None), follow=False)
        assert (await ask(asked, ["127.0.0.1"], ConnectionOptions(10, 100, None), follow=False)).body == b"ok"
    assert server.connections == 1


# TLS


def certified() -> ssl.SSLContext:
    """What a server shows as hooks.example."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def trusting() -> ssl.SSLContext:
    """Who trusts that certificate."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


async def test_a_certificate_is_checked_against_the_name_and_not_the_address():
    context = certified()
    shown: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: shown.append(name)
    async with serving(OK, tls=context) as server:
        names = Names(hooks_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
        guard = EgressGuard(allow=HERE, resolver=names, tls=trusting())
        assert (await guard.get(f"https://hooks.example.:{server.port}/")).body == b"ok"
        for host in ("other.example", "127.0.0.1"):
            failure = await failure_of(guard, f"https://{host}:{server.port}/")
            assert isinstance(failure, TargetUnreachable)
            assert failure.reason == "its certificate is not trusted"
    assert shown == ["hooks.example", "other.example", None]
    assert len(server.requests) == 1


async def test_a_certificate_of_nobody_is_not_trusted():
    async with serving(OK, tls=certified()) as server:
        guard = EgressGuard(allow=HERE, resolver=Names(hooks_example=[["127.0.0.1"]]))
        failure = await failure_of(guard, f"https://hooks.example:{server.port}/")
    assert str(failure) == f"https://hooks.example:{server.port} cannot be reached: its certificate is not trusted."
    assert server.requests == []


async def test_a_server_without_tls_is_no_https_server():
    async with serving(OK, then="greets") as server:
        failure = await failure_of(EgressGuard(allow=HERE), f"https://127.0.0.1:{server.port}/")
    assert isinstance(failure, TargetUnreachable)
    assert failure.reason == "its TLS handshake failed"


# What is sent


async def test_no_proxy_and_no_password_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path):
    async with serving(OK) as server, serving(OK, host="127.0.0.2") as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.2:{proxy.port}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.2:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
        monkeypatch.setenv("NETRC", str(netrc))
        await EgressGuard(allow=HERE, allow_http=True).get(server.url)
    assert (server.connections, proxy.connections) == (1, 0)
    assert "authorization" not in server.headers()


async def test_no_cookie_comes_back():
    async with serving(reply("200 OK", b"", "Set-Cookie: a=b; Path=/")) as server:
        guard = EgressGuard(allow=HERE, allow_http=True)
        first = await guard.get(server.url)
        await guard.get(server.url)
    assert "set-cookie" not in first.headers
    assert "cookie" not in server.headers()


async def test_only_the_headers_that_were_given_and_a_few_of_ours_are_sent():
    async with serving(OK) as server:
        guard = EgressGuard(allow=HERE, allow_http=True)
        await guard.post(server.url, b"{}", {"webhook-id": "msg_1", "User-Agent": "test", "Accept-Encoding": "gzip"})
    assert server.headers() == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
        "content-length": "2",
        "user-agent": "test",
        "webhook-id": "msg_1",
    }


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Expect"]
)
async def test_a_header_that_decides_about_the_connection_is_refused(name: str):
    failure = await failure_of(EgressGuard(), "https://hooks.example/", headers={name: "secret"})
    assert isinstance(failure, TargetForbidden)
    assert failure.rule == "bad_header"
    assert "secret" not in failure.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\nHost: b"),
        ("x", "a\nb"),
        ("x", "a\0"),
        ("x", "\x7f"),
        ("x y", "a"),
        ("x:", "a"),
        ("x\n", "a"),
        ("", "a"),
    ],
)
async def test_a_header_that_breaks_the_request_up_is_refused(name: str, value: str):
    failure = await failure_of(EgressGuard(), "https://hooks.example/", headers={name: value})
    assert isinstance(failure, TargetForbidden)
    assert failure.rule == "bad_header"


async def test_a_large_body_is_sent():
    body = b"x" * (2**20 + 1)
    async with serving(OK) as server:
        await EgressGuard(allow=HERE, allow_http=True).post(server.url, body)
    assert server.body() == body
