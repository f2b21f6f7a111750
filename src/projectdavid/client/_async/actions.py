"""Actions: the tool calls that a run waits for."""

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import present
from projectdavid.client.lists import AnswerList
from projectdavid.client.resource import MethodGroup
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.runs import Action, PendingAction


class AsyncActions(MethodGroup):
    """Tool calls that your program answers."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get_action(self, action_id: str) -> Action:
        """Retrieve an action."""
        return await self._transport.ask(Action, "GET", at("/v1/actions/{}", action_id))

    async def update_action(self, action_id: str, status: str, result: str | JsonObject | None = None) -> Action:
        """Update an action; a `result` answers it."""
        body = present(status=status, result=result)
        return await self._transport.ask(Action, "PUT", at("/v1/actions/{}", action_id), body=body)

    async def get_pending_actions(self, run_id: str) -> AnswerList[PendingAction]:
        """List the actions that a run waits for."""
        path = at("/v1/actions/pending/{}", run_id)
        return AnswerList(await self._transport.ask(list[PendingAction], "GET", path))

    async def get_actions_by_status(self, run_id: str, status: str = "pending") -> AnswerList[Action]:
        """List the actions of a run that have this status."""
        path = at("/v1/runs/{}/actions/status", run_id)
        return AnswerList(await self._transport.ask(list[Action], "GET", path, query={"status": status}))

    retrieve = get_action
    update = update_action
