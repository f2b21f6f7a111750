"""Shell commands in Python code, as in notebooks: in the session's own sandbox, without input."""

import importlib.metadata
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence

_INSTALL = re.compile(
    r"(?:sudo\s+)?(?:(?:\S*/)?python[\d.]*\s+-m\s+)?(?P<tool>(?:\S*/)?pip[\d.]*|uv\s+pip|conda|mamba|micromamba)"
    r"\s+install\b(?P<rest>[^;&|<>]*)"
)
"""A command that only installs packages."""
_WITH_VALUE = frozenset(
    {"-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "-t", "--target", "-n", "-f"}
)
_BRACES = re.compile(r"\{([A-Za-z_][^{}]*)\}")
_DOLLAR = re.compile(r"\$([A-Za-z_]\w*)")
_NAME = re.compile(r"[A-Za-z_]\w*")


class CommandLines(list[str]):
    """The lines that a command printed; also as one string, `s` with spaces and `n` with line ends."""

    @property
    def s(self) -> str:
        return " ".join(self)

    @property
    def n(self) -> str:
        return "\n".join(self)


def expand_command(command: str, names: Mapping[str, object]) -> str:
    """Replace `{expression}` and `$name` in a command by values, if the code has such a name."""

    def braces(found: re.Match[str]) -> str:
        root = _NAME.match(found[1])
        if root is None or root[0] not in names:
            return found[0]
        # Braces of the shell and of awk look the same: anything that is not a Python expression stays.
        try:
            return str(eval(found[1], dict(names)))  # noqa: S307 - it is the code's own
        except Exception:  # noqa: BLE001
            return found[0]

    def dollar(found: re.Match[str]) -> str:
        value = names.get(found[1])
        return str(value) if isinstance(value, str | int | float | os.PathLike) else found[0]

    return _DOLLAR.sub(dollar, _BRACES.sub(braces, command))


def run(command: str | Sequence[str]) -> int:
    """Run a command that writes to the code's output; returns its exit status."""
    arguments = ["bash", "-c", command] if isinstance(command, str) else list(command)
    if isinstance(command, str) and (found := _INSTALL.fullmatch(command.strip())):
        if not can_install():
            print(_explain_install(found["tool"], found["rest"]))
            return int(not all(map(_version, _packages(found["rest"]))))
        if "pip" in found["tool"]:
            arguments = [sys.executable, "-m", "pip", "install", *_split(found["rest"])]
    status = _passed_on(arguments) if _is_direct() else _run_captured(arguments)
    sys.path_importer_cache.pop(os.environ.get("PYTHONPATH", ""), None)  # created during this session
    importlib.invalidate_caches()
    return status


def output_of(command: str) -> CommandLines:
    """Run a command, and return its stdout and stderr."""
    if (found := _INSTALL.fullmatch(command.strip())) and not can_install():
        return CommandLines(_explain_install(found["tool"], found["rest"]).splitlines())
    arguments = ["bash", "-c", command]
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=pipe, stderr=both, check=False)  # noqa: S603
    return CommandLines(done.stdout.decode("utf-8", "replace").splitlines())


def _passed_on(arguments: Sequence[str]) -> int:
    """Run a program that inherits the output of this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL) as program:  # noqa: S603
        try:
            return program.wait()
        except BaseException:
            program.kill()
            raise


def _run_captured(arguments: Sequence[str]) -> int:
    """Run a program and write its output to the streams with which the code replaced the process's own."""
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    sys.stdout.write(done.stdout.decode("utf-8", "replace"))
    sys.stderr.write(done.stderr.decode("utf-8", "replace"))
    return done.returncode


def _is_direct() -> bool:
    """True if the code writes to the file descriptors of the process."""
    try:
        return (sys.stdout.fileno(), sys.stderr.fileno()) == (1, 2)
    except (OSError, ValueError, AttributeError):
        return False


def can_install() -> bool:
    """True if the operator provides a folder of wheels, and pip is available."""
    return "PIP_FIND_LINKS" in os.environ and importlib.util.find_spec("pip") is not None


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def _explain_install(tool: str, rest: str) -> str:
    """Explain to the model that packages cannot be installed."""
    names = _packages(rest)
    there = {name: version for name in names if (version := _version(name))}
    lines = [f"{tool} install: packages cannot be installed here, because there is no network."]
    if there:
        found = (f"{name} {version}".strip() for name, version in there.items())
        lines.append(f"Already installed, import it: {', '.join(found)}.")
    if missing := [name for name in names if name not in there]:
        lines.append(f"Not available: {', '.join(missing)}. Continue without it.")
    return "\n".join(lines)


def _packages(rest: str) -> list[str]:
    """Return the packages that the arguments of an installer name."""
    words = _split(rest)
    names: list[str] = []
    for number, word in enumerate(words):
        name = re.match(r"[A-Za-z0-9][\w.-]*", word)
        if name and not (number and words[number - 1] in _WITH_VALUE):
            names.append(name[0])
    return names


def _version(name: str) -> str:
    """Return the version of a package; a space if it can be imported but has none; empty if it is missing."""
    try:
        return importlib.metadata.version(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        pass
    try:
        return " " if importlib.util.find_spec(name.replace("-", "_")) else ""
    except (ImportError, ValueError):
        return ""
