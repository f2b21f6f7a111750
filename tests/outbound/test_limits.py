"""How much of an answer the guard takes, how long it waits, and how it fails."""

import asyncio
import gzip

import pytest

from projectdavid.egress import AnswerTooLarge, EgressGuard, TargetUnreachable, TimedOut
from tests.outbound.asking import HERE, failure_of
from tests.outbound.servers import Names, Silence, reply, serving

pytestmark = pytest.mark.anyio

OK = reply()


async def test_an_answer_of_just_the_allowed_size_is_taken():
    async with serving(reply(body=b"x" * 100)) as server:
        assert len((await EgressGuard(allow=HERE, allow_http=True, max_bytes=100).get(server.url)).body) == 100


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        (reply(body=b"x" * 101), "close"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "silent"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101, "close"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "drip"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n", "close"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n" + b"x" * 101, "close"),
    ],
    ids=["whole", "announced", "without a length", "without an end", "in chunks", "of a failure"],
)
async def test_an_answer_that_is_too_large_is_broken_off(answer: bytes, then: str):
    async with serving(answer, then=then) as server:
        failure = await failure_of(EgressGuard(allow=HERE, allow_http=True, max_bytes=100), server.url)
        await server.gone.wait()
    assert failure == AnswerTooLarge(f"http://127.0.0.1:{server.port}", 100)
    assert str(failure) == f"The response of http://127.0.0.1:{server.port} is longer than 100 bytes."


async def test_a_compressed_answer_is_not_blown_up():
    bomb = gzip.compress(b"0" * 2**20)
    async with serving(reply("200 OK", bomb, "Content-Encoding: gzip")) as server:
        got = await EgressGuard(allow=HERE, allow_http=True, max_bytes=len(bomb)).get(server.url)
    assert got.body == bomb
    assert got.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        (b"", "silent"),
        (b"HTTP/1.1 200 OK\r\n", "silent"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "silent"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "drip"),
    ],
    ids=["no answer", "half a head", "half a body", "a body drop by drop"],
)
async def test_a_server_that_is_too_slow_is_given_up(answer: bytes, then: str):
    async with serving(answer, then=then) as server:
        guard = EgressGuard(allow=HERE, allow_http=True, max_bytes=2**40, timeout=0.05)
        failure = await failure_of(guard, server.url)
        await server.gone.wait()
    assert failure == TimedOut(f"http://127.0.0.1:{server.port}", "the whole request", 0.05)


async def test_a_server_that_never_shakes_hands_is_given_up():
    async with serving(b"", then="silent") as server:
        failure = await failure_of(EgressGuard(allow=HERE, connect_timeout=0.05), f"https://127.0.0.1:{server.port}/")
        await server.gone.wait()
    assert failure == TimedOut(f"https://127.0.0.1:{server.port}", "connecting", 0.05)


@pytest.mark.parametrize(
    ("limits", "what"), [({"connect_timeout": 0.05}, "the name lookup"), ({"timeout": 0.05}, "the whole")]
)
async def test_name_servers_that_do_not_answer_are_given_up(limits: dict[str, float], what: str):
    failure = await failure_of(EgressGuard(resolver=Silence(), **limits), "https://hooks.example/")
    assert isinstance(failure, TimedOut)
    assert what in str(failure)


# Failures


async def test_a_name_without_an_address_is_unreachable():
    for names in (Names(), Names(hooks_example=[[]])):
        failure = await failure_of(EgressGuard(resolver=names), "https://hooks.example/")
        assert failure == TargetUnreachable("https://hooks.example", "its name has no address")


async def test_a_server_that_is_not_there_is_unreachable():
    async with serving(OK) as server:
        pass
    failure = await failure_of(EgressGuard(allow=HERE, allow_http=True), server.url)
    assert failure == TargetUnreachable(f"http://127.0.0.1:{server.port}", "Connection refused")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "it closed the connection"),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "its response is not complete HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "its response is not complete HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9000 + b"\r\n\r\n", "its response is not complete HTTP"),
    ],
    ids=["nothing", "another protocol", "half a body", "too long a header"],
)
async def test_a_server_that_breaks_off_or_speaks_something_else_is_unreachable(answer: bytes, reason: str):
    async with serving(answer) as server:
        failure = await failure_of(EgressGuard(allow=HERE, allow_http=True), server.url)
    assert isinstance(failure, TargetUnreachable)
    assert failure.reason == reason


async def test_a_header_that_is_no_text_can_be_written_down_again():
    async with serving(reply("200 OK", b"", "X: caf\u00e9").replace("é".encode(), b"\xe9")) as server:
        got = await EgressGuard(allow=HERE, allow_http=True).get(server.url)
    assert got.headers["x"] == "caf\ufffd"


async def test_no_failure_shows_a_secret():
    async with serving(b"", then="silent") as silent, serving(b"") as closing, serving(reply(body=b"x" * 9)) as large:
        guard = EgressGuard(allow=HERE, allow_http=True, timeout=0.05, max_bytes=1)
        secret = "/hunter2/x?key=hunter2&more#hunter2"
        base = "://127.0.0.1"
        urls = [
            *(f"http{base}:{server.port}{secret}" for server in (silent, closing, large)),
            f"http://127.0.0.2{secret}",
            f"https://hooks.example{secret}",
            f"https://hooks.example:22{secret}",
            f"http://me:hunter2@hooks.example{secret}",
            f"http://hunter2 hunter2/{secret}",
            f"hunter2://me:hunter2@hooks.example{secret}",
            f"http://[hunter2]{secret}",
            f"http://hooks.example:hunter2{secret}",
            "hunter2",
        ]
        for url in urls:
            failure = await failure_of(guard, url, headers={"authorization": "Bearer hunter2"})
            assert "hunter2" not in str(failure) + repr(failure) + repr(failure.args)
            assert failure.__cause__ is None
            assert failure.__suppress_context__ or failure.__context__ is None


# The end


async def test_closing_breaks_off_what_is_under_way_and_takes_no_more():
    async with serving(b"", then="silent") as server:
        names = Names()
        guard = EgressGuard(allow=HERE, allow_http=True, resolver=names, timeout=3600)
        asking = asyncio.create_task(failure_of(guard, server.url))
        await server.arrived.wait()
        await guard.close()
        closed = TargetUnreachable(f"http://127.0.0.1:{server.port}", "the platform is shutting down")
        assert await asking == closed
        assert await failure_of(guard, server.url) == closed
    assert names.closed
    assert server.connections == 1


async def test_a_cancelled_request_closes_its_connection():
    async with serving(b"", then="silent") as server:
        guard = EgressGuard(allow=HERE, allow_http=True)
        asking = asyncio.create_task(guard.get(server.url))
        await server.arrived.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await server.gone.wait()


async def test_a_download_is_passed_on_in_pieces_and_broken_off_at_its_bound():
    got: list[bytes] = []
    async with serving(reply(body=b"x" * 300_000)) as server:
        answer = await EgressGuard(allow=HERE, allow_http=True, max_bytes=10).download(server.url, got.append, 300_000)
    assert (answer.status, answer.body, b"".join(got)) == (200, b"", b"x" * 300_000)
    async with serving(b"HTTP/1.1 200 OK\r\n\r\n", then="drip") as server:
        guard = EgressGuard(allow=HERE, allow_http=True)
        with pytest.raises(AnswerTooLarge):
            await guard.download(server.url, got.append, 1000)
        await server.gone.wait()


async def test_the_body_of_a_failed_download_is_in_the_reply():
    got: list[bytes] = []
    async with serving(reply("404 Not Found", b"gone")) as server:
        answer = await EgressGuard(allow=HERE, allow_http=True).download(server.url, got.append, 1000)
    assert (answer.status, answer.body, got) == (404, b"gone", [])


async def test_a_download_that_stops_is_given_up():
    got: list[bytes] = []
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", then="silent") as server:
        with pytest.raises(TimedOut):
            await EgressGuard(allow=HERE, allow_http=True, timeout=0.05).download(server.url, got.append, 1000)
    assert b"".join(got) == b"ab"
