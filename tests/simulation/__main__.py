"""Live through worlds: `python -m tests.simulation FIRST COUNT [URL]` prints what went wrong, and in which.

With the URL of a PostgreSQL database, they live in that. In each fourth of them, one owner wants every place.
"""

import gc
import logging
import sys
import tempfile
from pathlib import Path

from tests.simulation.database import Database
from tests.simulation.shared_database import SharedDatabase
from tests.simulation.world import lived

SHARED_MEMORY = Path("/dev/shm")


def main(first: int, count: int, url: str = "") -> int:
    """The exit code: 1 where something was violated."""
    logging.disable(logging.ERROR)  # a world in which everything goes wrong has much to say
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    wrong = 0
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        db = SharedDatabase(url) if url else Database(Path(folder) / "world.db")
        for seed in range(first, first + count):
            for complaint in lived(seed, db, greedy=seed % 4 == 3).complaints:
                wrong += 1
                sys.stdout.write(f"seed {seed}: {complaint}\n")
        db.end()
    sys.stdout.write(f"{count} seeds from {first}: {wrong} violations\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
