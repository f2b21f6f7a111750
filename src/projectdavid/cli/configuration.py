"""Reading the settings, and saying in one line what keeps a platform from starting."""

import errno
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import SettingsError

from projectdavid.cli.printing import Failure
from projectdavid.ports.store import StoreError, Unavailable
from projectdavid.server.settings import ProviderSettings, Settings, default_data

StartError = (StoreError, OSError, ValueError)
"""What keeps a platform from starting."""
CHOOSE_FOLDER = "choose a folder of yours with --data, or look with `projectdavid doctor`"


def read_settings(**flags: Any) -> Settings:
    """The settings, with the flags that were given.

    Raises:
        Failure: a setting is wrong; it is named.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    next_step = _look(given.get("data") or default_data())
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Failure(f"bad configuration: {faults}", next_step) from error
    except (SettingsError, ValueError, OSError) as error:
        raise Failure(f"bad configuration: {error}", next_step) from error


def start_failure(error: BaseException, settings: Settings) -> Failure:
    """What keeps this platform from starting, and what to do."""
    if isinstance(error, socket.gaierror):
        return Failure(f"cannot listen on {settings.host}: {error.strerror}", "choose another --host")
    if isinstance(error, OSError) and error.filename is None:
        return _of_the_system(error, settings)
    if isinstance(error, OSError):
        return Failure(
            f"cannot use the data folder {settings.data}: {error.strerror} ({error.filename})",
            CHOOSE_FOLDER,
        )
    if isinstance(error, Unavailable) and error.remedy:
        return Failure(error.problem, error.remedy)
    if isinstance(error, StoreError):
        text = str(error)
        return Failure(text, "" if "--data" in text else CHOOSE_FOLDER)
    return Failure(f"cannot start: {error}", _look(settings.data))


def _look(folder: Path) -> str:
    return f"look at PROJECTDAVID_* in the environment, at .env, and at {folder / 'config.toml'}"


def _of_the_system(error: OSError, settings: Settings) -> Failure:
    """What the system refused without naming a file: to listen, or to write."""
    host, port, reason = settings.host, settings.port, error.strerror or str(error)
    match error.errno:
        case errno.EADDRINUSE:
            looks = "`projectdavid doctor` says whether by this server"
            return Failure(f"the port {port} of {host} is in use", f"{looks}; or choose another: --port {port + 1}")
        case errno.EACCES:
            return Failure(f"the port {port} is not for you", "choose one above 1023 with --port")
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return Failure(f"cannot listen on {host}:{port}: {reason}", "choose another --host")
        case _:
            return Failure(f"cannot start: {reason}", CHOOSE_FOLDER)


def chosen_providers(settings: Settings) -> dict[str, ProviderSettings]:
    """The providers that somebody pointed this program at: a key alone is not spent unasked."""
    providers = settings.all_providers()
    if not os.environ.get("OPENAI_BASE_URL") and "openai" not in settings.providers:
        providers.pop("openai", None)
    return providers


def shown_url(url: str) -> str:
    """A URL without the name and password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
