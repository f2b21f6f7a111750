"""How these tests ask."""

import pytest

from projectdavid.egress import EgressGuard, OutboundError

HERE = ["127.0.0.1/32"]
"""Where the servers of these tests are, unless they say otherwise."""


async def failure_of(guard: EgressGuard, url: str, **more: object) -> OutboundError:
    """How asking fails."""
    with pytest.raises(OutboundError) as caught:
        await guard.request("POST", url, body=b"{}", **more)
    return caught.value
