# Made from client/_async/actions.py by scripts/unasync.py: do not edit.
"""Actions: the tool calls that a run waits for."""

from projectdavid.client._sync.transport import Transport
from projectdavid.client.fields import present
from projectdavid.client.lists import AnswerList
from projectdavid.client.resource import MethodGroup
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.runs import Action, PendingAction


class Actions(MethodGroup):
    """Tool calls that your program answers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get_action(self, action_id: str) -> Action:
        """Retrieve an action."""
        return self._transport.ask(Action, "GET", at("/v1/actions/{}", action_id))

    def update_action(self, action_id: str, status: str, result: str | JsonObject | None = None) -> Action:
        """Update an action; a `result` answers it."""
        body = present(status=status, result=result)
        return self._transport.ask(Action, "PUT", at("/v1/actions/{}", action_id), body=body)

    def get_pending_actions(self, run_id: str) -> AnswerList[PendingAction]:
        """List the actions that a run waits for."""
        path = at("/v1/actions/pending/{}", run_id)
        return AnswerList(self._transport.ask(list[PendingAction], "GET", path))

    def get_actions_by_status(self, run_id: str, status: str = "pending") -> AnswerList[Action]:
        """List the actions of a run that have this status."""
        path = at("/v1/runs/{}/actions/status", run_id)
        return AnswerList(self._transport.ask(list[Action], "GET", path, query={"status": status}))

    retrieve = get_action
    update = update_action
