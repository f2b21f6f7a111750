"""Approvals: the tool calls that wait until a person decides."""

from typing import Literal

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import present
from projectdavid.client.lists import Order, cursor
from projectdavid.client.resource import MethodGroup
from projectdavid.client.wire import at
from projectdavid.protocol.approvals import Approval
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Page


class AsyncApprovals(MethodGroup):
    """Tool calls that wait for approval, and the decisions."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        status: str | None = None,
        run_id: str | None = None,
        limit: int = 20,
        order: Order = "desc",
        after: str | None = None,
    ) -> Page[Approval]:
        """List one page of the approvals of your runs, in `.data`; of those with a `status`, or of one run."""
        query = cursor(limit, order, after) | present(status=status, run_id=run_id)
        return await self._transport.ask(Page[Approval], "GET", "/v1/approvals", query=query)

    async def retrieve(self, approval_id: str) -> Approval:
        """Retrieve an approval."""
        return await self._transport.ask(Approval, "GET", at("/v1/approvals/{}", approval_id))

    async def approve(
        self,
        approval_id: str,
        reason: str | None = None,
        *,
        arguments: JsonObject | None = None,
        remember: Literal["run"] | None = None,
        digest: str | None = None,
    ) -> Approval:
        """Approve a call. Approving it again has no effect.

        Args:
            approval_id: the approval's id.
            reason: kept with the decision.
            arguments: replace those of the model.
            remember: `run`: later calls of the same function in this run need no approval.
            digest: that of the approval that was shown.

        Raises:
            ConflictError: it was denied, its run has ended, or the digest is another one.
            PermissionDeniedError: the API key cannot approve calls.
        """
        more = present(reason=reason, arguments=arguments, remember=remember, digest=digest)
        return await self._decide(approval_id, {"approve": True, **more})

    async def deny(self, approval_id: str, reason: str | None = None, *, digest: str | None = None) -> Approval:
        """Deny a call; the model receives the reason. Denying it again has no effect.

        Raises:
            ConflictError: it was approved, its run has ended, or the digest is another one.
            PermissionDeniedError: the API key cannot approve calls.
        """
        return await self._decide(approval_id, {"approve": False, **present(reason=reason, digest=digest)})

    async def _decide(self, approval_id: str, body: JsonObject) -> Approval:
        return await self._transport.ask(Approval, "POST", at("/v1/approvals/{}", approval_id), body=body)
