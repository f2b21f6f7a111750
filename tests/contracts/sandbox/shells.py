"""Attacks on a session of a shell: whatever commands do to it, the next one is run and its status is known."""

import pytest

from projectdavid.ports.sandbox import SandboxSession
from tests.contracts.sandbox.attacks import status
from tests.contracts.sandbox.hold import Hold, ran

MUCH = 16 << 20
COMMANDS = {
    "ends": "exit 3",
    "kills itself": "kill -9 $$",
    "kills all": "kill -9 -1",
    "becomes another": "exec sleep 1000",
    "closes all": 'for fd in /proc/$$/fd/*; do eval "exec ${fd##*/}>&-"; done 2>/dev/null',
    "writes to all": "for fd in /proc/$$/fd/*; do timeout 0.1 dd if=/dev/urandom of=$fd count=1 status=none; done 2>&1",
    "fakes its status": "for fd in /proc/$$/fd/*; do printf '0\\n0 0\\0' | timeout 0.1 tee $fd; done >/dev/null 2>&1",
    "reads its commands": "for fd in /proc/$$/fd/*; do timeout 0.2 cat $fd; done >/dev/null 2>&1",
    "renames its tools": "eval() { :; }; printf() { :; }; read() { return 1; }; builtin() { :; }; command() { :; }",
    "takes its prompt": "PROMPT_COMMAND=; PS1=; trap '' INT DEBUG; unset -f $(compgen -A function); IFS=; set -f",
    "ends on errors": "set -euo pipefail; false",
    "runs nothing": "set -n",
    "turns off its tools": "enable -n eval read printf trap exec return; shopt -s extdebug",
    "spoils the terminal": "stty raw -echo -isig; printf '\\033c\\033[?1049h\\033]52;c;eA==\\007'",
    "leaves things open": "if true; then",
    "leaves processes": "sleep 1000 & (sleep 1000 &) ; yes > /dev/null & disown -a",
    "ignores signals": "trap '' INT TERM HUP QUIT TSTP; sleep 1000",
    "stops": "kill -STOP $$",
}


async def answers(session: SandboxSession) -> None:
    """It does what it is told, and knows the status, at the latest after it was ended and has begun anew."""
    for _ in range(3):
        result = await ran(session, "echo st''ill; (exit 7)", 2)
        if result.done and result.done.exit_status == 7 and "still" in result.text:
            return
        await ran(session, "kill -9 $$", 2)
    raise AssertionError(result)


@pytest.mark.anyio
class ShellAttacks:
    """Sessions of a shell that are attacked from inside."""

    @pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
    async def test_a_shell_goes_on_after_a_command_that_harms_it(self, hold: Hold, command: str) -> None:
        async with hold.session("shell") as session:
            await ran(session, command, 1)
            await answers(session)

    async def test_much_on_the_terminal_is_read_and_dropped(self, hold: Hold) -> None:
        async with hold.session("shell") as session:
            result = await ran(session, f"yes | head -c {MUCH}")
            assert status(result) == "ok"
            assert result.done is not None
            assert len(result.text.encode()) <= hold.limits.output
            assert result.done.dropped >= MUCH - hold.limits.output
            await answers(session)
