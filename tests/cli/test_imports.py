"""`projectdavid import`: from a fake Azure service and from exports, with every option."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.cli.conftest import Command, Outcome
from tests.fakes.azure import KEY, FakeAzure, World
from tests.fakes.azure import serving as serving_azure
from tests.fakes.imported import expected, found
from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok

TAGS = map("t{}x".format, count())


@pytest.fixture
def assistant(tag: str) -> Json:
    return {"object": "assistant", "id": f"asst_{tag}", "created_at": 5, "model": "gpt-4o", "tools": []}


@pytest.fixture
def flat(tag: str) -> Json:
    return {"thread_id": f"thread_{tag}", "role": "user", "text": "Hi", "created_at": 7}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    with serving(tmp_path_factory.mktemp("imports"), sandbox="off") as server:
        yield server


@pytest.fixture
def user(server: EmbeddedPlatform) -> Iterator[Caller]:
    """A new user, whom the commands are."""
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        user_id = ok(admin.post("/v1/users", json={}))["id"]
        key = ok(admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
    with Caller(server.base_url, user_id, key) as user:
        yield user


@pytest.fixture
def imports(lonely: Command, user: Caller, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `projectdavid import`, which may reach this machine."""
    monkeypatch.setenv("PROJECTDAVID_BASE_URL", str(user.base_url))
    monkeypatch.setenv("PROJECTDAVID_API_KEY", user.key)
    monkeypatch.setenv("PROJECTDAVID_OUTBOUND_ALLOW", '["127.0.0.1"]')
    monkeypatch.setenv("PROJECTDAVID_OUTBOUND_ALLOW_HTTP", "true")
    monkeypatch.setenv("AZURE_KEY", KEY)
    monkeypatch.setattr("projectdavid.importer.source_client.FIRST_PAUSE", 0.01)
    return lambda *arguments, **options: lonely("import", *arguments, **options)


@pytest.fixture
def tag() -> str:
    """Makes ids that no other test has: the tests share a server."""
    return next(TAGS)


@pytest.fixture
def fake(tag: str) -> FakeAzure:
    return FakeAzure(World(threads=6, long=8, tag=tag))


@pytest.fixture
def endpoint(fake: FakeAzure) -> Iterator[str]:
    with serving_azure(fake) as endpoint:
        yield endpoint


def codes(outcome: Outcome) -> list[tuple[str | None, str]]:
    return [(one.get("source_id"), one["code"]) for one in outcome.json["problems"]]


def test_the_help_says_what_is_kept_and_how_to_go_on(lonely: Command) -> None:
    whole = lonely("import", "--help").out
    azure = lonely("import", "azure", "--help").out
    assert "an interrupted import resumes" in " ".join(whole.split())
    for wanted in ("--endpoint", "--token-command", "az account get-access-token", "The exit code is 0"):
        assert wanted in azure


def test_a_resource_of_azure_openai_is_imported_by_the_ids_of_its_threads(
    imports: Command, user: Caller, fake: FakeAzure, tmp_path: Path
) -> None:
    fake.base, fake.version, fake.lists_threads = "/openai", "2024-05-01-preview", False
    with serving_azure(fake) as endpoint:
        root = endpoint.removesuffix("/openai")
        without = imports("azure", "--endpoint", root, "--key-env", "AZURE_KEY", "--ids", "new", "--json")
        assert (None, "threads_not_listed") in codes(without)
        ids = tmp_path / "ids.txt"
        ids.write_text("\ufeff" + "\n".join(one["id"] for one in fake.world.lists["/threads"]) + "\nthread_gone\n")
        options = ("--source", "azure", "--threads", str(ids), "--json")
        outcome = imports("azure", "--endpoint", f"{root}/openai/", "--key-env", "AZURE_KEY", *options)
    assert outcome.code == 3
    assert ("thread_gone", "not_found") in codes(outcome)
    assert outcome.json["counts"]["thread"]["imported"] == 6
    assert fake.wrong == []


def test_a_dry_run_reports_the_same_and_writes_nothing(
    imports: Command, user: Caller, fake: FakeAzure, endpoint: str
) -> None:
    command = ("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--json")
    dry = imports(*command, "--dry-run")
    assert (dry.code, dry.json["dry_run"]) == (3, True)
    assert found(user)["order"] == []
    assert not any("/files/" in path for path in fake.asked if path.endswith("/content"))
    wet = imports(*command)
    assert found(user) == expected(fake.world)
    planned = {kind: one["added"] for kind, one in dry.json["counts"].items()}
    made = {kind: one["added"] for kind, one in wet.json["counts"].items()}
    # Only a download shows which bytes the source does not give.
    assert planned == {**made, "file": 6, "vector_store_file": 3}
    of_bytes = {"bytes_missing", "text_only", "file_missing", "reference_missing"}
    assert [one for one in codes(wet) if one[1] not in of_bytes] == codes(dry)


def test_only_some_kinds_are_imported_on_request(
    imports: Command, user: Caller, endpoint: str, fake: FakeAzure
) -> None:
    command = ("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--json")
    outcome = imports(*command, "--only", "assistants", "--only", "files")
    assert set(outcome.json["counts"]) == {"assistant", "file"}
    assert not any("threads" in path or "vector_stores" in path for path in fake.asked)


def test_an_admin_imports_for_a_user(
    imports: Command,
    user: Caller,
    server: EmbeddedPlatform,
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    fake: FakeAzure,
) -> None:
    command = ("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--owner", user.user_id)
    monkeypatch.setenv("PROJECTDAVID_API_KEY", server.admin_api_key)
    assert imports(*command).code == 3
    assert found(user) == expected(fake.world)


def test_originals_stand_in_for_what_the_source_does_not_give(
    imports: Command, user: Caller, endpoint: str, fake: FakeAzure, tmp_path: Path
) -> None:
    originals = tmp_path / "originals"
    (originals / "sub").mkdir(parents=True)
    (originals / "sub" / "lost.txt").write_bytes(b"lost")
    (originals / f"{fake.world.file('text')}.pdf").write_bytes(b"another")  # of another size: not the original
    outcome = imports("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--files", str(originals), "--json")
    assert "bytes_missing" not in dict(map(reversed, codes(outcome)))
    assert user.get(f"/v1/files/{fake.world.file('lost')}/content").content == b"lost"
    text = fake.world.file("text")
    assert user.get(f"/v1/files/{text}/content").content == fake.world.texts[text].encode()


REFUSALS: list[tuple[list[str], dict[str, str], str]] = [
    (["--key-env", "WRONG_KEY"], {"WRONG_KEY": "wrong"}, "rejects the key or token (401"),
    (["--key-env", "AZURE_KEY"], {"PROJECTDAVID_OUTBOUND_ALLOW": "[]"}, "outbound_allow"),
    (["--key-env", "AZURE_KEY"], {"PROJECTDAVID_OUTBOUND_ALLOW_HTTP": "false"}, "outbound_allow_http"),
    (["--key-env", "AZURE_KEY"], {"PROJECTDAVID_API_KEY": "pd_wrong"}, "The API key is not valid"),
    (["--token-command", "false"], {}, "the token command failed with exit code 1"),
    (["--token-command", "echo two words"], {}, "printed no token"),
    (["--token-command", "/nothing"], {}, "could not be started"),
]


@pytest.mark.parametrize(("options", "environment", "said"), REFUSALS)
def test_what_keeps_an_import_from_its_end_is_said_in_one_line(
    imports: Command,
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    environment: dict[str, str],
    said: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    outcome = imports("azure", "--endpoint", endpoint, *options)
    assert outcome.code == 1
    assert said in outcome.err.splitlines()[-1]
    assert "wrong" not in outcome.err.replace("pd_wrong", "")


USAGE: list[tuple[list[str], str]] = [
    (["--endpoint", "heron"], "expected a URL such as"),
    (["--endpoint", "https://n.services.ai.azure.com", "--key-env", "AZURE_KEY"], "has no project"),
    (["--endpoint", "https://n.openai.azure.com"], "there is no key"),
    (["--endpoint", "https://n.openai.azure.com", "--key-env", "NOT_SET"], "NOT_SET is empty or not set"),
    (["--endpoint", "https://n.openai.azure.com", "--key-env", "AZURE_KEY", "--key", "k"], "use one of"),
]


@pytest.mark.parametrize(("options", "said"), USAGE)
def test_a_wrong_option_is_a_usage_error(imports: Command, options: list[str], said: str) -> None:
    outcome = imports("azure", *options)
    assert (outcome.code, said in " ".join(outcome.err.split()), KEY in outcome.err) == (2, True, False)


def test_an_expired_token_is_renewed_by_the_command(
    imports: Command, user: Caller, fake: FakeAzure, endpoint: str, tmp_path: Path
) -> None:
    tokens = tmp_path / "token"
    tokens.write_text('{"accessToken": "old"}')
    script = tmp_path / "token.sh"
    script.write_text(f'#!/bin/sh\ncat {tokens}\necho \'{{"accessToken": "new"}}\' > {tokens}\n')
    script.chmod(0o755)
    fake.headers = {"authorization": "Bearer new"}
    outcome = imports("azure", "--endpoint", endpoint, "--token-command", str(script))
    assert outcome.code == 3
    assert found(user) == expected(fake.world)


def test_a_report_is_written_although_the_import_stops(
    imports: Command, user: Caller, fake: FakeAzure, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projectdavid.importer.source_client.FIRST_PAUSE", 0.0)
    fake.cut = set(range(8, 1000))
    report = tmp_path / "report.json"
    outcome = imports("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--report", str(report))
    assert (outcome.code, "8 times in a row" in outcome.err) == (1, True)
    told = json.loads(report.read_text())
    assert told["complete"] is False
    assert report.stat().st_mode & 0o077 == 0
    fake.cut = set()
    assert imports("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY").code == 3
    assert found(user) == expected(fake.world)


def test_a_report_that_cannot_be_written_is_noticed_before_anything_is_read(
    imports: Command, endpoint: str, fake: FakeAzure, tmp_path: Path
) -> None:
    report = tmp_path / "nowhere" / "report.json"
    outcome = imports("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--report", str(report))
    assert (outcome.code, fake.asked) == (1, [])
    assert "No such file or directory" in outcome.err


def write(folder: Path, name: str, *lines: Any) -> str:
    path = folder / name
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
    return str(path)


def test_exports_of_every_form_are_imported_together(
    imports: Command, user: Caller, fake: FakeAzure, tmp_path: Path
) -> None:
    world = fake.world
    originals = tmp_path / "originals"
    originals.mkdir()
    for one, content in world.bytes.items():
        if one != world.file("lost"):
            (originals / one).write_bytes(content)
    lists = world.lists
    stores = [one for store in lists["/vector_stores"] for one in lists[f"/vector_stores/{store['id']}/files"]]
    said = [one for thread in lists["/threads"] for one in lists[f"/threads/{thread['id']}/messages"]]
    pages = [{"object": "list", "data": lists[f"/threads/{one['id']}/messages"][::-1]} for one in lists["/threads"]]
    paths = [
        write(tmp_path, "lines.jsonl", *lists["/files"], *stores),
        write(tmp_path, "pretty.json", json.dumps({"object": "list", "data": lists["/vector_stores"]}, indent=2)),
        write(tmp_path, "array.json", lists["/assistants"]),
        write(tmp_path, "pages.jsonl", *pages, *lists["/threads"]),
    ]
    outcome = imports("openai", *paths, "--files", str(originals), "--json")
    world.texts.clear()
    assert found(user) == expected(world)
    assert outcome.json["counts"]["message"]["imported"] == len(said)
    again = imports("openai", *reversed(paths), "--files", str(originals), "--json")
    assert [one["added"] for one in again.json["counts"].values()] == [0] * 6
    assert found(user) == expected(world)


def test_flat_lines_become_threads_and_bad_lines_are_reported_with_their_place(
    imports: Command, user: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assistant: Json, flat: Json
) -> None:
    monkeypatch.setattr("projectdavid.importer.export_lines.MAX_LINE", 5000)
    path = write(
        tmp_path,
        "flat.jsonl",
        "\ufeff" + json.dumps(flat),
        flat,
        {
            **flat,
            "role": "assistant",
            "text": "Hello",
            "assistant_id": assistant["id"],
            "created_at": "2025-01-01T00:00:00Z",
        },
        "{broken",
        "[1]",
        {**flat, "role": "robot"},
        {"role": "user", "text": "no thread"},
        {**flat, "text": "x" * 6000},
        {**flat, "text": "\ud800 half", "message_id": f"msg_{flat['thread_id']}"},
        {"object": "thread.message", "id": "msg_nowhere"},
        {"object": "thread.run", "id": "run_1"},
        "NaN",
        assistant,
        assistant,
    )
    outcome = imports("openai", path, "--json")
    assert outcome.code == 3
    told = outcome.json
    lines = [(one["line"], one["message"]) for one in told["problems"] if one["code"] == "bad_line"]
    assert [line for line, _ in lines] == [4, 5, 7, 8, 10, 12]
    assert {one["file"] for one in told["problems"] if one["code"] == "bad_line"} == {path}
    assert "not JSON" in lines[0][1]
    assert (f"msg_{flat['thread_id']}", "text_changed") in codes(outcome)
    assert ("line:" in str(codes(outcome)), told["duplicates"]) == (True, 1)
    assert [one["field"] for one in told["problems"] if one["code"] == "invalid_value"] == ["role"]
    said = user.texts({"id": flat["thread_id"]})
    assert said == [("user", "Hi"), ("user", "Hi"), ("user", "\ufffd half"), ("assistant", "Hello")]
    again = imports("openai", path, "--json").json
    assert [one["added"] for one in again["counts"].values()] == [0] * len(again["counts"])


def test_an_export_without_problems_ends_with_zero_and_names_unknown_models(
    imports: Command, user: Caller, tmp_path: Path, assistant: Json, flat: Json
) -> None:
    path = write(tmp_path, "all.jsonl", assistant, {**flat, "message_id": f"msg_{flat['thread_id']}"})
    outcome = imports("openai", path)
    assert outcome.code == 0
    assert "Everything was imported unchanged." in outcome.out
    assert "does not list: gpt-4o" in outcome.out
    with Entity(str(user.base_url), user.key) as client:
        assert client.assistants.retrieve_assistant(assistant["id"]).model == "gpt-4o"
        assert [one.source for one in client.imports.list()] == ["openai"]


def test_an_object_that_no_request_can_hold_is_reported_and_the_others_are_imported(
    imports: Command, user: Caller, tmp_path: Path, assistant: Json
) -> None:
    many = {**assistant, "id": f"{assistant['id']}_many", "metadata": {str(number): "" for number in range(10_000)}}
    outcome = imports(
        "openai", write(tmp_path, "a.jsonl", assistant, many, {**assistant, "id": f"{assistant['id']}_last"}), "--json"
    )
    assert codes(outcome) == [(many["id"], "too_many_values")]
    assert outcome.json["counts"]["assistant"]["imported"] == 2


def test_a_limit_stops_the_import_and_says_how_to_go_on(
    imports: Command, user: Caller, server: EmbeddedPlatform, tmp_path: Path, assistant: Json
) -> None:
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        ok(admin.put(f"/v1/users/{user.user_id}", json={"limits": {"assistants": 1}}))
        path = write(tmp_path, "a.jsonl", assistant, {**assistant, "id": f"{assistant['id']}_second"})
        outcome = imports("openai", path)
        assert (outcome.code, "raise the limit" in outcome.err) == (1, True)
        ok(admin.put(f"/v1/users/{user.user_id}", json={"limits": {"assistants": 2}}))
        assert imports("openai", path).code == 0


Change = Callable[[Json], Json]
ENDLESS: list[tuple[str, Change]] = [
    ("list_repeats", lambda page: {**page, "has_more": True}),
    ("list_repeats", lambda page: {**page, "has_more": True, "last_id": page["data"][0]["id"]}),
]


@pytest.mark.parametrize(("code", "change"), ENDLESS)
def test_a_list_that_never_ends_is_left(
    imports: Command, fake: FakeAzure, endpoint: str, monkeypatch: pytest.MonkeyPatch, code: str, change: Change
) -> None:
    page = FakeAzure._page

    def endless(self: FakeAzure, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        status, body = page(self, path, {} if path == "/assistants" else query)
        return (status, json.dumps(change(json.loads(body))).encode()) if path == "/assistants" else (status, body)

    monkeypatch.setattr(FakeAzure, "_page", endless)
    outcome = imports("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--only", "assistants", "--json")
    assert ("/assistants", code) in codes(outcome)
    assert outcome.json["counts"]["assistant"]["imported"] == 3


def test_a_page_that_is_too_large_is_read_in_smaller_ones(
    imports: Command, user: Caller, fake: FakeAzure, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projectdavid.cli.imports.MAX_PAGE", 2500)
    command = ("azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--json")
    outcome = imports(*command, "--only", "threads", "--only", "assistants")
    assert outcome.json["counts"]["thread"]["imported"] == 6
    assert found(user)["order"] == expected(fake.world)["order"]
