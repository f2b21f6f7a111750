"""What every session of Python does with code."""

import pytest

from projectdavid.ports.sandbox import OutputText, Sandbox, SandboxLimits
from tests.contracts.sandbox.driving import ended, opened, ran, until, value


class PythonRuns:
    """Code, its values, its output, and how it ends. Needs a fixture `sandbox`, a started `ports.sandbox.Sandbox`."""

    pytestmark = pytest.mark.anyio

    async def test_the_last_expression_is_shown_as_the_result(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            assert await value(session, "x = 20\nx + 1") == "21"
            assert await value(session, "_ + 1") == "22"
            assert await value(session, "x + 1;") is None
            assert await value(session, "None") is None
            assert await value(session, "") is None

    async def test_variables_imports_and_functions_stay(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await value(session, "import math\nk = 3\ndef f(n):\n    return n * k")
            assert await value(session, "f(2) + math.floor(1.5)") == "7"
            assert await value(session, "__name__") == "'__main__'"

    async def test_output_is_told_by_stream_as_it_comes(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "import sys, time\nprint('one')\nsys.stderr.write('two')\nwhile True: time.sleep(1)"
            told, task = await until(session, source, "two")
            assert (told.stdout, told.stderr) == ("one\n", "two")
            await session.interrupt()
            await ended(task)

    async def test_what_children_and_native_code_write_is_output_too(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = (
                "import os, subprocess\nsubprocess.run(['sh', '-c', 'echo child; echo no >&2'])\nos.write(1, b'raw')"
            )
            told = await ran(session, source)
            assert (told.stdout, told.stderr) == ("child\nraw", "no\n")
            native = await ran(session, "import ctypes\nctypes.CDLL(None).puts(b'native');")
            assert native.stdout == "native\n"

    async def test_text_that_is_cut_within_a_character_comes_out_whole(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "import os, time\nfor byte in 'é€😀'.encode(): os.write(1, bytes([byte])); time.sleep(0.06)"
            assert (await ran(session, source)).stdout == "é€😀"
            assert (await ran(session, "os.write(1, b'a\\xffb');")).stdout == "a\N{REPLACEMENT CHARACTER}b"
            assert (await ran(session, "print('\\ud800')")).stdout == "\\ud800\n"

    async def test_an_error_shows_only_the_lines_of_the_code(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await value(session, "import json\ndef f():\n    return json.loads('{')")
            told = await ran(session, "f()")
            assert told.done.status == "error"
            assert told.done.error is not None
            lines = told.done.error.splitlines()
            assert lines[0] == "Traceback (most recent call last):"
            assert [line for line in lines if "File" in line] == [
                '  File "<cell 2>", line 1, in <module>',
                '  File "<cell 1>", line 3, in f',
            ]
            assert "    return json.loads('{')" in lines
            assert lines[-1].startswith("json.decoder.JSONDecodeError: ")
            assert not told.done.state_lost

    async def test_errors_that_follow_from_one_another_are_all_told(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e")
            assert "ZeroDivisionError: division by zero" in str(told.done.error)
            assert "direct cause" in str(told.done.error)
            assert str(told.done.error).endswith("KeyError: 'k'\n")

    async def test_code_that_does_not_parse_is_an_error(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "print('no')\nx ==")
            assert told.done.status == "error"
            assert told.stdout == ""
            assert 'File "<cell 1>", line 2' in str(told.done.error)
            assert "SyntaxError" in str(told.done.error)
            assert (await ran(session, "a\0b")).done.status == "error"

    async def test_an_error_whose_text_fails_is_told_all_the_same(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "class Bad(Exception):\n    def __str__(self): raise SystemExit(9)\nraise Bad"
            told = await ran(session, source)
            assert told.done.status == "error"
            assert "Bad" in str(told.done.error)
            deep = await ran(session, "def f(): f()\nf()")
            assert "RecursionError" in str(deep.done.error)

    async def test_await_works_at_the_top_and_tasks_live_on(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = (
                "import asyncio\nasync def f(): return 5\ntask = asyncio.ensure_future(f())\nawait asyncio.sleep(0)\n1"
            )
            assert await value(session, source) == "1"
            assert await value(session, "await task") == "5"
            assert await value(session, "asyncio.run(f())") == "5"
            assert await value(session, "await f()") == "5"

    async def test_programs_can_be_awaited(self, sandbox: Sandbox) -> None:
        source = (
            "import asyncio\nprogram = await asyncio.create_subprocess_exec('sh', '-c', 'exit 3')\nawait program.wait()"
        )
        async with opened(sandbox) as session:
            assert await value(session, source) == "3"

    async def test_modules_among_the_files_can_be_imported_and_their_lines_are_shown(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await value(session, "open('mine.py', 'w').write('def f():\\n    return 1 / 0\\n');")
            told = await ran(session, "import mine\nmine.f()")
            assert 'mine.py", line 2, in f\n    return 1 / 0' in str(told.done.error)

    async def test_code_looks_like_a_program_that_was_typed_in(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            assert (
                await value(session, "import sys\nsys.argv, '__file__' in globals(), sys.path[0]")
                == "([''], False, '')"
            )
            assert await value(session, "sys.modules['__main__'].__dict__ is globals()") == "True"

    async def test_nobody_answers_input(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "input('name? ')")
            assert told.done.status == "error"
            assert "there is no keyboard" in str(told.done.error)
            assert await value(session, "import sys; sys.stdin.read()") == "''"

    @pytest.mark.parametrize(
        ("leave", "status", "error"),
        [
            ("exit()", "ok", None),
            ("quit(0)", "ok", None),
            ("import sys; sys.exit()", "ok", None),
            ("exit(3)", "error", "SystemExit: 3\n"),
            ("raise SystemExit('why')", "error", "SystemExit: why\n"),
        ],
    )
    async def test_exit_ends_the_run_and_not_the_session(
        self, sandbox: Sandbox, leave: str, status: str, error: str | None
    ) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, f"x = 5\n{leave}\nx = 6")
            assert (told.done.status, told.done.error, told.done.state_lost) == (status, error, False)
            assert "the session continues" in told.stderr
            assert await value(session, "x") == "5"

    async def test_a_child_that_comes_out_of_the_code_says_nothing_for_its_parent(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('me'); pid == 0")
            assert told.done.status == "ok"
            assert told.stdout.count("me\n") == 2
            assert told.result == "False"
            failed = await ran(session, "if os.fork(): os.wait()\nelse: raise ValueError('of the child')")
            assert failed.done.status == "ok"
            assert "ValueError: of the child" in failed.stderr
            assert await value(session, "1") == "1"

    async def test_threads_and_processes_share_the_work(self, sandbox: Sandbox) -> None:
        source = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
def double(n):
    return 2 * n
with multiprocessing.Pool(2) as pool: a = pool.map(double, range(3))
with ProcessPoolExecutor(2) as pool: b = list(pool.map(double, range(3)))
with ThreadPoolExecutor(2) as pool: c = list(pool.map(double, range(3)))
a == b == c == [0, 2, 4]
"""
        async with opened(sandbox) as session:
            assert await value(session, source) == "True"

    async def test_random_numbers_differ_between_sessions(self, sandbox: Sandbox) -> None:
        source = "import random\n[random.random() for _ in range(4)]"
        async with opened(sandbox) as one, opened(sandbox) as another:
            assert await value(one, source) != await value(another, source)

    async def test_what_is_too_long_is_dropped_and_counted(self, sandbox: Sandbox) -> None:
        async with opened(sandbox, limits=SandboxLimits(output=10_000)) as session:
            told = await ran(session, "import sys\nsys.stdout.write('x' * 50_000_000);")
            assert told.stdout == "x" * 10_000
            assert told.done.dropped == 50_000_000 - 10_000
            both = await ran(session, "print('y' * 9_999)\nsys.stderr.write('z' * 5);")
            assert len(both.stdout) + len(both.stderr) == 10_000
            assert both.done.dropped == 5

    async def test_a_thread_that_is_left_speaks_in_the_next_run(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "import threading\ngo = threading.Event()\nback = threading.Event()\n"
            source += "def speak():\n    go.wait()\n    print('late')\n    back.set()\n"
            told = await ran(session, source + "threading.Thread(target=speak, daemon=True).start()")
            assert told.stdout == ""
            assert (await ran(session, "go.set()\nback.wait();")).stdout == "late\n"

    async def test_an_empty_stream_of_events_is_never_told(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "print('')\nprint(end='')")
            assert all(event.text for event in told.events if isinstance(event, OutputText))
            assert told.stdout == "\n"
