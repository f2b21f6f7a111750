"""A PostgreSQL server of the tests' own: one cluster for each test process, with an empty database for each test."""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.programs import find_program, require_programs
from tests.timeouts import EVENT_TIMEOUT

USER = "postgres"
UNPRIVILEGED = 65534
"""The number of the account without rights, if the system has none for PostgreSQL."""
ATTEMPTS = 5
"""Ports that are tried: another process can take one between the choice and the start."""
SETTINGS = """
max_connections = 200
timezone = 'UTC'
log_timezone = 'UTC'
fsync = off
full_page_writes = off
"""
"""All else is as PostgreSQL ships it. Without `fsync`, commits are lost only with the machine, not with the server."""
GUARD = """
cat >/dev/null
"$1" stop --silent --mode=immediate --pgdata="$2"
rm -rf "$3"
"""
"""Stops the server when its standard input is closed, also by the death of the test process."""


class PostgresServer:
    """A running cluster in a folder of its own, on a port of its own; it asks for no password.

    Its URLs stay valid when it is stopped and started again.
    """

    def __init__(self, programs: Path, folder: Path, address: str = "127.0.0.1") -> None:
        self._address = address
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._numbers = itertools.count(1)
        self._account = _find_account()
        self.port = 0

    @property
    def log(self) -> Path:
        """The file to which the server logs."""
        return self._folder / "log"

    @property
    def pid(self) -> int:
        """The number of its first process, which starts the others."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def create(self) -> None:
        """Create the cluster, and start it."""
        if self._account is not None:
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        options = ["--encoding=UTF8", "--locale=C", "--auth=trust", f"--username={USER}", "--no-sync"]
        self._run("initdb", *options, f"--pgdata={self._data}")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"{SETTINGS}unix_socket_directories = '{self._folder}'\n")
            file.write(f"listen_addresses = '{self._address}'\n")
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write("host all all samenet trust\n")
        for attempt in range(ATTEMPTS):
            self.port = _find_free_port()
            try:
                return self.start()
            except subprocess.CalledProcessError:
                if attempt == ATTEMPTS - 1:
                    raise
        return None

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        options = ["--wait", f"--timeout={EVENT_TIMEOUT:.0f}", f"--log={self.log}", f"--options=-p {self.port}"]
        self._run("pg_ctl", "start", f"--pgdata={self._data}", *options)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `smart`, `fast`, or `immediate`, which is a crash."""
        self._run("pg_ctl", "stop", f"--mode={mode}", f"--pgdata={self._data}", f"--timeout={EVENT_TIMEOUT:.0f}")

    def url(self, database: str = USER) -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@{self._address}:{self.port}/{database}"

    def execute(self, statement: str, database: str = USER) -> str:
        """Execute a statement outside of a transaction; returns the rows as lines of text."""
        options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        return self._run("psql", *options, f"--command={statement}", self.url(database))

    @contextmanager
    def create_database(self, template: str = "template0") -> Generator[str]:
        """Create a copy of a database, and return its URL; it is dropped at the end, with its connections."""
        url = self.add_database(template)
        name = url.rpartition("/")[2]
        try:
            yield url
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def add_database(self, template: str = "template0") -> str:
        """Create a copy of a database that exists as long as the server does, and return its URL."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    @contextmanager
    def guard(self) -> Generator[None]:
        """Stop the server and remove its folder at the end, however this process ends."""
        command = ["sh", "-c", GUARD, "guard", self._programs / "pg_ctl", self._data, self._folder]
        guard = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, **self._process_options())
        try:
            yield
        finally:
            guard.communicate(timeout=EVENT_TIMEOUT)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> str:
        # Output goes to files: the server inherits its handles, and a pipe would be open as long as it runs.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            run = subprocess.run(
                [self._programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=EVENT_TIMEOUT * 2,
                **self._process_options(),
            )
            output.seek(0)
            errors.seek(0)
            if run.returncode != 0:
                log = self.log.read_text("utf-8", "replace")[-2000:] if self.log.exists() else ""
                raise subprocess.CalledProcessError(
                    run.returncode, program, stderr=errors.read().decode(errors="replace") + log
                )
            return output.read().decode()

    def _process_options(self) -> dict[str, object]:
        """The account, and a session of its own: an interrupt from the terminal is for the tests."""
        options: dict[str, object] = {"cwd": self._folder, "start_new_session": True, "env": _environment()}
        if self._account is not None:
            options |= {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return options


@cache
def find_postgres() -> Path | None:
    """Return the folder with the programs of the server."""
    initdb = find_program("initdb")
    return None if initdb is None else initdb.resolve().parent


def run_postgres(address: str = "127.0.0.1") -> Iterator[PostgresServer]:
    """Run a server that listens on an address; the test is skipped if the programs are missing, or fails in CI."""
    require_programs("initdb")
    programs = find_postgres()
    assert programs is not None
    # The path of a socket has about a hundred characters at most, and the account must reach the folder.
    folder = Path(tempfile.mkdtemp(prefix="pd-pg-", dir="/tmp"))
    server = PostgresServer(programs, folder, address)
    with server.guard():
        server.create()
        yield server


def _find_account() -> pwd.struct_passwd | None:
    """Return an unprivileged account if this process runs as root, as which PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return None
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return accounts.get(USER) or pwd.getpwuid(UNPRIVILEGED)


def _environment() -> dict[str, str]:
    """The environment without variables by which users choose a server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
