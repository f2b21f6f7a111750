"""What makes a request with an `Idempotency-Key` happen once: a claim that is written together with what it does."""

import os
from dataclasses import InitVar, dataclass, field

from projectdavid.ports.store import Clash, Op
from projectdavid.runtime.ids import Derived, Ids, Source
from projectdavid.runtime.sweeper import ANSWERS_KEPT


@dataclass(slots=True)
class Claim:
    """A request under a key of an owner. `done`: an earlier one with the same key and body did what it asks for.

    Whoever repeats it makes the same ids and secrets from the same seed, and so finds again what was made then.
    """

    owner: str
    key: str
    fingerprint: bytes
    made_at: float
    secret: InitVar[bytes]
    seed: bytes = field(default_factory=lambda: os.urandom(16))
    done: bool = False
    note: bytes | None = None
    """What the request that did it left for those that repeat it."""
    random: Source = field(init=False)
    ids: Ids = field(init=False)

    def __post_init__(self, secret: bytes) -> None:
        self.random = Derived(secret, self.seed)
        self.ids = Ids(self.random)

    def op(self, note: bytes | None = None) -> Op:
        """Write it down; refused where it was written before."""
        params = {"fingerprint": self.fingerprint, "made_at": self.made_at, "since": self.made_at - ANSWERS_KEPT}
        clash = Clash("idempotency_key", self.key)
        return Op("idempotency_claim", {**self._place(), **params, "note": note}, missing=clash)

    def answered(self, status: int, answer: bytes) -> Op:
        """Keep the answer with it."""
        return Op("idempotency_answer", {**self._place(), "status": status, "answer": answer})

    def _place(self) -> dict[str, str | bytes]:
        return {"owner": self.owner, "key": self.key, "seed": self.seed}
