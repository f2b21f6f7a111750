"""The guard: every request to a URL that somebody outside has given goes through here, so that none goes astray; and
the proxy, through which programs in a sandbox go."""

from projectdavid.outbound.egress import Egress
from projectdavid.outbound.exchange import Reply
from projectdavid.outbound.failures import Forbidden, OutboundError, TimedOut, TooLarge, Unreachable
from projectdavid.outbound.guard import Guard
from projectdavid.outbound.resolving import own_addresses

__all__ = [
    "Egress",
    "Forbidden",
    "Guard",
    "OutboundError",
    "Reply",
    "TimedOut",
    "TooLarge",
    "Unreachable",
    "own_addresses",
]
