# Made from client/_async/models.py by scripts/unasync.py: do not edit.
"""Models."""

from projectdavid.client._sync.transport import Transport
from projectdavid.client.lists import Listing
from projectdavid.protocol.base import Answer
from projectdavid.protocol.models import ModelInfo


class _Models(Answer):
    data: tuple[ModelInfo, ...]


class Models:
    """What can answer."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Listing[ModelInfo]:
        """The models that can be used now; an `id` is what an assistant's `model` says."""
        models = self._transport.ask(_Models, "GET", "/v1/models")
        return Listing(models.data)
