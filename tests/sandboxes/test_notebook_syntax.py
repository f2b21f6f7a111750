"""Code as models that know notebooks write it: what is understood, and what is left alone."""

from collections.abc import AsyncIterator

import pytest

from projectdavid.ports.sandbox import SandboxSession
from tests.contracts.sandbox.driving import Ran, opened, ran
from tests.fakes.plain_sandbox import PlainSandbox

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def session(anyio_backend: str) -> AsyncIterator[SandboxSession]:
    sandbox = PlainSandbox()
    async with opened(sandbox) as session:
        yield session
    await sandbox.close()


def text(told: Ran) -> str:
    """All that a model would read."""
    shown = "".join(display.data["text/plain"].decode() + "\n" for display in told.displays)
    return told.stdout + shown + told.stderr + (told.done.error or "")


UNDERSTOOD = {
    # Magics of display
    "%matplotlib inline\nprint('on')": "on\n",
    "  %matplotlib inline\n%config InlineBackend.figure_format = 'retina'\nprint('on')": "on\n",
    "%load_ext autoreload\n%autoreload 2\n1": "1\n",
    "for i in range(2):\n    %autoreload 2\n    print(i)": "0\n1\n",
    # Commands
    "!echo one\nprint('two')": "one\ntwo\n",
    "!echo one && \\\n  echo two\nprint('three')": "one\ntwo\nthree\n",
    "!false\nprint('after')": "after\n[exit 1]\n",
    "if True:\n    !echo inside\nprint('x')": "inside\nx\n",
    "x = 5\n!echo {x} {x + 1} $x $HOME_OF_NOBODY ${x}": "5 6 5\n",
    "def f(word):\n    !echo {word}\nf('local')": "local\n",
    "!echo a b | awk '{print $2}'": "b\n",
    "!echo \"it's ( open\"\nprint('fine')": "it's ( open\nfine\n",
    "files = !printf 'a\\nb\\n'\nfiles": "['a', 'b']\n",
    "a, b = !printf '1\\n2\\n'\nprint(a, b)": "1 2\n",
    "d = {}\nd['k'] = !echo v\nprint(d['k'].s)": "v\n",
    "!!echo out": "['out']\n",
    "!cat": "",
    "!echo warn >&2": "warn\n",
    "%%bash\nfor x in 1 2; do\n  echo $x\ndone": "1\n2\n",
    "\n# a comment\n%%sh\necho here": "here\n",
    "%%bash -s one\necho \"$1\"; exit 3": "one\n[exit 3]\n",
    "%%script bash\necho scripted": "scripted\n",
    "%%python3\nimport sys\nprint(__name__, 'x' in globals())": "__main__ False\n",
    "print('before')\n%%bash\necho after": "before\nafter\n",
    # Other magics
    "%cd /\n%pwd": "/\n'/'\n",
    "%env MAGIC=here\n!echo $MAGIC": "env: MAGIC=here\nhere\n",
    "%env MAGIC=again\nimport os\nos.environ['MAGIC']": "env: MAGIC=again\n'again'\n",
    "%%writefile w.py\nprint('written')\n": "Writing w.py\n",
    "%run w.py": "written\n",
    "%%capture kept\nprint('hidden')": "",
    "kept.stdout": "'hidden\\n'\n",
    "value = 3\n%who_ls": None,
    "%%html\n<b>x</b>": "<b>x</b>\n",
    "%ls w.py": "w.py\n",
    "len?": "len(obj, /)\nReturn the number of items in a container.\n",
    "?len": "len(obj, /)\nReturn the number of items in a container.\n",
    "no_such_name??": "no_such_name: not found.\n",
    # What is around the code
    "```python\nprint('fenced')\n```": "fenced\n",
    "```\nprint('fenced')\n```": "fenced\n",
    "~~~py\nprint('fenced')\n~~~\n": "fenced\n",
    "```python\n%matplotlib inline\n!echo both\n```": "both\n",
    "```bash\necho shell\n```": "shell\n",
    "print('end')\n```": "end\n",
    "Here is the code:\n```python\nprint('prose')\n```\nIt prints a word.": "prose\n",
    "```python\nprint('one')\n```\n\nand\n\n```python\nprint('two')\n```": "one\ntwo\n",
    "    x = 1\n    if x:\n        print('indented')": "indented\n",
    "\n  print('a')\n  print('b')\n": "a\nb\n",
    ">>> x = 2\n>>> for i in range(x):\n...     print(i)\n0\n1\n>>> x + 1": "0\n1\n3\n",
    "In [1]: import os\nIn [2]: os.sep": "'/'\n",
    "x\u00a0=\u00a01\nprint(x,\u3000'a\u00a0b')": "1 a\u00a0b\n",
    "\ufeffprint('bom')\u200b": "bom\n",
    "```python\r\nprint('crlf')\r\n```": "crlf\n",
    r"import os\nfor i in range(2):\n\tprint(i, \"a\\nb\")": "0 a\nb\n1 a\nb\n",
    "```python\n" + r"x = 1\nprint(x)" + "\n```": "1\n",
    "print（'（wide）'，1）；x ＝ 2": "（wide） 1\n",  # noqa: RUF001
    "from tqdm.notebook import trange\nprint(list(trange(2, file=open(os.devnull, 'w'))))": "[0, 1]\n",
    # Names of IPython
    "from IPython.display import display, HTML, Markdown, Image\ndisplay(HTML('<i>x</i>'))": "<i>x</i>\n",
    "from IPython.display import Markdown\nMarkdown('**x**')": "**x**\n",
    "import IPython\nIPython.display.clear_output(wait=True)\ndisplay(1, display_id=True)": "1\n",
    "display({'text/plain': 'raw'}, raw=True)": "raw\n",
    "from IPython import get_ipython\nget_ipython().run_line_magic('matplotlib', 'inline')": "",
    "get_ipython().system('echo asked')": "asked\n",
    "get_ipython().run_cell_magic('bash', '', 'echo asked')": "asked\n",
    "from IPython.core.interactiveshell import InteractiveShell\n"
    "InteractiveShell.ast_node_interactivity = 'all'\n1": "1\n",
}  # fmt: skip


@pytest.mark.parametrize("source", UNDERSTOOD, ids=repr)
async def test_notebook_syntax_is_understood(session: SandboxSession, source: str) -> None:
    await ran(session, f"import os; os.chdir({await root(session)!r})")
    told = await ran(session, source)
    assert told.done.status == "ok", told.events
    expected = UNDERSTOOD[source]
    assert expected is None or text(told) == expected


async def root(session: SandboxSession) -> str:
    """The folder of files."""
    return (await ran(session, "%cd")).stdout.strip()


LEFT_ALONE = {
    "s = '''\n!echo no\n%cd /nowhere\n%%bash\nlen?\n```\n'''\nprint(s.count('\\n'))": "6\n",
    "!echo yes\ns = '''\n!echo no\n%cd /nowhere\n'''\nprint(s)": "yes\n\n!echo no\n%cd /nowhere\n\n",
    'import re\n!echo yes\ns = r"""\n\\"""\n!echo no\n"""\nprint(len(s))': "yes\n15\n",
    "!echo yes\ns = f'''\n{1 + 1}\n!echo no\n'''\nprint(s)": "yes\n\n2\n!echo no\n\n",
    "!echo yes\nx = (7\n%4)\nprint(x)": "yes\n3\n",
    "!echo yes\nx = 7 \\\n%4\nprint(x)": "yes\n3\n",
    "!echo yes\nx = {'a':\n  [1, 5\n  %3]}\nprint(x)": "yes\n{'a': [1, 2]}\n",
    "!echo yes\nprint('a # not a comment', \"'''\")\n# it's ('''\nprint('end')": "yes\na # not a comment '''\nend\n",
    "!echo yes\ns = 'one \\\n!echo no'\nprint(s)": "yes\none !echo no\n",
    "!echo yes\nx = 5\nx %= 3\nprint(x != 2, x % 2)": "yes\nFalse 0\n",
    "%matplotlib inline\nt = '''\n```python\nx\n```\n'''\nprint(len(t))": "17\n",
    "x = '''\n    a\n  b'''\nprint(repr(x))": "'\\n    a\\n  b'\n",
    ">>> s = '''a\n... b'''\n>>> s": "'a\\nb'\n",
}


@pytest.mark.parametrize("source", LEFT_ALONE, ids=repr)
async def test_what_only_looks_like_notebook_syntax_is_left_alone(session: SandboxSession, source: str) -> None:
    told = await ran(session, source)
    assert told.done.status == "ok", told.events
    assert text(told) == LEFT_ALONE[source]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("%matplotlb inline", "%matplotlb does not exist here: this is Python, not IPython. Did you mean %matplotlib?"),
        ("%no_such_thing x", "%no_such_thing does not exist here"),
        ("%%sql\nselect 1", "%%sql does not exist here"),
        ("%%bahs\nls", "Did you mean %%bash?"),
        ("%__class__", "%__class__ does not exist here"),
        ("%matplotlib inline\nx = = 1", 'line 2\n    x = = 1\n        ^\nSyntaxError'),
        ("!echo on\n1 / 0", 'File "<cell {}>", line 2, in <module>\n    1 / 0\n'),
        ("```python\nx = 1\n1 / 0\n```", 'line 3, in <module>\n    1 / 0\n'),
        ("def f(:\n    pass", "line 1\n    def f(:\n          ^\nSyntaxError"),
        ("print(“hello”)", "invalid character '“' (U+201C)"),
        ("!pip install numpy no-such-thing-7 -r requirements.txt", "network.\nAlready installed, import it: numpy "),
        ("%pip install no-such-thing-7==1.0", "Not available: no-such-thing-7."),
        ("!python3 -m pip install --quiet no-such-thing-7[all]", "Not available: no-such-thing-7."),
        ("x = !conda install -y no-such-thing-7\nprint(x.n)", "Not available: no-such-thing-7."),
    ],
)  # fmt: skip
async def test_what_is_not_understood_is_explained(session: SandboxSession, source: str, said: str) -> None:
    told = await ran(session, source)
    for line in said.split("{}"):
        assert line in text(told)


async def test_times_are_printed_with_the_value(session: SandboxSession) -> None:
    told = await ran(session, "%time sum([1, 2])")
    assert told.stdout.startswith("CPU time: ")
    assert told.result == "3"
    told = await ran(session, "%time total = sum([1, 2])\n%timeit -n 2 -r 2 total + 1\ntotal")
    assert "per loop (best of 2 runs, 2 loops each)" in told.stdout
    assert told.result == "3"
    told = await ran(session, "%%time\nx = 4\nx + 1")
    assert told.result == "5"
    assert told.stdout.startswith("CPU time: ")
    assert (await ran(session, "%%time\n1 / 0")).stdout == ""


async def test_a_command_is_interrupted_with_its_run_and_the_session_goes_on(session: SandboxSession) -> None:
    told = await ran(session, "kept = 1\n!sleep 600", timeout=1.0)
    assert (told.done.status, told.done.state_lost) == ("timeout", False)
    assert (await ran(session, "kept")).result == "1"


FUNCTION = "import multiprocessing as mp\ndef sq(x): return x * x\n"


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("import asyncio\nasync def g(): return 8\nprint(await g())\nasyncio.run(g())", "8"),
        ("import nest_asyncio; nest_asyncio.apply()\nasyncio.run(g())", "8"),
        (FUNCTION + "with mp.get_context('spawn').Pool(2) as p: r = p.map(sq, [2, 3])\nr", "[4, 9]"),
        ("mp.set_start_method('spawn', force=True)\nwith mp.Pool(2) as p: r = p.map(sq, [2, 3])\nr", "[4, 9]"),
    ],
)  # fmt: skip
async def test_what_runs_side_by_side_elsewhere_does_so_here(session: SandboxSession, source: str, result: str) -> None:
    assert (await ran(session, source)).result == result


async def test_libraries_do_not_take_it_for_a_notebook(session: SandboxSession) -> None:
    source = "open('library.py', 'w').write('def asks(): return get_ipython()')\nimport sys; sys.path.append('')\n"
    told = await ran(session, "exec('def asks(): return get_ipython()', library := {})\nlibrary['asks']() is None")
    assert told.result == "True"
    assert (await ran(session, source + "import tqdm.auto, library; library.asks() is not None")).result == "True"
