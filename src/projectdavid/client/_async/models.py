"""Models."""

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.lists import Listing
from projectdavid.protocol.base import Answer
from projectdavid.protocol.models import ModelInfo


class _Models(Answer):
    data: tuple[ModelInfo, ...]


class AsyncModels:
    """What can answer."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> Listing[ModelInfo]:
        """The models that can be used now; an `id` is what an assistant's `model` says."""
        models = await self._transport.ask(_Models, "GET", "/v1/models")
        return Listing(models.data)
