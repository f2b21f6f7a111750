"""Words that mean the same, of one form each, so that one may stand for another in a sentence."""

from collections.abc import Mapping
from random import Random

_MACHINES = """
engine motor drive | lift elevator hoist | oven furnace kiln | cooler chiller refrigerator | fan ventilator blower
van lorry truck | boiler heater calorifier | conveyor transporter beltway | tank vessel cistern
screen display monitor | printer plotter labeller | mixer blender agitator | valve tap spigot | alarm siren buzzer
saw cutter slicer | scale balance weigher
"""
_PLACES = """
warehouse depot storehouse | canteen cafeteria refectory | garage carport motorhouse | basement cellar vault
yard courtyard forecourt | workshop shopfloor atelier | attic loft garret | hallway corridor passage
quay wharf pier | nursery creche kindergarten | clinic infirmary surgery | archive registry repository
"""
_FAULTS = """
leaked dripped seeped | overheated scorched sweltered | stopped halted stalled | rattled clattered vibrated
smoked fumed smouldered | jammed stuck seized | flickered blinked flashed | collapsed crumpled buckled
froze iced frosted | burst ruptured exploded | squealed screeched shrieked | tilted leaned slanted
"""
_CAUSES = """
dirt grime filth | rust corrosion oxidation | moisture dampness humidity | wear abrasion attrition
mice rats rodents | storm gale tempest | mistake blunder oversight | shortage scarcity lack
theft burglary robbery | overload strain overuse | crack fracture fissure | surge spike overvoltage
"""
_DEEDS = """
repaired fixed mended | replaced exchanged swapped | cleaned washed rinsed | tightened fastened secured
lubricated greased oiled | removed discarded scrapped | insulated wrapped lagged | painted coated varnished
reset restarted rebooted | relocated moved shifted | raised elevated hoisted | emptied drained voided
"""
_PEOPLE = """
technician mechanic fitter | supervisor foreman overseer | customer client patron | guard watchman sentry
visitor guest caller | apprentice trainee learner | driver chauffeur haulier
"""
_TRAITS = """
price cost charge | weight heaviness mass | warranty guarantee assurance | noise loudness sound
lifespan longevity durability | consumption usage draw | capacity volume content | colour shade hue
speed pace velocity | width breadth span
"""
_OFFICE = """
noticed spotted observed | reported announced flagged | discussed debated considered | bought purchased acquired
approved authorised sanctioned | delayed postponed deferred | checked inspected examined | closed shut sealed
important crucial vital | quickly swiftly promptly | meeting session gathering | manual handbook guide
invoice bill receipt | morning dawn daybreak | evening dusk nightfall | annual yearly twelvemonthly
"""


def _groups(words: str) -> tuple[tuple[str, ...], ...]:
    lines = words.strip().replace("\n", " | ").split(" | ")
    return tuple(tuple(line.split()) for line in lines)


FIELDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "machine": _groups(_MACHINES),
    "place": _groups(_PLACES),
    "fault": _groups(_FAULTS),
    "cause": _groups(_CAUSES),
    "deed": _groups(_DEEDS),
    "person": _groups(_PEOPLE),
    "trait": _groups(_TRAITS),
    "office": _groups(_OFFICE),
}
"""The concepts of each field, each as its words; the first of them is its name."""
CONCEPTS: Mapping[str, tuple[str, ...]] = {words[0]: words for field in FIELDS.values() for words in field}
FIELD_OF: Mapping[str, str] = {words[0]: name for name, field in FIELDS.items() for words in field}


class Voice(dict[str, str]):
    """Somebody's words: gives for each concept the one of its words that they use, and for other names their value.

    `avoided` are the words that they do not use, unless nothing else is left.
    """

    def __init__(self, random: Random, avoided: frozenset[str] = frozenset(), **values: str) -> None:
        super().__init__(values)
        self._random = random
        self._avoided = avoided

    def __missing__(self, name: str) -> str:
        words = [word for word in CONCEPTS[name] if word not in self._avoided] or list(CONCEPTS[name])
        self[name] = words[int(self._random.random() * len(words))]
        return self[name]

    def say(self, template: str) -> str:
        """A sentence in these words."""
        said = template.format_map(self)
        return said[0].upper() + said[1:]
