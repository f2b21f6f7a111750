"""Where the console is built."""

from pathlib import Path

DIST = Path(__file__).parents[2] / "src/projectdavid/api/console/dist"
