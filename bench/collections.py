"""Public test collections of information retrieval, read from a folder; none of them is part of the project.

The folder `BENCH_COLLECTIONS` holds the files as the University of Glasgow publishes them (ir.dcs.gla.ac.uk, "test
collections"), in any of its subfolders:

    Cranfield   cran.all.1400  cran.qry    cranqrel       aerodynamics, 1,400 abstracts
    CACM        cacm.all       query.text  qrels.text     computing, 3,204 titles and abstracts
    CISI        CISI.ALL       CISI.QRY    CISI.REL       library science, 1,460 abstracts
    MED         MED.ALL        MED.QRY     MED.REL        medicine, 1,033 abstracts

The first three chose the constants of the fusion; MED took no part in that.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

FILES = {
    "Cranfield": ("cran.all.1400", "cran.qry", "cranqrel"),
    "CACM": ("cacm.all", "query.text", "qrels.text"),
    "CISI": ("CISI.ALL", "CISI.QRY", "CISI.REL"),
    "MED": ("MED.ALL", "MED.QRY", "MED.REL"),
}
BY_POSITION = "Cranfield"
"""Its judgments count the queries by their position; the ids of the queries have gaps."""
IRRELEVANT = "Cranfield"
"""Its third column is a grade from 1 to 4, or says with another number that a document is not relevant."""
_FIELD = re.compile(r"^\.([A-Z])[ \t]*(.*)$", re.M)


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents and queries by their numbers, and the documents that are relevant to each query."""

    name: str
    documents: dict[int, str]
    queries: dict[int, str]
    relevant: dict[int, frozenset[int]]


def load_collections() -> list[Collection]:
    """Return the collections that are in the folder; none without the folder."""
    folder = os.environ.get("BENCH_COLLECTIONS")
    if not folder:
        return []
    paths = {path.name: path for path in Path(folder).rglob("*")}
    return [_load(name, *(paths[file] for file in files)) for name, files in FILES.items() if paths.keys() >= {*files}]


def _load(name: str, documents: Path, queries: Path, judgments: Path) -> Collection:
    texts = {number: _join(fields) for number, fields in _records(documents)}
    asked = [(number, " ".join(fields.get("W", "").split())) for number, fields in _records(queries)]
    if name == BY_POSITION:
        asked = [(position, text) for position, (_, text) in enumerate(asked, 1)]
    relevant: dict[int, set[int]] = {}
    for line in judgments.read_text(encoding="latin-1").splitlines():
        columns = line.split()
        if len(columns) < 3 or (name == IRRELEVANT and columns[2] not in "1234"):
            continue
        relevant.setdefault(int(columns[0]), set()).add(int(columns[1]))
    judged = {number: frozenset(found) for number, found in relevant.items()}
    return Collection(name, texts, {number: text for number, text in asked if number in judged}, judged)


def _records(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the records of a file in the SMART format: their numbers, and their fields by letter."""
    text = path.read_text(encoding="latin-1")
    records: list[tuple[int, dict[str, str]]] = []
    fields = list(_FIELD.finditer(text))
    for position, found in enumerate(fields):
        if found[1] == "I":
            records.append((int(found[2]), {}))
            continue
        if not records:
            continue  # the ".X" before the first record of some copies of CISI
        end = fields[position + 1].start() if position + 1 < len(fields) else len(text)
        records[-1][1].setdefault(found[1], text[found.end() : end].strip())
    return records


def _join(fields: dict[str, str]) -> str:
    return "\n\n".join(fields[letter] for letter in ("T", "W") if fields.get(letter))
