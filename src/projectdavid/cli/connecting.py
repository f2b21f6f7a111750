"""The SDK for the commands: which server, which key."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import projectdavid
from projectdavid.cli.printing import Failure

if TYPE_CHECKING:
    from projectdavid import Entity


def connect() -> "Entity":
    """A client of the server that the environment or the credentials file names.

    Raises:
        MissingAPIKeyError: there is no key for it.
    """
    try:
        return projectdavid.Entity()
    except projectdavid.MissingAPIKeyError:
        raise
    except ValueError as error:
        raise typer.BadParameter(f"{error}; see PROJECTDAVID_BASE_URL") from error


def connect_as_admin() -> "Entity":
    """A client with the key of an admin: the one in the environment, or that of the credentials file.

    Raises:
        Failure: the file holds none.
    """
    from projectdavid.client.settings import API_KEY_VARIABLES, credentials_path

    client = connect()
    if any(os.environ.get(name) for name in API_KEY_VARIABLES):
        return client
    # Without a key in the environment, the server is the one that the file names.
    path = credentials_path(os.environ)
    key = json.loads(path.read_text("utf-8")).get("admin_api_key")
    if not key:
        client.close()
        raise Failure(f"{path} holds no admin_api_key", "set PROJECTDAVID_API_KEY to the key of an admin")
    with client:
        return projectdavid.Entity(client.base_url, key)


def own_id(client: "Entity") -> str:
    """The id of the user whose key this is."""
    return client.keys.validate_key().user_id


@contextmanager
def local(*paths: Path) -> Generator[None]:
    """Say it in a line where the disk of this machine is at fault."""
    try:
        yield
    except OSError as error:
        place = error.filename or ", ".join(map(str, paths))
        raise Failure(f"{place}: {error.strerror}") from error
