"""The API page that the project is built from: its Python runs as it stands there, and prints what it shows."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from projectdavid import Entity, NotFoundError
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.docs.pages import SEED, Block, blocks
from tests.docs.running import Session, differences

FIELDS = (
    "name",
    "description",
    "model",
    "instructions",
    "tools",
    "platform_tools",
    "tool_resources",
    "meta_data",
    "top_p",
    "temperature",
)
UPDATED = {"instructions": "You are now a web search bot", "tools": [{"type": "web_search"}]}

if not SEED.is_file():
    pytest.skip("the page is not beside this checkout", allow_module_level=True)


def of(language: str) -> list[Block]:
    return [block for block in blocks(SEED) if block.language == language]


def shown() -> list[Any]:
    """What the page shows as returned: by create, list, retrieve and update."""
    return [json.loads(block.text) for block in of("json")]


def unowned(value: Any) -> Any:
    """Without the owner: the page has null, or somebody else."""
    if isinstance(value, list):
        return [unowned(one) for one in value]
    return {key: None if key == "user_id" else one for key, one in value.items()}


@pytest.fixture
def printed(server: EmbeddedPlatform, tmp_path: Path) -> list[str]:
    """What each Python block of the page prints, one after the other on a new server."""
    session = Session(server, tmp_path)
    outputs: list[str] = []
    for block in of("python"):
        session.run_python(block)
        outputs.append(session.printed)
    session.close()
    return outputs


def test_the_page_has_five_blocks_and_four_answers() -> None:
    assert (len(of("python")), len(of("json"))) == (5, 4)


def test_create_prints_what_the_page_shows(printed: list[str]) -> None:
    assert differences(shown()[0], unowned(json.loads(printed[0]))) == []


def test_list_prints_the_assistant_with_the_fields_of_the_page(printed: list[str]) -> None:
    (listed,) = json.loads(printed[1])
    assert listed == json.loads(printed[0])
    for illustration in shown()[1]:
        assert list(illustration) == list(listed)


def test_retrieve_prints_what_the_page_shows(printed: list[str]) -> None:
    assert differences(shown()[2], unowned(json.loads(printed[2]))) == []
    assert json.loads(printed[2]) == json.loads(printed[0])


def test_update_prints_the_fields_of_the_page_with_the_values_of_its_block(printed: list[str]) -> None:
    assert differences({**shown()[3], **UPDATED}, unowned(json.loads(printed[3]))) == []
    assert json.loads(printed[3]) == {**json.loads(printed[0]), **UPDATED}


def test_delete_prints_nothing_and_deletes(printed: list[str], server: EmbeddedPlatform) -> None:
    assert printed[4] == ""
    with Entity() as client:
        assert client.assistants.list() == []
        with pytest.raises(NotFoundError):
            client.assistants.retrieve_assistant(json.loads(printed[0])["id"])


def test_the_assistants_that_the_list_shows_can_be_made_and_are_listed_like_that(server: EmbeddedPlatform) -> None:
    with Entity() as client:
        headers = {"x-api-key": server.api_key}
        httpx2.post(f"{server.base_url}/v1/vector-stores", json={"shared_id": "vs_docs"}, headers=headers)
        for illustration in shown()[1]:
            made = client.assistants.create_assistant(**{name: illustration[name] for name in FIELDS})
            assert differences(unowned(illustration), unowned(made.dict())) == []
        listed = json.loads(str(client.assistants.list(order="asc")))
    assert differences(unowned(shown()[1]), unowned(listed)) == []


def test_the_fields_of_the_page_are_those_of_its_answers() -> None:
    lines = SEED.read_text("utf-8").splitlines()
    named = [line.split("|")[1].strip().strip("*`") for line in lines if line.startswith("|") and "`" in line]
    fields = list(dict.fromkeys(name for name in named if name and name != "assistant_id"))
    assert [name for name in shown()[0] if name != "platform_tools"] == fields
