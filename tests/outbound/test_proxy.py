"""The proxy of a sandbox against servers of this machine: where it leads, and where not."""

import asyncio

import pytest

from projectdavid.egress.proxy.proxy import EgressProxy
from tests.outbound.programs import asked, connect, connected, get
from tests.outbound.servers import Names, moved, reply, serving
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

HERE = "127.0.0.1/32"
OK = reply()


def to(port: int, *more: str, host: str = "pypi.example", leads: str = "127.0.0.1") -> EgressProxy:
    """A proxy to one name, which is on this machine, as a test of the real thing has to have it."""
    names = Names(**{host.replace(".", "_"): [[leads]]})
    return EgressProxy([f"{host}:{port}", HERE, *more], resolver=names)


def refused(answer: bytes) -> tuple[int, str]:
    """The status and the text of an answer of the proxy itself."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), body.decode()


async def test_a_listed_host_is_asked_and_answers():
    async with serving(reply("200 OK", b"simple", "X-Seen: 1")) as server:
        answer = await asked(to(server.port), get(f"http://pypi.example:{server.port}/simple/?a=%2F", "X-Sent: 1"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"X-Seen: 1" in answer
    assert answer.endswith(b"simple")
    assert server.line() == "GET /simple/?a=%2F HTTP/1.1"
    sent = server.headers()
    assert sent == {"host": f"pypi.example:{server.port}", "x-sent": "1", "connection": "close"}


async def test_a_line_to_a_listed_host_passes_bytes_both_ways():
    async with serving(OK, then="silent") as server, connected(to(server.port)) as program:
        program.send(connect(f"pypi.example:{server.port}"))
        assert await program.until(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
        program.send(b"GET / HTTP/1.1\r\n", b"\r\n")
        assert (await program.until(OK)).endswith(OK)
        assert server.requests == [b"GET / HTTP/1.1\r\n\r\n"]
        program.send(b"")
        await program.rest()
        await asyncio.wait_for(server.gone.wait(), EVENT_TIMEOUT)


async def test_bytes_that_come_with_the_request_for_a_line_are_not_lost():
    async with serving(OK) as server:
        early = connect(f"pypi.example:{server.port}") + b"GET /early HTTP/1.1\r\n\r\n"
        assert (await asked(to(server.port), early)).endswith(OK)
    assert server.line() == "GET /early HTTP/1.1"


@pytest.mark.parametrize(
    "body",
    [
        (b"Content-Length: 5\r\n\r\nhello",),
        (b"Content-Length: 5\r\n", b"\r\nhe", b"llo", b"GET http://other.example/ HTTP/1.1\r\n\r\n"),
    ],
    ids=["at once", "in pieces, and with another request behind it"],
)
async def test_a_body_is_passed_on_and_nothing_that_follows_it(body: tuple[bytes, ...]):
    async with serving(OK) as server:
        first = f"POST http://pypi.example:{server.port}/up HTTP/1.1\r\n".encode()
        assert (await asked(to(server.port), first, *body)).endswith(b"ok")
    assert server.body() == b"hello"
    assert len(server.requests) == 1


async def test_a_program_cannot_have_the_length_of_its_body_dropped_on_the_way():
    async with serving(OK) as server:
        head = (
            f"POST http://pypi.example:{server.port}/ HTTP/1.1\r\nContent-Length: 5\r\nConnection: Content-Length, Host"
        )
        assert (await asked(to(server.port), f"{head}\r\n\r\nhello".encode())).endswith(b"ok")
    assert server.body() == b"hello"
    assert server.headers()["content-length"] == "5"


async def test_a_body_in_chunks_is_passed_on():
    async with serving(OK, then="silent") as server, connected(to(server.port)) as program:
        head = f"POST http://pypi.example:{server.port}/up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        program.send(head.encode(), b"5\r\nhello\r", b"\n0\r\nX-Trailer: 1\r\n\r\n")
        await program.until(b"ok")
    assert server.headers()["transfer-encoding"] == "chunked"


async def test_what_waits_for_a_word_before_its_body_gets_it():
    async with serving(OK) as server, connected(to(server.port)) as program:
        url = f"http://pypi.example:{server.port}/up"
        program.send(f"PUT {url} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n".encode())
        assert await program.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        program.send(b"hi")
        assert (await program.rest()).endswith(b"ok")
    assert server.body() == b"hi"
    assert "expect" not in server.headers()


async def test_what_is_meant_for_the_proxy_is_not_passed_on():
    async with serving(reply("200 OK", b"ok", "Keep-Alive: timeout=5", "Connection: keep-alive")) as server:
        url = f"http://pypi.example:{server.port}/"
        more = (
            "Proxy-Authorization: Basic c2VjcmV0",
            "Connection: X-Hop",
            "X-Hop: 1",
            "Upgrade: websocket",
            "TE: gzip",
        )
        answer = await asked(to(server.port), get(url, *more))
    assert set(server.headers()) == {"host", "connection"}
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.count(b"connection: close") == 1
    assert b"keep-alive" not in head


# The list


@pytest.mark.parametrize(
    ("allow", "host", "port", "let"),
    [
        ("pypi.org", "pypi.org", 443, True),
        ("pypi.org", "PyPI.org.", 443, True),
        ("pypi.org", "pypi.org", 80, True),
        ("pypi.org", "pypi.org", 22, False),
        ("pypi.org", "pypi.org", 8443, False),
        ("pypi.org", "files.pypi.org", 443, False),
        ("pypi.org", "notpypi.org", 443, False),
        ("pypi.org", "pypi.org.evil.example", 443, False),
        ("pypi.org:8443", "pypi.org", 8443, True),
        ("pypi.org:8443", "pypi.org", 443, False),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "anexample.com", 443, False),
        ("127.0.0.3", "127.0.0.3", 443, True),
        ("127.0.0.3", "127.0.0.4", 443, False),
        ("*.example.com", "8.8.8.8", 443, False),
        ("127.0.0.0/8", "127.0.0.3", 443, True),
    ],
)
async def test_only_what_is_listed_is_reached(allow: str, host: str, port: int, let: bool):
    # The name servers know nothing, and nobody listens: what is let through fails behind the list.
    status, why = refused(await asked(EgressProxy([allow], resolver=Names()), connect(f"{host}:{port}")))
    assert status == (502 if let else 403), why
    if not let:
        assert "Ask the operator to add" in why
        assert "sandbox_egress" in why


async def test_a_refusal_names_the_entry_that_would_help_in_its_first_line_too():
    answer = await asked(EgressProxy([]), connect("api.example:8443"))
    assert "add 'api.example:8443' to sandbox_egress" in refused(answer)[1]
    assert b"add 'api.example:8443' to sandbox_egress" in answer.partition(b"\r\n")[0]
    assert "add 'api.example' to sandbox_egress" in refused(await asked(EgressProxy([]), connect("api.example:443")))[1]


@pytest.mark.parametrize("entry", ["", "*", "https://pypi.org", "pypi.org:0", "10.0.0.0/33", "a b"])
def test_an_entry_that_cannot_be_read_is_refused_at_once(entry: str):
    with pytest.raises(ValueError, match="sandbox_egress"):
        EgressProxy(["pypi.org", entry])


# Where names lead


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("10.0.0.1", "private_network"),
        ("fd12::1", "private_network"),
        ("169.254.1.1", "link_local"),
        ("169.254.169.254", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("192.0.0.192", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("8.8.4.4", "own_address"),
    ],
)
@pytest.mark.parametrize("others", [[], ["8.8.8.8"]], ids=["alone", "beside another"])
async def test_a_listed_name_that_leads_inside_is_refused(answer: str, rule: str, others: list[str]):
    for answers in ([*others, answer], [answer, *others]):
        proxy = EgressProxy(["pypi.example"], own_addresses=["8.8.4.4"], resolver=Names(pypi_example=[answers]))
        status, why = refused(await asked(proxy, connect("pypi.example:443")))
        assert status == 403
        assert f"({rule})" in why
        assert answer not in why, "the addresses of an internal name are nobody's business"


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("127.0.0.1", 403),
        ("localhost", 403),
        ("169.254.169.254", 403),
        ("[::1]", 403),
        ("[::ffff:127.0.0.1]", 403),
        ("[::ffff:7f00:1]", 403),
        ("[64:ff9b::7f00:1]", 403),
        ("0.0.0.0", 403),
        ("2130706433", 400),
        ("0x7f000001", 400),
        ("0177.1", 400),
        ("127.1", 400),
        ("1\uff127.0.0.1", 400),
    ],
)
@pytest.mark.parametrize("as_url", [True, False], ids=["url", "line"])
async def test_this_machine_is_not_reached_however_it_is_written(written: str, status: int, as_url: bool):
    async with serving(OK) as server:
        proxy = EgressProxy([f"*.example:{server.port}"], resolver=Names(localhost=[["127.0.0.1"]]))
        where = f"{written}:{server.port}"
        answer = await asked(proxy, get(f"http://{where}/") if as_url else connect(where))
    assert refused(answer)[0] == status
    assert server.connections == 0


async def test_localhost_is_not_reached_although_it_is_listed():
    async with serving(OK) as server:
        proxy = EgressProxy([f"localhost:{server.port}"], resolver=Names(localhost=[["127.0.0.1"]]))
        assert "(loopback)" in refused(await asked(proxy, connect(f"localhost:{server.port}")))[1]
    assert server.connections == 0


async def test_a_name_that_turns_to_this_machine_is_judged_anew_for_each_connection():
    async with serving(OK, host="127.0.0.2") as first, serving(OK, port=first.port) as inside:
        names = Names(evil_example=[["127.0.0.2"], ["127.0.0.1"]])
        proxy = EgressProxy([f"evil.example:{first.port}", "127.0.0.2"], resolver=names)
        url = f"http://evil.example:{first.port}/"
        assert (await asked(proxy, get(url))).endswith(b"ok")
        # One look-up: who connects does not ask again.
        assert names.asked == ["evil.example"]
        assert refused(await asked(proxy, get(url)))[0] == 403
    assert (first.connections, inside.connections) == (1, 0)


async def test_a_redirect_is_handed_to_the_program_whose_next_request_is_judged_like_any_other():
    async with serving(moved("http://169.254.169.254/latest/meta-data/")) as server:
        proxy = to(server.port)
        answer = await asked(proxy, get(f"http://pypi.example:{server.port}/"))
        assert b"Location: http://169.254.169.254/latest/meta-data/" in answer
        assert refused(await asked(proxy, get("http://169.254.169.254/latest/meta-data/")))[0] == 403
    assert server.connections == 1


async def test_an_address_of_this_machine_is_reached_only_where_the_operator_lists_it_as_such():
    async with serving(OK) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert refused(await asked(EgressProxy(["127.0.0.1"]), get(url)))[0] == 403
        assert (await asked(EgressProxy([f"127.0.0.1:{server.port}"]), get(url))).endswith(b"ok")


async def test_neither_a_network_nor_a_name_opens_a_metadata_service():
    names = Names(pypi_example=[["169.254.169.254"]])
    proxy = EgressProxy(["pypi.example", "169.254.0.0/16", "0.0.0.0/0"], resolver=names)
    for where in ("pypi.example:80", "169.254.169.254:80"):
        status, why = refused(await asked(proxy, connect(where)))
        assert (status, "(metadata)" in why) == (403, True)


async def test_the_next_checked_address_is_taken_where_the_first_does_not_answer():
    async with serving(OK) as server:
        names = Names(pypi_example=[["127.0.0.2", "127.0.0.1"]])
        proxy = EgressProxy([f"pypi.example:{server.port}", "127.0.0.0/8"], resolver=names)
        assert (await asked(proxy, get(f"http://pypi.example:{server.port}/"))).endswith(b"ok")


async def test_a_host_that_does_not_answer_is_a_bad_gateway():
    async with serving(OK) as server:
        gone = server.port
    status, why = refused(await asked(to(gone), connect(f"pypi.example:{gone}")))
    assert (status, "refused" in why) == (502, True)
    assert refused(await asked(EgressProxy(["gone.example"], resolver=Names()), connect("gone.example:443")))[0] == 502
