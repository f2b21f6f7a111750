"""What stands where in a data folder, and so in a backup of one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from projectdavid.server.erasure_ledger import NAME as LEDGER

MANIFEST = "manifest.json"
DATABASE = "projectdavid.db"
INDEX = "index.db"
SECRETS = ("secret.key", "credentials.json", "config.toml")
"""Files that open the server, or that can hold keys of providers."""

Report = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is (0: unknown)."""


class BackupError(Exception):
    """A backup cannot be made, verified or restored; what to do about it, if that is known."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The places in a data folder."""

    path: Path

    @property
    def database(self) -> Path:
        """The database."""
        return self.path / DATABASE

    @property
    def index(self) -> Path:
        """The file in which vector stores are searched."""
        return self.path / INDEX

    @property
    def blobs(self) -> Path:
        """The folder of the bytes of files."""
        return self.path / "blobs"

    @property
    def trash(self) -> Path:
        """Blobs that no row named when the server looked; a row that names one again gets it back."""
        return self.path / "trash"

    @property
    def ledger(self) -> Path:
        """The erasure ledger."""
        return self.path / LEDGER

    @property
    def secret(self) -> Path:
        """The secret that keys the hashes of API keys and of erased users."""
        return self.path / SECRETS[0]

    @property
    def manifest(self) -> Path:
        """What a backup says about itself."""
        return self.path / MANIFEST
