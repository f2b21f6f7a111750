"""Webhooks: what was sent and what became of it, sending again, a test, and another secret."""

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.ports.store import Missing, Op, Row
from projectdavid.protocol.base import Page
from projectdavid.protocol.webhooks import Delivery, DeliveryStatus, WebhookRotate, WebhookRotated
from projectdavid.runtime.driver import OUTBOX
from projectdavid.runtime.webhooks import trial_of
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed, stored
from projectdavid.server.http.errors import WITH_BODY, ApiError, missing
from projectdavid.server.http.paging import After, Limit, Order, Text, page
from projectdavid.server.native import signing
from projectdavid.server.native.wire import router
from projectdavid.server.objects.finding import find

router = router("webhooks")

OfRun = Annotated[Text, Query(description="Only those of this run.")]
OfAssistant = Annotated[Text, Query(description="Only those of this assistant.")]
OfStatus = Annotated[DeliveryStatus | SkipJsonSchema[None], Query(description="Only those that stand so.")]


@router.get("/webhooks/deliveries", response_model=Page[Delivery])
async def list_deliveries(
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    run_id: OfRun = None,
    assistant_id: OfAssistant = None,
    status: OfStatus = None,
) -> Response:
    """What was or is to be sent to the caller's webhooks, newest first."""
    if assistant_id is not None:
        await find(caller.view, "assistant", assistant_id, "assistant_id")
    of: dict[str, Any] = {"assistant_id": assistant_id, "status": status}
    query = "deliveries_page"
    if run_id is not None:
        await find(caller.view, "run", run_id, "run_id")
        query, of["run_id"] = "run_deliveries_page", run_id

    async def known(cursor: str) -> Any:
        return await caller.view.one("delivery", id=cursor)

    rows, more = await page(caller.view, query, limit, order, after, known, **of)
    return listed([_wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/webhooks/deliveries/{delivery_id}", response_model=Delivery)
async def retrieve_delivery(delivery_id: str, caller: Auth) -> Response:
    """One delivery, with what is sent and the log of its attempts."""
    return await _answer(caller, delivery_id)


@router.post("/webhooks/deliveries/{delivery_id}/redeliver", response_model=Delivery)
async def redeliver(delivery_id: str, caller: Auth) -> Response:
    """Send an event again at once, with the same id and the same body, whatever became of it before."""
    params: dict[str, Any] = {"id": delivery_id, "now": caller.platform.clock()}
    await caller.write([Op("delivery_redeliver", params, missing=Missing("delivery", delivery_id))])
    caller.platform.bus.publish(OUTBOX)
    return await _answer(caller, delivery_id)


@router.post("/assistants/{assistant_id}/webhook/test", response_model=Delivery)
async def send_test(assistant_id: str, caller: Auth) -> Response:
    """Send `webhook.test` to an assistant's webhook; the delivery tells what comes of it."""
    await find(caller.view, "assistant", assistant_id)
    event_id = caller.ids.new("evt")
    now = int(caller.now)
    event, body = trial_of(assistant_id, event_id, now)
    params: dict[str, Any] = {"id": event_id, "assistant_id": assistant_id, "event": event, "body": body, "now": now}
    try:
        await caller.write([Op("delivery_test", params, missing=Missing("assistant", assistant_id))])
    except Missing:
        raise ApiError(
            400, "no_webhook", "The assistant has no webhook_url; give it one by an update.", "assistant_id"
        ) from None
    caller.platform.bus.publish(OUTBOX)
    return await _answer(caller, event_id)


@router.post("/assistants/{assistant_id}/webhook/rotate", response_model=WebhookRotated, responses=WITH_BODY)
async def rotate_secret(assistant_id: str, caller: Auth, body: WebhookRotate | None = None) -> Response:
    """Give a webhook another secret, which is shown this once; the old one signs beside it for a while."""
    body = body or WebhookRotate()
    await find(caller.view, "assistant", assistant_id)
    secret = await signing.replaced(caller, assistant_id, body.webhook_secret, body.overlap_seconds)
    await caller.write(secret.ops)
    answer = {
        "assistant_id": assistant_id,
        "webhook_secret": secret.shown,
        "previous_expires_at": secret.previous_until,
    }
    return json_answer(answer, headers=signing.ONCE)


async def _answer(caller: Caller, delivery_id: str) -> Response:
    row = await caller.view.one("delivery", id=delivery_id)
    if row is None:
        raise missing("delivery", delivery_id)
    return json_answer({**_wire(row), "payload": stored(row.body)})


def _wire(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "object": "webhook.delivery",
        "event": row.event,
        "assistant_id": row.assistant_id,
        "run_id": row.run_id,
        "status": row.status,
        "attempts": row.attempts,
        "created_at": row.created_at,
        "next_attempt_at": int(row.next_at) if row.status == "pending" and not row.sending else None,
        "ended_at": row.ended_at,
        "log": stored(row.log),
        "payload": None,
    }
