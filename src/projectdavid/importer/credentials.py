"""The API key or token of a source: never logged, and renewed by a command if one is configured."""

import asyncio
import json
import shlex
from collections.abc import Mapping

from projectdavid.importer.source import ImportStopped


class SourceCredential:
    """Authentication headers of the source.

    Args:
        key: an API key, sent as `api-key`.
        token: a bearer token.
        command: prints a new token: the token alone, or JSON with `accessToken`, as `az` does.
    """

    def __init__(self, *, key: str = "", token: str = "", command: str = "") -> None:
        self._key = key
        self._token = token
        self._command = command
        self._renewed = 0

    @property
    def generation(self) -> int:
        """How many times the token was renewed."""
        return self._renewed

    def headers(self) -> Mapping[str, str]:
        """The headers of each request."""
        return {"api-key": self._key} if self._key else {"authorization": f"Bearer {self._token}"}

    async def renew(self, generation: int) -> bool:
        """Get a new token if there is a command; `generation` is that of the rejected one.

        Raises:
            ImportStopped: the command fails.
        """
        if not self._command:
            return False
        if generation != self._renewed:
            return True  # another request has renewed it
        self._renewed += 1
        await self.load()
        return True

    async def load(self) -> None:
        """Run the command, if there is one.

        Raises:
            ImportStopped: it fails or prints no token.
        """
        if self._command:
            self._token = _token(await _output(self._command))


async def _output(command: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
    except (OSError, ValueError) as error:
        raise ImportStopped(f"the token command could not be started: {error}", "check --token-command") from None
    output, _ = await process.communicate()
    if process.returncode:
        raise ImportStopped(
            f"the token command failed with exit code {process.returncode}", "run it manually to see why"
        )
    return output.decode(errors="replace").strip()


def _token(output: str) -> str:
    try:
        found = json.loads(output) if output.startswith("{") else output
    except ValueError:
        found = ""
    token = found.get("accessToken") if isinstance(found, dict) else found
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token or not token:
        raise ImportStopped("the token command printed no token", "it must print the token, or JSON with 'accessToken'")
    return token
