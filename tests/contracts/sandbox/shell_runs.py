"""What every shell session does with commands, and what its terminal shows."""

import asyncio

import pytest

from projectdavid.ports.sandbox import Sandbox, SandboxLimits, SandboxSession
from tests.contracts.sandbox.driving import PATIENCE, ended, opened, ran, until


async def says(session: SandboxSession, command: str) -> str:
    """What a command shows, without the command itself."""
    told = await ran(session, command)
    assert told.done.status == "ok", told.events
    prompt = "".join(f"{'> ' if n else '$ '}{line}\n" for n, line in enumerate(command.rstrip("\n").split("\n")))
    assert told.terminal.startswith(prompt), told.events
    return told.terminal.removeprefix(prompt)


class ShellRuns:
    """Needs a fixture `sandbox`, a started `ports.sandbox.Sandbox`."""

    pytestmark = pytest.mark.anyio

    async def test_commands_are_shown_with_what_they_show(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            assert (await ran(session, "echo one; echo two >&2")).terminal == "$ echo one; echo two >&2\none\ntwo\n"
            assert await says(session, "printf 'no newline'") == "no newline"
            assert await says(session, "for n in 1 2; do\n  echo $n\ndone") == "1\n2\n"
            assert await says(session, "cat <<END\na 'b' \"c\" $((1 + 1))\nEND") == "a 'b' \"c\" 2\n"
            assert await says(session, "echo 'é€😀!'") == "é€😀!\n"
            assert await says(session, "# nothing") == ""
            assert await says(session, "") == ""

    async def test_directory_variables_functions_and_jobs_live_on(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await says(
                session,
                "mkdir -p d/e; cd d/e; X=5; declare -A M=([k]=v); set -- p\nf() { echo \"f $1\"; }\nalias g='echo g'",
            )
            assert await says(session, "basename $PWD; echo $X ${M[k]} $1; f 1; g") == "e\n5 v p\nf 1\ng\n"
            await says(session, "sleep 1000 & J=$!")
            assert (
                await says(session, "kill -0 $J && echo lives; kill $J; wait $J 2>/dev/null; echo $?") == "lives\n143\n"
            )

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            ("true", 0),
            ("false", 1),
            ("(exit 42)", 42),
            ("no-such-command", 127),
            ("for x in", 2),
            ("echo 'open", 2),
            ("sh -c 'kill -9 $$'", 137),
            ("return 3", 2),
            ("break", 0),
            ("continue", 0),
            ("f() { return 5; }; f", 5),
            ("a\0b", 2),
        ],
    )
    async def test_each_command_has_its_exit_status(self, sandbox: Sandbox, command: str, status: int) -> None:
        async with opened(sandbox, "shell") as session:
            done = (await ran(session, command)).done
            assert (done.status, done.exit_status) == ("ok" if status == 0 else "error", status)
            assert not done.state_lost
            assert await says(session, "echo on") == "on\n"

    async def test_the_status_of_the_last_command_is_known_to_the_next(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await ran(session, "(exit 42)")
            assert await says(session, "echo $?") == "42\n"

    async def test_it_is_a_terminal_of_known_size(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            command = "test -t 1 && test -t 2 && stty size </dev/tty; echo $TERM"
            assert await says(session, command) == "24 80\nxterm-256color\n"
            await session.resize(50, 132)
            assert await says(session, "stty size </dev/tty") == "50 132\n"
            await session.resize(0, 10**9)
            assert await says(session, "stty size </dev/tty") == "1 1000\n"

    async def test_what_reads_finds_the_end_of_its_input(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            assert await says(session, "cat; read x || echo end") == "end\n"

    async def test_commands_find_no_way_to_the_agent(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            listed = await says(session, "ls -l /proc/self/fd")
            assert "socket:" not in listed
            assert "pipe:" not in listed
            assert await says(session, "env | grep -c -e PROMPT -e driver || true") == "0\n"

    @pytest.mark.parametrize("forever", ["sleep 1000", "while :; do :; done", "sleep 1000 | cat", "sh -c 'sleep 1000'"])
    async def test_ctrl_c_ends_the_command_and_not_the_shell(self, sandbox: Sandbox, forever: str) -> None:
        async with opened(sandbox, "shell") as session:
            _, task = await until(session, f"X=5; echo o''n; {forever}; echo be''hind", "on\r\n")
            await session.interrupt()
            told = await ended(task)
            assert (told.done.status, told.done.exit_status) == ("interrupted", 130)
            assert "behind" not in told.terminal.replace("be''hind", "")
            assert await says(session, "echo $X") == "5\n"

    async def test_after_ctrl_c_nothing_follows_a_program_that_ends_well(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            program = "sh -c \"trap 'exit 0' INT; echo o''n; while :; do sleep 0.1; done\""
            _, task = await until(session, f"X=5; {program}; echo be''hind", "on\r\n")
            await session.interrupt()
            told = await ended(task)
            assert (told.done.status, told.done.exit_status) == ("interrupted", 130)
            assert "\nbehind" not in told.terminal
            assert await says(session, "echo $X") == "5\n"

    async def test_a_command_is_interrupted_however_soon(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            for _ in range(20):
                task = asyncio.create_task(ran(session, "sleep 1000"))
                await asyncio.sleep(0)
                await session.interrupt()
                assert (await ended(task)).done.status == "interrupted"

    async def test_a_command_that_takes_too_long_is_interrupted(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await says(session, "X=5")
            told = await ran(session, "sleep 1000", timeout=0.2)
            assert (told.done.status, told.done.state_lost) == ("timeout", False)
            assert await says(session, "echo $X") == "5\n"

    async def test_a_program_that_does_not_heed_ctrl_c_is_killed_and_the_shell_stays(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await says(session, "X=5")
            told = await ran(session, "sh -c \"trap '' INT; while :; do sleep 1000; done\"", timeout=2.0)
            assert (told.done.status, told.done.exit_status, told.done.state_lost) == ("timeout", 137, False)
            assert await says(session, "echo $X") == "5\n"

    async def test_a_shell_that_does_not_heed_ctrl_c_is_killed(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await says(session, "X=5; trap '' INT")
            told = await ran(session, "while :; do :; done", timeout=0.2)
            assert (told.done.status, told.done.state_lost) == ("timeout", True)
            assert await says(session, "echo x$X") == "x\n"

    @pytest.mark.parametrize(
        ("leave", "words"), [("exit 4", "exit status 4"), ("kill -9 $$", "SIGKILL"), ("exec true", "exit status 0")]
    )
    async def test_exit_ends_the_shell_and_a_new_one_goes_on(self, sandbox: Sandbox, leave: str, words: str) -> None:
        async with opened(sandbox, "shell") as session:
            told = await ran(session, f"X=5; touch kept; {leave}")
            assert (told.done.status, told.done.state_lost) == ("died", True)
            assert words in str(told.done.error)
            assert await says(session, "ls; echo x$X") == "kept\nx\n"

    async def test_a_spoilt_terminal_is_mended_for_the_next_command(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await ran(session, "stty raw -echo -isig </dev/tty")
            told = await ran(session, "sleep 1000", timeout=0.2)
            assert (told.done.status, told.done.exit_status) == ("timeout", 130)
            assert await says(session, "stty -a </dev/tty | grep -ow -e '-*isig'") == "isig\n"

    async def test_output_that_is_redirected_stays_so(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            assert await says(session, "exec 3>&1 >out; echo hidden") == ""
            assert await says(session, "echo hidden too") == ""
            assert await says(session, "exec >&3 3>&-; cat out") == "hidden\nhidden too\n"

    async def test_what_is_too_long_is_dropped_and_counted(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell", SandboxLimits(output=10_000)) as session:
            told = await ran(session, "head -c 3000000 /dev/zero | tr '\\0' x")
            assert len(told.terminal) < 10_001
            assert told.done.dropped > 2_900_000
            assert await says(session, "echo on") == "on\n"

    async def test_the_terminal_can_be_watched_from_any_position(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await says(session, "echo one")
            seen = b""
            async with asyncio.timeout(PATIENCE):
                async for end, data in session.terminal():
                    seen += data
                    assert end == len(seen)
                    if seen.endswith(b"one\r\n"):
                        break
                assert seen == b"$ echo one\r\none\r\n"
                assert await anext(session.terminal(after=12)) == (17, b"one\r\n")

    async def test_the_terminal_shows_what_jobs_write_between_commands(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await says(session, "mkfifo go; (read x <go; echo la''ter) & ")
            watched = b""
            feeding = asyncio.create_task(ran(session, "echo x >go"))
            async with asyncio.timeout(PATIENCE):
                async for _, data in session.terminal():
                    watched += data
                    if b"later\r\n" in watched:
                        break
            await ended(feeding)

    async def test_the_terminal_of_a_closed_session_ends(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, "shell") as session:
            await says(session, "echo one")
            await session.close()
            async with asyncio.timeout(PATIENCE):
                assert [end async for end, _ in session.terminal()] == [17]
