"""Tracebacks for the author of the code: without frames of the agent and of libraries."""

import sys
import traceback

LONGEST = 32 << 10
"""Maximum characters of a traceback."""
CELL = "<cell "
"""Prefix of the file names of a run's code."""


def is_own(filename: str, root: str = "") -> bool:
    """True for the code of a run, and for modules under `root`."""
    return filename.startswith((CELL, root.rstrip("/") + "/") if root else CELL)


def shorten(text: str, longest: int) -> str:
    """Shorten a text to its beginning and end."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters omitted ...]\n{text[-half:]}"


def traceback_of(error: BaseException, root: str) -> str:
    """Return the traceback with only the frames of the code and of modules under `root`."""
    # Formatting an exception can run arbitrary code of the session.
    try:
        told = traceback.TracebackException.from_exception(error, compact=True)
        _prune(told, root, set())
        return shorten("".join(told.format()), LONGEST)
    except BaseException as another:  # noqa: BLE001
        return f"{type(error).__name__}, whose text is not available: {type(another).__name__}"


def write_traceback(kind: type[BaseException], error: BaseException, _trace: object, root: str) -> None:
    """Write a traceback to stderr."""
    del kind
    sys.stderr.write(traceback_of(error, root))


def _prune(told: traceback.TracebackException, root: str, seen: set[int]) -> None:
    if id(told) in seen:
        return
    seen.add(id(told))
    frames = [frame for frame in told.stack if is_own(frame.filename, root)]
    told.stack = traceback.StackSummary.from_list(frames)
    further = [told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())]
    for one in further:
        if one is not None:
            _prune(one, root, seen)
