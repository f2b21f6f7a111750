"""Whether a webhook was sent by the platform: `verify`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from projectdavid import AsyncEntity, Entity, WebhookEvent, WebhookVerificationError, verify_webhook
from projectdavid.protocol.webhooks import shown_secret, signing_key

SECRET = "whsec_c2l4dGVlbiBieXRlcyBvZiBzZWNyZXQ="
EVENT: dict[str, Any] = {
    "type": "run.action_required",
    "id": "evt_1",
    "timestamp": "2026-11-22T12:00:00Z",
    "data": {
        "run_id": "run_1",
        "thread_id": "thread_1",
        "assistant_id": "asst_1",
        "status": "action_required",
        "meta_data": {"order": 7},
        "tool_calls": [{"id": "c", "name": "add", "arguments": {"a": 1}, "effect": "read", "idempotency_key": "c"}],
        "later": "fields of a newer server are ignored",
    },
}
BODY = json.dumps(EVENT).encode()


def headers(secret: str = SECRET, body: bytes = BODY, *, old: float = 0, **others: str) -> dict[str, str]:
    """As the platform signs, `old` seconds ago."""
    at = datetime.now(UTC) - timedelta(seconds=old)
    signature = Webhook(signing_key(secret)).sign("evt_1", at, body.decode())
    made = {"webhook-id": "evt_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    return made | {name.replace("_", "-"): value for name, value in others.items()}


@pytest.mark.parametrize("body", [BODY, BODY.decode()], ids=["bytes", "text"])
def test_what_is_signed_with_the_secret_is_an_event(client: Entity, body: bytes | str) -> None:
    event = client.webhooks.verify(headers(), body, SECRET)
    assert isinstance(event, WebhookEvent)
    assert (event.type, event.id, event.data.run_id, event.data.meta_data) == (
        "run.action_required",
        "evt_1",
        "run_1",
        {"order": 7},
    )
    (call,) = event.data.tool_calls
    assert (call.name, call.arguments, call.effect, call.idempotency_key) == ("add", {"a": 1}, "read", "c")


def test_a_webhook_that_an_earlier_version_stored_has_the_status_of_this_one() -> None:
    body = BODY.replace(b'"status": "action_required"', b'"status": "requires_action"')
    assert verify_webhook(headers(body=body), body, SECRET).data.status == "action_required"


def test_one_function_serves_receivers_with_and_without_a_client(
    client: Entity, new_async_client: Callable[[], AsyncEntity]
) -> None:
    assert client.webhooks.verify is verify_webhook
    assert new_async_client().webhooks.verify is verify_webhook


def test_headers_may_be_in_any_case_and_carry_other_things() -> None:
    shouted = {name.upper(): value for name, value in headers(host="here").items()}
    assert verify_webhook(shouted, BODY, SECRET).id == "evt_1"


@pytest.mark.parametrize("given", ["a text of sixteen and more", SECRET, SECRET.rstrip("="), "whsec_no base64!!!"])
def test_a_secret_may_be_written_as_it_was_given_or_as_it_was_shown(given: str) -> None:
    for written in (given, shown_secret(signing_key(given))):
        assert verify_webhook(headers(given), BODY, written).id == "evt_1"


def test_the_secret_comes_from_the_environment_where_it_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="PROJECTDAVID_WEBHOOK_SECRET"):
        verify_webhook(headers(), BODY)
    monkeypatch.setenv("PROJECTDAVID_WEBHOOK_SECRET", SECRET)
    assert verify_webhook(headers(), BODY).id == "evt_1"


def test_of_two_signatures_one_that_is_right_is_enough() -> None:
    both = {**headers(), "webhook-signature": f"v1,AAAA {headers()['webhook-signature']}"}
    assert verify_webhook(both, BODY, SECRET).id == "evt_1"


WRONG: dict[str, Callable[[], dict[str, str]]] = {
    "nothing": dict,
    "another secret": lambda: headers("another secret of sixteen"),
    "too old": lambda: headers(old=330),
    "too new": lambda: headers(old=-330),
    "another id": lambda: headers(webhook_id="evt_2"),
    "no time": lambda: headers(webhook_timestamp="now"),
    "no signature": lambda: headers(webhook_signature="v1"),
    "no base64": lambda: headers(webhook_signature="v1,%%%"),
    "another version": lambda: headers(webhook_signature="v2,AAAA"),
}


@pytest.mark.parametrize("sent", WRONG.values(), ids=WRONG)
def test_anything_else_is_refused_and_the_secret_is_not_told(sent: Callable[[], dict[str, str]]) -> None:
    with pytest.raises(WebhookVerificationError) as refused:
        verify_webhook(sent(), BODY, SECRET)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("body", [BODY.replace(b"evt_1", b"evt_2"), b"\xff"])
def test_another_body_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookVerificationError):
        verify_webhook(headers(), body, SECRET)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"hello"])
def test_a_body_that_is_no_event_is_refused_although_it_is_signed(body: bytes) -> None:
    with pytest.raises(WebhookVerificationError, match="not an event"):
        verify_webhook(headers(body=body), body, SECRET)
