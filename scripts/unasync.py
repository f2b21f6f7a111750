"""Makes the sync SDK (`client/_sync`) out of the async one (`client/_async`).

`python scripts/unasync.py` writes it; with `--check` it writes nothing and fails where the two differ.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# This script has the name of the library that it uses, and Python looks beside the script first.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

from unasync import Rule, unasync_files  # noqa: E402 - only findable now

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/projectdavid/client/_async"
TARGET = ROOT / "src/projectdavid/client/_sync"

NAMES = {
    "_async": "_sync",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "anext": "next",
    "aread": "read",
    # The primitives, by hand in both kinds.
    "close_with_async": "close_with",
    "in_thread": "in_place",
    "invoke_async": "invoke",
    "pause_async": "pause",
    "socket_async": "socket_of",
    "tell_async": "tell",
    # The name that programs of the Project David SDK know.
    "inference_stream": "synchronous_inference_stream",
}


def main() -> int:
    """Write or check; the exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        made = generate(Path(scratch))
    stored = {path.name: path.read_text("utf-8") for path in TARGET.glob("*.py")}
    if "--check" in sys.argv[1:]:
        different = sorted(name for name in made.keys() | stored.keys() if made.get(name) != stored.get(name))
        if different:
            sys.stderr.write(f"{TARGET} is not what python scripts/unasync.py makes: {', '.join(different)}\n")
        return 1 if different else 0
    TARGET.mkdir(exist_ok=True)
    for name in stored.keys() - made.keys():
        (TARGET / name).unlink()
    for name, text in made.items():
        (TARGET / name).write_text(text, "utf-8")
    return 0


def generate(scratch: Path) -> dict[str, str]:
    """The sync modules by file name."""
    sources = sorted(SOURCE.glob("*.py"))
    classes = re.findall(r"\bAsync[A-Z]\w*", "\n".join(path.read_text("utf-8") for path in sources))
    # AsyncIterator and its like are known to the library, which then only has to drop the prefix of ours.
    names = {name: name.removeprefix("Async") for name in classes} | NAMES
    unasync_files([str(path) for path in sources], [Rule(str(SOURCE), str(scratch), names)])
    for path in sources:
        target = scratch / path.name
        text = re.sub(r"\b(await|async) ", "", target.read_text("utf-8"))  # what is left stands in docstrings
        header = f"# Made from client/_async/{path.name} by scripts/unasync.py: do not edit.\n"
        target.write_text(header + text.replace("AsyncEntity", "Entity"), "utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--quiet", "--isolated", "--select=I", "--fix", scratch], check=True)  # noqa: S603 - our own files
    subprocess.run([*ruff, "format", "--quiet", "--isolated", "--line-length=120", scratch], check=True)  # noqa: S603 - our own files
    return {path.name: (scratch / path.name).read_text("utf-8") for path in sources}


if __name__ == "__main__":
    sys.exit(main())
