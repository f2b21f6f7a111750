"""What went wrong somewhere, and the reports, tickets and minutes that tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product as pairs
from random import Random

from bench.corpus.concepts import FIELDS, Voice
from bench.corpus.drafts import Draft, pick, taken
from bench.corpus.products import Product

_WHAT = (
    "On {day} the {machine} in the {place} {fault}.",
    "The {machine} of the {place} {fault} on {day}.",
    "{day}: in the {place}, the {machine} {fault}.",
)
_WHY = (
    "The reason was {cause} that nobody had {noticed}.",
    "It turned out that {cause} was behind it.",
    "Without the {cause} it would not have happened.",
)
_DEED = (
    "The {worker} had it {deed}, and by {hour} all was well.",
    "It was {deed} {quickly} and ran again at {hour}.",
    "By {hour} the {worker} had {deed} what had to be {deed}.",
)
_PART = (
    "Part {part} was fitted.",
    "{part} was taken from the shelf for it.",
    "Used from the stock: {part}.",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@dataclass(frozen=True, slots=True)
class Event:
    """A machine at a place had a fault, of a cause, and something was done; all of them concepts. No other event has
    the same machine, place and fault, but many have two of them."""

    machine: str
    place: str
    fault: str
    cause: str
    deed: str
    product: Product
    part: str
    ticket: str

    def voice(self, random: Random) -> Voice:
        """Somebody who tells of it."""
        voice = Voice(
            random, day=pick(random, _DAYS), hour=f"{7 + int(random.random() * 12)}:{15 * int(random.random() * 4):02}"
        )
        voice |= {kind: voice[getattr(self, kind)] for kind in ("machine", "place", "fault", "cause", "deed")}
        voice |= {"worker": voice[pick(random, FIELDS["person"])[0]], "part": self.part, "ticket": self.ticket}
        voice["name"] = self.product.name
        return voice

    def key(self, what: str) -> str:
        """The name of a fact of it."""
        return f"{self.ticket} {what}"


def events(random: Random, products: Sequence[Product], count: int) -> list[Event]:
    """So many events, of machines that are such products."""
    fields = ("machine", "place", "fault")
    triples = taken(random, list(pairs(*([words[0] for words in FIELDS[field]] for field in fields))), count)
    parts = taken(random, range(30_000, 31_500), count)
    tickets = taken(random, range(48_000, 49_500), count)
    return [
        Event(
            machine,
            place,
            fault,
            pick(random, FIELDS["cause"])[0],
            pick(random, FIELDS["deed"])[0],
            pick(random, [one for one in products if one.machine == machine]),
            f"SK-{part}",
            f"INC-{ticket}",
        )
        for (machine, place, fault), part, ticket in zip(triples, parts, tickets, strict=True)
    ]


def report(number: int, event: Event, random: Random) -> Draft:
    """An incident report of a page."""
    draft, voice = Draft(f"incident-report-{number:03}.md"), event.voice(random)
    draft.add(f"# Incident report {event.ticket}", "\n\n## Summary\n\n")
    draft.fact(event.key("what"), voice.say(pick(random, _WHAT)), voice)
    draft.add(voice.say("It is a {name}."))
    draft.fill(random, 1)
    draft.add("## Cause", "\n\n")
    draft.fact(event.key("why"), voice.say(pick(random, _WHY)), voice)
    draft.fill(random, 1)
    draft.add("## What was done", "\n\n")
    draft.fact(event.key("deed"), voice.say(pick(random, _DEED)), voice)
    draft.fact(event.key("part"), voice.say(pick(random, _PART)), voice)
    draft.fill(random, 1)
    draft.add("## Also looked at", "\n\n")
    draft.fill(random, 2)
    return draft


def ticket(number: int, event: Event, random: Random) -> Draft:
    """A ticket: who wrote what."""
    draft, voice = Draft(f"ticket-{number:03}.txt"), event.voice(random)
    draft.add(f"Ticket {event.ticket}", "\nStatus: done\n\n")
    draft.add("First entry:")
    draft.fact(event.key("what"), voice.say(pick(random, _WHAT)), voice)
    draft.add(voice.say("It is the {name}, please come {quickly}."), "\n\n")
    draft.fill(random, 1)
    draft.add("Answer:")
    draft.fact(event.key("why"), voice.say(pick(random, _WHY)), voice)
    draft.fact(event.key("deed"), voice.say(pick(random, _DEED)), voice)
    draft.fact(event.key("part"), voice.say(pick(random, _PART)), voice, "\n\n")
    draft.fill(random, 1)
    return draft


def minutes(number: int, told: Sequence[Event], random: Random) -> Draft:
    """The minutes of a meeting, which went through several events; each item is in the words of another."""
    draft = Draft(f"minutes-{number:02}.md")
    draft.add(f"# Minutes of the round on site, no. {number}", "\n\n")
    draft.fill(random, 4)
    for item, event in enumerate(told, start=1):
        voice = event.voice(random)
        draft.add(f"## Item {item}: {event.ticket}", "\n\n")
        draft.fill(random, 2)
        draft.fact(event.key("what"), voice.say(pick(random, _WHAT)), voice)
        draft.fact(event.key("why"), voice.say(pick(random, _WHY)), voice)
        draft.fact(event.key("deed"), voice.say(pick(random, _DEED)), voice, "\n\n")
        draft.fill(random, 3)
    return draft
