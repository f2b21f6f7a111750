"""Libraries that are imported on first use stay out of the start of a server."""

import re
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
LAZY = re.compile(r'LazyModule\("([\w.]+)"\)')


def test_importing_the_server_imports_no_lazy_module() -> None:
    names = {name for path in SOURCE.rglob("*.py") for name in LAZY.findall(path.read_text("utf-8")) if name != "x"}
    assert {"aiohttp", "numpy"} <= names
    names -= {"opentelemetry.trace"}  # the API without the SDK, which FastAPI imports if it is installed
    program = f"import sys, projectdavid.composition.serve; print(*({names!r} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
