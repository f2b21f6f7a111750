"""Webhooks through HTTP: from the assistant's URL to the receiver's answer, and what the API tells of it."""

import base64
import logging
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.protocol.webhooks import signing_key
from tests.fakes.hooks import Got, Hooks, answered, receiving, with_outputs
from tests.server.conftest import serving
from tests.server.talking import NOBODY, WEATHER, Caller, Json, ok, refused
from tests.timeouts import wait_until

GIVEN = "a secret of sixteen and more"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """A server that may send to loopback."""
    with serving(tmp_path_factory.mktemp("hooked"), outbound_allow=["127.0.0.1"], outbound_allow_http=True) as server:
        yield server


@pytest.fixture
def ann(open_server: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(open_server.base_url, "", open_server.admin_api_key) as admin:
        user_id = ok(admin.post("/v1/users", json={}))["id"]
        key = ok(admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
    with Caller(open_server.base_url, user_id, key) as ann:
        yield ann


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with receiving() as hooks:
        yield hooks


def verified(got: Got, secret: str) -> bool:
    """Whether both libraries find the signature right."""
    try:
        Webhook(secret).verify(got.body, got.headers)
    except WebhookVerificationError:
        with pytest.raises(openai.InvalidWebhookSignatureError):
            _openai(got, secret)
        return False
    _openai(got, secret)
    return True


def _openai(got: Got, secret: str) -> None:
    with openai.OpenAI(api_key="none") as client:
        client.webhooks.verify_signature(got.body, got.headers, secret=secret)


def run_of(user: Caller, assistant: Json) -> Json:
    """A new run of an assistant."""
    thread = user.thread("Hi there")
    return ok(user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]}))


def deliveries(user: Caller, **query: str) -> list[Json]:
    return ok(user.get("/v1/webhooks/deliveries", params=query))["data"]


def test_a_tool_that_is_answered_by_the_webhook_alone_completes_the_run_with_one_delivery(
    ann: Caller, hooks: Hooks
) -> None:
    hooks.answer = with_outputs(lambda call: f"rain in {call['arguments']['city']}")
    assistant = ann.assistant(model="scripted/caller", tools=[WEATHER], webhook_url=hooks.url)
    run = ann.until(run_of(ann, assistant), "completed")
    assert run["actions"][0]["result"] == {"output": "rain in Oslo"}
    (delivery,) = deliveries(ann, run_id=run["id"])
    assert (delivery["event"], delivery["status"], delivery["attempts"]) == ("run.action_required", "delivered", 1)
    (got,) = hooks.got
    assert verified(got, assistant["webhook_secret"])
    call = run["actions"][0]
    assert got.event == {
        "type": "run.action_required",
        "id": delivery["id"],
        "timestamp": got.event["timestamp"],
        "data": {
            "run_id": run["id"],
            "thread_id": run["thread_id"],
            "assistant_id": assistant["id"],
            "status": "action_required",
            "meta_data": {},
            "tool_calls": [
                {
                    "id": call["tool_call_id"],
                    "name": "get_weather",
                    "arguments": {"city": "Oslo"},
                    "effect": "unsafe",
                    "idempotency_key": call["tool_call_id"],
                }
            ],
        },
    }
    assert ok(ann.get(f"/v1/webhooks/deliveries/{delivery['id']}"))["payload"] == got.event


@pytest.mark.parametrize(
    ("model", "event", "asked"),
    [
        ("scripted/hello", "run.completed", True),
        ("scripted/broken", "run.failed", True),
        ("scripted/hello", "run.completed", False),
    ],
)
def test_the_end_of_a_run_is_told_to_who_asked_for_it(
    ann: Caller, hooks: Hooks, model: str, event: str, asked: bool
) -> None:
    wanted = [event] if asked else ["run.expired"]
    assistant = ann.assistant(model=model, webhook_url=hooks.url, webhook_events=wanted)
    assert ok(ann.get(f"/v1/assistants/{assistant['id']}"))["webhook_events"] == wanted
    run = run_of(ann, assistant)
    list(ann.events(run))
    ok(ann.post(f"/v1/assistants/{assistant['id']}/webhook/test"))
    told = [got.event["type"] for got in hooks.until(2 if asked else 1)]
    assert sorted(told) == sorted([event, "webhook.test"] if asked else ["webhook.test"])
    if event == "run.failed":
        (failed,) = [got.event["data"] for got in hooks.got if got.event["type"] == event]
        assert failed["error"] == {"code": "server_error", "message": "The model fell over."}


def test_a_secret_is_made_with_the_first_url_and_shown_once(ann: Caller, hooks: Hooks) -> None:
    assistant = ann.assistant()
    path = f"/v1/assistants/{assistant['id']}"
    assert "webhook_secret" not in assistant
    response = ann.put(path, json={"webhook_url": hooks.url})
    secret = ok(response)["webhook_secret"]
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert response.headers["cache-control"] == "no-store"
    for response in (ann.put(path, json={"webhook_url": f"{hooks.url}/2"}), ann.get(path), ann.get("/v1/assistants")):
        assert "whsec" not in response.text
    ok(ann.post(f"{path}/webhook/test"))
    (got,) = hooks.until(1)
    assert (got.path, verified(got, secret)) == ("/hook/2", True)


@pytest.mark.parametrize("how", ["create", "update"])
def test_a_given_secret_signs_with_its_bytes_and_is_shown_as_libraries_take_it(
    ann: Caller, hooks: Hooks, how: str
) -> None:
    wanted = {"webhook_url": hooks.url, "webhook_secret": GIVEN}
    if how == "create":
        assistant = ann.assistant(**wanted)
    else:
        assistant = ok(ann.put(f"/v1/assistants/{ann.assistant()['id']}", json=wanted))
    assert assistant["webhook_secret"] == f"whsec_{base64.b64encode(GIVEN.encode()).decode()}"
    ok(ann.post(f"/v1/assistants/{assistant['id']}/webhook/test"))
    (got,) = hooks.until(1)
    assert verified(got, assistant["webhook_secret"])


def test_a_secret_in_the_form_of_the_libraries_is_taken_as_it_is(ann: Caller, hooks: Hooks) -> None:
    secret = "whsec_" + base64.b64encode(bytes(range(232, 256))).decode()
    assistant = ann.assistant(webhook_url=hooks.url, webhook_secret=secret)
    assert assistant["webhook_secret"] == secret
    ok(ann.post(f"/v1/assistants/{assistant['id']}/webhook/test"))
    (got,) = hooks.until(1)
    assert verified(got, secret)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [("fifteen letters", "16"), ("s" * 257, "256"), ("sixteen\n characters", "control"), (16 * [1], "string")],
)
def test_a_secret_that_is_none_is_refused_and_not_told_back(ann: Caller, secret: Any, expected: str) -> None:
    path = f"/v1/assistants/{ann.assistant()['id']}"
    for response in (
        ann.post("/v1/assistants", json={"model": "m", "webhook_secret": secret}),
        ann.put(path, json={"webhook_secret": secret}),
        ann.post(f"{path}/webhook/rotate", json={"webhook_secret": secret}),
    ):
        message = refused(response, 422, "invalid_value", "webhook_secret")
        assert expected in message
        assert str(secret) not in message


@pytest.mark.parametrize("events", [["run.started"], ["run.action_required"], "run.completed", [None]])
def test_an_event_that_there_is_not_is_refused(ann: Caller, events: Any) -> None:
    response = ann.post("/v1/assistants", json={"model": "m", "webhook_events": events})
    assert response.status_code == 422
    assert response.json()["error"]["param"].startswith("webhook_events")


def test_the_secrets_of_an_overlap_both_open_and_the_old_one_ends_with_it(ann: Caller, hooks: Hooks) -> None:
    assistant = ann.assistant(webhook_url=hooks.url)
    path = f"/v1/assistants/{assistant['id']}/webhook"
    old = assistant["webhook_secret"]
    response = ann.post(f"{path}/rotate", json={"overlap_seconds": 3600})
    rotated = ok(response)
    assert response.headers["cache-control"] == "no-store"
    assert rotated["webhook_secret"] not in (None, old)
    ok(ann.post(f"{path}/test"))
    both = hooks.until(1)[0]
    assert verified(both, old)
    assert verified(both, rotated["webhook_secret"])
    last = ok(ann.post(f"{path}/rotate", json={"overlap_seconds": 0, "webhook_secret": GIVEN}))["webhook_secret"]
    ok(ann.post(f"{path}/test"))
    one = hooks.until(2)[1]
    assert [verified(one, secret) for secret in (old, rotated["webhook_secret"], last)] == [False, False, True]


def test_another_secret_by_update_leaves_the_old_one_a_day_and_the_same_one_changes_nothing(
    ann: Caller, hooks: Hooks
) -> None:
    assistant = ann.assistant(webhook_url=hooks.url)
    path = f"/v1/assistants/{assistant['id']}"
    for _ in range(2):
        assert signing_key(ok(ann.put(path, json={"webhook_secret": GIVEN}))["webhook_secret"]) == GIVEN.encode()
    ok(ann.post(f"{path}/webhook/test"))
    (got,) = hooks.until(1)
    assert len(got.headers["webhook-signature"].split(" ")) == 2
    assert verified(got, assistant["webhook_secret"])


def test_rotation_without_a_body_makes_a_secret_and_says_until_when_the_old_one_signs(ann: Caller) -> None:
    path = f"/v1/assistants/{ann.assistant()['id']}/webhook/rotate"
    first, second = ok(ann.post(path)), ok(ann.post(path, json={}))
    assert first["previous_expires_at"] is None
    assert second["previous_expires_at"] > 86_400
    assert first["webhook_secret"] != second["webhook_secret"]
    refused(ann.post(path, json={"overlap_seconds": 604_801}), 422, "invalid_value", "overlap_seconds")


def test_a_delivery_is_found_by_run_assistant_and_status(ann: Caller, hooks: Hooks) -> None:
    hooks.answer = lambda got: answered(500 if got.event["type"] == "run.completed" else 200)
    assistant = ann.assistant(webhook_url=hooks.url, webhook_events=["run.completed"])
    run = run_of(ann, assistant)
    list(ann.events(run))
    test = ok(ann.post(f"/v1/assistants/{assistant['id']}/webhook/test"))
    assert (test["event"], test["run_id"], test["payload"]["type"]) == ("webhook.test", None, "webhook.test")
    settle(ann, 2)
    failing, arrived = deliveries(ann, order="asc")
    assert (failing["status"], arrived["status"]) == ("pending", "delivered")
    assert (failing["log"][0]["status"], failing["log"][0]["error"]) == (500, "The receiver responded with status 500.")
    assert failing["next_attempt_at"] > failing["created_at"]
    assert deliveries(ann, run_id=run["id"]) == deliveries(ann, status="pending") == [failing]
    assert deliveries(ann, status="delivered") == [arrived]
    assert deliveries(ann, run_id=run["id"], status="failed") == []
    assert deliveries(ann, assistant_id=assistant["id"]) == [arrived, failing]
    assert deliveries(ann, after=arrived["id"]) == [failing]
    refused(ann.get("/v1/webhooks/deliveries", params={"status": "sent"}), 422, "invalid_value", "status")
    refused(ann.get("/v1/webhooks/deliveries", params={"run_id": "run_x"}), 404, "run_not_found", "run_id")
    refused(ann.get("/v1/webhooks/deliveries", params={"after": "evt_x"}), 404, "cursor_not_found", "after")


def settle(user: Caller, count: int) -> None:
    """Wait until so many attempts have been written down."""
    wait_until(lambda: sum(len(delivery["log"]) for delivery in deliveries(user)) >= count)


def test_redelivery_sends_the_same_bytes_under_the_same_id_again(ann: Caller, hooks: Hooks) -> None:
    assistant = ann.assistant(webhook_url=hooks.url)
    delivery = ok(ann.post(f"/v1/assistants/{assistant['id']}/webhook/test"))
    hooks.until(1)
    settle(ann, 1)
    again = ok(ann.post(f"/v1/webhooks/deliveries/{delivery['id']}/redeliver"))
    assert (again["id"], again["status"]) == (delivery["id"], "pending")
    first, second = hooks.until(2)
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    refused(ann.post("/v1/webhooks/deliveries/evt_x/redeliver"), 404, "delivery_not_found")


def test_410_turns_the_webhook_off_and_setting_its_url_turns_it_on(ann: Caller, hooks: Hooks) -> None:
    hooks.answer = lambda _: answered(410)
    assistant = ann.assistant(webhook_url=hooks.url)
    path = f"/v1/assistants/{assistant['id']}"
    ok(ann.post(f"{path}/webhook/test"))
    settle(ann, 1)
    (delivery,) = deliveries(ann)
    assert (delivery["status"], delivery["log"][0]["status"]) == ("failed", 410)
    assert "webhook_url" in delivery["log"][0]["error"]
    disabled = ok(ann.get(path))
    assert disabled["webhook_disabled_at"] >= delivery["created_at"]
    assert "webhook_disabled_at" in ok(ann.put(path, json={"name": "Other"}))
    assert "webhook_disabled_at" not in ok(ann.put(path, json={"webhook_url": hooks.url}))
    hooks.answer = lambda _: answered(200)
    ok(ann.post(f"/v1/webhooks/deliveries/{delivery['id']}/redeliver"))
    settle(ann, 2)
    assert deliveries(ann)[0]["status"] == "delivered"


def test_wrong_outputs_are_told_in_the_log(ann: Caller, hooks: Hooks) -> None:
    hooks.answer = lambda _: answered(body={"tool_outputs": [{"tool_call_id": "call_x", "output": "rain"}]})
    assistant = ann.assistant(model="scripted/caller", tools=[WEATHER], webhook_url=hooks.url)
    run = ann.until(run_of(ann, assistant), "action_required")
    settle(ann, 1)
    (delivery,) = deliveries(ann)
    assert delivery["status"] == "pending"
    assert "call_x" in delivery["log"][0]["error"]
    assert ok(ann.get(f"/v1/runs/{run['id']}"))["status"] == "action_required"


def test_a_test_wants_a_url(ann: Caller) -> None:
    assistant = ann.assistant()
    refused(ann.post(f"/v1/assistants/{assistant['id']}/webhook/test"), 400, "no_webhook", "assistant_id")
    refused(ann.post(f"/v1/assistants/{NOBODY}/webhook/test"), 404, "assistant_not_found")


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://example.com/", "not_https"),
        ("https://localhost/", "own_address"),
        ("https://127.0.0.1/", "own_address"),
        ("https://0x7f.1/", "bad_url"),
        ("https://10.0.0.8/", "private_network"),
        ("https://169.254.169.254/latest", "metadata"),
        ("https://example.com:22/", "bad_port"),
    ],
)
def test_a_url_that_the_guard_refuses_is_refused_when_it_is_given_with_the_rule(
    user: Caller, url: str, rule: str
) -> None:
    before = user.assistant()
    for response in (
        user.post("/v1/assistants", json={"model": "m", "webhook_url": url}),
        user.put(f"/v1/assistants/{before['id']}", json={"webhook_url": url}),
    ):
        assert rule in refused(response, 422, "invalid_value", "webhook_url")
    assert ok(user.get("/v1/assistants")) == [before]


def test_a_name_that_leads_to_this_machine_is_refused_when_it_is_asked(
    tmp_path_factory: pytest.TempPathFactory, hooks: Hooks
) -> None:
    """The operator may change the list while it is tried again."""
    with (
        serving(tmp_path_factory.mktemp("closed"), outbound_allow_http=True, outbound_allow=["localhost:1"]) as server,
        Caller(server.base_url, "", server.api_key) as ann,
    ):
        port = hooks.url.rpartition(":")[2].partition("/")[0]
        refused(
            ann.post("/v1/assistants", json={"model": "m", "webhook_url": f"http://localhost:{port}/"}),
            422,
            "invalid_value",
            "webhook_url",
        )
        assistant = ann.assistant(webhook_url="https://nobody.invalid/")
        ok(ann.post(f"/v1/assistants/{assistant['id']}/webhook/test"))
        settle(ann, 1)
        (delivery,) = deliveries(ann)
    assert delivery["status"] == "pending"
    assert "https://nobody.invalid" in delivery["log"][0]["error"]
    assert hooks.got == []


def test_no_secret_is_in_any_answer_but_the_first_or_in_any_log(
    ann: Caller, hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hooks.answer = lambda _: answered(500)
    assistant = ann.assistant(webhook_url=hooks.url, webhook_secret=GIVEN, webhook_events=["run.completed"])
    run = run_of(ann, assistant)
    list(ann.events(run))
    settle(ann, 1)
    delivery_id = deliveries(ann)[0]["id"]
    shown = [
        ann.get(path).text
        for path in (
            "/v1/assistants",
            f"/v1/assistants/{assistant['id']}",
            f"/v1/runs/{run['id']}",
            f"/v1/runs/{run['id']}/events",
            "/v1/webhooks/deliveries",
            f"/v1/webhooks/deliveries/{delivery_id}",
        )
    ]
    said = "".join([*shown, caplog.text, *(got.body.decode() for got in hooks.got)])
    assert assistant["webhook_secret"].removeprefix("whsec_") not in said
    assert GIVEN not in said
    assert hooks.got[0].headers["webhook-signature"] not in said
