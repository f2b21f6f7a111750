"""Usage."""

from datetime import date
from typing import Literal

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import present
from projectdavid.client.resource import MethodGroup
from projectdavid.protocol.usage import UsageReport


class AsyncUsage(MethodGroup):
    """Token usage and costs."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def retrieve(
        self,
        *,
        start: date | str | None = None,
        end: date | str | None = None,
        group_by: Literal["day", "assistant", "key", "model"] | None = None,
        user_id: str | None = None,
    ) -> UsageReport:
        """Return the usage of your runs between two days (UTC), both included; by default the last 30.

        Args:
            start: the first day, such as `2026-11-01`.
            end: the last day.
            group_by: the dimension of the entries.
            user_id: the user, if you are an admin.
        """
        query = {name: str(value) for name, value in present(start=start, end=end, group_by=group_by).items()}
        return await self._transport.ask(UsageReport, "GET", "/v1/usage", query=query | present(user_id=user_id))
