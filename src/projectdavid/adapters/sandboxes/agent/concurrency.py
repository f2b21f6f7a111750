"""Adapts concurrency APIs that would fail in a session."""

import asyncio
import functools
import multiprocessing
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def adapt_multiprocessing() -> None:
    """Start processes by fork, even if the code asks for another method.

    Other methods start an interpreter that imports the code's functions from a file. The code of a session is in no
    file, so the new process would fail and be restarted endlessly.
    """
    multiprocessing.set_start_method("fork", force=True)
    get_context = multiprocessing.get_context

    @functools.wraps(get_context)
    def get_fork_context(method: str | None = None) -> Any:
        return get_context("fork" if method in ("spawn", "forkserver") else method)

    @functools.wraps(multiprocessing.set_start_method)
    def keep_start_method(method: str | None, force: bool = False) -> None:
        del method, force

    multiprocessing.get_context = get_fork_context
    multiprocessing.set_start_method = keep_start_method


def adapt_asyncio() -> None:
    """Let `asyncio.run()` work in code with top-level await, where an event loop is already running."""
    run = asyncio.run

    @functools.wraps(run)
    def run_anywhere(main: Coroutine[Any, Any, Any], **options: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return run(main, **options)
        pool = ThreadPoolExecutor(1)
        try:
            return pool.submit(run, main, **options).result()
        finally:
            pool.shutdown(wait=False)  # Ctrl-C does not wait for it

    asyncio.run = run_anywhere
