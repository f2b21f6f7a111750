"""SDK clients for the commands: server address and key."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import projectdavid
from projectdavid.cli.output import CommandError

if TYPE_CHECKING:
    from projectdavid import Entity
    from projectdavid.client.settings import ServerTarget


def connect() -> "Entity":
    """Return a client for the server in the environment or the credentials file. Raises: MissingAPIKeyError: there is
    no key for it.
    """
    target = find_server()
    return projectdavid.Entity(target.base_url, target.api_key)


def connect_as_admin() -> "Entity":
    """Return a client with an admin key, from the environment or the credentials file.

    Raises:
        Failure: the file contains no admin key.
    """
    target = find_server(admin=True)
    return projectdavid.Entity(target.base_url, target.api_key)


def find_server(*, admin: bool = False) -> "ServerTarget":
    """Return the server address and a key, from the environment or the credentials file; `admin` selects the admin key.

    Raises:
        MissingAPIKeyError: there is no key for it.
        Failure: the file contains no admin key.
    """
    from projectdavid.client.settings import API_KEY_VARIABLES, ServerTarget, credentials_path, find_target

    try:
        found = find_target(None, None, os.environ)
    except projectdavid.MissingAPIKeyError:
        raise
    except ValueError as error:
        raise typer.BadParameter(f"{error}; see PROJECTDAVID_BASE_URL") from error
    if not admin or any(os.environ.get(name) for name in API_KEY_VARIABLES):
        return found
    # Without a key in the environment, the credentials file also determines the server.
    path = credentials_path(os.environ)
    key = json.loads(path.read_text("utf-8")).get("admin_api_key")
    if not key:
        raise CommandError(f"{path} contains no admin_api_key", "set PROJECTDAVID_API_KEY to the key of an admin")
    return ServerTarget(found.base_url, key)


def own_id(client: "Entity") -> str:
    """Return the id of the user of the key."""
    return client.keys.validate_key().user_id


@contextmanager
def local(*paths: Path) -> Generator[None]:
    """Report errors of the local disk in one line."""
    try:
        yield
    except OSError as error:
        place = error.filename or ", ".join(map(str, paths))
        raise CommandError(f"{place}: {error.strerror}") from error
