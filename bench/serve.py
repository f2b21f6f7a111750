"""Start the platform as `projectdavid serve` does, on any free port: `python -m bench.serve FOLDER`.

Prints `{"url": ..., "key": ...}` once it answers.
"""

import json
import sys
from pathlib import Path

import uvicorn
import uvloop

from projectdavid.server.serve import serve
from projectdavid.server.settings import Settings


def main() -> None:
    """Serve until terminated."""
    settings = Settings(data=Path(sys.argv[1]), port=0)

    def ready(url: str, _: uvicorn.Server) -> None:
        key = json.loads(settings.credentials.read_text(encoding="utf-8"))["api_key"]
        print(json.dumps({"url": url, "key": key}), flush=True)

    uvloop.run(serve(settings, ready))


if __name__ == "__main__":
    main()
