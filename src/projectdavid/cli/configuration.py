"""Load the settings, and describe errors at startup in one line."""

import errno
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import SettingsError

from projectdavid.cli.output import CommandError
from projectdavid.ports.store import StoreError, StoreUnavailable
from projectdavid.settings import ProviderSettings, Settings, default_data

StartError = (StoreError, OSError, ValueError)
"""Errors that prevent a platform from starting."""
CHOOSE_FOLDER = "choose a folder that you own with --data, or run `projectdavid doctor`"


def read_settings(**flags: Any) -> Settings:
    """Load the settings, with the flags of the command line.

    Raises:
        Failure: a setting is invalid; the message names it.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    next_step = _look(given.get("data") or default_data())
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise CommandError(f"bad configuration: {faults}", next_step) from error
    except (SettingsError, ValueError, OSError) as error:
        raise CommandError(f"bad configuration: {error}", next_step) from error


def start_failure(error: BaseException, settings: Settings) -> CommandError:
    """Return the failure for an error at startup, with the next step."""
    if isinstance(error, socket.gaierror):
        return CommandError(f"cannot listen on {settings.host}: {error.strerror}", "choose a different --host")
    if isinstance(error, OSError) and error.filename is None:
        return _of_the_system(error, settings)
    if isinstance(error, OSError):
        return CommandError(
            f"cannot use the data folder {settings.data}: {error.strerror} ({error.filename})",
            CHOOSE_FOLDER,
        )
    if isinstance(error, StoreUnavailable) and error.remedy:
        return CommandError(error.problem, error.remedy)
    if isinstance(error, StoreError):
        text = str(error)
        return CommandError(text, "" if "--data" in text else CHOOSE_FOLDER)
    return CommandError(f"cannot start: {error}", _look(settings.data))


def _look(folder: Path) -> str:
    return f"check PROJECTDAVID_* in the environment, .env, and {folder / 'config.toml'}"


def _of_the_system(error: OSError, settings: Settings) -> CommandError:
    """Return the failure for an OSError without a file name: listening or writing failed."""
    host, port, reason = settings.host, settings.port, error.strerror or str(error)
    match error.errno:
        case errno.EADDRINUSE:
            looks = "`projectdavid doctor` shows if a projectdavid server uses it"
            return CommandError(
                f"port {port} is already in use on {host}", f"{looks}; or choose a different one: --port {port + 1}"
            )
        case errno.EACCES:
            return CommandError(
                f"permission denied: cannot listen on port {port}", "choose a port above 1023 with --port"
            )
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return CommandError(f"cannot listen on {host}:{port}: {reason}", "choose a different --host")
        case _:
            return CommandError(f"cannot start: {reason}", CHOOSE_FOLDER)


def chosen_providers(settings: Settings) -> dict[str, ProviderSettings]:
    """Return the providers with an explicit address: a key alone is not used without being asked."""
    providers = settings.all_providers()
    if not os.environ.get("OPENAI_BASE_URL") and "openai" not in settings.providers:
        providers.pop("openai", None)
    return providers


def shown_url(url: str) -> str:
    """Return a URL without its user name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
