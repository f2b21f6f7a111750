"""The report of an import: the imported objects, and everything that could not be imported unchanged."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from projectdavid.importer.source import ImportProblem
from projectdavid.protocol.imports import ImportedObject

Json = dict[str, Any]
NEVER = (
    "runs and run steps: messages keep the ids of their runs",
    "usage",
    "embeddings: this server indexes the files itself",
)
"""What is never imported."""


@dataclass(slots=True)
class ImportReport:
    """The outcome of an import; `complete` is false if it was interrupted."""

    source: str
    import_id: str | None = None
    dry_run: bool = False
    complete: bool = False
    round: int = 0
    counts: dict[str, Json] = field(default_factory=dict[str, Json])
    problems: list[Json] = field(default_factory=list[Json])
    skipped: dict[str, int] = field(default_factory=dict[str, int])
    duplicates: int = 0
    models: dict[str, Json] = field(default_factory=dict[str, Json])

    def add_object(self, one: ImportedObject) -> None:
        """Add the notes of an object."""
        for note in one.notes:
            self.problems.append(
                {
                    "kind": one.kind,
                    "source_id": one.source_id,
                    "id": one.id,
                    "code": note.code,
                    "field": note.field,
                    "message": note.message,
                    **({} if note.value is None else {"value": note.value}),
                }
            )

    def add_problems(self, problems: Iterable[ImportProblem]) -> None:
        """Add problems that the server has not recorded."""
        self.problems += [{name: value for name, value in asdict(one).items() if value is not None} for one in problems]

    def add_models(self, used: Mapping[str, int], served: set[str]) -> None:
        """Add the models of assistants, and whether this server has them."""
        bare = {name.partition("/")[2] for name in served}
        for name, assistants in sorted(used.items()):
            self.models[name] = {"assistants": assistants, "served": name in served or name in bare}

    @property
    def unknown_models(self) -> list[str]:
        """The models of assistants that this server does not list."""
        return [name for name, found in self.models.items() if not found["served"]]

    @property
    def codes(self) -> Counter[str]:
        """Return the number of problems by code."""
        return Counter(str(problem["code"]) for problem in self.problems)

    def to_json(self) -> Json:
        """Return the report as JSON."""
        return {
            "source": self.source,
            "import_id": self.import_id,
            "dry_run": self.dry_run,
            "complete": self.complete,
            "round": self.round,
            "counts": self.counts,
            "problems": self.problems,
            "models": self.models,
            "skipped": self.skipped,
            "duplicates": self.duplicates,
            "never_imported": list(NEVER),
        }

    def write(self, path: Path) -> None:
        """Write the report atomically; only its owner can read it.

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False)
        with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8") as file:
            try:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise
