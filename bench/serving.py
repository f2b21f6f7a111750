"""Serve what the platform is held against, with the settings of its own server (`projectdavid.composition.serve`)."""

import json
import socket
from typing import Any

import uvicorn
import uvloop

from projectdavid.api.http.http1.limits import HttpLimits
from projectdavid.composition.serve import http_protocol


class _Server(uvicorn.Server):
    """Prints where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print(json.dumps({"url": self._url}), flush=True)


def run(app: Any) -> None:
    """Serve an ASGI application on any free port until terminated; prints `{"url": ...}`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        loop="none",
        http=http_protocol(HttpLimits()),
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    server = _Server(config, f"http://127.0.0.1:{listener.getsockname()[1]}")
    uvloop.run(server.serve(sockets=[listener]))
