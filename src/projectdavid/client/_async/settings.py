"""Settings of the server."""

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.lists import AnswerList
from projectdavid.client.resource import MethodGroup
from projectdavid.protocol.settings import Setting, SettingList


class AsyncSettings(MethodGroup):
    """Settings of the server, for admins."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> AnswerList[Setting]:
        """List the settings in force and where each came from (admin). Secrets have the value `set`.

        Raises:
            PermissionDeniedError: the key is not an admin's.
        """
        found = await self._transport.ask(SettingList, "GET", "/v1/settings")
        return AnswerList(found.settings)
