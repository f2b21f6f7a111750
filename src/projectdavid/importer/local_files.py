"""Original files in a local folder, found by id or name."""

import shutil
from pathlib import Path
from typing import BinaryIO

from projectdavid.importer.source import Json


class LocalFiles:
    """A folder with originals, named `ID`, `ID.*` or by the file's name."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._by_name: dict[str, list[Path]] = {}
        if folder is not None:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    for key in {path.name, path.stem}:
                        self._by_name.setdefault(key, []).append(path)

    def find(self, file: Json) -> Path | None:
        """Find the original of a file; None if it is missing or ambiguous.

        If the source reports the file's size, the original must have the same size.
        """
        for key in (file.get("id"), file.get("filename")):
            found = [path for path in self._by_name.get(str(key), ()) if self._fits(path, file)]
            if len(found) == 1:
                return found[0]
        return None

    def copy(self, file: Json, to: BinaryIO) -> bool:
        """Write the original of a file, if there is one."""
        path = self.find(file)
        if path is None:
            return False
        with path.open("rb") as original:
            shutil.copyfileobj(original, to)
        return True

    @staticmethod
    def _fits(path: Path, file: Json) -> bool:
        size = file.get("bytes")
        return not isinstance(size, int) or size <= 0 or path.stat().st_size == size
