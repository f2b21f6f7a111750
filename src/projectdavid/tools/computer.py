"""`computer`: models run commands in a shell of their thread, which goes on living between calls."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from projectdavid.ports.sandbox import Done, Lost, Output, Tunnel
from projectdavid.ports.terminal import Completed, Made
from projectdavid.ports.tool import Context, ToolCall, ToolError, ToolFunction, ToolOutput
from projectdavid.tools.exchange import Harvest, bring_in, take_out
from projectdavid.tools.sessions import Held, Sessions
from projectdavid.tools.telling import Telling, tell_state
from projectdavid.tools.text import Cleaner, clipped, seconds_of, settled, size_of

MAX_COMMANDS = 50
MAX_COMMAND = 100_000
"""Characters."""
MAX_TEXT = 30_000
"""Characters of output that the model is told, all commands together."""
LEAST = 2_000
"""Characters that each command may have of them, however many there are."""
DESCRIPTION = """\
Run commands in a bash shell inside a sandbox, and get the output and the exit status of each.

The commands run one after another in one shell; a command that fails does not stop those after it (join commands with \
&& where it should). The working directory, variables, background processes and files are kept from call to call \
within the conversation. The files of the conversation are in /mnt/data, where the shell starts; every file that is \
written there is given to the user. {network} Nobody answers questions at the terminal: use options such as -y. All \
commands of a call together may run for {seconds}; then what runs is interrupted, and the rest is left out. Put what \
is to go on in the background.
"""
CLOSED = "There is no network."
OPEN = "The network leads only to hosts that the operator allows, by HTTP and HTTPS, through the proxy that is set."
PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "commands": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "The shell commands to run, in order.",
        }
    },
    "required": ["commands"],
    "additionalProperties": False,
}
EXPECTED = 'computer takes {"commands": ["..."]}, a list of shell commands'


class Computer:
    """Runs the shell commands of models.

    Args:
        timeout: seconds that all commands of one call may run.
        egress: returns the way to the network of an assistant, an owner and a thread, an equal one each time, or None
            for a session without network; by default no session has network.
    """

    def __init__(
        self, sessions: Sessions, timeout: float = 300.0, egress: Callable[[str, str, str], Tunnel | None] | None = None
    ) -> None:
        self._sessions = sessions
        self._timeout = timeout
        self._egress = egress

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:  # noqa: ARG002
        """The one function; what can reach the network may have done something there, and is not run again."""
        network, effect = (CLOSED, "idempotent") if self._egress is None else (OPEN, "unsafe")
        description = DESCRIPTION.format(seconds=seconds_of(self._timeout), network=network)
        return [ToolFunction("computer", description, PARAMETERS, effect=effect)]

    async def run(self, call: ToolCall, context: Context) -> ToolOutput:
        """Run the commands of one call.

        Raises:
            ToolError: the arguments are no commands, or there is no session to be had.
        """
        commands = _commands_of(call.arguments)
        tunnel = self._egress(call.assistant_id, call.owner, call.thread_id) if self._egress else None
        async with self._sessions.use(call, context, "shell", tunnel) as held:
            work = _Work(commands, held, context)
            try:
                work.notes += await bring_in(held.session, context, held.known, held.listing)
                done = await self._all(work, context, call.thread_id)
                if done is not None:
                    await work.stopped(done, self._timeout)
                await take_out(held.session, context, held.known, work.harvest)
            except Lost as error:
                await self._sessions.lost(held, context, error)
                work.notes.append(
                    f"The session ended while a command ran: {error.reason} What it had not saved is gone. "
                    "Nothing was run again; the next call starts a new session."
                )
            for file in work.harvest.files:
                self._sessions.show(call.thread_id, Made(file))
            return work.output()

    async def _all(self, work: "_Work", context: Context, thread_id: str) -> Done | None:
        """Run one after another; returns how the last one ended where that left no shell, or no time, for others."""
        left = self._timeout
        now = asyncio.get_running_loop().time
        async with Telling(context) as telling:
            for command in work.commands:
                began = now()
                done = await work.one(command, left, telling)
                left -= now() - began
                self._sessions.show(thread_id, Completed(command, done.exit_status))
                if done.status in ("timeout", "died") or done.state_lost or left <= 0:
                    return done
        return None


class _Work:
    """The commands of one call, what they printed, and what became of them."""

    def __init__(self, commands: Sequence[str], held: Held, context: Context) -> None:
        self.commands = commands
        self._held = held
        self._context = context
        self._ran: list[dict[str, Any]] = []
        self._ends: list[str] = []
        self.harvest = Harvest()
        self.notes = [held.note] if held.note else []

    async def one(self, command: str, timeout: float, telling: Telling) -> Done:
        """Run a command, and tell its output as it comes."""
        cleaner, parts = Cleaner(), list[str]()
        ran: dict[str, Any] = {"type": "command", "command": command, "exit_status": None, "logs": ""}
        self._ran.append(ran)
        self._ends.append("[did not end]")
        done = Done("died", state_lost=True)
        try:
            async with aclosing(self._held.session.run(command, timeout)) as events:
                async for event in events:
                    if isinstance(event, Output):
                        text = cleaner.feed(event.text)
                        telling.add("terminal", text)
                        parts.append(text)
                    elif isinstance(event, Done):
                        done = event
        finally:
            telling.add("terminal", rest := cleaner.end())
            parts.append(rest)
            ran["logs"] = _without_echo(settled("".join(parts)), command)
        ran["exit_status"] = done.exit_status
        self._ends[-1] = _end_of(done, timeout)
        if done.dropped:
            self.notes.append(f"A command printed more than is kept: {size_of(done.dropped)} were dropped.")
        return done

    async def stopped(self, done: Done, timeout: float) -> None:
        """Say why the commands after the last one were not run, and what is gone."""
        said: list[str] = []
        if done.status == "timeout" or not (done.state_lost or done.status == "died"):
            said.append(f"The time of {seconds_of(timeout)} was up.")
        if done.state_lost:
            said.append(
                "The shell ended, and a new one was started: variables, working directory and processes are gone; "
                "files in /mnt/data are still there."
            )
            await tell_state(self._context, "lost", "shell", self._held.session.level, said[-1])
        if rest := len(self.commands) - len(self._ran):
            said.append(f"{rest} of {len(self.commands)} commands were not run.")
        self.notes += [" ".join(said)]

    def output(self) -> ToolOutput:
        """What they came to."""
        each = max(LEAST, MAX_TEXT // len(self.commands))
        lines: list[str] = []
        for ran, end in zip(self._ran, self._ends, strict=True):
            ran["logs"] = clipped(ran["logs"].rstrip("\n"), each)
            lines += [f"$ {ran['command']}", *([ran["logs"]] if ran["logs"] else []), end]
        if self.harvest.lines:
            lines += ["", "Files for the user:", *(f"- {line}" for line in self.harvest.lines)]
        lines += [f"\n[{note}]" for note in (*self.notes, *self.harvest.notes)]
        files = self.harvest.files
        details = {
            "input": list(self.commands),
            "outputs": self._ran,
            "sandbox": self._held.facts(),
            "files": [file.id for file in files],
        }
        return ToolOutput("\n".join(lines), tuple(files), details)


def _end_of(done: Done, timeout: float) -> str:
    match done.status:
        case "timeout":
            return f"[interrupted after {seconds_of(round(timeout, 1))}]"
        case "interrupted":
            return "[interrupted]"
        case "died":
            return "[the shell ended]"
        case _:
            return f"[exit {done.exit_status}]"


def _without_echo(text: str, command: str) -> str:
    """The output without the lines in which the terminal shows the command, which the model is told anyway."""
    lines = command.rstrip("\n").split("\n")
    return text.removeprefix("$ " + "\n> ".join(lines) + "\n")


def _commands_of(arguments: Mapping[str, Any]) -> Sequence[str]:
    """The commands of a call.

    Raises:
        ToolError: there are none, or too many; says what was expected.
    """
    unknown = [name for name in arguments if name != "commands"]
    if unknown:
        raise ToolError(f"computer takes 'commands' alone, not '{unknown[0]}'")
    commands = arguments.get("commands")
    if not isinstance(commands, list) or not commands:
        raise ToolError(EXPECTED)
    if len(commands) > MAX_COMMANDS:
        raise ToolError(f"'commands' has {len(commands)} commands, and may have {MAX_COMMANDS}")
    for number, command in enumerate(commands, 1):
        if not isinstance(command, str) or not command.strip():
            raise ToolError(f"{EXPECTED}; the command {number} is no text")
        if "\0" in command:
            raise ToolError(f"the command {number} has a NUL character in it")
        if len(command) > MAX_COMMAND:
            raise ToolError(f"the command {number} has {len(command)} characters, and may have {MAX_COMMAND}")
    return commands
