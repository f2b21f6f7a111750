"""`python -m bench [SUBJECT ...] [--check]`: one table of what was measured beside what is asked."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.documents import documents
from bench.measures import ASSISTANT, MEASURES, Rig, Row
from bench.processes import Process, running
from bench.public_retrieval import public_retrieval
from bench.retrieval import retrieval
from bench.sandbox import sandbox
from bench.scale import scale
from bench.search import search
from bench.stalls import stalls

SUBJECTS = MEASURES | {
    "sandbox": sandbox,
    "search": search,
    "documents": documents,
    "retrieval": lambda rig: [*retrieval(rig), *public_retrieval(rig)],
    "stalls": stalls,
    "scale": scale,
}


def main() -> int:
    """Measure and print; 1 with `--check` where a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; all by default")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bound is missed")
    arguments = parser.parse_args()
    if unknown := set(arguments.subjects) - SUBJECTS.keys():
        parser.error(f"no such subject: {', '.join(sorted(unknown))}")
    with ExitStack() as stack:
        rig = _rig(stack)
        rows = [row for name in arguments.subjects or SUBJECTS for row in SUBJECTS[name](rig)]
    _say("")
    print(_table(rows))
    return int(arguments.check and not all(row.ok for row in rows))


def _rig(stack: ExitStack) -> Rig:
    """Start everything; stopped with the stack."""
    _say("starting")
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="projectdavid-bench-")))

    def start(module: str, *arguments: str, **environment: str) -> Process:
        return stack.enter_context(running(module, *arguments, cwd=folder, **environment))

    upstream = f"http://127.0.0.1:{start('tests.fakes.upstream', '--port', '0').told['port']}/v1"
    load = start("bench.load")
    platform = start("bench.serve", str(folder), OPENAI_BASE_URL=upstream)
    relay = start("bench.relay", OPENAI_BASE_URL=upstream)
    empty = start("bench.empty")
    assistant = load.ask({"do": "assistant", **platform.told, "body": ASSISTANT})
    return Rig(folder, upstream, load, platform, relay, empty, assistant, _say)


def _say(text: str) -> None:
    """One line of progress, each over the one before."""
    sys.stderr.write(f"\r\x1b[K{text}")
    sys.stderr.flush()


def _table(rows: list[Row]) -> str:
    lines = [
        ("what", "measured", "asked", ""),
        *((r.name, r.measured, r.asked, "ok" if r.ok else "MISSED") for r in rows),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    texts.insert(1, "-" * max(map(len, texts)))
    return "\n".join(texts)


if __name__ == "__main__":
    raise SystemExit(main())
