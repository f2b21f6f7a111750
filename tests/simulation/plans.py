"""What the models of a world will say, and what its callers will do: decided by the seed before anything happens."""

from dataclasses import dataclass, field
from random import Random

from projectdavid.engine.run import Effect
from projectdavid.runtime.driver import OnBusy

OWNERS = ("user_ann", "user_bob")
FUNCTIONS = ("ask", "tell")
"""Functions that the caller answers."""
TOOLS = {"read_it": Effect.READ, "put_it": Effect.IDEMPOTENT, "fire_it": Effect.UNSAFE}
"""Functions that the platform runs."""
EVENTS = ("run.completed", "run.failed", "run.cancelled", "run.expired", "run.incomplete")


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """One turn of a model: pieces of text, then calls by name, and how often it breaks before it is whole."""

    pieces: tuple[str, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run: whose it is, what its model says, and what its caller does with it."""

    key: str
    owner: str
    thread: str
    on_busy: OnBusy
    pending: bool
    turns: tuple[TurnPlan, ...]
    starts_at: float
    cancels_after: float | None
    answers_by: str
    """`caller`, `webhook`, `both` or `nobody`."""
    action_timeout: float | None
    on_expiry: str
    lifetime: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is decided before the world begins."""

    runs: tuple[RunPlan, ...]
    kills: tuple[float, ...]
    """When the whole process dies, database and all."""
    losses: tuple[float, ...]
    """When one worker of several dies, and another takes its place."""
    workers: int
    faults_until: float = field(default=30.0)


def plan(random: Random) -> Plan:
    """What a seed decides."""
    runs = tuple(_run(random, number) for number in range(random.choice((1, 2, 2, 3))))
    return Plan(
        runs=runs,
        kills=tuple(sorted(random.uniform(0.0, 15.0) for _ in range(random.choice((0, 1, 1, 2, 3))))),
        losses=tuple(sorted(random.uniform(0.0, 15.0) for _ in range(random.choice((0, 0, 1))))),
        workers=random.choice((1, 2)),
    )


def _run(random: Random, number: int) -> RunPlan:
    owner = random.choice(OWNERS)
    key = f"run{number}"
    count = random.choice((1, 2, 2, 3))
    turns = tuple(_turn(random, key, index, last=index == count - 1) for index in range(count))
    return RunPlan(
        key=key,
        owner=owner,
        thread=f"thread_{owner}",
        on_busy=random.choice((OnBusy.QUEUE, OnBusy.QUEUE, OnBusy.INTERRUPT, OnBusy.REJECT)),
        pending=random.random() < 0.15,
        turns=turns,
        starts_at=random.uniform(0.0, 5.0),
        cancels_after=random.uniform(0.0, 8.0) if random.random() < 0.25 else None,
        answers_by=random.choice(("caller", "caller", "webhook", "webhook", "both", "nobody")),
        action_timeout=random.choice((None, 3.0, 10.0)),
        on_expiry=random.choice(("fail", "answer")),
        lifetime=random.choice((20.0, 60.0, 60.0)),
    )


def _turn(random: Random, key: str, index: int, *, last: bool) -> TurnPlan:
    pieces = tuple(f"{key}:{index}:{piece} " for piece in range(random.randint(0, 3)))
    names = () if last else tuple(random.choice((*FUNCTIONS, *TOOLS)) for _ in range(random.randint(1, 2)))
    return TurnPlan(pieces or (f"{key}:{index}:0 ",), names)
