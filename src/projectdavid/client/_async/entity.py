"""The client: one server, one API key, and one attribute for each kind of object."""

import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from projectdavid.client import embedded
from projectdavid.client._async.actions import AsyncActions
from projectdavid.client._async.approvals import AsyncApprovals
from projectdavid.client._async.assistants import AsyncAssistants
from projectdavid.client._async.computer import AsyncComputer
from projectdavid.client._async.files import AsyncFiles
from projectdavid.client._async.imports import AsyncImports
from projectdavid.client._async.inference import AsyncInferenceStream
from projectdavid.client._async.messages import AsyncMessages
from projectdavid.client._async.models import AsyncModels
from projectdavid.client._async.runs import AsyncRuns
from projectdavid.client._async.settings import AsyncSettings
from projectdavid.client._async.threads import AsyncThreads
from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client._async.usage import AsyncUsage
from projectdavid.client._async.users import AsyncAPIKeys, AsyncUsers
from projectdavid.client._async.vectors import AsyncVectors
from projectdavid.client._async.webhooks import AsyncWebhooks
from projectdavid.client.primitives import in_thread
from projectdavid.client.retry import Retry
from projectdavid.client.settings import find_target
from projectdavid.protocol.users import Health


class AsyncEntity:
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
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        target = find_target(base_url, api_key, os.environ)
        self._transport = AsyncTransport(target, timeout, retry or Retry(max_retries), transport)
        self._stop_hosted: weakref.finalize[Any, Any] | None = None
        self.assistants = AsyncAssistants(self._transport)
        self.users = AsyncUsers(self._transport)
        self.keys = AsyncAPIKeys(self._transport)
        self.threads = AsyncThreads(self._transport)
        self.messages = AsyncMessages(self._transport)
        self.runs = AsyncRuns(self._transport)
        self.actions = AsyncActions(self._transport)
        self.approvals = AsyncApprovals(self._transport)
        self.files = AsyncFiles(self._transport)
        self.vectors = AsyncVectors(self._transport, self.files)
        self.imports = AsyncImports(self._transport)
        self.models = AsyncModels(self._transport)
        self.usage = AsyncUsage(self._transport)
        self.settings = AsyncSettings(self._transport)
        self.webhooks = AsyncWebhooks(self._transport)
        self.computer = AsyncComputer(self._transport)
        self.inference_stream = AsyncInferenceStream(self._transport)

    @classmethod
    async def embedded(
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
        hosted = await in_thread(embedded.load, path, tools)
        await in_thread(hosted.start)
        try:
            client = cls(hosted.base_url, hosted.api_key, timeout=timeout, max_retries=max_retries, retry=retry)
        except ValueError:
            await in_thread(hosted.stop)
            raise
        client._stop_hosted = embedded.stop_with(client, hosted)
        return client

    @property
    def base_url(self) -> str:
        """URL of the server."""
        return self._transport.target.base_url

    async def health(self) -> Health:
        """Return the health of the server."""
        return await self._transport.ask(Health, "GET", "/health")

    async def close(self) -> None:
        """Close all connections, and stop the platform that `embedded()` started."""
        await self._transport.close()
        if self._stop_hosted is not None:
            await in_thread(self._stop_hosted)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"
