"""Routes of the console: a closed list of pages, which answer with `index.html`, and the assets.

Other paths are not touched, so the API answers them as it does without a console. The description of the API omits
these routes.
"""

import logging
from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from projectdavid.api.console.files import PAGE_HEADERS, ConsoleFiles
from projectdavid.api.requests.lazy_routes import LazyRoute

log = logging.getLogger("projectdavid.console")

PAGES: Final = (
    *("play", "threads", "runs", "assistants", "files", "stores", "terminal", "keys", "users", "usage", "webhooks"),
    *("status", "settings", "signin"),
)
"""The first segments of pages, besides `/`. Details of an object are one segment below: `/runs/run_1`."""
NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>projectdavid</title>
<h1>The web console is not built here</h1>
<p>The server is running; its API works without the console.</p>
<p>To build the console in a checkout, run <code>make console</code> and restart the server. Packages contain it.</p>
<ul>
<li><a href="docs">The reference of the API</a></li>
<li><a href="health">The health of this server</a></li>
</ul>
</html>
"""
NOT_BUILT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def build_router(files: ConsoleFiles | None) -> APIRouter:
    """Build the routes: of a built console, or else the page that says how to build it."""
    router = APIRouter(include_in_schema=False, route_class=LazyRoute)
    if files is None:
        log.info("the web console is not built; `make console` builds it")
        router.add_api_route("/", _explain, methods=["GET"])
        return router
    show = partial(_show_page, files)
    router.add_api_route("/", show, methods=["GET"])
    for page in PAGES:
        router.add_api_route(f"/{page}", show, methods=["GET"])
        router.add_api_route(f"/{page}/{{object_id}}", show, methods=["GET"])
    router.add_api_route("/assets/{name}", partial(_send_asset, files), methods=["GET"])
    return router


async def _show_page(files: ConsoleFiles) -> Response:
    body, headers = files.render_index()
    return Response(body, headers=headers, media_type="text/html")


async def _send_asset(files: ConsoleFiles, name: str, request: Request) -> Response:
    asset = files.assets.get(name)
    if asset is None:
        raise HTTPException(404)
    body, headers = asset.choose(request.headers.get("accept-encoding", ""))
    return Response(body, headers=headers)


async def _explain(request: Request) -> Response:
    """Explain to people that the console is not built; API clients get the 404 of any other path."""
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    headers = {**PAGE_HEADERS, "vary": "accept", "content-security-policy": NOT_BUILT_POLICY}
    return Response(NOT_BUILT, headers=headers, media_type="text/html")
