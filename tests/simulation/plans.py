"""What the models of a world will say, and what its callers will do: decided by the seed before anything happens."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from projectdavid.engine.run import ToolEffect
from projectdavid.runtime.runs.driver import OnBusy

OWNERS = ("user_ann", "user_bob", "user_eve")
GREEDY = OWNERS[-1]
"""The owner who wants every place, where one does."""
PLACES = 4
"""Those of a worker in the world of a greedy owner."""
FUNCTIONS = ("ask", "tell")
"""Functions that the caller answers."""
TOOLS = {"read_it": ToolEffect.READ, "put_it": ToolEffect.IDEMPOTENT, "fire_it": ToolEffect.UNSAFE}
"""Functions that the platform runs."""
GATES: tuple[tuple[Any, frozenset[str]], ...] = (
    (None, frozenset()),
    (False, frozenset()),
    (True, frozenset(TOOLS)),
    ({"never": {"read_only": True}}, frozenset({"put_it", "fire_it"})),
    (
        {"always": {"tool_names": ["fire_it", "put_it"]}, "never": {"tool_names": ["put_it", "read_it"]}},
        frozenset({"put_it", "fire_it"}),
    ),
)
"""What the entry of the tool requires, and which of its functions need approval by it."""
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
    requirement: Any = None
    """`require_approval` of the tool."""
    gated: frozenset[str] = frozenset()
    """Functions that need approval."""
    decided_by: str = "none"
    """`caller`, `two`, `webhook`, `both` or `none`; two deciders contradict each other."""
    approval_seconds: float = 30.0
    approval_on_expiry: str = "deny"
    holds: bool = False
    """Whether its model ends only once the runs of all other owners are over."""


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
    places: int = 512
    """Of each worker."""
    ends: float = 400.0
    """Virtual seconds after which a world that has not come to rest is stuck."""


def plan(random: Random) -> Plan:
    """What a seed decides."""
    runs = tuple(_run(random, number) for number in range(random.choice((1, 2, 2, 3))))
    return Plan(
        runs=runs,
        kills=tuple(sorted(random.uniform(0.0, 15.0) for _ in range(random.choice((0, 1, 1, 2, 3))))),
        losses=tuple(sorted(random.uniform(0.0, 15.0) for _ in range(random.choice((0, 0, 1))))),
        workers=random.choice((1, 2)),
    )


def greedy_plan(random: Random) -> Plan:
    """What a seed decides where one owner wants more places than there are, and holds each for as long as others wait.

    No run of the others ends by itself before it was worked on: a world in which one starves does not come to rest.
    """
    made = plan(random)
    owners = [owner for owner in OWNERS if owner != GREEDY for _ in range(random.choice((1, 2)))]
    others = [_run(random, number, owner) for number, owner in enumerate(owners)]
    patient = [replace(run, answers_by="caller", decided_by="caller", lifetime=1000.0) for run in others]
    holding = [_holding(random, number) for number in range(len(patient), len(patient) + 3 * PLACES)]
    return replace(made, runs=(*holding, *patient), places=PLACES, ends=200.0)


def _holding(random: Random, number: int) -> RunPlan:
    run = _run(random, number, GREEDY)
    return replace(
        run,
        thread=f"thread_{GREEDY}_{number}",
        pending=False,
        turns=(_turn(random, run.key, 0, last=True),),
        starts_at=0.0,
        cancels_after=None,
        lifetime=1000.0,
        holds=True,
    )


def _run(random: Random, number: int, owner: str | None = None) -> RunPlan:
    owner = owner or random.choice(OWNERS)
    key = f"run{number}"
    count = random.choice((1, 2, 2, 3))
    turns = tuple(_turn(random, key, index, last=index == count - 1) for index in range(count))
    requirement, gated = random.choice(GATES)
    asks = random.random() < 0.3
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
        requirement=requirement,
        gated=gated | {"tell"} if asks else gated,
        decided_by=random.choice(("caller", "two", "two", "webhook", "both", "none")),
        approval_seconds=random.choice((2.0, 8.0, 90.0)),
        approval_on_expiry=random.choice(("deny", "deny", "approve", "fail")),
    )


def _turn(random: Random, key: str, index: int, *, last: bool) -> TurnPlan:
    pieces = tuple(f"{key}:{index}:{piece} " for piece in range(random.randint(0, 3)))
    names = () if last else tuple(random.choice((*FUNCTIONS, *TOOLS)) for _ in range(random.randint(1, 2)))
    return TurnPlan(pieces or (f"{key}:{index}:0 ",), names)
