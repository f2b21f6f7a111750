"""The Python of the API page, verbatim."""

import json
from typing import Any

import pytest

from tests.client.fake import KEY, Answer, Fake
from tests.client.samples import ASSISTANT

CREATE = """
import os

from projectdavid import Entity

client = Entity()

assistant = client.assistants.create_assistant(
    name="Mathy",
    description="test_case",
    model='llama3.1',
    instructions="You are a helpful math tutor.",
    tools=[{"type": "code_interpreter"},
                   ],

)

print(f"{assistant}")
"""
LIST = """
assistant_list = client.assistants.list()

print(assistant_list)
"""
RETRIEVE = """
from projectdavid import Entity
client = Entity()

assistant = client.assistants.retrieve_assistant(assistant_id=assistant.id)
print(assistant.json())
"""
MODIFY = """
from projectdavid import Entity
client = Entity()

modify_assistant = client.assistants.update_assistant(
    assistant_id=assistant.id,
    name="Mathy",
    description="test_case",
    model='llama3.1',
    instructions="You are now a web search bot",
    tools=[{"type": "web_search"},
                   ],

)
print(modify_assistant)
"""
DELETE = """
from projectdavid import Entity
client = Entity()

delete_assistant = client.assistants.delete_assistant(assistant_id=assistant.id)
"""


@pytest.fixture
def page(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's blocks share; the key and the address come from the environment."""
    monkeypatch.setenv("PROJECTDAVID_API_KEY", KEY)
    monkeypatch.setenv("PROJECTDAVID_BASE_URL", fake.base_url)
    path = f"/v1/assistants/{ASSISTANT['id']}"
    fake.on("POST /v1/assistants", Answer(ASSISTANT))
    fake.on("GET /v1/assistants", Answer([ASSISTANT, ASSISTANT], headers={"x-has-more": "false"}))
    fake.on(f"GET {path}", Answer(ASSISTANT))
    fake.on(f"PUT {path}", Answer(ASSISTANT))
    fake.on(f"DELETE {path}", Answer({"id": ASSISTANT["id"], "object": "assistant.deleted", "deleted": True}))
    return {}


def test_the_blocks_of_the_page_run_one_after_the_other_and_print_json(
    page: dict[str, Any], fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    printed: list[Any] = []
    for block in (CREATE, LIST, RETRIEVE, MODIFY, DELETE):
        exec(block, page)
        printed.append(capsys.readouterr().out)
    page["client"].close()
    shown = [list(json.loads(text).items()) for text in (printed[0], printed[2], printed[3])]
    assert shown == [list(ASSISTANT.items())] * 3, "the keys of the page, in its order"
    assert json.loads(printed[1]) == [ASSISTANT, ASSISTANT]
    assert page["delete_assistant"].deleted is True
    assert fake.asked[0].headers["x-api-key"] == KEY
    assert fake.asked[0].headers["user-agent"].startswith("projectdavid-python/0.")
    assert fake.asked[0].body == {
        "name": "Mathy",
        "description": "test_case",
        "model": "llama3.1",
        "instructions": "You are a helpful math tutor.",
        "tools": [{"type": "code_interpreter"}],
    }
    assert fake.asked[3].body["tools"] == [{"type": "web_search"}]
    assert "temperature" not in fake.asked[3].body
