"""The provider against servers that refuse, are silent, or are not there."""

import json
import socket

import pytest

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.ports.model import ModelError
from tests.fakes.raw import SSE, answering, response
from tests.fakes.upstream import Upstream
from tests.providers.asking import KEY, asking, at, chunks, text

pytestmark = pytest.mark.anyio


async def failure_of(provider: OpenAICompatible) -> ModelError:
    """How asking fails."""
    with pytest.raises(ModelError) as caught:
        await chunks(provider, asking("hi"))
    return caught.value


async def refusal(status: str, body: bytes = b"", *headers: str) -> ModelError:
    """The failure that a status and a body lead to."""
    async with answering(response(status, body, *headers)) as raw, at(raw.url) as provider:
        return await failure_of(provider)


def said(message: str, code: str | None = None) -> bytes:
    """An error body."""
    return json.dumps({"error": {"message": message, "type": "t", "code": code}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        (401, b"", "authentication_error", False),
        (403, b"", "authentication_error", False),
        (404, b"", "model_not_found", False),
        (400, b"", "invalid_request", False),
        (422, b"", "invalid_request", False),
        (418, b"", "invalid_request", False),
        (400, said("Unsupported parameter: 'temperature'", "unsupported_parameter"), "invalid_request", False),
        (400, said("Invalid schema for function 'f'", "invalid_function_parameters"), "invalid_request", False),
        (400, said("x", "content_filter"), "invalid_prompt", False),
        (400, said("x", "content_policy_violation"), "invalid_prompt", False),
        (400, said("x", "image_parse_error"), "invalid_prompt", False),
        (422, said("The prompt was flagged."), "invalid_prompt", False),
        (403, said("x", "moderation_blocked"), "invalid_prompt", False),
        (400, said("x", "context_length_exceeded"), "context_length_exceeded", False),
        (422, said("This model's Maximum Context Length is 9"), "context_length_exceeded", False),
        (400, said("API key not valid. Please pass a valid API key."), "authentication_error", False),
        (400, said("Incorrect API key provided: sk."), "authentication_error", False),
        (400, said("Model Not Exist"), "model_not_found", False),
        (400, said("foo/bar is not a valid model ID"), "model_not_found", False),
        (400, said("The model `mixtral` has been decommissioned."), "model_not_found", False),
        (400, said("Invalid model: foo", "1500"), "model_not_found", False),
        (400, said("Content Exists Risk"), "invalid_prompt", False),
        (400, said("Input data may contain inappropriate content.", "data_inspection_failed"), "invalid_prompt", False),
        (400, said("Failed to call a function.", "tool_use_failed"), "server_error", True),
        (400, said("Failed to generate JSON.", "json_validate_failed"), "server_error", True),
        (402, b"", "rate_limit_exceeded", False),
        (408, b"", "timeout", True),
        (429, b"", "rate_limit_exceeded", True),
        (429, said("x", "insufficient_quota"), "rate_limit_exceeded", False),
        (500, b"", "server_error", True),
        (503, b"<html>", "server_error", True),
        (301, b"", "connection_error", False),
    ],
)
async def test_statuses_become_codes(status: int, body: bytes, code: str, retryable: bool):
    failure = await refusal(f"{status} Refused", body)
    assert (failure.code, failure.retryable) == (code, retryable)
    assert "'acme'" in failure.message
    assert str(status) in failure.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (said("No such thing."), "No such thing."),
        (b'[{"error": {"message": "No such thing."}}]', "No such thing."),
        (b'{"error": "No such thing."}', "No such thing."),
        (b'{"message": "No such thing."}', "No such thing."),
        (b'{"detail": "No such thing."}', "No such thing."),
        (b'{"detail": [{"msg": "No such thing."}]}', "No such thing."),
        (b'"No such thing."', "No such thing."),
        (b"No such thing.\xff", "No such thing."),
        (b"[]", "[]"),
    ],
)
async def test_the_words_of_the_server_are_passed_on(body: bytes, words: str):
    assert words in (await refusal("400 Bad Request", body)).message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 3"], 3.0),
        (["Retry-After: 0.5"], 0.5),
        (["retry-after-ms: 250", "Retry-After: 3"], 0.25),
        (["Date: Mon, 01 Jan 2024 00:00:00 GMT", "Retry-After: Mon, 01 Jan 2024 00:00:07 GMT"], 7.0),
        (["Date: Mon, 01 Jan 2024 00:00:00 GMT", "Retry-After: Mon, 01 Jan 2024 00:00:07 -0000"], 7.0),
        (["Retry-After: Mon, 01 Jan 2024 00:00:07 GMT"], 0.0),
        (["Retry-After: soon"], None),
        (["Retry-After: nan"], None),
        (["Retry-After: -1"], None),
        ([], None),
    ],
)
@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Unavailable"])
async def test_the_server_says_when_to_come_back(status: str, headers: list[str], seconds: float | None):
    assert (await refusal(status, b"", *headers)).retry_after == seconds


async def test_a_refused_conversation_can_be_asked_again(provider: OpenAICompatible, upstream: Upstream):
    ask = asking("[status=429,retry_after=0,times=1][say=Now it works.]")
    with pytest.raises(ModelError) as caught:
        await chunks(provider, ask)
    assert caught.value.retry_after == 0.0
    assert text(await chunks(provider, ask)) == "Now it works."
    assert upstream.connections == 1


async def test_the_key_is_never_shown():
    header = "tok-0123456789abcdef"
    words = f"Bad key {KEY}, also seen as {KEY[:10]}****cdef, and {header}, and hunter2"
    async with answering(response("401 Unauthorized", said(words))) as raw:
        url = raw.url.replace("http://", "http://me:hunter2@") + "?key=qqqqqqqqqqqqqqqqqqqq"
        async with at(url, headers={"X-Token": f"Bearer {header}"}) as provider:
            failure = await failure_of(provider)
    assert "'acme'" in failure.message
    assert "api_key" in failure.message
    for secret in (KEY, KEY[:10], header, "hunter2", "qqqq"):
        assert secret not in str(failure) + repr(failure)
    assert failure.__cause__ is None


async def test_the_key_is_not_shown_by_an_error_inside_a_stream():
    event = b"data: " + said(f"Bad key {KEY}") + b"\n\n"
    async with answering(SSE + event) as raw, at(raw.url) as provider:
        assert KEY not in str(await failure_of(provider))


async def test_a_missing_key_is_named_as_the_cause():
    async with answering(response("401 Unauthorized")) as raw, at(raw.url, api_key="") as provider:
        assert "no api_key is configured" in (await failure_of(provider)).message


async def test_long_words_of_the_server_are_cut():
    message = (await refusal("500 Oops", said("ab" * 5000))).message
    assert message.count("ab") == 250


async def test_a_body_of_an_error_that_breaks_off_does_not_hide_the_status():
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n"
    async with answering(head + b"half") as raw, at(raw.url) as provider:
        failure = await failure_of(provider)
    assert failure.code == "model_not_found"
    assert "'fake-model'" in failure.message


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def test_a_refused_connection_names_the_base_url_and_no_secret():
    port = closed_port()
    async with at(f"http://me:pass@127.0.0.1:{port}/v1?key=1") as provider:
        for failing in (chunks(provider, asking("hi")), provider.models()):
            with pytest.raises(ModelError) as caught:
                await failing
            failure = caught.value
            assert (failure.code, failure.retryable) == ("connection_error", True)
            assert failure.message == (
                f"Provider 'acme' at http://127.0.0.1:{port}/v1 cannot be reached: Connection refused."
            )


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200", b"SSH-2.0-x\r\n\r\n"])
async def test_an_answer_that_is_no_response_is_a_connection_error(sent: bytes):
    async with answering(sent) as raw, at(raw.url) as provider:
        failure = await failure_of(provider)
    assert (failure.code, failure.retryable) == ("connection_error", True)


@pytest.mark.parametrize("sent", [b"", SSE, SSE + b"data: {"])
async def test_a_silent_server_is_a_timeout(sent: bytes):
    async with answering(sent, silent=True) as raw, at(raw.url, idle_timeout=0.05) as provider:
        failure = await failure_of(provider)
        assert (failure.code, failure.retryable) == ("timeout", True)
        await raw.gone.wait()


async def test_silence_behind_the_finish_is_a_normal_end():
    event = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    async with answering(SSE + event, silent=True) as raw, at(raw.url, idle_timeout=0.5) as provider:
        assert text(await chunks(provider, asking("hi"))) == "a"


async def test_a_server_that_takes_no_connection_is_a_timeout():
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        async with at(f"http://127.0.0.1:{full.getsockname()[1]}", connect_timeout=0.05) as provider:
            failure = await failure_of(provider)
    assert (failure.code, failure.retryable) == ("timeout", True)


async def test_a_server_that_breaks_off_can_be_asked_again(provider: OpenAICompatible, upstream: Upstream):
    ask = asking("[tokens=5][break=3]")
    with pytest.raises(ModelError, match="interrupted its answer") as caught:
        await chunks(provider, ask)
    assert (caught.value.code, caught.value.retryable) == ("connection_error", True)
    assert text(await chunks(provider, ask)) == "w0 w1 w2 w3 w4"
    assert [request["finished"] for request in upstream.requests] == [False, True]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (response("401 Unauthorized"), "authentication_error"),
        (response("404 Not Found"), "model_not_found"),
        (response("200 OK", b"<html>"), "server_error"),
        (response("200 OK", b'{"data":[{}]}'), "server_error"),
        (b"", "connection_error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "connection_error"),
    ],
)
async def test_models_that_cannot_be_listed_are_a_failure(sent: bytes, code: str):
    async with answering(sent) as raw, at(raw.url) as provider:
        with pytest.raises(ModelError) as caught:
            await provider.models()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (response("404 Not Found", b'{"error":{"message":"no such model"}}'), "model_not_found"),
        (response("401 Unauthorized"), "authentication_error"),
        (response("400 Bad Request", b'{"error":{"message":"it is ours"}}'), "invalid_request"),
        (response("302 Found", b"", "Location: http://127.0.0.1:1/"), "connection_error"),
        (b"", "connection_error"),
    ],
)
async def test_a_model_that_cannot_be_deleted_is_a_failure(sent: bytes, code: str):
    async with answering(sent) as raw, at(raw.url) as provider:
        with pytest.raises(ModelError) as caught:
            await provider.delete("mine")
    assert caught.value.code == code
    assert KEY not in caught.value.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", "message: 502 Bad Gateway"),
        (b'{"Message": "User is not authorized"}', "message: User is not authorized"),
        (b'{"error": "Model x is loading", "estimated_time": 2}', "message: Model x is loading"),
        (b'{"success": false, "errors": [{"code": 5006, "message": "Bad input"}]}', "message: Bad input"),
        (b'{"error_code": "BAD_REQUEST", "message": "No."}', "message: No."),
        (b'{"title": "Not Found", "detail": "No such function"}', "message: No such function"),
        (
            b'{"error": {"message": "Provider returned error", "metadata": {"raw": "Slow down, please"}}}',
            "message: Provider returned error: Slow down, please",
        ),
    ],
)
async def test_the_words_of_a_refusal_are_shown_whatever_its_envelope(body: bytes, words: str):
    assert words in (await refusal("502 Bad Gateway", body)).message
