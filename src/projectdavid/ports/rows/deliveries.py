"""Records of webhooks and their outbox."""

from typing import NamedTuple


class DeliveryRow(NamedTuple):
    """A webhook delivery; `log` is a JSON array of its attempts."""

    n: int
    id: str
    owner: str
    assistant_id: str
    run_id: str | None
    event: str
    body: str
    status: str
    attempts: int
    sending: int
    created_at: int
    next_at: float
    ended_at: int | None
    log: str


class DueDeliveryRow(NamedTuple):
    """A delivery that is due; `run` is the number of its run, None without a run or if it was deleted."""

    n: int
    id: str
    owner: str
    assistant_id: str
    run_id: str | None
    event: str
    body: str
    status: str
    attempts: int
    sending: int
    created_at: int
    next_at: float
    ended_at: int | None
    log: str
    run: int | None


class DeliveryClaimRow(NamedTuple):
    """The number of the claimed attempt."""

    attempts: int


class WebhookTargetRow(NamedTuple):
    """The webhook of an assistant; `secrets` is a JSON array."""

    url: str | None
    disabled_at: int | None
    secrets: str


class WebhookSecretRow(NamedTuple):
    """The current secret, and the time until which previous ones are valid."""

    secret: str
    previous_until: int | None
