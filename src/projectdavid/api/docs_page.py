"""The pages at `/docs`: Swagger UI for the OpenAPI description, served from installed files without a network."""

import asyncio
from functools import partial
from html import escape
from importlib.resources import files
from typing import Final

from fastapi import FastAPI, Response

from projectdavid.api.http.answers import json_answer

BUNDLE: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
"""Files of the package `fastapi-swagger`, which packs the distribution of Swagger UI, with their media types."""
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI sets style attributes
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The description itself: <a href="openapi.json">openapi.json</a></noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
START: Final = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  requestSnippetsEnabled: true,
  validatorUrl: null
});
"""
"""`validatorUrl: null`: the page must not send the description to the validator of swagger.io."""


def add_docs(app: FastAPI) -> None:
    """Add `/docs` and `/openapi.json`. The description is built in a thread, because it takes long."""

    async def docs() -> Response:
        page = PAGE.format(title=escape(app.title))
        return Response(page, media_type="text/html", headers={"content-security-policy": POLICY})

    async def openapi() -> Response:
        return json_answer(await asyncio.to_thread(app.openapi))

    async def start() -> Response:
        return Response(START, media_type="text/javascript")

    app.add_api_route("/docs", docs, include_in_schema=False)
    app.add_api_route("/docs/start.js", start, include_in_schema=False)
    for name in BUNDLE:
        app.add_api_route(f"/docs/{name}", partial(_bundle_file, name), include_in_schema=False)
    app.add_api_route("/openapi.json", openapi, include_in_schema=False)


async def _bundle_file(name: str) -> Response:
    content = await asyncio.to_thread((files("fastapi_swagger") / "resources" / name).read_bytes)
    return Response(content, media_type=BUNDLE[name], headers={"cache-control": "public, max-age=86400"})
