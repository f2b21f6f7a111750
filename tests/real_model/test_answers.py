"""What a real model answers, with a template that takes any prompt and with one as strict as Gemma's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from projectdavid.protocol.events import ContentEvent
from tests.real_model.conftest import Chat
from tests.real_model.model_server import ALTERNATING, CONTEXT_WINDOW, ModelServer

pytestmark = [pytest.mark.slow, pytest.mark.real_model]

CHARACTERS = 30
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}
BEYOND = 3
"""How many times the context window a long thread is."""
TEXTS = {
    "English": "The lantern lasts three years, and its batteries are covered for twelve months. " * 3,
    "Chinese": "这盏灯可以使用三年。电池的保修期是十二个月。请把序列号寄给我们。" * 3,
    "digits": "271828182845904523536028747135266249775724709369995957496696 ",
}


@pytest.fixture(scope="module", params=[None, ALTERNATING], ids=["any roles", "alternating roles"])
def template(request: pytest.FixtureRequest) -> Path | None:
    """The chat template."""
    return request.param


@pytest.fixture(scope="module", autouse=True)
def _loaded(model_server: ModelServer) -> Iterator[None]:
    model_server.start(CHARACTERS)
    model_server.wait_until_ready()
    yield
    model_server.kill()


def test_a_conversation_streams_and_reports_the_usage_of_the_server(chat: Chat) -> None:
    read = []
    for text in ("Who is there?", "And where?"):
        chat.say(text)
        result = chat.run()
        assert result.run.status == "completed"
        deltas = [event.content for event in chat.events_of(ContentEvent)]
        assert len(deltas) > 1
        assert "".join(deltas) == result.text
        assert len(result.text) == CHARACTERS
        usage = result.run.usage
        assert usage is not None
        assert not usage.estimated
        assert usage.completion_tokens >= len(deltas)
        read.append(usage.prompt_tokens)
    assert 0 < read[0] < read[1]


@pytest.mark.parametrize(("language", "refusals"), [("English", 0), ("Chinese", 0), ("digits", 1)])
def test_a_thread_beyond_the_context_window_completes(
    chat: Chat, model_server: ModelServer, language: str, refusals: int
) -> None:
    """The server's list of models names the window; it is not asked for digits, whose tokens are underestimated."""
    text, refused = TEXTS[language], model_server.count_refusals()
    turns = BEYOND * CONTEXT_WINDOW // model_server.count_tokens(text) // 2 + 1
    for _ in range(turns):
        chat.say(text)
        chat.say(text, role="assistant")
    chat.say("?")
    result = chat.run()
    assert result.run.status == "completed"
    assert model_server.count_refusals() - refused == refusals
    usage = result.run.usage
    assert usage is not None
    assert not usage.estimated
    assert model_server.count_tokens(text) < usage.prompt_tokens < CONTEXT_WINDOW
    assert len(list(chat.client.messages.iterate(chat.thread_id))) == 2 * turns + 2


def test_two_messages_of_the_user_in_a_row_complete(chat: Chat) -> None:
    chat.say("One.", "Two.")
    assert chat.run().run.status == "completed"
    chat.say("Three.", role="assistant")
    chat.say("Four.", "Five.")
    assert chat.run().run.status == "completed"


def test_a_maximum_of_tokens_ends_the_run_as_incomplete(chat: Chat) -> None:
    chat.say("Tell me everything.")
    run = chat.run(max_completion_tokens=3).run
    assert (run.status, run.incomplete_details) == ("incomplete", "max_completion_tokens")
    assert run.usage is not None
    assert (run.usage.completion_tokens, run.usage.estimated) == (3, False)


def test_a_schema_is_what_the_model_follows(chat: Chat) -> None:
    chat.say("Which city?")
    wanted: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    result = chat.run(response_format=wanted, temperature=0)
    assert result.run.status == "completed"
    assert json.loads(result.text)["city"] in ("Oslo", "Rome")


def test_json_mode_gives_json(chat: Chat) -> None:
    chat.say("Answer in JSON.")
    result = chat.run(response_format={"type": "json_object"}, max_completion_tokens=8, temperature=0)
    assert result.text.lstrip().startswith("{")
