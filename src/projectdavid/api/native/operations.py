"""Routes for monitoring: metrics, liveness and readiness. The description of the API omits them."""

import secrets
from ipaddress import ip_address

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from projectdavid.api.http.answers import json_answer
from projectdavid.api.requests.authentication import caller, find_key
from projectdavid.instruments.exposition import choose_format, render_metrics
from projectdavid.services.platform import Platform
from projectdavid.services.readiness import Readiness

router = APIRouter(include_in_schema=False)

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers of proxies. Behind a proxy on this machine, every client has a local address."""


@router.get("/health/live")
async def read_liveness() -> Response:
    """Return 200 while the event loop answers."""
    return json_answer({"status": "live"})


@router.get("/health/ready")
async def read_readiness(request: Request) -> Response:
    """Return 200 if this process should get requests, otherwise 503 with the reasons as codes."""
    readiness: Readiness = request.app.state.readiness
    report = await readiness.check()
    body = {"ready": not report.reasons, "reasons": report.reasons, "last_look_s": report.last_look_s}
    return json_answer(body, 503 if report.reasons else 200)


@router.get("/metrics")
async def read_metrics(request: Request) -> Response:
    """Return the metrics of this process in a text format of Prometheus."""
    platform: Platform = request.app.state.platform
    await _check_reader(request, platform)
    await platform.gauges.refresh()
    media_type = choose_format(request.headers.get("accept", ""))
    page = render_metrics(platform.telemetry.metrics.registry.read(), media_type)
    return Response(page, headers={"content-type": media_type})


async def _check_reader(request: Request, platform: Platform) -> None:
    """Check that the settings let the client read metrics.

    Raises:
        HTTPException: 404, metrics are off.
        ApiError: 401 or 403, without a key or token that is allowed.
    """
    mode = platform.settings.metrics
    if mode == "off":
        raise HTTPException(404)
    if mode == "open" or (mode == "loopback" and _is_local(request)):
        return
    token = platform.settings.metrics_token
    given = find_key(request)
    if token is not None and secrets.compare_digest(given.encode(), token.get_secret_value().encode()):
        return
    (await caller(request)).check_admin()


def _is_local(request: Request) -> bool:
    """True if a program on this machine sent the request, without a proxy."""
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.client.host.partition("%")[0]).is_loopback
    except ValueError:
        return False
