"""Start the platform as `projectdavid serve` does, on any free port: `python -m bench.serve FOLDER`.

Prints `{"url": ..., "key": ..., "admin_key": ...}` once it answers.
"""

import json
import sys
from pathlib import Path

import uvicorn
import uvloop

from projectdavid.composition.serve import serve
from projectdavid.settings import Settings

MAX_RUNS = 2048
"""One user owns every run of the load, and may have half of these at work."""
ASSISTANTS = 1_000_000
"""More than the load creates."""


def main() -> None:
    """Serve until terminated."""
    settings = Settings(data=Path(sys.argv[1]), port=0, max_runs=MAX_RUNS, assistants=ASSISTANTS)

    def ready(url: str, _: uvicorn.Server) -> None:
        keys = json.loads(settings.credentials.read_text(encoding="utf-8"))
        print(json.dumps({"url": url, "key": keys["api_key"], "admin_key": keys["admin_api_key"]}), flush=True)

    uvloop.run(serve(settings, ready))


if __name__ == "__main__":
    main()
