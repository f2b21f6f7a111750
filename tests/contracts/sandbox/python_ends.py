"""How runs of Python end when they do not end by themselves, and what is left of the session then."""

import asyncio

import pytest

from projectdavid.ports.sandbox import Sandbox, SessionLost, SessionSpec
from tests.contracts.sandbox.driving import PATIENCE, ended, opened, ran, until, value

STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('on', flush=True)\nwhile True: pass"


class PythonEnds:
    """Needs a fixture `sandbox`, a started `ports.sandbox.Sandbox`."""

    pytestmark = pytest.mark.anyio

    @pytest.mark.parametrize(
        "forever",
        [
            "while True: pass",
            "import time\ntime.sleep(1000)",
            "import subprocess\nsubprocess.run(['sleep', '1000'])",
            "import asyncio\nawait asyncio.sleep(1000)",
            "async def f():\n    while True: pass\nawait f()",
        ],
    )
    async def test_a_run_that_takes_too_long_is_interrupted_and_its_state_stays(
        self, sandbox: Sandbox, forever: str
    ) -> None:
        async with opened(sandbox) as session:
            await value(session, "import time\nx = 7")
            told = await ran(session, forever, timeout=0.2)
            assert (told.done.status, told.done.state_lost) == ("timeout", False)
            assert "KeyboardInterrupt" in str(told.done.error)
            assert await value(session, "x") == "7"

    async def test_a_run_that_does_not_heed_the_interruption_is_killed_and_files_stay(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await value(session, "x = 7\nopen('kept', 'w').write('kept');")
            told = await ran(session, STUBBORN, timeout=2.0)
            assert told.stdout == "on\n"
            assert (told.done.status, told.done.state_lost) == ("timeout", True)
            assert (await ran(session, "x")).done.status == "error"
            assert await value(session, "open('kept').read()") == "'kept'"

    async def test_interrupting_ends_the_run_and_its_state_stays(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            _, task = await until(session, "x = 7\nprint('on')\nwhile True: pass", "on")
            await session.interrupt()
            done = (await ended(task)).done
            assert (done.status, done.state_lost) == ("interrupted", False)
            assert 'File "<cell 1>", line 3' in str(done.error)
            assert await value(session, "x") == "7"

    async def test_code_may_catch_the_interruption(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "try:\n    print('on')\n    while True: pass\nexcept KeyboardInterrupt:\n    print('caught')"
            _, task = await until(session, source, "on")
            await session.interrupt()
            told = await ended(task)
            assert (told.done.status, told.stdout) == ("ok", "on\ncaught\n")

    async def test_interrupting_while_nothing_runs_does_nothing(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await session.interrupt()
            assert await value(session, "x = 1\nx") == "1"
            await session.interrupt()
            assert await value(session, "x") == "1"

    async def test_an_error_that_looks_like_an_interruption_is_an_error(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            assert (await ran(session, "raise KeyboardInterrupt")).done.status == "error"

    @pytest.mark.parametrize(
        ("death", "words"),
        [
            ("os.kill(os.getpid(), 9)", "SIGKILL"),
            ("os.kill(os.getpid(), 11)", "SIGSEGV"),
            ("os._exit(3)", "exit status 3"),
            ("os.execvp('true', ['true'])", "exit status 0"),
        ],
    )
    async def test_the_death_of_the_process_is_told_and_a_new_one_goes_on(
        self, sandbox: Sandbox, death: str, words: str
    ) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, f"import os\nx = 1\nopen('kept', 'w').close()\nprint('last')\n{death}")
            assert (told.done.status, told.done.state_lost, told.stdout) == ("died", True, "last\n")
            assert words in str(told.done.error)
            assert await value(session, "import os\nos.path.exists('kept'), 'x' in globals()") == "(True, False)"

    async def test_a_death_between_two_runs_is_told_by_the_next(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "import os, threading, time\ndef die():\n    time.sleep(0.05)\n    os._exit(1)\n"
            assert not (await ran(session, source + "threading.Thread(target=die).start()")).done.state_lost
            # Which of the next runs hears of it depends on when it dies: one of them does.
            for _ in range(1000):
                if (done := (await ran(session, "import time; time.sleep(0.01)")).done).state_lost:
                    break
            assert done.state_lost
            assert not (await ran(session, "1")).done.state_lost

    async def test_nobody_who_reads_on_ends_the_run(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            events = session.run("x = 7\nprint('on')\nwhile True: pass", 1000.0)
            async with asyncio.timeout(PATIENCE):
                await anext(events)
                await events.aclose()
            assert await value(session, "x") == "7"

    async def test_whoever_is_cancelled_ends_the_run(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            _, task = await until(session, "x = 7\nprint('on')\nwhile True: pass", "on")
            task.cancel()
            assert await value(session, "x") == "7"

    @pytest.mark.parametrize(
        "mischief",
        [
            "import os\nos.close(1); os.close(2)",
            "import sys\nsys.stdout.close(); sys.stderr.close()",
            "import os\nos.dup2(os.open('/dev/null', os.O_WRONLY), 1)",
            "import os, sys\nsys.stdout = None\nsys.stderr = None",
            "import os\nfor fd in range(3, 1024):\n  try: os.write(fd, b'\\0' * 1000)\n  except OSError: pass",
            'import os\nfor fd in range(1, 1024):\n  try: os.write(fd, b\'h{"kind": "done", "size": 0}\')\n'
            "  except OSError: pass",
            "import os\nos.chdir('/')",
            "import os\nos.environ.clear()",
            "import builtins\nbuiltins.print = builtins.repr = builtins.isinstance = None",
            "import sys\nsys.modules.clear()",
            "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
            "import sys\nsys.setrecursionlimit(50)",
            "import gc, sys\nsys.settrace(lambda *a: 1 / 0)",
        ],
    )
    async def test_mischief_breaks_nothing_but_itself(self, sandbox: Sandbox, mischief: str) -> None:
        async with opened(sandbox) as session:
            await ran(session, mischief)
            told = await ran(session, "print('still here')\n1 + 1")
            if told.done.status != "ok":  # the process itself may be spoilt: then it can be left for a new one
                assert (await ran(session, "import os; os._exit(1)", timeout=1)).done.state_lost
                told = await ran(session, "print('still here')\n1 + 1")
            assert (told.stdout, told.result) == ("still here\n", "2")

    async def test_a_process_that_closes_all_it_has_costs_its_state_only(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "import os\nos.closerange(0, 1024)")
            assert (told.done.status, told.done.state_lost) == ("died", True)
            assert await value(session, "1 + 1") == "2"

    async def test_two_runs_at_once_take_turns(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await value(session, "import time\ninside = []\nseen = []")
            source = "inside.append(1)\ntime.sleep(0.05)\nseen.append(len(inside))\ninside.pop();"
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(ran(session, source) for _ in range(4)))
            assert await value(session, "seen") == "[1, 1, 1, 1]"

    async def test_a_session_that_was_closed_is_lost(self, sandbox: Sandbox) -> None:
        session = await sandbox.open(SessionSpec("python"))
        _, task = await until(session, "print('on')\nwhile True: pass", "on")
        await session.close()
        with pytest.raises(SessionLost):
            await ended(task)
        for call in (session.interrupt(), session.list(), session.stats(), session.resize(1, 1), ran(session, "1")):
            with pytest.raises(SessionLost):
                await call
        with pytest.raises(SessionLost):
            await anext(session.get("x"))
        await session.close()

    async def test_a_session_says_what_it_is(self, sandbox: Sandbox) -> None:
        report = await sandbox.probe()
        async with opened(sandbox) as one, opened(sandbox) as another:
            assert one.id != another.id
            assert one.level == report.level
            assert (await one.stats()).alive
