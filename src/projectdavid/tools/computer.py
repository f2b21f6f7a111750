"""`computer`: runs models' commands in a shell of the thread, which persists between calls."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from projectdavid.ports.sandbox import OutputGap, OutputText, RunDone, SessionLost, Tunnel
from projectdavid.ports.terminal import CommandCompleted, FileMade
from projectdavid.ports.tool import ToolCall, ToolContext, ToolDescription, ToolError, ToolFunction, ToolOutput
from projectdavid.tools.sessions.output_events import OutputEvents, tell_state
from projectdavid.tools.sessions.repeated_lines import readable
from projectdavid.tools.sessions.session_files import CallFiles, bring_in, take_out
from projectdavid.tools.sessions.sessions import HeldSession, SessionPool
from projectdavid.tools.sessions.terminal_text import TerminalCleaner, apply_controls, gap_of, seconds_of, size_of
from projectdavid.tools.step_renderers import render_commands

MAX_COMMANDS = 50
MAX_COMMAND = 100_000
"""Maximum characters of a command."""
MAX_TEXT = 30_000
"""Characters of output in the result, all commands together."""
LEAST = 2_000
"""Minimum share of each command, in characters."""
DESCRIPTION = """\
Run commands in a bash shell inside a sandbox, and get the output and the exit status of each.

The commands run one after another in one shell; a command that fails does not stop those after it (join commands with \
&& if it should). The working directory, variables, background processes and files are kept from call to call \
within the conversation. The files of the conversation are in /mnt/data, where the shell starts; every file that is \
written there is given to the user. {network} There is no root and no sudo. The terminal has no keyboard, \
and questions are not answered: use options such as -y, and no editors or pagers. All commands of a call \
together can run for {seconds}; then the current command is interrupted, and the rest is skipped. Run long tasks in \
the background.
"""
CLOSED = "There is no network."
OPEN = "The network only reaches hosts that the operator allows, by HTTP and HTTPS, through the configured proxy."
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
EXPECTED = 'computer expects {"commands": ["..."]}, a list of shell commands'


class ComputerTool:
    """Runs the shell commands of models.

    Args:
        timeout: timeout of all commands of one call in seconds.
        egress: returns the network access of an assistant, an owner and a thread (equal on each call), or None for a
            session without network; by default no session has network.
    """

    description = ToolDescription(
        "computer", render_commands, has_citations=True, reserved_functions=frozenset({"computer"})
    )

    def __init__(
        self,
        sessions: SessionPool,
        timeout: float = 300.0,
        egress: Callable[[str, str, str], Tunnel | None] | None = None,
    ) -> None:
        self._sessions = sessions
        self._timeout = timeout
        self._egress = egress

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:  # noqa: ARG002
        """The single function. With network access, commands can have external effects, and are not run again."""
        network, effect = (CLOSED, "idempotent") if self._egress is None else (OPEN, "unsafe")
        description = DESCRIPTION.format(seconds=seconds_of(self._timeout), network=network)
        return [ToolFunction("computer", description, PARAMETERS, effect=effect)]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        """Run the commands of one call.

        Raises:
            ToolError: the arguments are invalid, or no session is available.
        """
        commands = _commands_of(call.arguments)
        tunnel = self._egress(call.assistant_id, call.owner, call.thread_id) if self._egress else None
        async with self._sessions.use(call, context, "shell", tunnel) as held:
            work = _Work(commands, held, context)
            try:
                work.notes += await bring_in(held.session, context, held.known, held.listing)
                done = await self._all(work, context, call.thread_id)
                if done is not None:
                    await work.explain_stop(done, self._timeout)
                await take_out(held.session, context, held.known, work.harvest)
            except SessionLost as error:
                await self._sessions.report_loss(held, context, error)
                work.notes.append(
                    f"The session ended while a command ran: {error.reason} Unsaved state is lost. "
                    "Nothing was run again; the next call starts a new session."
                )
            for file in work.harvest.files:
                self._sessions.show(call.thread_id, FileMade(file))
            return work.output()

    async def _all(self, work: "_Work", context: ToolContext, thread_id: str) -> RunDone | None:
        """Run the commands in order; returns the outcome of the last one if the shell or the time is gone."""
        left = self._timeout
        now = asyncio.get_running_loop().time
        async with OutputEvents(context) as telling:
            for command in work.commands:
                began = now()
                done = await work.one(command, left, telling)
                left -= now() - began
                self._sessions.show(thread_id, CommandCompleted(command, done.exit_status))
                if done.status in ("timeout", "died") or done.state_lost or left <= 0:
                    return done
        return None


class _Work:
    """The commands of one call, their output, and their outcomes."""

    def __init__(self, commands: Sequence[str], held: HeldSession, context: ToolContext) -> None:
        self.commands = commands
        self._held = held
        self._context = context
        self._ran: list[dict[str, Any]] = []
        self._ends: list[str] = []
        self.harvest = CallFiles()
        self.notes = [held.note] if held.note else []

    async def one(self, command: str, timeout: float, telling: OutputEvents) -> RunDone:
        """Run a command, and emit its output as it arrives."""
        cleaner, parts = TerminalCleaner(), list[str]()
        ran: dict[str, Any] = {"type": "command", "command": command, "exit_status": None, "logs": ""}
        self._ran.append(ran)
        self._ends.append("[did not end]")
        done = RunDone("died", state_lost=True)
        try:
            async with aclosing(self._held.session.run(command, timeout)) as events:
                async for event in events:
                    if isinstance(event, OutputText):
                        text = cleaner.feed(event.text)
                        telling.add("terminal", text)
                        parts.append(text)
                    elif isinstance(event, OutputGap):
                        parts += [cleaner.end(), gap_of(event.size)]
                        telling.add("terminal", gap_of(event.size))
                    elif isinstance(event, RunDone):
                        done = event
        finally:
            telling.add("terminal", rest := cleaner.end())
            parts.append(rest)
            ran["logs"] = _without_echo(apply_controls("".join(parts)), command)
        ran["exit_status"] = done.exit_status
        self._ends[-1] = _end_of(done, timeout)
        if done.dropped:
            size = size_of(done.dropped)
            self.notes.append(f"The output of a command exceeded the limit: {size} in the middle were dropped.")
        return done

    async def explain_stop(self, done: RunDone, timeout: float) -> None:
        """Explain why the remaining commands were not run, and what is lost."""
        said: list[str] = []
        if done.status == "timeout" or not (done.state_lost or done.status == "died"):
            said.append(f"The timeout of {seconds_of(timeout)} expired.")
        if done.state_lost:
            said.append(
                "The shell exited, and a new one was started: variables, working directory and processes are lost; "
                "files in /mnt/data remain."
            )
            await tell_state(self._context, "lost", "shell", self._held.session.level, said[-1])
        if rest := len(self.commands) - len(self._ran):
            said.append(f"{rest} of {len(self.commands)} commands were not run.")
        self.notes += [" ".join(said)]

    def output(self) -> ToolOutput:
        """Build the tool output."""
        each = max(LEAST, MAX_TEXT // len(self.commands))
        lines: list[str] = []
        for ran, end in zip(self._ran, self._ends, strict=True):
            ran["logs"] = readable(ran["logs"], each)
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


def _end_of(done: RunDone, timeout: float) -> str:
    match done.status:
        case "timeout":
            return f"[interrupted after {seconds_of(round(timeout, 1))}]"
        case "interrupted":
            return "[interrupted]"
        case "died":
            return "[the shell exited]"
        case _:
            return f"[exit {done.exit_status}]"


def _without_echo(text: str, command: str) -> str:
    """Remove the lines in which the terminal echoes the command."""
    lines = command.rstrip("\n").split("\n")
    return text.removeprefix("$ " + "\n> ".join(lines) + "\n")


def _commands_of(arguments: Mapping[str, Any]) -> Sequence[str]:
    """Return the commands of a call.

    Raises:
        ToolError: they are missing or too many; the message says what was expected.
    """
    unknown = [name for name in arguments if name != "commands"]
    if unknown:
        raise ToolError(f"computer only accepts 'commands', not '{unknown[0]}'")
    commands = arguments.get("commands")
    if not isinstance(commands, list) or not commands:
        raise ToolError(EXPECTED)
    if len(commands) > MAX_COMMANDS:
        raise ToolError(f"'commands' has {len(commands)} commands, but at most {MAX_COMMANDS} are allowed")
    for number, command in enumerate(commands, 1):
        if not isinstance(command, str):
            raise ToolError(f"{EXPECTED}; command {number} is not a string")
        if "\0" in command:
            raise ToolError(f"command {number} contains a NUL character")
        if len(command) > MAX_COMMAND:
            raise ToolError(f"command {number} has {len(command)} characters, but at most {MAX_COMMAND} are allowed")
    if not any(command.strip() for command in commands):
        raise ToolError(f"{EXPECTED}; all of them are empty")
    return commands
