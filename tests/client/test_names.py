"""One naming scheme: `create`, `retrieve`, `update`, `delete` and `list`; a wrong name gets a hint."""

import pytest

from projectdavid import AsyncEntity, Entity
from tests.client.fake import KEY

CLIENTS = (Entity("http://127.0.0.1:9", KEY), AsyncEntity("http://127.0.0.1:9", KEY))
SAME = {
    "assistants": ("create_assistant", "retrieve_assistant", "update_assistant", "delete_assistant"),
    "threads": ("create_thread", "retrieve_thread", "update_thread", "delete_thread"),
    "messages": ("create_message", "retrieve_message", "update_message", "delete_message", "list_messages"),
    "runs": ("create_run", "retrieve_run", "list_runs", "cancel_run", "delete_run"),
    "users": ("create_user", "retrieve_user", "update_user", "delete_user"),
    "keys": ("create_key", "list_keys", "revoke_key", "validate_key"),
    "actions": ("update_action",),
}
VERBS = {
    "assistants": "create retrieve update delete list",
    "threads": "create retrieve update delete list",
    "messages": "create retrieve update delete list",
    "runs": "create retrieve delete list cancel",
    "users": "create retrieve update delete list",
    "keys": "create retrieve revoke list",
    "actions": "retrieve update",
    "vectors": "create retrieve update delete list",
    "files": "retrieve delete list",
    "models": "list",
    "webhooks": "list retrieve",
    "imports": "retrieve list",
}
HINTS = [
    ("assistants", "list_assistants", "list"),
    ("assistants", "get", "retrieve"),
    ("assistants", "modify", "update"),
    ("assistants", "creat", "create"),
    ("threads", "remove_thread", "delete"),
    ("messages", "all", "list"),
    ("runs", "get_run", "retrieve"),
    ("vectors", "create_vector_store", "create"),
    ("files", "list_files", "list"),
]


@pytest.mark.parametrize("client", CLIENTS, ids=["sync", "async"])
@pytest.mark.parametrize("group", VERBS)
def test_each_group_has_the_same_verbs(client: Entity | AsyncEntity, group: str) -> None:
    found = getattr(client, group)
    assert all(callable(getattr(found, verb)) for verb in VERBS[group].split())


@pytest.mark.parametrize("client", CLIENTS, ids=["sync", "async"])
@pytest.mark.parametrize(("group", "name"), [(group, name) for group, names in SAME.items() for name in names])
def test_the_names_of_the_api_page_stay(client: Entity | AsyncEntity, group: str, name: str) -> None:
    found = type(getattr(client, group))
    assert getattr(found, name) is getattr(found, name.partition("_")[0])


@pytest.mark.parametrize("client", CLIENTS, ids=["sync", "async"])
@pytest.mark.parametrize(("group", "name", "meant"), HINTS)
def test_a_wrong_name_is_an_error_that_names_the_right_one(
    client: Entity | AsyncEntity, group: str, name: str, meant: str
) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; did you mean '{meant}'\\?"):
        getattr(getattr(client, group), name)


def test_a_name_like_no_other_gets_no_hint() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'xyzzy'$"):
        CLIENTS[0].threads.xyzzy  # noqa: B018
