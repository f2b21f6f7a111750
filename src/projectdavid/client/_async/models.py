"""Models."""

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.lists import AnswerList
from projectdavid.client.resource import MethodGroup
from projectdavid.protocol.base import Answer
from projectdavid.protocol.models import ModelInfo


class _Models(Answer):
    data: tuple[ModelInfo, ...]


class AsyncModels(MethodGroup):
    """The models that the server can use."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> AnswerList[ModelInfo]:
        """List the available models; use an `id` as the `model` of an assistant."""
        models = await self._transport.ask(_Models, "GET", "/v1/models")
        return AnswerList(models.data)
