"""Tracebacks as the one who wrote the code wants them: his own lines, without ours and those of libraries."""

import sys
import traceback

LONGEST = 32 << 10
"""Characters of a traceback."""
CELL = "<cell "
"""What the file names of the code of a run begin with."""


def shortened(text: str, longest: int) -> str:
    """The beginning and the end of a text that is too long."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def traceback_of(error: BaseException, root: str) -> str:
    """The traceback with the frames of the code itself and of modules under `root`."""
    # Whatever an exception does when it is looked at, it is a stranger's.
    try:
        told = traceback.TracebackException.from_exception(error, compact=True)
        _prune(told, root, set())
        return shortened("".join(told.format()), LONGEST)
    except BaseException as another:  # noqa: BLE001
        return f"{type(error).__name__}, whose text cannot be had: {type(another).__name__}"


def told_by_hook(kind: type[BaseException], error: BaseException, _trace: object, root: str) -> None:
    """Write a traceback to stderr."""
    del kind
    sys.stderr.write(traceback_of(error, root))


def _prune(told: traceback.TracebackException, root: str, seen: set[int]) -> None:
    if id(told) in seen:
        return
    seen.add(id(told))
    inside = root.rstrip("/") + "/"
    frames = [frame for frame in told.stack if frame.filename.startswith((CELL, inside))]
    told.stack = traceback.StackSummary.from_list(frames)
    further = [told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())]
    for one in further:
        if one is not None:
            _prune(one, root, seen)
