"""A real model's server that loads, is killed, or writes on while a run is cancelled."""

from collections.abc import Iterator

import pytest

from projectdavid.protocol.events import ContentEvent, Event, MessageDiscardedEvent, RetryEvent
from tests.real_model.conftest import Chat
from tests.real_model.model_server import LONG, ModelServer
from tests.timeouts import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.real_model]

CHARACTERS = 30


@pytest.fixture(autouse=True)
def _stopped(model_server: ModelServer) -> Iterator[None]:
    yield
    model_server.kill()


def test_a_run_that_arrives_while_the_model_loads_completes(chat: Chat, model_server: ModelServer) -> None:
    model_server.start(CHARACTERS)
    model_server.wait_until_loading()
    chat.say("Are you there?")
    result = chat.run()
    assert result.run.status == "completed"
    assert len(result.text) == CHARACTERS
    assert chat.events_of(RetryEvent)


def test_a_run_whose_model_server_is_killed_and_restarted_completes(chat: Chat, model_server: ModelServer) -> None:
    model_server.start(LONG)
    model_server.wait_until_ready()

    def restart(event: Event) -> None:
        if isinstance(event, ContentEvent) and len(chat.events_of(ContentEvent)) == 1:
            model_server.kill()
            model_server.start(CHARACTERS)

    chat.say("Tell me everything.")
    result = chat.run(restart)
    assert result.run.status == "completed"
    assert len(result.text) == CHARACTERS
    assert chat.events_of(MessageDiscardedEvent)
    assert chat.events_of(RetryEvent)


def test_a_cancelled_run_counts_its_tokens_and_frees_the_model(chat: Chat, model_server: ModelServer) -> None:
    model_server.start(LONG)
    model_server.wait_until_ready()

    def cancel(event: Event) -> None:
        if isinstance(event, ContentEvent) and len(chat.events_of(ContentEvent)) == 2:
            chat.client.runs.cancel_run(event.run_id)

    chat.say("Tell me everything.")
    result = chat.run(cancel)
    assert result.run.status == "cancelled"
    assert result.text
    usage = result.run.usage
    assert usage is not None
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    wait_until(model_server.is_idle)
    chat.say("Go on.")
    assert chat.run(max_completion_tokens=2).run.incomplete_details == "max_completion_tokens"
