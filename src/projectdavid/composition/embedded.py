"""The platform inside another program: its own thread and event loop, on a free port of the loopback interface."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from projectdavid.api.console.files import DIST
from projectdavid.composition.credentials import load_credentials
from projectdavid.composition.serve import serve
from projectdavid.ports.model import ModelProvider
from projectdavid.ports.store import StoreUnavailable
from projectdavid.ports.terminal import TerminalService
from projectdavid.ports.tool import Tool
from projectdavid.settings import Settings


class EmbeddedPlatform:
    """A platform on one data folder.

    `start` returns when it accepts requests, `stop` when it has released the folder.
    """

    def __init__(
        self,
        path: str | Path,
        providers: dict[str, ModelProvider] | None = None,
        tools: Mapping[str, Tool] | None = None,
        terminals: TerminalService | None = None,
        console_folder: Path = DIST,
        **settings: Any,
    ) -> None:
        values: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "drain_seconds": 0.0, "sandbox_ahead": False}
        values |= {"console": False, **settings}
        values["data"] = Path(path)
        self._settings = Settings(**values)
        self._providers = providers
        self._tools = tools
        self._terminals = terminals
        self._console_folder = console_folder
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._error: BaseException | None = None
        self.base_url = ""
        self.api_key = ""
        self.admin_api_key = ""

    def start(self) -> None:
        """Start, and wait until requests are accepted.

        Raises:
            StoreUnavailable: another process uses the folder, or a part of it is missing or damaged.
        """
        self._thread = threading.Thread(target=self._run, name="projectdavid", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        try:
            credentials = load_credentials(self._settings)
        except StoreUnavailable:
            self.stop()
            raise
        self.api_key = credentials["api_key"]
        self.admin_api_key = credentials["admin_api_key"]

    def stop(self) -> None:
        """Stop; unfinished runs continue after the next start."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            served = serve(
                self._settings,
                self._on_ready,
                self._providers,
                self._tools,
                terminals=self._terminals,
                console=self._console_folder,
            )
            uvloop.run(served)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in start()
            self._error = error
        finally:
            self._ready.set()

    def _on_ready(self, url: str, server: uvicorn.Server) -> None:
        self.base_url, self._server = url, server
        self._ready.set()
