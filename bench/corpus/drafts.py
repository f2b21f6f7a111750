"""Documents while they are written, and the sentences of no news that are between those that matter."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from bench.corpus.concepts import FIELDS, Voice

T = TypeVar("T")

LURE = 5
"""One sentence of so many that say nothing has words of those that matter."""
_PLAIN = (
    "Please keep this page with the others of the same year.",
    "There is coffee on the second floor for everybody who waits.",
    "The form has four boxes, and only the first two are needed.",
    "Names are written in capitals, surnames first.",
    "Whoever has no access yet may ask at the front desk.",
    "The next version of this paper is expected after the holidays.",
    "Copies in other languages are made on request.",
    "Both sides signed, and the papers went into the blue folder.",
    "The telephone list hangs beside the door.",
    "Nothing of this changes what was agreed in the contract.",
    "Comments are welcome until the end of the month.",
    "The numbers were rounded where that did no harm.",
    "A short film about it can be seen in the entrance hall.",
    "The weather was mild, and most people came by bicycle.",
    "Parking is free on weekends and after six.",
    "The rules of the house hold for everyone, without exception.",
    "Two colleagues from the other town listened by telephone.",
    "The glossary at the end explains the short forms.",
    "Sandwiches were served, and the windows were opened for a while.",
    "Further pages follow the same pattern and are not repeated here.",
)

_LURES = (
    "The {other} in the {where} was {checked} on the same day and showed nothing.",
    "A {visitor} had {noticed} nothing unusual before the {evening}.",
    "The {supervisor} {reported} it to the head office in the {morning}.",
    "Whoever uses the {other} has to read the {manual} first.",
    "Since the {annual} round of the {where}, no {other} there has {broken}.",
    "The {invoice} for the {other} is still open and has been {delayed} twice.",
    "It is {important} that the {where} stays {closed} at night.",
    "Last year one {other} {broken} in the {where}, but that was another matter.",
    "A new {other} was {bought} for the {where} in the spring.",
    "The {apprentice} took pictures and put them with the papers.",
    "In the {where}, {blame} has been a topic for years.",
    "The {driver} was told to come back {quickly}.",
    "Questions about the {other} go to the {technician} on duty.",
    "The {guard} of the {where} keeps a list of who came and went.",
    "At the last {meeting} the {other} was {discussed} at length.",
    "Everybody in the {where} got a copy.",
)


def pick(random: Random, some: Sequence[T]) -> T:
    """One of them; by nothing but `random()`, which gives the same with every Python."""
    return some[int(random.random() * len(some))]


def taken(random: Random, some: Sequence[T], count: int) -> list[T]:
    """So many of them, none twice."""
    left = list(some)
    return [left.pop(int(random.random() * len(left))) for _ in range(count)]


class Draft:
    """A document as it grows. `facts` are where each fact stands, `used` the words of whoever wrote it down."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.facts: dict[str, tuple[int, int]] = {}
        self.used: dict[str, frozenset[str]] = {}

    def add(self, text: str, end: str = " ") -> None:
        """Write on."""
        self.text += text + end

    def fact(self, key: str, text: str, voice: Voice, end: str = " ") -> None:
        """Write on, with something that can be asked for."""
        self.facts[key] = len(self.text), len(self.text) + len(text)
        self.used[key] = frozenset(voice.values())
        self.add(text, end)

    def fill(self, random: Random, sentences: int) -> None:
        """Write a paragraph that says nothing, in part in words that those that matter have, too."""
        for plain in taken(random, _PLAIN, sentences):
            self.add(plain if random.random() * LURE >= 1 else _lure(random))
        self.add("", "\n\n")


def _lure(random: Random) -> str:
    voice = Voice(random)
    voice |= {
        "other": voice[pick(random, FIELDS["machine"])[0]],
        "where": voice[pick(random, FIELDS["place"])[0]],
        "broken": voice[pick(random, FIELDS["fault"])[0]],
        "blame": voice[pick(random, FIELDS["cause"])[0]],
    }
    return voice.say(pick(random, _LURES))
