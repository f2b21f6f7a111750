"""Serves the built console to a browser until the server does: to be removed with that."""

import mimetypes
import secrets

from playwright.sync_api import BrowserContext, Route

from tests.console.dist import DIST

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def serve_dist(context: BrowserContext) -> None:
    def document(route: Route) -> None:
        if route.request.resource_type != "document":
            return route.fallback()
        nonce = secrets.token_urlsafe(16)
        body = (DIST / "index.html").read_text().replace("__CSP_NONCE__", nonce)
        headers = {"content-security-policy": CSP.format(nonce=nonce)}
        return route.fulfill(body=body, content_type="text/html", headers=headers)

    def asset(route: Route) -> None:
        path = DIST / "assets" / route.request.url.rpartition("/")[2]
        route.fulfill(body=path.read_bytes(), content_type=mimetypes.guess_type(path.name)[0])

    context.route("**/*", document)
    context.route("**/assets/*", asset)
