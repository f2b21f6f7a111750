"""Products under invented names, and the manuals, pages and notices that tell of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product as pairs
from random import Random

from bench.corpus.concepts import FIELDS, Voice
from bench.corpus.drafts import Draft, pick, taken

_TRAIT = (
    "The {trait} of the {name} is {value}.",
    "With the {name} you have a {trait} of {value}.",
    "{name}, {trait}: {value}.",
)
_CODE = (
    "{code}: there is {cause} in the {machine}; have it {deed}.",
    "{code}: {cause}; the {worker} has to see that it is {deed}.",
)
_CARE = (
    "Every {count} weeks the {machine} has to be {deed}, and the result is to be written down.",
    "Where {cause} is seen, nothing may be switched on before it has been {deed}.",
    "The {worker} must not stand below the {machine} while it is being {deed}.",
)
_UNITS: Mapping[str, tuple[int, int, str]] = {
    "price": (400, 9000, "crowns"),
    "weight": (12, 900, "kg"),
    "warranty": (12, 84, "months"),
    "noise": (31, 88, "dB"),
    "lifespan": (4, 30, "years"),
    "consumption": (120, 4800, "watts"),
    "capacity": (20, 900, "litres"),
    "colour": (1000, 9000, "on the RAL chart"),
    "speed": (3, 90, "metres a minute"),
    "width": (30, 240, "cm"),
}
CODES = 10
"""Of each product."""


@dataclass(frozen=True, slots=True)
class Product:
    """A machine (a concept) of a name; its traits, and what its codes mean: each a cause and what is to be done."""

    name: str
    machine: str
    traits: Mapping[str, str]
    codes: Mapping[str, tuple[str, str]]


def products(random: Random, count: int) -> list[Product]:
    """So many products, of each kind of machine about as many."""
    syllables = [first + second for first, second in pairs("bdfgklmnprstvz", "aeiou")]
    machines = [words[0] for words in FIELDS["machine"]]
    codes = taken(random, range(2000, 6000), CODES * count)
    return [
        Product(
            "".join(taken(random, syllables, 3)).title(),
            machines[number % len(machines)],
            {trait: _value(random, *bounds) for trait, bounds in _UNITS.items()},
            {
                f"E{code}": (pick(random, FIELDS["cause"])[0], pick(random, FIELDS["deed"])[0])
                for code in codes[CODES * number : CODES * (number + 1)]
            },
        )
        for number in range(count)
    ]


def _value(random: Random, low: int, high: int, unit: str) -> str:
    return f"{low + int(random.random() * (high - low))} {unit}"


def page(product: Product, random: Random) -> Draft:
    """The page of a product in a catalogue: six of its traits."""
    draft, voice = Draft(f"{product.name.lower()}.html.txt"), Voice(random, name=product.name)
    voice["machine"] = voice[product.machine]
    draft.add(voice.say("{name}, the {machine} for every day"), "\n\n")
    draft.fill(random, 2)
    _traits(draft, product, list(product.traits)[:6], voice, random)
    draft.fill(random, 3)
    return draft


def manual(product: Product, random: Random) -> Draft:
    """A manual of several chunks: care, codes, and the last six of its traits, of which the page has some, too."""
    draft, voice = Draft(f"{product.name.lower()}-manual.md"), Voice(random, name=product.name)
    voice["machine"] = voice[product.machine]
    draft.add(voice.say("# {name}: the {manual} of the {machine}"), "\n\n")
    draft.fill(random, 5)
    for chapter in ("Setting up", "Care", "Safety"):
        draft.add(f"## {chapter}", "\n\n")
        draft.fill(random, 5)
        for template in _CARE:
            draft.add(_of_work(voice, random).say(template))
        draft.fill(random, 5)
    draft.add("## Codes on the panel", "\n\n")
    for code, (cause, deed) in product.codes.items():
        teller = _of_work(voice, random, cause, deed)
        teller["code"] = code
        draft.fact(code, teller.say(pick(random, _CODE)), teller, "\n")
    draft.add("\n## Data", "\n\n")
    _traits(draft, product, list(product.traits)[4:], voice, random)
    draft.fill(random, 4)
    return draft


def notice(number: int, named: Sequence[Product], parts: Sequence[str], random: Random) -> Draft:
    """A notice that names products, codes and parts, and tells nothing of them."""
    draft, voice = Draft(f"notice-{number:02}.txt"), Voice(random)
    draft.add(f"Notice {number}", "\n\n")
    draft.fill(random, 2)
    codes = ", ".join(pick(random, list(one.codes)) for one in named)
    draft.add(voice.say(f"This {{morning}} the codes {codes} were {{reported}}, see the {{manual}}."))
    draft.add(f"On the shelf: {', '.join(parts)}.")
    draft.add(voice.say(f"Of the {', the '.join(one.name for one in named)} none was {{checked}}."), "\n\n")
    draft.fill(random, 2)
    return draft


def _of_work(voice: Voice, random: Random, cause: str | None = None, deed: str | None = None) -> Voice:
    """The same words for the machine, and others for each piece of work."""
    teller = Voice(random, name=voice["name"], machine=voice["machine"], count=str(2 + int(random.random() * 30)))
    teller["cause"] = teller[cause or pick(random, FIELDS["cause"])[0]]
    teller["deed"] = teller[deed or pick(random, FIELDS["deed"])[0]]
    teller["worker"] = teller[pick(random, FIELDS["person"])[0]]
    return teller


def _traits(draft: Draft, product: Product, traits: Sequence[str], voice: Voice, random: Random) -> None:
    for trait in traits:
        voice |= {"trait": voice[trait], "value": product.traits[trait]}
        draft.fact(f"{product.name} {trait}", voice.say(pick(random, _TRAIT)), voice, "\n")
    draft.add("", "\n")
