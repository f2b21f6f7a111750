"""Actions: the calls for which a run waits, one by one."""

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import present
from projectdavid.client.lists import Listing
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.runs import Action, PendingAction


class AsyncActions:
    """Function calls of the model that the caller answers."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get_action(self, action_id: str) -> Action:
        """The action with this id."""
        return await self._transport.ask(Action, "GET", at("/v1/actions/{}", action_id))

    async def update_action(self, action_id: str, status: str, result: str | JsonObject | None = None) -> Action:
        """Mark an action; a `result` answers it."""
        body = present(status=status, result=result)
        return await self._transport.ask(Action, "PUT", at("/v1/actions/{}", action_id), body=body)

    async def get_pending_actions(self, run_id: str) -> Listing[PendingAction]:
        """What a run waits for."""
        path = at("/v1/actions/pending/{}", run_id)
        return Listing(await self._transport.ask(list[PendingAction], "GET", path))

    async def get_actions_by_status(self, run_id: str, status: str = "pending") -> Listing[Action]:
        """The actions of a run that have this status."""
        path = at("/v1/runs/{}/actions/status", run_id)
        return Listing(await self._transport.ask(list[Action], "GET", path, query={"status": status}))
