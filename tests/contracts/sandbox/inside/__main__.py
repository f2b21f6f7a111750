"""Runs one probe inside a sandbox: `python __main__.py MODULE PROBE`; it prints what broke out, behind a mark."""

import importlib
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[3]


def main(module: str, probe: str) -> None:
    """Print one line: the mark of the facts, and a list of breaches as JSON."""
    sys.dont_write_bytecode = True
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    here = json.dumps(str(Path.cwd()))  # where an adapter keeps the files of a session elsewhere
    facts = json.loads((FOLDER / "facts.json").read_text().replace('"/mnt/data"', here))
    breaches = getattr(importlib.import_module(f"tests.contracts.sandbox.inside.{module}"), probe)(facts)
    sys.stdout.write(f"\n{facts['mark']}{json.dumps(breaches)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
