"""A set for retrieval that the project makes itself: documents, questions, and where the answers stand.

Everything in it is invented, and the same each time. The questions are of three kinds, as many of each:

- `paraphrase`: in other words than the answer. Many documents tell of two of its three circumstances.
- `exact`: for a code or a number that differs from others by some digits, and that others mention without an answer.
- `mixed`: for a trait, in other words, of a product whose name is in many documents.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from bench.corpus.concepts import Voice
from bench.corpus.drafts import Draft, pick, taken
from bench.corpus.events import Event, events, minutes, report, ticket
from bench.corpus.products import Product, manual, notice, page, products

EVENTS, REPORTS, TICKETS, MINUTES, PER_MINUTES = 260, 100, 90, 24, 8
PRODUCTS, MANUALS, NOTICES = 48, 24, 40
EACH = 80
"""Questions of a kind."""

Kind = Literal["paraphrase", "exact", "mixed"]
KINDS: tuple[Kind, ...] = ("paraphrase", "exact", "mixed")
_WHY = (
    "Why was it that the {machine} in the {place} {fault}?",
    "What made it happen that the {machine} {fault} in our {place}?",
)
_DEED = (
    "How did somebody get the {machine} in the {place} going after it {fault}?",
    "The {machine} {fault} in the {place}: what was the solution?",
)
_TRAIT = ("What is the {trait} of the {name}?", "Which {trait} does a {name} have?")
_PART = ("Where did we use {part}?", "Which job needed {part}?")
_TICKET = ("What happened in {ticket}?", "What was {ticket} about?")
_CODE = ("What does {code} mean?", "The panel says {code}, what now?")


@dataclass(frozen=True, slots=True)
class Answer:
    """Where an answer stands: from character `start` of a document up to before `end`."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and all places where its answer stands."""

    kind: Kind
    text: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents by name, and what is asked of them."""

    documents: dict[str, str]
    questions: tuple[Question, ...]


def corpus(seed: int = 1) -> Corpus:
    """Another seed, another set; the same seed, the same set."""
    random = Random(seed)
    goods = products(random, PRODUCTS)
    happened = events(random, goods, EVENTS)
    drafts = _drafts(random, goods, happened)
    asked = (*_paraphrases(random, drafts, happened), *_exact(random, drafts, goods, happened))
    questions = (*asked, *_mixed(random, drafts, goods))
    return Corpus({draft.name: draft.text for draft in drafts}, questions)


def _drafts(random: Random, goods: Sequence[Product], happened: Sequence[Event]) -> list[Draft]:
    reported, ticketed = happened[:REPORTS], happened[REPORTS : REPORTS + TICKETS]
    rest = happened[REPORTS + TICKETS :]
    again = taken(random, (*reported, *ticketed), MINUTES * PER_MINUTES - len(rest))
    told = taken(random, (*rest, *again), MINUTES * PER_MINUTES)
    parts = [event.part for event in happened]
    return [
        *(report(number, event, random) for number, event in enumerate(reported, start=1)),
        *(ticket(number, event, random) for number, event in enumerate(ticketed, start=1)),
        *(
            minutes(number + 1, told[number * PER_MINUTES : (number + 1) * PER_MINUTES], random)
            for number in range(MINUTES)
        ),
        *(manual(product, random) for product in goods[:MANUALS]),
        *(page(product, random) for product in goods),
        *(notice(number + 1, taken(random, goods, 4), taken(random, parts, 6), random) for number in range(NOTICES)),
    ]


def _question(kind: Kind, key: str, drafts: Sequence[Draft], asks: Callable[[frozenset[str]], str]) -> Question:
    """A question for a fact; `asks` gives its text, in other words than these wherever there are others."""
    knowing = [draft for draft in drafts if key in draft.facts]
    used = frozenset[str]().union(*(draft.used[key] for draft in knowing))
    return Question(kind, asks(used), tuple(Answer(draft.name, *draft.facts[key]) for draft in knowing))


def _paraphrases(random: Random, drafts: Sequence[Draft], happened: Sequence[Event]) -> list[Question]:
    chosen = taken(random, happened, EACH)

    def asking(event: Event, templates: Sequence[str]) -> Callable[[frozenset[str]], str]:
        def ask(used: frozenset[str]) -> str:
            voice = Voice(random, used)
            voice |= {kind: voice[getattr(event, kind)] for kind in ("machine", "place", "fault")}
            return voice.say(pick(random, templates))

        return ask

    half = EACH // 2
    why = [_question("paraphrase", event.key("why"), drafts, asking(event, _WHY)) for event in chosen[:half]]
    deed = [_question("paraphrase", event.key("deed"), drafts, asking(event, _DEED)) for event in chosen[half:]]
    return [*why, *deed]


def _exact(
    random: Random, drafts: Sequence[Draft], goods: Sequence[Product], happened: Sequence[Event]
) -> list[Question]:
    written = happened[: REPORTS + TICKETS]
    third = EACH // 3
    asked = [(event.key("part"), pick(random, _PART), {"part": event.part}) for event in taken(random, written, third)]
    asked += [
        (event.key("what"), pick(random, _TICKET), {"ticket": event.ticket}) for event in taken(random, written, third)
    ]
    codes = [code for product in goods[:MANUALS] for code in product.codes]
    asked += [(code, pick(random, _CODE), {"code": code}) for code in taken(random, codes, EACH - len(asked))]
    return [
        _question("exact", key, drafts, lambda _, template=template, values=values: template.format_map(values))
        for key, template, values in asked
    ]


def _mixed(random: Random, drafts: Sequence[Draft], goods: Sequence[Product]) -> list[Question]:
    known = [(product, trait) for product in goods[:MANUALS] for trait in product.traits]
    known += [(product, trait) for product in goods[MANUALS:] for trait in list(product.traits)[:6]]

    def asking(product: Product, trait: str) -> Callable[[frozenset[str]], str]:
        def ask(used: frozenset[str]) -> str:
            voice = Voice(random, used, name=product.name)
            voice["trait"] = voice[trait]
            return voice.say(pick(random, _TRAIT))

        return ask

    return [
        _question("mixed", f"{product.name} {trait}", drafts, asking(product, trait))
        for product, trait in taken(random, known, EACH)
    ]
