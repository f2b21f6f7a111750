# Made from client/_async/models.py by scripts/unasync.py: do not edit.
"""Models."""

from projectdavid.client._sync.transport import Transport
from projectdavid.client.lists import AnswerList
from projectdavid.client.resource import MethodGroup
from projectdavid.protocol.base import Answer
from projectdavid.protocol.models import ModelInfo


class _Models(Answer):
    data: tuple[ModelInfo, ...]


class Models(MethodGroup):
    """The models that the server can use."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> AnswerList[ModelInfo]:
        """List the available models; use an `id` as the `model` of an assistant."""
        models = self._transport.ask(_Models, "GET", "/v1/models")
        return AnswerList(models.data)
