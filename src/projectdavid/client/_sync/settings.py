# Made from client/_async/settings.py by scripts/unasync.py: do not edit.
"""Settings of the server."""

from projectdavid.client._sync.transport import Transport
from projectdavid.client.lists import AnswerList
from projectdavid.client.resource import MethodGroup
from projectdavid.protocol.settings import Setting, SettingList


class Settings(MethodGroup):
    """Settings of the server, for admins."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> AnswerList[Setting]:
        """List the settings in force and where each came from (admin). Secrets have the value `set`.

        Raises:
            PermissionDeniedError: the key is not an admin's.
        """
        found = self._transport.ask(SettingList, "GET", "/v1/settings")
        return AnswerList(found.settings)
