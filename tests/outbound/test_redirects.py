"""Every redirect is a new request, judged as the first one was."""

import asyncio

import pytest

from projectdavid.egress import EgressGuard, TargetForbidden, TimedOut
from projectdavid.egress.guard.http_messages import GuardedReply, GuardedRequest, follow_redirect
from projectdavid.egress.guard.targets import parse_target
from tests.outbound.servers import Names, moved, reply, serving

pytestmark = pytest.mark.anyio

OK = reply()
HERE = ["127.0.0.1/32"]
STATUSES = [301, 302, 303, 307, 308]


def following(redirects: int = 3, **more: object) -> EgressGuard:
    """A guard that follows redirects."""
    return EgressGuard(**{"allow": HERE, "allow_http": True, "max_redirects": redirects, **more})


async def refusal(guard: EgressGuard, url: str) -> TargetForbidden:
    """How a URL is refused in the end."""
    with pytest.raises(TargetForbidden) as refused:
        await guard.get(url)
    return refused.value


@pytest.mark.parametrize("status", STATUSES)
async def test_a_redirect_is_an_answer_where_none_is_followed(status: int):
    async with serving(OK) as second, serving(moved(second.url, status)) as first:
        got = await following(0).post(first.url, b"{}")
    assert (got.status, got.headers["location"], got.body) == (status, second.url, b"elsewhere")
    assert second.connections == 0


@pytest.mark.parametrize("status", STATUSES)
async def test_a_redirect_to_an_allowed_server_is_followed(status: int):
    async with serving(OK) as second, serving(moved(second.url + "/x?y#z", status)) as first:
        assert (await following().get(first.url)).body == b"ok"
    assert second.line() == "GET /hook/x?y HTTP/1.1"


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "0.0.0.0", "[::ffff:127.0.0.2]", "127.2", "evil.example"])
async def test_a_redirect_to_a_forbidden_address_is_refused(status: int, host: str):
    async with serving(OK, host="127.0.0.2") as second:
        target = f"http://{host}:{second.port}/"
        async with serving(moved(target, status)) as first:
            guard = following(
                allow=["127.0.0.1"], resolver=Names(evil_example=[["127.0.0.2"]], localhost=[["127.0.0.2"]])
            )
            await refusal(guard, first.url)
    assert (first.connections, second.connections) == (1, 0)


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("//127.0.0.2/", "loopback"),
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://127.0.0.1:6379/", "bad_port"),
        ("http://me:pw@127.0.0.1/", "bad_url"),
        ("http://127.0.0.1\\@127.0.0.2/", "bad_url"),
        ("http://127.0.0.1\t.example/", "bad_url"),
        ("/a b", "bad_url"),
        ("http://[::1", "bad_url"),
        ("http://[::1%25lo]/", "bad_url"),
        ("file:///etc/passwd", "bad_scheme"),
        ("gopher://127.0.0.1/", "bad_scheme"),
        ("javascript:alert(1)", "bad_scheme"),
    ],
)
async def test_a_redirect_is_judged_as_any_other_url(location: str, rule: str):
    async with serving(moved(location)) as first:
        assert (await refusal(following(), first.url)).rule == rule
    assert first.connections == 1


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ("next", "GET /next HTTP/1.1"),
        ("/next?a=%2F", "GET /next?a=%2F HTTP/1.1"),
        ("?page=2", "GET /hook?page=2 HTTP/1.1"),
        ("./../next", "GET /next HTTP/1.1"),
        ("http:next", "GET /next HTTP/1.1"),
        ("http:///next", "GET /next HTTP/1.1"),
        ("/ä", "GET /%C3%A4 HTTP/1.1"),
    ],
)
async def test_a_relative_redirect_stays_with_its_server(location: str, line: str):
    async with serving(moved(location)) as server:
        assert (await refusal(following(1), server.url)).rule == "redirect"
    assert server.line() == line


async def test_a_redirect_without_a_place_to_go_is_an_answer():
    async with serving(reply("302 Found", b"nowhere")) as server:
        assert (await following().get(server.url)).body == b"nowhere"


@pytest.mark.parametrize("status", [200, 201, 300, 401])
async def test_no_other_status_leads_anywhere(status: int):
    async with serving(OK, host="127.0.0.2") as second, serving(moved(second.url, status)) as first:
        assert (await following(allow=["127.0.0.0/8"]).get(first.url)).status == status
    assert second.connections == 0


@pytest.mark.parametrize("redirects", [1, 3])
async def test_a_loop_of_redirects_ends(redirects: int):
    async with serving(moved("/again")) as server:
        refused = await refusal(following(redirects), server.url)
    assert refused.rule == "redirect"
    assert "(redirect)" in refused.message
    assert server.connections == redirects + 1


async def test_the_limit_of_redirects_is_one_that_may_be_reached():
    async with serving(OK) as second, serving(moved(second.url)) as first:
        assert (await following(1).get(first.url)).body == b"ok"


async def test_a_name_is_looked_up_again_at_each_redirect():
    async with serving(moved("/again")) as server:
        names = Names(evil_example=[["127.0.0.1"], ["127.0.0.2"]])
        refused = await refusal(following(resolver=names), f"http://evil.example:{server.port}/")
    assert refused.rule == "loopback"
    assert server.connections == 1


async def test_the_body_of_a_redirect_that_is_followed_is_not_read():
    endless = b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"
    async with serving(endless, then="drip") as server:
        assert (await refusal(following(2, max_bytes=1), server.url)).rule == "redirect"


HEADERS = {
    "authorization": "Bearer k",
    "cookie": "k",
    "x-api-key": "k",
    "webhook-signature": "k",
    "content-type": "text/plain",
    "accept-language": "de",
}


async def test_keys_are_not_sent_to_another_origin_and_not_back_either():
    async with serving(OK) as third, serving(moved(third.url, 307)) as second, serving(moved(second.url, 307)) as first:
        await following().post(first.url, b"text", HEADERS)
    assert first.headers()["authorization"] == "Bearer k"
    for server in (second, third):
        assert server.headers() == {
            "host": f"127.0.0.1:{server.port}",
            "accept": "*/*",
            "accept-encoding": "identity",
            "accept-language": "de",
            "connection": "close",
            "content-length": "4",
            "content-type": "text/plain",
            "user-agent": "projectdavid",
        }


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
async def test_a_body_is_sent_again_only_where_the_status_says_so(status: int, method: str):
    async with serving(OK) as second, serving(moved(second.url, status)) as first:
        await following().request("post", first.url, body=b"text", headers=HEADERS)
    assert second.line() == f"{method} /hook HTTP/1.1"
    assert second.body() == (b"text" if method == "POST" else b"")
    assert ("content-type" in second.headers()) is (method == "POST")


def turned(url: str, location: str, status: int = 302, method: str = "GET") -> GuardedRequest:
    """What a redirect makes of a question."""
    return follow_redirect(
        GuardedRequest(method, parse_target(url), HEADERS, None), GuardedReply(status, {"location": location}, b"")
    )


def test_a_redirect_never_leads_from_https_to_http():
    with pytest.raises(TargetForbidden) as refused:
        turned("https://hooks.example/?key=1", "http://hooks.example/")
    assert refused.value.rule == "redirect"
    assert "key" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "location", "kept"),
    [
        ("https://a.example/", "/x", True),
        ("https://a.example/", "https://A.example.:443/x", True),
        ("https://a.example/", "//b.example/x", False),
        ("https://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://x.a.example/", False),
        ("http://a.example/", "https://a.example/", False),
        ("http://a.example/", "https://a.example:80/", False),
    ],
)
def test_keys_stay_within_one_scheme_host_and_port(url: str, location: str, kept: bool):
    headers = turned(url, location).headers
    assert ("authorization" in headers, "x-api-key" in headers, "cookie" in headers) == (kept, kept, kept)
    assert headers["accept-language"] == "de"


@pytest.mark.parametrize(("status", "method"), [(301, "PUT"), (302, "PUT"), (307, "PUT"), (303, "GET")])
def test_other_methods_change_only_where_the_status_says_so(status: int, method: str):
    assert turned("https://a.example/", "/x", status, "PUT").method == method


async def test_whoever_looks_before_is_told_each_url_and_can_stop_it():
    told: list[str] = []

    async def look(url: str) -> None:
        told.append(url)
        if url.endswith("/last"):
            raise PermissionError

    async with serving(OK) as second, serving(moved(f"{second.url}/last")) as first:
        with pytest.raises(PermissionError):
            await following().get(f"{first.url}#there", before=look)
    assert told == [first.url, f"{second.url}/last"]
    assert (first.connections, second.connections) == (1, 0)


async def test_nobody_is_asked_to_look_at_what_is_refused():
    told: list[str] = []

    async def look(url: str) -> None:
        told.append(url)

    async with serving(moved("http://10.0.0.1/")) as first:
        with pytest.raises(TargetForbidden):
            await following().get(first.url, before=look)
    assert told == [first.url]


async def test_the_time_of_a_request_holds_for_whoever_looks_before():
    async def look(url: str) -> None:
        await asyncio.Event().wait()

    async with serving(OK) as server:
        with pytest.raises(TimedOut):
            await following(timeout=0.05).get(server.url, before=look)
    assert server.connections == 0
