# Made from client/_async/webhooks.py by scripts/unasync.py: do not edit.
"""Webhooks."""

from projectdavid.client._sync.transport import Transport
from projectdavid.client.fields import present
from projectdavid.client.lists import Order, cursor
from projectdavid.client.resource import MethodGroup
from projectdavid.client.webhook_signatures import verify_webhook
from projectdavid.client.wire import at
from projectdavid.protocol.base import Page
from projectdavid.protocol.webhooks import DAY, Delivery, DeliveryStatus, WebhookRotated


class Webhooks(MethodGroup):
    """Deliveries to the `webhook_url` of assistants; `verify` checks their signatures at the receiver."""

    verify = staticmethod(verify_webhook)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_deliveries(
        self,
        *,
        run_id: str | None = None,
        assistant_id: str | None = None,
        status: DeliveryStatus | None = None,
        limit: int = 20,
        order: Order = "desc",
        after: str | None = None,
    ) -> Page[Delivery]:
        """List one page of deliveries, in `.data`.

        Args:
            run_id, assistant_id: only deliveries of this run or assistant.
            status: only deliveries that are `pending`, `delivered` or `failed`.
            limit, order, after: at most 100; `asc` is oldest first; the id after which the page starts.

        Raises:
            NotFoundError: the run or assistant does not exist.
        """
        query = cursor(limit, order, after) | present(run_id=run_id, assistant_id=assistant_id, status=status)
        return self._transport.ask(Page[Delivery], "GET", "/v1/webhooks/deliveries", query=query)

    def retrieve_delivery(self, delivery_id: str) -> Delivery:
        """Retrieve a delivery, with its body and the log of its attempts."""
        return self._transport.ask(Delivery, "GET", at("/v1/webhooks/deliveries/{}", delivery_id))

    def redeliver(self, delivery_id: str) -> Delivery:
        """Send an event again at once, with the same id and body, whatever its status."""
        return self._transport.ask(Delivery, "POST", at("/v1/webhooks/deliveries/{}/redeliver", delivery_id))

    def test(self, assistant_id: str) -> Delivery:
        """Send `webhook.test` to an assistant's webhook; the delivery reports the outcome.

        Raises:
            BadRequestError: the assistant has no `webhook_url`.
        """
        return self._transport.ask(Delivery, "POST", at("/v1/assistants/{}/webhook/test", assistant_id))

    def rotate_secret(
        self, assistant_id: str, *, webhook_secret: str | None = None, overlap_seconds: int = DAY
    ) -> WebhookRotated:
        """Replace the secret of a webhook. The new secret is returned only once.

        Args:
            assistant_id: the assistant's id.
            webhook_secret: at least 16 characters; generated if omitted.
            overlap_seconds: how long the old secret also signs, at most a week; use 0 if it may have leaked.
        """
        body = {"overlap_seconds": overlap_seconds, **present(webhook_secret=webhook_secret)}
        path = at("/v1/assistants/{}/webhook/rotate", assistant_id)
        return self._transport.ask(WebhookRotated, "POST", path, body=body)

    list = list_deliveries
    retrieve = retrieve_delivery
