"""Build hook of wheels and source distributions: builds the web console if it is not built.

It never fails an installation: without Node, the package is built without the console, which the server explains.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface[Any]):
    """Builds `dist` before the files of the package are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the signature of hatchling
        """Build the console; an editable installation takes whatever `make console` builds."""
        root = Path(self.root)
        is_built = (root / "src/projectdavid/api/console/dist/manifest.json").is_file()  # written last
        if version == "editable" or is_built or not (root / "console/package.json").is_file():
            return
        command = [sys.executable, root / "scripts/console.py", "build", "--optional"]
        subprocess.run(command, check=False)  # noqa: S603 - no shell, and no word of a user
