"""Lists: followed to their end, or one page."""

import json
from collections.abc import Iterable
from typing import Any

from projectdavid import Entity
from tests.client.fake import Answer, Fake
from tests.client.samples import ASSISTANT, MESSAGE, THREAD, page


def numbered(kind: dict[str, Any], numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [kind | {"id": f"x_{number}"} for number in numbers]


def test_a_list_without_a_limit_is_followed_to_its_end(fake: Fake, client: Entity) -> None:
    parts = [numbered(ASSISTANT, numbers) for numbers in (range(3), range(3, 6), range(6, 7))]
    fake.on(
        "GET /v1/assistants",
        Answer(parts[0], headers={"x-has-more": "true", "x-last-id": "x_2"}),
        Answer(parts[1], headers={"x-has-more": "true", "x-last-id": "x_5"}),
        Answer(parts[2], headers={"x-has-more": "false", "x-last-id": "x_6"}),
    )
    listed = client.assistants.list()
    assert json.loads(str(listed)) == json.loads(listed.json()) == parts[0] + parts[1] + parts[2]
    assert [asked.query.get("after") for asked in fake.asked] == [None, "x_2", "x_5"]


def test_a_list_with_a_limit_is_one_page(fake: Fake, client: Entity) -> None:
    fake.on("GET /v1/threads", Answer(page(*numbered(THREAD, range(2)), more=True)))
    assert [thread.id for thread in client.threads.list(limit=2)] == ["x_0", "x_1"]
    assert len(fake.asked) == 1


def test_a_cursor_that_does_not_move_is_not_followed_for_ever(fake: Fake, client: Entity) -> None:
    fake.on("GET /v1/threads", Answer(page(*numbered(THREAD, [1]), more=True)))
    assert len(client.threads.list()) == 2
    fake.on("GET /v1/threads/t/messages", Answer(page(*numbered(MESSAGE, [1]), more=True)))
    assert len(list(client.messages.iterate("t"))) == 2


def test_all_messages_are_iterated_over_page_by_page(fake: Fake, client: Entity) -> None:
    first, second = (numbered(MESSAGE, numbers) for numbers in (range(2), range(2, 4)))
    fake.on("GET /v1/threads/t/messages", Answer(page(*first, more=True)), Answer(page(*second)))
    messages = client.messages.iterate("t")
    assert next(messages).id == "x_0"
    assert len(fake.asked) == 1, "pages are asked for when they are needed"
    assert [message.id for message in messages] == ["x_1", "x_2", "x_3"]


def test_lists_print_as_json(fake: Fake, client: Entity) -> None:
    fake.on("GET /v1/threads/user/u", Answer(["t", "ü"]))
    listed = client.threads.list_threads("u")
    assert (str(listed), repr(listed), listed) == ('["t","ü"]', '["t","ü"]', ["t", "ü"])
