"""Idempotency claim, written in the same transaction as the request's effect."""

import os
from dataclasses import InitVar, dataclass, field

from projectdavid.ports import queries
from projectdavid.ports.store import Op, UniqueClash
from projectdavid.runtime.housekeeping.sweeper import ANSWERS_KEPT
from projectdavid.runtime.ids import DerivedSource, IdFactory, Source


@dataclass(slots=True)
class IdempotencyClaim:
    """A request under an idempotency key of an owner. `done` if an earlier request with the same key and body took
    effect.

    A replay derives the same ids and secrets from the same seed, and so finds the objects created by the first request.
    """

    owner: str
    key: str
    fingerprint: bytes
    made_at: float
    secret: InitVar[bytes]
    seed: bytes = field(default_factory=lambda: os.urandom(16))
    done: bool = False
    note: bytes | None = None
    """Data stored by the first request for replays."""
    random: Source = field(init=False)
    ids: IdFactory = field(init=False)

    def __post_init__(self, secret: bytes) -> None:
        self.random = DerivedSource(secret, self.seed)
        self.ids = IdFactory(self.random)

    def op(self, note: bytes | None = None) -> Op:
        """Return the operation that stores the claim; it fails if the key was already claimed."""
        params = {"fingerprint": self.fingerprint, "made_at": self.made_at, "since": self.made_at - ANSWERS_KEPT}
        clash = UniqueClash("idempotency_key", self.key)
        return Op(queries.IDEMPOTENCY_CLAIM, {**self._place(), **params, "note": note}, missing=clash)

    def store_answer(self, status: int, answer: bytes) -> Op:
        """Return the operation that stores the response with the claim."""
        return Op(queries.IDEMPOTENCY_ANSWER, {**self._place(), "status": status, "answer": answer})

    def _place(self) -> dict[str, str | bytes]:
        return {"owner": self.owner, "key": self.key, "seed": self.seed}
