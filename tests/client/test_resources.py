"""Every method of every part: which request it sends, and what it makes of the answer."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from projectdavid import AsyncEntity, Entity, PreconditionFailedError
from projectdavid.client.overrides import RunOverrides
from projectdavid.protocol.assistants import AssistantCreate
from projectdavid.protocol.runs import RunCreate
from projectdavid.protocol.threads import ThreadUpdate
from projectdavid.protocol.users import UserCreate
from tests.client.fake import Answer, Fake
from tests.client.samples import ACTION, ASSISTANT, DELIVERY, FILE, KEY, MESSAGE, ROTATED, RUN, STEP, THREAD, USER, page

A_ID = ASSISTANT["id"]
GONE = {"id": "x", "object": "x.deleted", "deleted": True}
APPROVAL = {
    "id": "appr_1",
    "object": "approval",
    "status": "pending",
    "kind": "approve",
    "run_id": "run_1",
    "thread_id": "thread_1",
    "assistant_id": "asst_1",
    "tool_call_id": "call_1",
    "action_id": "act_1",
    "tool": "computer",
    "name": "computer",
    "args": {},
    "arguments": "{}",
    "edited_arguments": None,
    "effect": "unsafe",
    "reason": "require_approval",
    "digest": "0",
    "created_at": 1,
    "expires_at": 2,
    "decided_at": None,
    "decided_by": None,
    "note": None,
}
PENDING = {
    "action_id": "act_1",
    "tool_call_id": "call_1",
    "action_status": "pending",
    "function_arguments": {},
    "tool_name": "add",
    "run_id": "run_1",
    "run_status": "action_required",
}
CREATED = {"plain_key": "ea_secret", "details": KEY}
MODEL = {"id": "m", "object": "model", "created": 0, "owned_by": "o"}
USAGE = {
    "data": [
        {
            "model": "m",
            "turns": 1,
            "prompt_tokens": 2,
            "completion_tokens": 3,
            "total_tokens": 5,
            "cost": 0.5,
            "unpriced": False,
        }
    ],
    "start": "2026-11-01",
    "end": "2026-11-30",
    "limits": {"tokens_per_day": 100},
    "today": {"tokens": 5, "cost": None, "unpriced": True, "resets_at": 9},
}
IMPORT = {
    "id": "i",
    "object": "import",
    "source": "azure",
    "user_id": "u",
    "status": "in_progress",
    "round": 1,
    "created_at": 1,
    "started_at": 1,
    "counts": {"thread": {"imported": 2, "added": 1, "refused": 0}},
}
IMPORTED = {"kind": "thread", "source_id": "t", "id": "t", "state": "imported", "cursor": "m", "complete": True}
FORMATTED = {"role": "user", "content": "Hi"}

PAGED: dict[str, Any] = {"limit": 1, "order": "asc", "after": "a"}
COUNTS = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
STORE = {"id": "vs", "created_at": 1, "status": "completed", "file_counts": COUNTS}
BATCH = {"id": "b", "created_at": 1, "vector_store_id": "vs", "status": "completed", "file_counts": COUNTS}
STORE_FILE = {
    "id": "f",
    "created_at": 1,
    "vector_store_id": "vs",
    "filename": "a.txt",
    "status": "completed",
    "progress": {"done": 1, "total": 1},
}
CHUNK = {"position": 0, "text": "words", "start": 0, "end": 5, "first_line": 1, "last_line": 1}
FOUND = {"search_query": ["words"], "search_mode": "lexical", "data": []}
HEALTH = {"version": "1", "uptime_s": 1.0, "providers": [], "tools": {}, "runs": {}}
ERASURE = {
    "id": "erasure_1",
    "object": "erasure",
    "user_id": "u",
    "status": "in_progress",
    "requested_at": "2025-06-29T04:03:49Z",
    "completed_at": None,
    "deleted": {"users": 0},
    "left": {"users": 1},
    "blobs_left": 0,
    "index_files_left": 0,
    "out_of_reach": ["Backups."],
}
USER_GONE = {
    "id": "u",
    "object": "user.deleted",
    "deleted": True,
    "success": True,
    "message": ".",
    "erasure_id": "erasure_1",
    "erasure": ERASURE,
}


@dataclass(frozen=True)
class Case:
    """A method called with `ids` and `fields`, the request it should send, the answer, and what it should give."""

    name: str
    line: str
    answer: Any
    ids: tuple[str, ...]
    fields: dict[str, Any]
    body: Any
    query: dict[str, str]
    gives: Any

    def __str__(self) -> str:
        return self.name


def case(
    name: str,
    line: str,
    answer: Any,
    /,
    *ids: str,
    body: Any = None,
    query: dict[str, Any] | None = None,
    gives: Any = None,
    **fields: Any,
) -> Case:
    """A case; a request with a body carries the fields unless it is said otherwise."""
    sends = {} if line.startswith(("POST", "PUT")) else None
    shown = {key: str(value) for key, value in (query or {}).items()}
    return Case(name, line, answer, ids, fields, body or fields or sends, shown, gives or answer)


def reading(
    name: str, line: str, answer: Any, /, *ids: str, query: dict[str, Any], gives: Any = None, **fields: Any
) -> Case:
    """A case whose fields become the query."""
    made = case(name, line, answer, *ids, query=query, gives=gives, **fields)
    return replace(made, body=None)


SETTING = {"name": "port", "value": 9001, "default": 9000, "source": "flag", "variable": "PROJECTDAVID_PORT"}
AUTH_CODE = {"code": "pdc_1", "expires_at": "2026-01-01T00:00:00+00:00"}
BLOCKS = [{"type": "text", "text": "Hi"}]
OUTPUTS = [{"tool_call_id": "c", "output": "5"}]
OPEN = {"status": "queued"}
DESC, ASC = {"order": "desc"}, {"order": "asc"}
CASES = [
    case("assistants.create_assistant", "POST /v1/assistants", ASSISTANT, model="m", name=None),
    case("assistants.retrieve_assistant", f"GET /v1/assistants/{A_ID}", ASSISTANT, A_ID),
    case("assistants.update_assistant", f"PUT /v1/assistants/{A_ID}", ASSISTANT, A_ID),
    case("assistants.update_assistant", f"PUT /v1/assistants/{A_ID}", ASSISTANT, A_ID, tools=None, top_p=0.5),
    case("assistants.delete_assistant", f"DELETE /v1/assistants/{A_ID}", GONE, A_ID),
    reading("assistants.list", "GET /v1/assistants", [ASSISTANT], query={"limit": 1000, **DESC}),
    reading("assistants.list", "GET /v1/assistants", [ASSISTANT], query=PAGED, **PAGED),
    case("users.create_user", "POST /v1/users", USER, email="a@b", is_admin=True),
    case("users.retrieve_user", "GET /v1/users/u", USER, "u"),
    case("users.update_user", "PUT /v1/users/u", USER, "u", full_name=None),
    case("users.delete_user", "DELETE /v1/users/u", USER_GONE, "u"),
    case("users.retrieve_erasure", "GET /v1/admin/erasures/erasure_1", ERASURE, "erasure_1"),
    reading("users.list", "GET /v1/users", page(USER), query={"limit": 100, **DESC}, gives=[USER]),
    case("keys.create_key", "POST /v1/users/u/apikeys", CREATED, "u"),
    case("keys.create_key_for_user", "POST /v1/admin/users/u/keys", CREATED, "u", key_name="k", expires_in_days=3),
    case("keys.list_keys", "GET /v1/users/u/apikeys", {"keys": [KEY]}, "u", gives=[KEY]),
    reading(
        "keys.list_keys",
        "GET /v1/users/u/apikeys",
        {"keys": [KEY]},
        "u",
        query={"include_inactive": "true"},
        gives=[KEY],
        include_inactive=True,
    ),
    case("keys.get_key_details", "GET /v1/users/u/apikeys/ea_1", KEY, "u", "ea_1"),
    case("keys.revoke_key", "DELETE /v1/users/u/apikeys/ea_1", {"prefix": "ea_1"}, "u", "ea_1"),
    case("keys.create_key", "POST /v1/users/u/apikeys", CREATED, "u", expires_in=60),
    replace(case("keys.create_code", "POST /v1/auth/codes", AUTH_CODE), body=None),
    case("keys.exchange", "POST /v1/auth/exchange", CREATED, code="pdc_1", key_name="k", expires_in=60),
    case("keys.validate_key", "GET /v1/auth/validate-key", {"user_id": "u"}),
    case("settings.list", "GET /v1/settings", {"settings": [SETTING]}, gives=[SETTING]),
    case("threads.create_thread", "POST /v1/threads", THREAD),
    case("threads.create_thread", "POST /v1/threads", THREAD, participant_ids=["u"], meta_data={"a": 1}),
    case("threads.retrieve_thread", "GET /v1/threads/t", THREAD, "t"),
    case("threads.update_thread", "PUT /v1/threads/t", THREAD, "t", meta_data={"a": 1}, tool_resources=None),
    case("threads.update_thread", "PUT /v1/threads/t", THREAD, "t", title=None),
    case("threads.create_thread", "POST /v1/threads", THREAD, title="Lamps"),
    case(
        "threads.update_thread_metadata",
        "PUT /v1/threads/t/metadata",
        THREAD,
        "t",
        body={"a": 1},
        new_metadata={"a": 1},
    ),
    case("threads.delete_thread", "DELETE /v1/threads/t", GONE, "t"),
    reading("threads.list", "GET /v1/threads", page(THREAD), query=PAGED, gives=[THREAD], **PAGED),
    reading("threads.list_threads", "GET /v1/threads/user/u", ["t", "s"], "u", query={"limit": 1000, **DESC}),
    case(
        "messages.create_message",
        "POST /v1/messages",
        MESSAGE,
        body={"thread_id": "t", "content": "Hi", "role": "user"},
        thread_id="t",
        content="Hi",
    ),
    case(
        "messages.create_message",
        "POST /v1/messages",
        MESSAGE,
        thread_id="t",
        content=BLOCKS,
        assistant_id="a",
        role="assistant",
        meta_data={"a": 1},
        attachments=[{"file_id": "f"}],
    ),
    case("messages.retrieve_message", "GET /v1/messages/m", MESSAGE, "m"),
    case("messages.update_message", "PUT /v1/messages/m", MESSAGE, "m", meta_data={"a": 1}),
    case("messages.delete_message", "DELETE /v1/messages/m", GONE, "m"),
    reading("messages.list_messages", "GET /v1/threads/t/messages", page(MESSAGE), "t", query={"limit": 20, **ASC}),
    reading(
        "messages.iterate",
        "GET /v1/threads/t/messages",
        page(MESSAGE),
        "t",
        query={"limit": 100, **ASC},
        gives=[MESSAGE],
    ),
    case("messages.get_formatted_messages", "GET /v1/threads/t/formatted_messages", [FORMATTED], "t"),
    case(
        "messages.submit_tool_output",
        "POST /v1/messages/tools",
        MESSAGE,
        body={"thread_id": "t", "content": "5", "role": "tool", "tool_id": "act_1"},
        thread_id="t",
        content="5",
        tool_id="act_1",
    ),
    case("runs.create_run", "POST /v1/runs", RUN, assistant_id="a", thread_id="t"),
    case(
        "runs.create_run", "POST /v1/runs", RUN, assistant_id="a", thread_id="t", status="pending", tool_choice="none"
    ),
    case("runs.retrieve_run", "GET /v1/runs/r", RUN, "r"),
    reading("runs.list_runs", "GET /v1/threads/t/runs", page(RUN), "t", query={"limit": 20, **ASC}),
    reading("runs.list_all_runs", "GET /v1/runs", page(RUN), query=PAGED, **PAGED),
    reading("runs.list_all_runs", "GET /v1/runs", page(RUN), query={**OPEN, "limit": 20, **DESC}, **OPEN),
    reading("runs.list_runs", "GET /v1/threads/t/runs", page(RUN), "t", query={**OPEN, "limit": 20, **ASC}, **OPEN),
    reading("runs.list_steps", "GET /v1/runs/r/steps", page(STEP), "r", query={"limit": 20, **ASC}),
    case("runs.retrieve_step", "GET /v1/runs/r/steps/s", STEP, "r", "s"),
    replace(case("runs.cancel_run", "POST /v1/runs/r/cancel", RUN, "r"), body=None),
    case("runs.delete_run", "DELETE /v1/runs/r", GONE, "r"),
    case(
        "runs.update_run_metadata", "PUT /v1/runs/r/metadata", RUN, "r", body={"metadata": {"a": 1}}, meta_data={"a": 1}
    ),
    case("runs.submit_tool_outputs", "POST /v1/runs/r/submit_tool_outputs", RUN, "r", tool_outputs=OUTPUTS),
    reading(
        "approvals.list",
        "GET /v1/approvals",
        page(APPROVAL),
        query={"status": "pending", "limit": 20, **DESC},
        status="pending",
    ),
    case("approvals.retrieve", "GET /v1/approvals/p", APPROVAL, "p"),
    case(
        "approvals.approve",
        "POST /v1/approvals/p",
        APPROVAL,
        "p",
        body={"approve": True, "reason": "Fine."},
        reason="Fine.",
    ),
    case("approvals.deny", "POST /v1/approvals/p", APPROVAL, "p", body={"approve": False}),
    case("actions.get_action", "GET /v1/actions/a", ACTION, "a"),
    case("actions.update_action", "PUT /v1/actions/a", ACTION, "a", status="completed", result="5"),
    case("actions.get_pending_actions", "GET /v1/actions/pending/r", [PENDING], "r"),
    reading(
        "actions.get_actions_by_status", "GET /v1/runs/r/actions/status", [ACTION], "r", query={"status": "pending"}
    ),
    reading(
        "usage.retrieve",
        "GET /v1/usage",
        USAGE,
        query={"start": "2026-11-01", "group_by": "model", "user_id": "u"},
        start=date(2026, 11, 1),
        group_by="model",
        user_id="u",
    ),
    reading(
        "files.list",
        "GET /v1/files",
        page(FILE),
        query={**PAGED, "purpose": "vision"},
        gives=[FILE],
        **PAGED,
        purpose="vision",
    ),
    case("files.retrieve", "GET /v1/files/f", FILE, "f"),
    case("files.delete", "DELETE /v1/files/f", GONE, "f"),
    reading(
        "files.link",
        "GET /v1/files/f/signed-url",
        {"signed_url": "http://x"},
        "f",
        query={"expires_in": "600", "use_real_filename": "true"},
        gives="http://x",
    ),
    case("vectors.create", "POST /v1/vector-stores", STORE, "Docs", body={"name": "Docs"}),
    case(
        "vectors.create",
        "POST /v1/vector-stores",
        STORE,
        body={"file_ids": ["f"], "expires_after": {"anchor": "last_active_at", "days": 7}},
        file_ids=["f"],
        expires_after_days=7,
    ),
    reading("vectors.list", "GET /v1/vector-stores", [STORE], query={"limit": 1000, **DESC}),
    case("vectors.retrieve", "GET /v1/vector-stores/vs", STORE, "vs"),
    case(
        "vectors.update",
        "PUT /v1/vector-stores/vs",
        STORE,
        "vs",
        body={"name": None, "expires_after": None},
        name=None,
        expires_after_days=None,
    ),
    case("vectors.delete", "DELETE /v1/vector-stores/vs", GONE, "vs"),
    case(
        "vectors.search",
        "POST /v1/vector-stores/vs/search",
        FOUND,
        "vs",
        "words",
        body={
            "query": "words",
            "max_num_results": 3,
            "filters": {"a": 1},
            "ranking_options": {"score_threshold": 0.5},
        },
        limit=3,
        filters={"a": 1},
        score_threshold=0.5,
    ),
    case(
        "vectors.add_files",
        "POST /v1/vector-stores/vs/file-batches",
        BATCH,
        "vs",
        body={"file_ids": ["f"], "attributes": {"a": 1}},
        file_ids=["f"],
        attributes={"a": 1},
    ),
    case("vectors.batch", "GET /v1/vector-stores/vs/file-batches/b", BATCH, "vs", "b"),
    reading("vectors.cancel_batch", "POST /v1/vector-stores/vs/file-batches/b/cancel", BATCH, "vs", "b", query={}),
    reading(
        "vectors.files",
        "GET /v1/vector-stores/vs/files",
        [STORE_FILE],
        "vs",
        query={**PAGED, "filter": "failed"},
        **PAGED,
        status="failed",
    ),
    case("vectors.file", "GET /v1/vector-stores/vs/files/f", STORE_FILE, "vs", "f"),
    case(
        "vectors.update_file",
        "PUT /v1/vector-stores/vs/files/f",
        STORE_FILE,
        "vs",
        "f",
        body={"attributes": {"a": 1}},
        attributes={"a": 1},
    ),
    case("vectors.remove_file", "DELETE /v1/vector-stores/vs/files/f", GONE, "vs", "f"),
    reading(
        "vectors.chunks",
        "GET /v1/vector-stores/vs/files/f/content",
        {**page(), "data": [CHUNK]},
        "vs",
        "f",
        query={"limit": 20, "order": "asc", "behind": -1},
        gives=[CHUNK],
    ),
    case("models.list", "GET /v1/models", page(MODEL), gives=[MODEL]),
    reading("webhooks.list_deliveries", "GET /v1/webhooks/deliveries", page(DELIVERY), query={"limit": 20, **DESC}),
    reading(
        "webhooks.list_deliveries",
        "GET /v1/webhooks/deliveries",
        page(DELIVERY),
        query={**PAGED, "run_id": "r", "assistant_id": "a", "status": "failed"},
        **PAGED,
        run_id="r",
        assistant_id="a",
        status="failed",
    ),
    case("webhooks.retrieve_delivery", "GET /v1/webhooks/deliveries/evt_1", DELIVERY, "evt_1"),
    replace(case("webhooks.redeliver", "POST /v1/webhooks/deliveries/evt_1/redeliver", DELIVERY, "evt_1"), body=None),
    replace(case("webhooks.test", "POST /v1/assistants/a/webhook/test", DELIVERY, "a"), body=None),
    case(
        "webhooks.rotate_secret",
        "POST /v1/assistants/a/webhook/rotate",
        ROTATED,
        "a",
        body={"overlap_seconds": 86_400},
    ),
    case(
        "webhooks.rotate_secret",
        "POST /v1/assistants/a/webhook/rotate",
        ROTATED,
        "a",
        webhook_secret="sixteen characters",
        overlap_seconds=0,
    ),
    case("imports.begin", "POST /v1/imports", IMPORT, "azure", body={"source": "azure", "dry_run": False}),
    case("imports.retrieve", "GET /v1/imports/i", IMPORT, "i"),
    reading("imports.list", "GET /v1/imports", page(IMPORT), query={"limit": 100, **DESC}, gives=[IMPORT]),
    replace(case("imports.end", "POST /v1/imports/i/end", IMPORT, "i"), body=None),
    case(
        "imports.add",
        "POST /v1/imports/i/objects",
        {"object": "import.batch", "import_id": "i", "data": [IMPORTED]},
        "i",
        body={"objects": [{"id": "t"}], "id_policy": "keep", "complete": ["t"], "dry_run": False},
        gives=[IMPORTED],
        objects=[{"id": "t"}],
        complete=["t"],
    ),
    reading(
        "imports.objects",
        "GET /v1/imports/i/objects",
        page(IMPORTED),
        "i",
        query={"limit": 1000, **ASC, "noted": "true"},
        gives=[IMPORTED],
        noted=True,
    ),
    case("health", "GET /health", HEALTH),
]
PARTS = [
    "approvals",
    "assistants",
    "users",
    "settings",
    "keys",
    "threads",
    "messages",
    "runs",
    "actions",
    "models",
    "usage",
    "webhooks",
    "files",
    "vectors",
    "imports",
]


def method(client: Entity | AsyncEntity, name: str) -> Callable[..., Any]:
    part, _, last = name.rpartition(".")
    return getattr(getattr(client, part) if part else client, last)


def holds(sample: Any, result: Any) -> bool:
    """Whether the result says all that the sample says."""
    if isinstance(sample, list):
        return len(sample) == len(result) and all(map(holds, sample, result))
    if isinstance(sample, dict):
        shown = result if isinstance(result, dict) else result.dict()
        return all(name in shown and holds(value, shown[name]) for name, value in sample.items())
    return bool(sample == result)


@pytest.mark.parametrize("one", CASES, ids=str)
def test_a_method_sends_its_request_and_reads_the_answer(fake: Fake, client: Entity, one: Case) -> None:
    fake.on(one.line, Answer(one.answer, headers={"x-has-more": "false"}))
    result = method(client, one.name)(*one.ids, **one.fields)
    assert holds(one.gives, list(result) if isinstance(result, Iterator) else result)
    (asked,) = fake.asked
    assert (asked.line, asked.query, asked.body) == (one.line, one.query, one.body)
    assert asked.headers["x-api-key"] == "ea_test"


def test_the_async_methods_send_the_same(fake: Fake, new_async_client: Callable[[], AsyncEntity]) -> None:
    async def main() -> None:
        async with new_async_client() as client:
            for one in CASES:
                fake.on(one.line, Answer(one.answer))
                result = method(client, one.name)(*one.ids, **one.fields)
                if isinstance(result, AsyncIterator):
                    assert holds(one.gives, [item async for item in result])
                else:
                    assert holds(one.gives, await result)

    asyncio.run(main())
    assert [(asked.line, asked.query, asked.body) for asked in fake.asked] == [
        (one.line, one.query, one.body) for one in CASES
    ]


def test_what_updates_or_deletes_takes_the_etag_that_it_is_to_match(fake: Fake, client: Entity) -> None:
    unversioned = ("keys.", "actions.", "files.")
    conditional = [
        one for one in CASES if one.line.startswith(("PUT", "DELETE")) and not one.name.startswith(unversioned)
    ]
    for one in conditional:
        fake.on(one.line, Answer(one.answer))
        method(client, one.name)(*one.ids, **one.fields, if_match='"abc"')
    assert [asked.headers["if-match"] for asked in fake.asked] == ['"abc"'] * len(conditional)


def test_an_object_has_the_etag_that_the_server_sent_beside_its_fields(fake: Fake, client: Entity) -> None:
    fake.on("GET /v1/threads/t", Answer(THREAD, headers={"etag": '"abc"'}))
    fake.on("GET /v1/threads", Answer(page(THREAD)))
    tagged, [listed] = client.threads.retrieve_thread("t"), client.threads.list()
    assert (tagged.etag, listed.etag) == ('"abc"', None)
    assert tagged == listed
    assert tagged.dict() == listed.dict()
    assert "abc" not in str(tagged)
    assert tagged.model_copy().etag == '"abc"'


def test_an_object_that_has_changed_is_an_error_of_its_own(fake: Fake, client: Entity) -> None:
    error = {"error": {"type": "conflict_error", "code": "precondition_failed", "param": None, "message": "Changed."}}
    fake.on("PUT /v1/threads/t", Answer(error, 412))
    with pytest.raises(PreconditionFailedError) as raised:
        client.threads.update_thread("t", meta_data={"a": 1}, if_match='"abc"')
    assert raised.value.status_code == 412
    assert len(fake.asked) == 1


def test_every_method_is_tried_here() -> None:
    own_tests = {"runs.wait", "runs.stream", "runs.run", "files.upload", "files.content", "files.download"}
    own_tests |= {"imports.add_file", "files.upload_in_parts", "vectors.add_file", "vectors.add_folder", "vectors.wait"}
    with Entity("http://x", "k") as client:
        methods = {
            f"{part}.{name}"
            for part in PARTS
            for name, method in inspect.getmembers(getattr(client, part), inspect.ismethod)
            if not name.startswith("_") and name == method.__name__  # test_names compares the others with these
        }
    assert methods | {"health"} == {one.name for one in CASES} | own_tests


def parameters(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters) - {"idempotency_key", "if_match"}  # these are no fields


def test_every_field_that_means_something_has_its_parameter() -> None:
    theirs = {
        "id",
        "max_turns",
        "agent_mode",
        "web_access",
        "deep_research",
        "engineer",
        "decision_telemetry",
    }
    with Entity("http://x", "k") as client:
        assert parameters(client.assistants.create_assistant) == set(AssistantCreate.model_fields) - theirs
        updatable = parameters(client.assistants.update_assistant) - {"assistant_id"}
        assert updatable == set(AssistantCreate.model_fields) - theirs
        assert parameters(client.users.create_user) == set(UserCreate.model_fields)
        assert parameters(client.users.update_user) - {"user_id"} == set(UserCreate.model_fields)
        assert parameters(client.threads.update_thread) - {"thread_id"} == set(ThreadUpdate.model_fields)
    ignored = {name for name, field in RunCreate.model_fields.items() if str(field.description).startswith("Ignored")}
    nothing = {name for name, field in RunCreate.model_fields.items() if field.annotation is type(None)}
    named = {"assistant_id", "thread_id", "status"}
    assert set(RunOverrides.__annotations__) == set(RunCreate.model_fields) - ignored - nothing - named


def test_sync_and_async_methods_have_the_same_parameters() -> None:
    with Entity("http://x", "k") as client:
        other = AsyncEntity("http://x", "k")
        for part in PARTS:
            for name, function in inspect.getmembers(getattr(client, part), inspect.ismethod):
                twin = getattr(getattr(other, part), name)
                assert inspect.signature(function).parameters.keys() == inspect.signature(twin).parameters.keys()
