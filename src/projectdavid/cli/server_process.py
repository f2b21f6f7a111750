"""The server in the foreground: its announcement, its signals, its errors."""

import logging
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import Any, Self

import uvicorn
import uvloop

import projectdavid
from projectdavid.api.http.telemetry import ACCESS_LOG
from projectdavid.api.openai.routes import PREFIX
from projectdavid.cli.configuration import StartError, read_settings, shown_url, start_failure
from projectdavid.cli.output import CommandError, note, print_json, program, say
from projectdavid.client.settings import credentials_path
from projectdavid.composition.serve import serve
from projectdavid.instruments.json_logs import JsonFormatter
from projectdavid.instruments.telemetry import INSTANCE
from projectdavid.settings import Settings

LEVELS = ("debug", "info", "warning", "error", "critical")


class _Signals:
    """Handle SIGTERM and SIGINT: before the server is up they are recorded, afterwards uvicorn stops gracefully.

    uvicorn raises the signal once more when it has stopped; there it must not end the program another way.
    """

    came = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._remember) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, *_: object) -> None:
        self.came = True


def run_server(*, as_json: bool, fresh: bool = False, **flags: Any) -> None:
    """Serve until stopped.

    Raises:
        Failure: the server cannot start.
    """
    with _Signals() as signals:
        settings = read_settings(**flags)
        _log(settings)
        links: list[str] = []

        def ready(url: str, server: uvicorn.Server) -> None:
            if as_json:
                print_json(_facts(settings, url), indent=None)
            else:
                _announce(settings, url, links)
            sys.stdout.flush()
            if signals.came:
                server.should_exit = True

        try:
            # A link in a log would outlive the moment for which it is meant.
            on_link = links.append if sys.stdout.isatty() and not as_json else None
            uvloop.run(serve(settings, ready, fresh=fresh, on_link=on_link))
        except StartError as error:
            raise start_failure(error, settings) from error
        note("stopped")


def _log(settings: Settings) -> None:
    level = settings.log_level
    if level.lower() not in LEVELS:
        raise CommandError(f"unknown log level {level}", f"choose one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter(INSTANCE) if settings.log_format == "json" else plain)
    logging.basicConfig(level=level.upper(), handlers=[handler])
    if settings.access_log:
        logging.getLogger(ACCESS_LOG).setLevel(logging.INFO)


def _facts(settings: Settings, url: str) -> dict[str, Any]:
    return {
        "url": url,
        "openai_base_url": f"{url}{PREFIX}",
        "version": projectdavid.__version__,
        "role": settings.role,
        "pid": os.getpid(),
        "data": str(settings.data.absolute()),
        "credentials": str(settings.credentials.absolute()),
        "providers": {name: shown_url(provider.base_url) for name, provider in settings.all_providers().items()},
    }


def _announce(settings: Settings, url: str, links: Sequence[str]) -> None:
    if settings.role == "worker":
        say(
            f"A worker of Project David {projectdavid.__version__} is running; its health is at {url}/health",
            "bold green",
        )
        note("Ctrl-C stops it.")
        return
    say(f"Project David {projectdavid.__version__} is running at {url}", "bold green")
    for link in links:
        say(f"  console      {link}  (signs in once, within 10 minutes; later: {_elsewhere(settings)}{program()} open)")
    say(f"  reference    {url}/docs")
    say(f"  for openai   {url}{PREFIX}  (the OPENAI_BASE_URL of programs that use OpenAI's clients)")
    say(f"  credentials  {settings.credentials}  (the SDK and these commands read it)")
    say(f"  data         {settings.data}")
    say(f"  models       {_models(settings)}")
    say(f"  next         {_elsewhere(settings)}{program()} chat", "bold")
    note("Ctrl-C stops it.")


def _models(settings: Settings) -> str:
    providers = settings.all_providers()
    if not providers:
        return "demo/assistant only; set OPENAI_BASE_URL and OPENAI_API_KEY, or OLLAMA_HOST, and restart for others"
    default = settings.default_provider or next(iter(providers))
    named = [
        f"{name} at {shown_url(provider.base_url)}{' (default)' if name == default else ''}"
        for name, provider in providers.items()
    ]
    return ", ".join([*named, "demo"])


def _elsewhere(settings: Settings) -> str:
    """Return the environment variable that other commands need, if the data folder is not the default."""
    if credentials_path(os.environ).absolute() == settings.credentials.absolute():
        return ""
    return f"PROJECTDAVID_DATA={shlex.quote(str(settings.data.absolute()))} "
