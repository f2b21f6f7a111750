"""The server with its embedding model, installed from a folder of wheels and used without a network."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from projectdavid.distribution import DISTRIBUTION
from tests.programs import registry_environment

pytestmark = pytest.mark.compat
ROOT = Path(__file__).resolve().parents[3]
EXTRAS = "server,local-embeddings"
MAX_MEGABYTES = 700
"""Of the installed environment, of which docs/vector-stores.md says what the model and its libraries take."""
PROGRAM = """
import sys
from pathlib import Path
from projectdavid import Entity

with Entity.embedded(Path(sys.argv[1])) as client:
    store = client.vectors.create("Notes")
    for name, text in (("car.txt", "The car needs oil."), ("doctor.txt", "The doctor is in.")):
        path = Path(sys.argv[1]).parent / name
        path.write_text(text)
        client.vectors.add_file(store.id, path)
    client.vectors.wait(store.id)
    for query in ("automobile", "physician"):
        found = client.vectors.search(store.id, query)
        print(query, found.search_mode, found.data[0].filename)
"""


def run(*command: str | Path, **environment: str) -> str:
    """What a command prints; its errors if it fails."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env={**registry_environment(), **environment}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_search_by_meaning_needs_one_install_and_no_network(tmp_path: Path) -> None:
    wheels, environment, data = tmp_path / "wheels", tmp_path / "environment", tmp_path / "data"
    run(ROOT / ".venv/bin/uv", "build", "--wheel", "--quiet", "--out-dir", wheels, ROOT)
    (wheel,) = wheels.glob("*.whl")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", wheels, f"{wheel}[{EXTRAS}]")
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin/python"
    offline = ("--no-index", "--find-links", wheels)
    run(python, "-m", "pip", "install", "--quiet", *offline, f"{DISTRIBUTION}[{EXTRAS}]")
    alone = ("unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')
    isolated = shutil.which("unshare") is not None and shutil.which("ip") is not None
    settings = {"PROJECTDAVID_SANDBOX": "off", "PROJECTDAVID_EMBEDDING_MODEL": "local/minilm"}
    printed = run(*(alone if isolated else ()), python, "-c", PROGRAM, data, **settings)
    assert printed.splitlines() == ["automobile hybrid car.txt", "physician hybrid doctor.txt"]
    size = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file()) / 1e6
    print(f"{size:.0f} MB installed")
    assert size < MAX_MEGABYTES
