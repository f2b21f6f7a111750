"""What programs for Azure need: its paths, its header with the key, `api-version`, and operations of its own."""

import httpx2
import pytest
from openai import AzureOpenAI, NotFoundError

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.wire import Json, Wire, ok, refused, user_of

VERSION = {"api-version": "2024-05-01-preview"}
BASES = ["/openai", "/api/projects/my-project", "/api/projects/p.1_x/openai", "/api/projects/p/openai/v1", "/openai/v1"]
"""Where the clients of Azure OpenAI and of Azure AI Foundry look for the objects."""


@pytest.fixture
def azure(server: EmbeddedPlatform, wire: Wire) -> httpx2.Client:
    """The same user as `wire`, with the header of Azure."""
    headers = {"api-key": wire.key}
    return httpx2.Client(base_url=server.base_url, headers=headers, params=VERSION, timeout=wire.timeout)


@pytest.mark.parametrize("base", BASES)
def test_every_path_of_azure_leads_to_the_same_objects(azure: httpx2.Client, wire: Wire, base: str) -> None:
    file = {"files": {"file": ("ignored.bin", b"words")}, "data": {"purpose": "assistants", "filename": "words.txt"}}
    with azure:
        assistant = ok(azure.post(f"{base}/assistants", json={"model": "scripted/hello"}))
        said = {"messages": [{"role": "user", "content": "Hi"}]}
        thread = ok(azure.post(f"{base}/threads", json=said))
        run = ok(azure.post(f"{base}/threads/{thread['id']}/runs", json={"assistant_id": assistant["id"]}))
        uploaded = ok(azure.post(f"{base}/files", **file))
        assert uploaded["filename"] == "words.txt"
        assert azure.get(f"{base}/files/{uploaded['id']}/content").content == b"words"
        assert ok(azure.get(f"{base}/threads"))["data"] == wire.read("/threads")["data"]
    assert wire.read(f"/assistants/{assistant['id']}") == assistant
    assert wire.ended(run)["status"] == "completed"


@pytest.mark.parametrize("base", [*BASES, ""])
def test_what_is_not_there_is_refused_in_the_words_of_the_dialect(azure: httpx2.Client, base: str) -> None:
    with azure:
        for path in ("", "/", "/nothing", "//assistants", "/deployments/gpt-4o/chat/completions"):
            if base or path.startswith("/openai"):
                answer = azure.get(f"{base}{path}")
                refused(answer, 404, f"Invalid URL (GET {base}{path})", type="invalid_request_error", param=None)
        if base:
            refused(azure.get(f"{base}/assistants/asst_x"), 404, "No assistant found with id 'asst_x'.")
            refused(azure.put(f"{base}/assistants"), 405, f"Invalid method for URL (PUT {base}/assistants)")


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/projects", "/api/projects/", "/openaix", "/api/projects/.x/threads"]
)
def test_other_paths_are_not_those_of_azure(azure: httpx2.Client, path: str) -> None:
    with azure:
        answer = azure.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "route_not_found")


def test_a_wrong_key_in_the_header_of_azure_is_refused(server: EmbeddedPlatform, wire: Wire) -> None:
    for headers in ({"api-key": "wrong"}, {"api-key": ""}, {"api-key": "wrong", "authorization": f"Bearer {wire.key}"}):
        answer = httpx2.get(f"{server.base_url}/openai/assistants", headers=headers)
        refused(answer, 401, type="invalid_request_error", code="invalid_api_key")
    assert ok(httpx2.get(f"{server.base_url}/v1/assistants", headers={"api-key": wire.key})) == []


def test_a_body_is_bounded_by_its_operation_whatever_the_path(azure: httpx2.Client) -> None:
    with azure:
        long = {"messages": [{"role": "user", "content": "x" * 3_000_000}]}
        for path in ("/openai/threads", "/api/projects/p/threads"):
            refused(azure.post(path, json=long), 400, code="string_above_max_length")
        refused(azure.post("/openai/vector_stores", json={"name": "x" * 3_000_000}), 413, code="body_too_large")


def test_a_run_has_tool_resources_of_its_own_beside_those_of_its_assistant(wire: Wire) -> None:
    file, other = wire.upload(b"one", "one.txt"), wire.upload(b"two", "two.txt")
    store = wire.make("/vector_stores")
    resources = {"code_interpreter": {"file_ids": [file["id"]]}, "file_search": {"vector_store_ids": [store["id"]]}}
    assistant = wire.assistant(tools=[{"type": "code_interpreter"}], tool_resources=resources)
    given: Json = {"code_interpreter": {"file_ids": [other["id"]]}}
    for body in ({}, {"tool_resources": None}, {"tool_resources": {}}, {"tool_resources": given}):
        run = wire.make(f"/threads/{wire.thread('Hi')['id']}/runs", assistant_id=assistant["id"], **body)
        assert run["tool_resources"] == (body.get("tool_resources") or {})
        native = ok(wire.get(str(wire.base_url.join(f"/v1/runs/{run['id']}"))))
        assert native["tool_resources"] == resources | (body.get("tool_resources") or {})
    nobodys = {"code_interpreter": {"file_ids": ["file_nobodys"]}}
    answer = wire.post(
        f"/threads/{wire.thread('Hi')['id']}/runs", json={"assistant_id": assistant["id"], "tool_resources": nobodys}
    )
    refused(answer, 404, param="tool_resources.code_interpreter.file_ids[0]")


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_azure_openai_works_with_endpoint_and_key_alone(server: EmbeddedPlatform) -> None:
    with (
        user_of(server) as user,
        AzureOpenAI(azure_endpoint=server.base_url, api_key=user.key, api_version="2024-05-01-preview") as client,
    ):
        assistant = client.beta.assistants.create(model="scripted/hello", name="Mathy")
        thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hi"}])
        run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
        assert run.status == "completed"
        assert client.beta.threads.messages.list(thread.id).data[0].role == "assistant"
        with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
            assert stream.get_final_run().status == "completed"
        file = client.files.create(file=("a.txt", b"hello"), purpose="assistants")
        assert client.files.content(file.id).read() == b"hello"
        store = client.vector_stores.create(name="words", file_ids=[file.id])
        assert client.vector_stores.retrieve(store.id).id == store.id
        assert client.beta.assistants.delete(assistant.id).deleted
        with pytest.raises(NotFoundError, match="Invalid URL"):
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])
