"""The environment of the sandbox: installed apart from the server's, found, named to models, and what it can do."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from projectdavid.adapters.sandboxes.local import LocalSandbox, SandboxOptions
from projectdavid.adapters.sandboxes.local.libraries import InstallError, find_python, install, is_current
from projectdavid.ports.sandbox import SandboxSession
from projectdavid.tools.code_interpreter import CodeInterpreter
from projectdavid.tools.sessions.sessions import SessionPool
from tests.contracts.sandbox.driving import opened, ran
from tests.programs import registry_environment
from tests.tools.toys import Clock

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
CJK = "\\u9500\\u552e \\ub9e4\\ucd9c \\u58f2\\u4e0a"
MIXED = f"'{CJK} \\u0645\\u0628\\u064a\\u0639\\u0627\\u062a \\U0001f600'"
WHEEL = "sandbox_test_wheel-1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter that `projectdavid sandbox install` prints."""
    data = tmp_path_factory.mktemp("data")
    command = [str(Path(sys.executable).with_name("projectdavid")), "sandbox", "install", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, env=registry_environment(), check=False)
    if done.returncode and not os.environ.get("TEST_REQUIRE_PROGRAMS"):
        pytest.skip(f"the libraries cannot be installed here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    found = find_python(data / "sandbox-python")
    assert done.stdout == f"{found}\n"
    assert found is not None
    assert is_current(found)
    return found


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    script = f"""
import zipfile
with zipfile.ZipFile({str(folder / WHEEL)!r}, 'w') as wheel:
    info = 'sandbox_test_wheel-1.0.dist-info'
    wheel.writestr('sandbox_test_wheel.py', 'ANSWER = 42')
    wheel.writestr(f'{{info}}/METADATA', 'Metadata-Version: 2.1\\nName: sandbox-test-wheel\\nVersion: 1.0\\n')
    wheel.writestr(f'{{info}}/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(f'{{info}}/RECORD', '')
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str, python: Path, wheels: Path) -> AsyncIterator[LocalSandbox]:
    local = LocalSandbox(SandboxOptions(python=python, wheels=wheels))
    await local.start()
    yield local
    await local.close()


@pytest.fixture(scope="module")
async def session(sandbox: LocalSandbox) -> AsyncIterator[SandboxSession]:
    async with opened(sandbox) as session:
        yield session


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import seaborn as sns\nsns.set_theme(); sns.lineplot(x=[1, 2], y=[3, 4]);", ""),
        ("import sympy\nx = sympy.symbols('x')\nprint(sympy.integrate(x**2))", "x**3/3"),
        ("import statsmodels.api as sm\nprint(sm.OLS([1, 2], [[1], [2]]).fit().params.round(3))", "[1.]"),
        ("import networkx as nx\nprint(nx.shortest_path(nx.path_graph(3), 0, 2))", "[0, 1, 2]"),
        ("import pandas as pd\ndf = pd.DataFrame({'a': [1]})\nprint(df.to_markdown())", "|   a |"),
        ("print('<table' in df.style.highlight_max().to_html())", "True"),
        ("df.to_parquet('a.parquet'); print(pd.read_parquet('a.parquet').a[0])", "1"),
        ("df.to_excel('a.xlsx'); print(pd.read_excel('a.xlsx', engine='calamine').a[0])", "1"),
        ("with pd.ExcelWriter('b.xlsx', engine='xlsxwriter') as w: df.to_excel(w)", ""),
        ("try: pd.read_excel('none.xls')\nexcept FileNotFoundError: import xlrd; print('xlrd')", "xlrd"),
        ("import io\nprint(pd.read_html(io.StringIO('<table><tr><th>a</th></tr><tr><td>7</td></tr></table>')))", "7"),
        ("from reportlab.pdfgen import canvas\nc = canvas.Canvas('r.pdf'); c.drawString(9, 9, 'drawn'); c.save()\n"
         "import pypdf; print(pypdf.PdfReader('r.pdf').pages[0].extract_text())", "drawn"),
        ("import docx, pptx, bs4, lxml, requests, yaml, tqdm\nprint(bs4.BeautifulSoup('<p>x', 'lxml').p.text)", "x"),
        ("import plotly.express as px\nfigure = px.line(x=[1], y=[2]); figure.show()", "is the file plotly-1.html"),
        ("figure", "is the file plotly-2.html"),
    ],
)  # fmt: skip
async def test_the_libraries_that_models_expect_work(session: SandboxSession, source: str, says: str) -> None:
    told = await ran(session, source)
    assert told.done.status == "ok", told.events
    assert says in told.stdout


async def test_a_table_with_a_style_is_shown_whole(session: SandboxSession) -> None:
    told = await ran(session, "import pandas as pd\npd.DataFrame({'city': ['Oslo', 'Moss']}).style.highlight_max()")
    rows = [line.split()[-1] for line in str(told.result).splitlines() if line[:1].isdigit()]
    assert rows == ["Oslo", "Moss"]


async def test_an_image_of_plotly_is_refused_with_what_to_do(session: SandboxSession) -> None:
    told = await ran(session, "import plotly.express as px\npx.line(x=[1], y=[2]).write_image('x.png')")
    assert "Use figure.write_html('name.html')" in str(told.done.error)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "plt.rcParams['font.sans-serif'] = ['SimHei']; plt.rcParams['axes.unicode_minus'] = False",
        "plt.rcParams['font.family'] = 'Arial Unicode MS'",
        "plt.style.use('ggplot')",
        "import seaborn; seaborn.set_theme()",
    ],
)
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
async def test_letters_of_all_scripts_are_drawn(session: SandboxSession, before: str, kind: str) -> None:
    source = f"import matplotlib.pyplot as plt\nplt.rcdefaults()\n{before}\nplt.title({MIXED}); plt.plot([1, -2])"
    told = await ran(session, f"{source}\nplt.savefig('title.{kind}')\nplt.rcdefaults()")
    assert (told.done.status, told.stderr) == ("ok", "")


async def test_models_read_what_is_installed(sandbox: LocalSandbox) -> None:
    sessions = SessionPool(sandbox, Clock())
    (function,) = CodeInterpreter(sessions).functions({"type": "code_interpreter"})
    for name in ("numpy 2.", "seaborn 0.", "plotly ", "python-docx 1.", "pypdf "):
        assert name in function.description
    for name in ("fastapi", "uvicorn", "pip", "projectdavid", "contourpy"):
        assert name not in function.description
    await sessions.close()


async def test_wheels_of_the_operator_can_be_installed_for_the_session(sandbox: LocalSandbox) -> None:
    async with opened(sandbox) as session:
        told = await ran(session, "!pip install --quiet sandbox-test-wheel\nimport sandbox_test_wheel as w\nw.ANSWER")
        assert told.result == "42", told.events
        missing = await ran(session, "%pip install no-such-thing-7")
        assert "No matching distribution found for no-such-thing-7" in missing.stderr
        assert not [info for info in (await session.list()).files if not info.name.startswith(".")]
    async with opened(sandbox, "shell") as session:
        told = await ran(
            session, "pip install -q sandbox-test-wheel && python3 -c 'import sandbox_test_wheel as w; print(w)'"
        )
        assert ".packages/sandbox_test_wheel.py" in told.terminal
    async with opened(sandbox) as session:
        assert "ModuleNotFoundError" in str((await ran(session, "import sandbox_test_wheel")).done.error)


def test_an_environment_that_is_not_complete_is_not_used(tmp_path: Path) -> None:
    assert find_python(tmp_path) is None
    with pytest.raises(InstallError):
        install(tmp_path, tmp_path, lambda _: None)  # a folder without wheels
    assert find_python(tmp_path) is None


def test_the_newest_environment_of_another_version_is_used(tmp_path: Path) -> None:
    for time, name in enumerate(("old", "new")):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin/python").touch()
        (tmp_path / name / ".complete").touch()
        os.utime(tmp_path / name / ".complete", (time, time))
    python = find_python(tmp_path)
    assert python == tmp_path / "new/bin/python"
    assert not is_current(python)
