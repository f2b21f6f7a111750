"""Answer HEAD wherever GET exists (RFC 9110, section 9.3.2): the headers of GET, without producing the body."""

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _HeadersSent(Exception):
    """Raised to stop the application after it has sent the headers."""


async def answer_head(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the headers that `app` sends, without reading its stream or file."""

    async def send_headers(message: Message) -> None:
        await send(message)
        await send({"type": "http.response.body", "body": b""})
        raise _HeadersSent

    with suppress(_HeadersSent):
        await app(scope, receive, send_headers)
