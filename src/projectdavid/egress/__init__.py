"""The guard for requests to URLs from users, and the proxy for programs in a sandbox."""

from projectdavid.egress.guard.dns import own_addresses
from projectdavid.egress.guard.failures import (
    AnswerTooLarge,
    OutboundError,
    TargetForbidden,
    TargetUnreachable,
    TimedOut,
)
from projectdavid.egress.guard.guard import EgressGuard
from projectdavid.egress.guard.http_messages import GuardedReply
from projectdavid.egress.proxy.service import EgressService

__all__ = [
    "AnswerTooLarge",
    "EgressGuard",
    "EgressService",
    "GuardedReply",
    "OutboundError",
    "TargetForbidden",
    "TargetUnreachable",
    "TimedOut",
    "own_addresses",
]
