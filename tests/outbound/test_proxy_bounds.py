"""What the proxy of a sandbox takes: requests that can be read in one way, and no more than its bounds."""

import asyncio
import logging

import pytest

from projectdavid.egress import EgressService
from projectdavid.egress.proxy.http_heads import MAX_HEAD
from projectdavid.egress.proxy.proxy import EgressProxy, ProxyLimits
from tests.outbound.programs import Program, asked, connect, connected, get
from tests.outbound.servers import Names, Silence, reply, serving
from tests.outbound.test_proxy import refused, to
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

URL = "http://pypi.example/"
OK = reply()


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: pypi.example\r\n\r\n",
        b"GET http://pypi.example/\r\n\r\n",
        b"GET http://pypi.example/ HTTP/2.0\r\n\r\n",
        b"GET  http://pypi.example/ HTTP/1.1\r\n\r\n",
        b"GET http://pypi.example/a b HTTP/1.1\r\n\r\n",
        b"GET http://pypi.example/\xff HTTP/1.1\r\n\r\n",
        b"GET https://pypi.example/ HTTP/1.1\r\n\r\n",
        b"GET ftp://pypi.example/ HTTP/1.1\r\n\r\n",
        b"GET http://me:secret@pypi.example/ HTTP/1.1\r\n\r\n",
        b"GET http:///path HTTP/1.1\r\n\r\n",
        b"CONNECT pypi.example HTTP/1.1\r\n\r\n",
        b"CONNECT pypi.example: HTTP/1.1\r\n\r\n",
        b"CONNECT pypi.example:0 HTTP/1.1\r\n\r\n",
        b"CONNECT pypi.example:65536 HTTP/1.1\r\n\r\n",
        b"CONNECT pypi.example:443/path HTTP/1.1\r\n\r\n",
        b"CONNECT pypi.example:443#@[::1]:443 HTTP/1.1\r\n\r\n",
        b"CONNECT me@pypi.example:443 HTTP/1.1\r\n\r\n",
        b"CONNECT http://pypi.example:443 HTTP/1.1\r\n\r\n",
        *(
            b"GET http://pypi.example/ HTTP/1.1\r\n" + header + b"\r\n\r\n"
            for header in (
                b"no header",
                b"Name : value",
                b"Name: a\r\n folded",
                b"Name: a\nSecond: b",
                b"Name: a\rb",
                b"Name: a\0b",
                b": value",
                b"Content-Length: 1\r\nContent-Length: 2",
                b"Content-Length: 1\r\nContent-Length: 1",
                b"Content-Length: +1",
                b"Content-Length: 1, 1",
                b"Content-Length: 1\r\nTransfer-Encoding: chunked",
                b"Transfer-Encoding: gzip, chunked",
                b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                b"Transfer-Encoding: chunked, identity",
            )
        ),
    ],
)
async def test_a_request_that_might_be_read_in_two_ways_is_refused(request_: bytes):
    async with serving(OK) as server:
        proxy = EgressProxy(["pypi.example", "127.0.0.1/32"], resolver=Names(pypi_example=[["127.0.0.1"]]))
        status, why = refused(await asked(proxy, request_, b""))
    assert status == 400
    assert "secret" not in why
    assert server.connections == 0


@pytest.mark.parametrize(
    "chunks", [b"x\r\n", b"5;a=b\r\nhello\r\n0\r\n\r\n", b"-1\r\n", b"2\r\nhello\r\n0\r\n\r\n", b"\r\n"]
)
async def test_chunks_that_are_none_are_refused(chunks: bytes):
    async with serving(OK, then="silent") as server:
        head = f"POST http://pypi.example:{server.port}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        assert refused(await asked(to(server.port), head, chunks))[0] == 400


async def test_a_head_has_a_size():
    proxy = EgressProxy(["pypi.example"], resolver=Names())
    for pieces in ([get(URL, "X: " + "x" * MAX_HEAD)], [get(URL)[:-2], *([b"X: x\r\n"] * MAX_HEAD)]):
        status, why = refused(await asked(proxy, *pieces))
        assert (status, str(MAX_HEAD) in why) == (400, True)


@pytest.mark.parametrize(
    "answer",
    [b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD],
)
async def test_an_answer_that_is_none_is_a_bad_gateway(answer: bytes):
    async with serving(answer) as server:
        assert refused(await asked(to(server.port), get(f"http://pypi.example:{server.port}/")))[0] == 502


async def test_a_provisional_answer_is_not_the_answer():
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with serving(early, OK) as server:
        answer = await asked(to(server.port), get(f"http://pypi.example:{server.port}/"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_program_that_says_nothing_is_told_that_it_took_too_long():
    status, _ = refused(await asked(EgressProxy([], bounds=ProxyLimits(head_timeout=0)), b"GET "))
    assert status == 408


async def test_a_program_that_hangs_up_before_it_asks_is_answered_nothing():
    assert await asked(EgressProxy([]), b"CONNECT ", b"") == b""


async def test_a_name_server_that_never_answers_is_a_time_out():
    proxy = EgressProxy(["pypi.example"], resolver=Silence(), bounds=ProxyLimits(connect_timeout=0.01))
    assert refused(await asked(proxy, connect("pypi.example:443")))[0] == 504


async def test_a_server_that_never_answers_is_a_time_out():
    async with serving(then="silent") as server:
        proxy = EgressProxy([f"127.0.0.1:{server.port}"], bounds=ProxyLimits(idle_timeout=0.01))
        assert refused(await asked(proxy, get(server.url)))[0] == 504


async def test_a_line_on_which_nothing_moves_is_cut():
    async with serving(then="silent") as server:
        proxy = EgressProxy([f"127.0.0.1:{server.port}"], bounds=ProxyLimits(idle_timeout=0.01))
        assert b" 200 " in await asked(proxy, connect(f"127.0.0.1:{server.port}"))


async def test_a_connection_carries_so_many_bytes_and_no_more():
    async with serving(OK, then="drip") as server:
        proxy = EgressProxy([f"127.0.0.1:{server.port}"], bounds=ProxyLimits(max_bytes=5000))
        body = (await asked(proxy, get(server.url))).partition(b"\r\n\r\n")[2]
        await asyncio.wait_for(server.gone.wait(), EVENT_TIMEOUT)
    assert len(body) <= 5000


async def test_a_program_that_hangs_up_ends_the_answer():
    async with serving(OK, then="drip") as server, connected(EgressProxy([f"127.0.0.1:{server.port}"])) as program:
        program.send(get(server.url))
        await program.until(b"ok")
        program.send(b"")
        await program.rest()
        await asyncio.wait_for(server.gone.wait(), EVENT_TIMEOUT)


async def test_a_session_that_ends_takes_its_connections_with_it():
    async with serving(then="silent") as server, connected(EgressProxy([f"127.0.0.1:{server.port}"])) as program:
        program.send(connect(f"127.0.0.1:{server.port}"))
        await program.until(b"\r\n\r\n")
        program.served.cancel()
        await asyncio.wait_for(server.gone.wait(), EVENT_TIMEOUT)


async def test_no_path_and_no_secret_is_logged(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, "projectdavid")
    await asked(EgressProxy([]), get("http://api.example/v1?key=secret", "Authorization: Bearer secret"))
    assert "http://api.example is not on the list" in caplog.text
    assert "secret" not in caplog.text


# The operator's setting


async def test_each_assistant_has_the_list_that_names_it_or_else_that_of_all_others():
    egress = EgressService(
        {"asst_a": ["a.example"], "asst_none": [], "*": ["pypi.example"]},
        resolver=Names(),
    )
    for assistant, host in (("asst_a", "a.example"), ("asst_b", "pypi.example")):
        assert egress.hosts(assistant) == (host,)
        for wanted, status in ((host, 502), ("a.example" if host != "a.example" else "pypi.example", 403)):
            tunnel = egress(assistant, "user_ann", "thread_1")
            assert tunnel is not None
            program = Program(tunnel)
            program.send(connect(f"{wanted}:443"))
            assert refused(await program.rest())[0] == status
    where = ("user_ann", "thread_1")
    assert egress("asst_none", *where) is None
    assert EgressService({})("asst_a", *where) is None
    assert egress("asst_b", *where) == egress("asst_c", *where)
    assert egress("asst_b", *where) != egress("asst_a", *where)
    assert egress("asst_b", *where) != egress("asst_b", "user_ann", "thread_2")


async def test_a_closed_way_out_leads_nowhere():
    names = Names(pypi_example=[["127.0.0.1"]])
    egress = EgressService({"*": ["pypi.example"]}, resolver=names)
    await egress.close()
    assert names.closed


def test_a_setting_that_cannot_be_read_is_refused_at_once():
    with pytest.raises(ValueError, match=r"'\*' in sandbox_egress"):
        EgressService({"*": ["*"]})
