"""`doctor --provider`: what a provider's server does with each part of a request."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from projectdavid.cli.doctor.provider_probe import MAX_TOKENS, MOST_REQUESTS
from tests.cli.conftest import Command
from tests.fakes.chat_model import QUIRKS, ChatModel
from tests.fakes.scenes import Refuser

Serve = Callable[[Any], Any]
KEY = "sk-test-0123456789abcdef"
EXPECTED: dict[str, tuple[int, dict[str, str]]] = {
    "perfect": (0, {}),
    "no usage": (1, {"usage": "no"}),
    "calls whole": (1, {"arguments in pieces": "no"}),
    "ignores tool_choice": (1, {"tool_choice required": "ignored", "tool_choice none": "ignored"}),
    "refuses stream_options": (1, {}),
    "wants reasoning_content": (1, {"results without state": "refused"}),
    "wants signatures": (1, {"results without state": "refused"}),
    "answers HTML": (2, {"models": "unknown", "text": "unknown"}),
}
"""The exit code of each quirk, and the results that are not `yes`."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, alone: None) -> Iterator[Serve]:
    """Starts a model's server, which is then the provider `openai`."""
    with start_blocking_portal() as portal:
        opened: list[Any] = []

        def start(server: Any) -> Any:
            context = portal.wrap_async_context_manager(server)
            context.__enter__()
            opened.append(context)
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            return server

        yield start
        for context in opened:
            context.__exit__(None, None, None)


@pytest.mark.parametrize("quirk", QUIRKS)
def test_eight_servers_are_told_apart(lonely: Command, serve: Serve, quirk: str) -> None:
    server = serve(ChatModel(quirk))
    outcome = lonely("doctor", "--provider", "openai", "--model", "fake", "--json")
    report = json.loads(outcome.out)
    code, others = EXPECTED[quirk]
    assert (outcome.code, report["exit_code"]) == (code, code)
    assert {one["name"]: one["verdict"] for one in report["findings"] if one["verdict"] != "yes"} == others
    assert report["learned"] == (["does not accept 'stream_options'"] if quirk == "refuses stream_options" else [])
    assert len(server.asked) <= MOST_REQUESTS
    assert all((body.get("max_tokens") or 0) <= MAX_TOKENS for body in server.asked)
    assert KEY not in outcome.out + outcome.err


def test_the_field_that_a_server_wants_is_named(lonely: Command, serve: Serve) -> None:
    for quirk, word in (("wants reasoning_content", "reasoning_content"), ("wants signatures", "thought_signature")):
        serve(ChatModel(quirk))
        report = json.loads(lonely("doctor", "--provider", "openai", "--json").out)
        (finding,) = [one for one in report["findings"] if one["name"] == "results without state"]
        assert word in finding["detail"]
        assert report["model"] == "fake"


def test_a_report_for_people_is_a_table(lonely: Command, serve: Serve) -> None:
    serve(ChatModel("no usage"))
    outcome = lonely("doctor", "--provider", "openai")
    assert outcome.code == 1
    assert "openai/fake" in outcome.out
    assert "two users in a row" in outcome.out
    assert "learned: nothing" in outcome.out


ODD: list[tuple[tuple[int, Any], str]] = [
    ((401, {"error": {"message": "wrong key"}}), "refused"),
    ((404, {"error": {"message": "no such model"}}), "refused"),
    ((302, {}), "unknown"),
    ((500, {"error": {"message": "broken"}}), "unknown"),
    ((200, {"error": {"message": "an error with the status of success"}}), "unknown"),
    ((200, {}), "unknown"),
]


@pytest.mark.parametrize(("answer", "verdict"), ODD)
def test_a_server_that_does_not_answer_is_useless(
    lonely: Command, serve: Serve, answer: tuple[int, Any], verdict: str
) -> None:
    serve(Refuser([(lambda body: True, answer)]))
    outcome = lonely("doctor", "--provider", "openai", "--model", "m", "--json")
    findings = {one["name"]: one["verdict"] for one in json.loads(outcome.out)["findings"]}
    assert (outcome.code, findings["text"]) == (2, verdict)
    assert set(findings) == {"models", "text"}
    assert KEY not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--provider", "nope"), "there is no provider 'nope'"),
        (("--model", "m"), "--model needs --provider"),
    ],
)
def test_what_cannot_be_tested_is_said(lonely: Command, serve: Serve, words: tuple[str, ...], said: str) -> None:
    serve(ChatModel("perfect"))
    outcome = lonely("doctor", *words)
    assert outcome.code == 1
    assert said in outcome.error
