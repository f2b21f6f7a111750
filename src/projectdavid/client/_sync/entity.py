# Made from client/_async/entity.py by scripts/unasync.py: do not edit.
"""The client: one server, one API key, and one attribute for each kind of object."""

import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from projectdavid.client import embedded
from projectdavid.client._sync.actions import Actions
from projectdavid.client._sync.approvals import Approvals
from projectdavid.client._sync.assistants import Assistants
from projectdavid.client._sync.computer import Computer
from projectdavid.client._sync.files import Files
from projectdavid.client._sync.imports import Imports
from projectdavid.client._sync.inference import InferenceStream
from projectdavid.client._sync.messages import Messages
from projectdavid.client._sync.models import Models
from projectdavid.client._sync.runs import Runs
from projectdavid.client._sync.settings import Settings
from projectdavid.client._sync.threads import Threads
from projectdavid.client._sync.transport import Transport
from projectdavid.client._sync.usage import Usage
from projectdavid.client._sync.users import APIKeys, Users
from projectdavid.client._sync.vectors import Vectors
from projectdavid.client._sync.webhooks import Webhooks
from projectdavid.client.primitives import in_place
from projectdavid.client.retry import Retry
from projectdavid.client.settings import find_target
from projectdavid.protocol.users import Health


class Entity:
    """A client of one Project David server.

    Missing arguments are read from `PROJECTDAVID_BASE_URL` and `PROJECTDAVID_API_KEY` (or `ENTITIES_BASE_URL` and
    `ENTITIES_API_KEY`), then from the credentials file that the local server writes when it first starts. The key in
    that file is only sent to the server that the file names.

    Args:
        base_url: URL of the server; by default the local one, `http://127.0.0.1:9000`.
        api_key: the API key.
        timeout: seconds to wait for data from the server; connecting is limited to 10. None: no limit.
        max_retries: how often a request is retried after a temporary failure.
        retry: detailed retry settings; replaces `max_retries`.
        transport: the transport to use, such as an httpx2 transport in a test.

    Raises:
        MissingAPIKeyError: no key was found for this server.
        InvalidInputError: the base URL, the timeout, or a proxy of the environment is invalid.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float | None = 60.0,
        max_retries: int = 2,
        retry: Retry | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        target = find_target(base_url, api_key, os.environ)
        self._transport = Transport(target, timeout, retry or Retry(max_retries), transport)
        self._stop_hosted: weakref.finalize[Any, Any] | None = None
        self.assistants = Assistants(self._transport)
        self.users = Users(self._transport)
        self.keys = APIKeys(self._transport)
        self.threads = Threads(self._transport)
        self.messages = Messages(self._transport)
        self.runs = Runs(self._transport)
        self.actions = Actions(self._transport)
        self.approvals = Approvals(self._transport)
        self.files = Files(self._transport)
        self.vectors = Vectors(self._transport, self.files)
        self.imports = Imports(self._transport)
        self.models = Models(self._transport)
        self.usage = Usage(self._transport)
        self.settings = Settings(self._transport)
        self.webhooks = Webhooks(self._transport)
        self.computer = Computer(self._transport)
        self.synchronous_inference_stream = InferenceStream(self._transport)

    @classmethod
    def embedded(
        cls,
        path: str | Path,
        *,
        tools: Mapping[str, Any] | None = None,
        timeout: float | None = 60.0,
        max_retries: int = 2,
        retry: Retry | None = None,
    ) -> Self:
        """Run the platform inside this process and return a client for it. Closing the client stops the platform.

        Args:
            path: the data folder of the platform.
            tools: your own platform tools by type, such as `code_interpreter`: objects with the two methods of
                `projectdavid.ports.tool.Tool`.
            timeout: as for any client.
            max_retries: as for any client.
            retry: as for any client.

        Raises:
            ImportError: the server is not installed: in a checkout, `pip install '.[server]'`.
        """
        hosted = in_place(embedded.load, path, tools)
        in_place(hosted.start)
        try:
            client = cls(hosted.base_url, hosted.api_key, timeout=timeout, max_retries=max_retries, retry=retry)
        except ValueError:
            in_place(hosted.stop)
            raise
        client._stop_hosted = embedded.stop_with(client, hosted)
        return client

    @property
    def base_url(self) -> str:
        """URL of the server."""
        return self._transport.target.base_url

    def health(self) -> Health:
        """Return the health of the server."""
        return self._transport.ask(Health, "GET", "/health")

    def close(self) -> None:
        """Close all connections, and stop the platform that `embedded()` started."""
        self._transport.close()
        if self._stop_hosted is not None:
            in_place(self._stop_hosted)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"
