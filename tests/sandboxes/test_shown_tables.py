"""What models see of tables and of warnings."""

from collections.abc import AsyncIterator

import pytest

from projectdavid.ports.sandbox import SandboxSession
from tests.contracts.sandbox.driving import opened, ran
from tests.fakes.plain_sandbox import PlainSandbox

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def session(anyio_backend: str) -> AsyncIterator[SandboxSession]:
    # Not warm: the options are set when the code imports the library.
    sandbox = PlainSandbox()
    async with opened(sandbox) as session:
        yield session
    await sandbox.close()


@pytest.mark.parametrize(
    ("table", "whole"),
    [
        ("pd.DataFrame({f'column_{i}': range(3) for i in range(30)})", [f"column_{i} " for i in range(29)]),
        ("pd.DataFrame({'q': ['word ' * 30 + 'END']})", ["END"]),
        ("pd.DataFrame({'a': range(500)})", ["\n250 ", "\n499 "]),
        ("pd.Series(range(400))", ["\n200 ", "\n399 "]),
        ("pd.DataFrame({'a': range(100_000)})", ["\n29 ", "\n99999 ", "[100000 rows x 1 columns]"]),
        ("pd.DataFrame({i: range(3) for i in range(1000)})", [" 999\n", "[3 rows x 1000 columns]"]),
    ],
)
@pytest.mark.parametrize("way", ["{}", "print({})", "display({})"])
async def test_tables_are_whole(session: SandboxSession, table: str, whole: list[str], way: str) -> None:
    told = await ran(session, "import pandas as pd\n" + way.format(table))
    text = told.stdout + "".join(display.data["text/plain"].decode() for display in told.displays) + "\n"
    for words in whole:
        assert words in text, text[:500]


async def test_options_that_the_code_sets_stay(session: SandboxSession) -> None:
    await ran(session, "import pandas as pd\npd.set_option('display.max_rows', 7)")
    told = await ran(session, "print(pd.get_option('display.max_rows')); pd.reset_option('display.max_rows')")
    assert told.stdout == "7\n"


@pytest.mark.parametrize(
    ("source", "stderr"),
    [
        ("import warnings\nwarnings.warn('odd')", "<cell {}>:2: UserWarning: odd\n  warnings.warn('odd')\n"),
        (
            "import matplotlib.pyplot as plt\nplt.title('\\ue001\\ue002'); plt.savefig('a.png'); plt.xlabel('\\ue003')",
            "No installed font has these letters; they are drawn as boxes: \ue001 \ue002 \ue003\n",
        ),
        ("import warnings\nwarnings.simplefilter('error')\ntry: warnings.warn('odd')\nexcept UserWarning: pass", ""),
        ("import sys; sys.stderr.close()", ""),
        ("import sys; sys.stderr = None", ""),
    ],
)
async def test_warnings_are_shown_without_our_own_paths(session: SandboxSession, source: str, stderr: str) -> None:
    told = await ran(session, source + "\nimport warnings; warnings.resetwarnings()")
    assert told.done.status == "ok", told.events
    cell = told.stderr.partition("<cell ")[2].partition(">")[0]
    assert told.stderr == stderr.format(cell)
