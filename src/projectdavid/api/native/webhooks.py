"""Webhooks: deliveries, redelivery, tests, and rotation of secrets."""

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, json_bytes_answer, page_answer
from projectdavid.api.http.errors import WITH_BODY, ApiError, missing_error
from projectdavid.api.http.pages import After, Limit, Order, Text, page
from projectdavid.api.native import webhook_secrets
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources.lookup import find
from projectdavid.ports import queries
from projectdavid.ports.rows import DeliveryRow, PositionRow
from projectdavid.ports.store import Op, RowMissing
from projectdavid.protocol.base import Page
from projectdavid.protocol.webhooks import Delivery, DeliveryStatus, WebhookRotate, WebhookRotated
from projectdavid.runtime.runs.webhooks import trial_of
from projectdavid.runtime.topics import OUTBOX

router = router("webhooks")

OfRun = Annotated[Text, Query(description="Only deliveries of this run.")]
OfAssistant = Annotated[Text, Query(description="Only deliveries of this assistant.")]
OfStatus = Annotated[DeliveryStatus | SkipJsonSchema[None], Query(description="Only deliveries with this status.")]


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
    """List the deliveries to the caller's webhooks, newest first."""
    if assistant_id is not None:
        await find(caller.view, queries.ASSISTANT, assistant_id, "assistant_id")
    of: dict[str, Any] = {"assistant_id": assistant_id, "status": status}
    query = queries.DELIVERIES_PAGE
    if run_id is not None:
        await find(caller.view, queries.RUN, run_id, "run_id")
        query, of["run_id"] = queries.RUN_DELIVERIES_PAGE, run_id

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.DELIVERY_POSITION, id=cursor)

    rows, more = await page(caller.view, query, limit, order, after, locate, **of)
    return page_answer([_wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/webhooks/deliveries/{delivery_id}", response_model=Delivery)
async def retrieve_delivery(delivery_id: str, caller: Auth) -> Response:
    """Retrieve a delivery, with its body and the log of its attempts."""
    return await _answer(caller, delivery_id)


@router.post("/webhooks/deliveries/{delivery_id}/redeliver", response_model=Delivery)
async def redeliver(delivery_id: str, caller: Auth) -> Response:
    """Send an event again at once, with the same id and body, whatever its status."""
    params: dict[str, Any] = {"id": delivery_id, "now": caller.platform.clock()}
    await caller.write([Op(queries.DELIVERY_REDELIVER, params, missing=RowMissing("delivery", delivery_id))])
    caller.platform.bus.publish(OUTBOX)
    return await _answer(caller, delivery_id)


@router.post("/assistants/{assistant_id}/webhook/test", response_model=Delivery)
async def send_test(assistant_id: str, caller: Auth) -> Response:
    """Send `webhook.test` to an assistant's webhook; the delivery reports the outcome."""
    await find(caller.view, queries.ASSISTANT, assistant_id)
    event_id = caller.ids.new("evt")
    now = int(caller.now)
    event, body = trial_of(assistant_id, event_id, now)
    params: dict[str, Any] = {"id": event_id, "assistant_id": assistant_id, "event": event, "body": body, "now": now}
    try:
        await caller.write([Op(queries.DELIVERY_TEST, params, missing=RowMissing("assistant", assistant_id))])
    except RowMissing:
        raise ApiError(
            400, "no_webhook", "The assistant has no webhook_url; set it with an update.", "assistant_id"
        ) from None
    caller.platform.bus.publish(OUTBOX)
    return await _answer(caller, event_id)


@router.post("/assistants/{assistant_id}/webhook/rotate", response_model=WebhookRotated, responses=WITH_BODY)
async def rotate_secret(assistant_id: str, caller: Auth, body: WebhookRotate | None = None) -> Response:
    """Replace the secret of a webhook; the new one is returned once, and the old one also signs for a while."""
    body = body or WebhookRotate()
    await find(caller.view, queries.ASSISTANT, assistant_id)
    secret = await webhook_secrets.replace_secret(caller, assistant_id, body.webhook_secret, body.overlap_seconds)
    await caller.write(secret.ops)
    answer = {
        "assistant_id": assistant_id,
        "webhook_secret": secret.shown,
        "previous_expires_at": secret.previous_until,
    }
    return json_answer(answer, headers=webhook_secrets.ONCE)


async def _answer(caller: Caller, delivery_id: str) -> Response:
    row = await caller.view.one(queries.DELIVERY, id=delivery_id)
    if row is None:
        raise missing_error("delivery", delivery_id)
    return json_answer({**_wire(row), "payload": json_bytes_answer(row.body)})


def _wire(row: DeliveryRow) -> dict[str, Any]:
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
        "log": json_bytes_answer(row.log),
        "payload": None,
    }
