# Made from client/_async/webhooks.py by scripts/unasync.py: do not edit.
"""Webhooks."""

from projectdavid.client._sync.transport import Transport
from projectdavid.client.fields import present
from projectdavid.client.lists import Order, cursor
from projectdavid.client.verifying import verify_webhook
from projectdavid.client.wire import at
from projectdavid.protocol.base import Page
from projectdavid.protocol.webhooks import DAY, Delivery, DeliveryStatus, WebhookRotated


class Webhooks:
    """What is sent to the `webhook_url` of assistants; `verify` is for whoever receives it."""

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
        """One page of what was or is to be sent; they are in `.data`.

        Args:
            run_id, assistant_id: only those of this run, of this assistant.
            status: only those that are `pending`, `delivered` or `failed`.
            limit, order, after: at most 100; `asc` is oldest first; the id behind which the page begins.

        Raises:
            NotFoundError: there is no such run or assistant.
        """
        query = cursor(limit, order, after) | present(run_id=run_id, assistant_id=assistant_id, status=status)
        return self._transport.ask(Page[Delivery], "GET", "/v1/webhooks/deliveries", query=query)

    def retrieve_delivery(self, delivery_id: str) -> Delivery:
        """One delivery, with what is sent and the log of its attempts."""
        return self._transport.ask(Delivery, "GET", at("/v1/webhooks/deliveries/{}", delivery_id))

    def redeliver(self, delivery_id: str) -> Delivery:
        """Send an event again at once, with the same id and the same body, whatever became of it before."""
        return self._transport.ask(Delivery, "POST", at("/v1/webhooks/deliveries/{}/redeliver", delivery_id))

    def test(self, assistant_id: str) -> Delivery:
        """Send `webhook.test` to an assistant's webhook; the delivery tells what comes of it.

        Raises:
            BadRequestError: the assistant has no `webhook_url`.
        """
        return self._transport.ask(Delivery, "POST", at("/v1/assistants/{}/webhook/test", assistant_id))

    def rotate_secret(
        self, assistant_id: str, *, webhook_secret: str | None = None, overlap_seconds: int = DAY
    ) -> WebhookRotated:
        """Give a webhook another secret, which is shown this once.

        Args:
            assistant_id: whose webhook.
            webhook_secret: at least 16 characters; made if it is left out.
            overlap_seconds: how long the old secret signs beside it, at most a week; 0 if it may be known to others.
        """
        body = {"overlap_seconds": overlap_seconds, **present(webhook_secret=webhook_secret)}
        path = at("/v1/assistants/{}/webhook/rotate", assistant_id)
        return self._transport.ask(WebhookRotated, "POST", path, body=body)
