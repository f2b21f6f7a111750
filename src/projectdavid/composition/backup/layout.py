"""The layout of a data folder and of its backups."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from projectdavid.services.erasure_ledger import NAME as LEDGER

MANIFEST = "manifest.json"
DATABASE = "projectdavid.db"
INDEX = "index.db"
SECRETS = ("secret.key", "credentials.json", "config.toml")
"""Files that grant access to the server, or can contain provider keys."""

Report = Callable[[str, int, int], None]
"""Called with the current step, the amount done, and the total (0: unknown)."""


class BackupError(Exception):
    """A backup cannot be created, verified or restored; with a remedy, if known."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths in a data folder."""

    path: Path

    @property
    def database(self) -> Path:
        """The database."""
        return self.path / DATABASE

    @property
    def index(self) -> Path:
        """The search index of vector stores."""
        return self.path / INDEX

    @property
    def blobs(self) -> Path:
        """The folder with the bytes of files."""
        return self.path / "blobs"

    @property
    def trash(self) -> Path:
        """Blobs without a row; a row that names one again gets it back."""
        return self.path / "trash"

    @property
    def ledger(self) -> Path:
        """The erasure ledger."""
        return self.path / LEDGER

    @property
    def secret(self) -> Path:
        """The secret for the hashes of API keys and erased users."""
        return self.path / SECRETS[0]

    @property
    def manifest(self) -> Path:
        """The manifest of a backup."""
        return self.path / MANIFEST
