"""Models' servers that are silent, break off, refuse or babble: the run recovers, or says what happened."""

from dataclasses import dataclass

import pytest

from tests.e2e.conftest import Starting
from tests.e2e.processes import Fake
from tests.e2e.reading import Address, Refusal, Stream
from tests.e2e.rough import EVENT, HALF, HEAD, RESET, SILENT, Manner, Rough
from tests.e2e.story import Story, messages, new_assistant, new_run

pytestmark = pytest.mark.slow

IDLE = 2.0
"""Seconds of silence before the platform gives up: what a server sends at once arrives well before."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Expected:
    """How a run ends."""

    code: str = ""
    """Of its failure, if it fails."""
    texts: tuple[str, ...] = ()
    discarded: int = 0
    retries: int = 0


MANNERS = {
    "half a line": Manner(HEAD + HALF + b'data: {"choices":[{"del'),
    "half a number": Manner(HEAD + HALF + b"data: 1"),
    "no more": Manner(HEAD + HALF),
    "reset": Manner(HEAD + HALF, RESET),
    "silent": Manner(HEAD + HALF, SILENT),
    "silent from the start": Manner(b"", SILENT),
    "half a head": Manner(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "nothing": Manner(b""),
    "reset at once": Manner(b"", RESET),
    "another protocol": Manner(b"220 mail.example.org ESMTP\r\n"),
    "no JSON": Manner(HEAD + HALF + b"data: {nonsense}\n\n"),
    "an error inside": Manner(HEAD + HALF + b'data: {"error": {"message": "Out of memory.", "code": 500}}\n\n'),
    "a half character": Manner(HEAD + HALF + EVENT % (b"\xc3", b'"stop"')),
}
CODES = {
    "silent": "timeout",
    "silent from the start": "timeout",
    "no JSON": "server_error",
    "an error inside": "server_error",
    "a half character": "server_error",
}


def outcome(address: Address, run_id: str) -> Story:
    """The story of a run, which must be the one that is stored."""
    with Stream(address, f"/v1/runs/{run_id}/events") as stream:
        story = Story.of(run_id, list(stream.frames())[:-1])
    run = address.ask("GET", f"/v1/runs/{run_id}")
    assert run["status"] == story.statuses[-1]
    assert story.errors == ([run["error"]["code"]] if run["error"] else [])
    said = [message for message in messages(address, run["thread_id"]) if message["role"] == "assistant"]
    assert {message["id"]: message["content"] for message in said} == story.texts
    assert all((message["status"] == "incomplete") == bool(story.errors) for message in said)
    return story


def holds(story: Story, expected: Expected) -> None:
    """The story is as it was expected."""
    assert story.statuses == ["queued", "in_progress", "failed" if expected.code else "completed"]
    assert story.errors == ([expected.code] if expected.code else [])
    assert tuple(story.texts.values()) == expected.texts
    assert len(story.discarded) == expected.discarded
    assert story.kinds.count("retry") == expected.retries


def test_a_server_that_misbehaves_once_is_asked_again_and_one_that_always_does_fails_the_run(starting: Starting):
    with Rough(MANNERS) as rough:
        server = starting(environ={"OPENAI_BASE_URL": rough.url}, model_idle_timeout=IDLE)
        address = Address(server.url(), server.key)
        assistant_id = new_assistant(address)
        texts = [f"{name} {often}" for name in MANNERS for often in ("once", "always")]
        runs = {text: new_run(address, assistant_id, text)["id"] for text in texts}
        for text, run_id in runs.items():
            name, _, often = text.rpartition(" ")
            heard = int(MANNERS[name].sent.startswith(HEAD))
            if often == "once":
                expected = Expected(texts=("whole",), discarded=heard, retries=1)
            else:
                code = CODES.get(name, "connection_error")
                expected = Expected(code, ("half ",) * heard, heard * (ATTEMPTS - 1), ATTEMPTS - 1)
            try:
                holds(outcome(address, run_id), expected)
            except AssertionError as error:
                error.add_note(text)
                raise
            assert rough.asked[text] == (2 if often == "once" else ATTEMPTS), text
        assert server.logged() == ""


LIES = {
    "negative": b"-7",
    "huge": b"1e300",
    "a word": b'"many"',
}


def test_a_server_that_lies_about_usage_is_not_believed(starting: Starting):
    said = EVENT % (b"whole", b'"stop"')
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":%b}}\n\n'
    with Rough({name: Manner(HEAD + said + usage % lie + b"data: [DONE]\n\n") for name, lie in LIES.items()}) as rough:
        server = starting(environ={"OPENAI_BASE_URL": rough.url})
        address = Address(server.url(), server.key)
        assistant_id = new_assistant(address)
        for name in LIES:
            run_id = new_run(address, assistant_id, f"{name} always")["id"]
            holds(outcome(address, run_id), Expected(texts=("whole",)))
            used = address.ask("GET", f"/v1/runs/{run_id}")["usage"]
            assert used["estimated"]
            assert 0 < used["total_tokens"] < 100
        assert server.logged() == ""


FAKED = {
    "[status=401]": (Expected("authentication_error"), 1),
    "[status=404]": (Expected("model_not_found"), 1),
    "[status=400,code=context_length_exceeded]": (Expected("context_length_exceeded"), 1),
    "[status=429,code=insufficient_quota]": (Expected("rate_limit_exceeded"), 1),
    "[status=429,retry_after=600]": (Expected("rate_limit_exceeded"), 1),
    "[status=429,retry_after=0,times=2][say=at last]": (Expected(texts=("at last",), retries=2), ATTEMPTS),
    "[status=503,times=1][say=at last]": (Expected(texts=("at last",), retries=1), 2),
    "[tokens=5][break=3]": (Expected(texts=("w0 w1 w2 w3 w4",), discarded=1, retries=1), 2),
    "[tokens=5][break=3,times=2]": (Expected(texts=("w0 w1 w2 w3 w4",), discarded=2, retries=2), ATTEMPTS),
    "[tokens=5][break=3,times=9]": (Expected("connection_error", ("w0 w1 w2",), 2, 2), ATTEMPTS),
    "[tokens=5][hang=2,times=1]": (Expected(texts=("w0 w1 w2 w3 w4",), discarded=1, retries=1), 2),
    "[tokens=5][hang=2]": (Expected("timeout", ("w0 w1",), 2, 2), ATTEMPTS),
    "[tokens=5][fragment][delay=0.001]": (Expected(texts=("w0 w1 w2 w3 w4",)), 1),
    "[tokens=5][nodone][nousage]": (Expected(texts=("w0 w1 w2 w3 w4",)), 1),
}


def test_refusals_and_silences_are_told_by_their_codes(starting: Starting, fake: Fake):
    server = starting(model_idle_timeout=IDLE)
    address = Address(server.url(), server.key)
    assistant_id = new_assistant(address)
    runs = {text: new_run(address, assistant_id, text)["id"] for text in FAKED}
    for text, run_id in runs.items():
        expected, asked = FAKED[text]
        try:
            holds(outcome(address, run_id), expected)
        except AssertionError as error:
            error.add_note(text)
            raise
        assert len(fake.asked(text)) == asked, text
    assert server.logged() == ""


def test_what_a_model_took_back_is_not_in_the_completion(starting: Starting):
    server = starting()
    address = Address(server.url(), server.key)
    assistant_id = new_assistant(address)
    for text, whole in (("[tokens=5][break=3]", "w0 w1 w2 w3 w4"), ("[say=simply this]", "simply this")):
        run = new_run(address, assistant_id, text, status="pending")
        body = {name: run[name] for name in ("thread_id", "assistant_id")} | {"run_id": run["id"], "stream": False}
        answer = address.ask("POST", "/v1/completions", body)
        assert (answer["content"], answer["status"]) == (whole, "completed")


def test_a_completion_of_a_run_that_fails_is_an_error(starting: Starting):
    server = starting()
    address = Address(server.url(), server.key)
    run = new_run(address, new_assistant(address), "[status=401]", status="pending")
    body = {name: run[name] for name in ("thread_id", "assistant_id")} | {"run_id": run["id"], "stream": False}
    with pytest.raises(Refusal) as caught:
        address.ask("POST", "/v1/completions", body)
    assert (caught.value.status, caught.value.code) == (502, "run_failed")
    assert "authentication_error" in str(caught.value)
