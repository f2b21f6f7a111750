"""Which figures a run shows: its own, once each, and none of another run, whatever fails on the way."""

from collections.abc import AsyncIterator

import pytest

from projectdavid.ports.sandbox import SandboxSession
from tests.contracts.sandbox.driving import PATIENCE, Ran, ended, opened, ran, until
from tests.fakes.plain_sandbox import PlainSandbox

pytestmark = pytest.mark.anyio

PLOT = "import matplotlib.pyplot as plt\nplt.figure(); plt.plot([1, 2])\n"
BROKEN = "plt.figure(); plt.title('Price in $US {$')\n"
HUGE = "plt.figure(figsize=(1e5, 1e5), dpi=1000)\n"
RAISES = (
    "from matplotlib.artist import Artist\nclass Bad(Artist):\n    def draw(self, *a, **k): raise ValueError('odd')\n"
    "plt.figure().add_artist(Bad())\n"
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def session(anyio_backend: str) -> AsyncIterator[SandboxSession]:
    """One session for all: a run that leaves something to the next one fails the test of the next."""
    sandbox = PlainSandbox(warm=True)
    async with opened(sandbox) as session:
        yield session
    await sandbox.close()


def images(told: Ran) -> int:
    """How many pictures were shown."""
    return sum("image/png" in display.data for display in told.displays)


@pytest.mark.parametrize(
    ("source", "shown", "status", "said"),
    [
        (PLOT, 1, "ok", []),
        (PLOT + PLOT + "1 / 0", 2, "error", ["ZeroDivisionError"]),
        (PLOT + "raise SystemExit", 1, "ok", ["exit() ended this run only"]),
        (PLOT + "raise SystemExit(2)", 1, "error", ["SystemExit: 2"]),
        (PLOT + "raise KeyboardInterrupt", 0, "error", ["line 3, in <module>"]),
        (PLOT + BROKEN + PLOT, 2, "ok", ["line 3", "'Price in $US {$'", "write \\$ for a dollar sign"]),
        (PLOT + RAISES + PLOT, 2, "ok", ["line 6", "ValueError: odd"]),
        (PLOT + HUGE + PLOT, 2, "ok", ["line 3", "cannot be drawn"]),
        (PLOT + BROKEN + "1 / 0", 1, "error", ["line 3", "Expected", "ZeroDivisionError"]),
        (PLOT + BROKEN + "display(plt.gcf())", 1, "ok", ["line 3"]),
        (PLOT + BROKEN + "plt.show()\nprint('goes on')", 1, "ok", ["line 3", "goes on"]),
        ("import matplotlib\nmatplotlib.use('TkAgg')\n" + PLOT + "plt.show()", 1, "ok", []),
        (PLOT + "plt.switch_backend('agg'); matplotlib.use('Agg', force=True); plt.figure()", 2, "ok", []),
        ("x = 1 +", 0, "error", ["SyntaxError"]),
    ],
)
async def test_figures_are_shown_with_the_run_that_made_them_and_with_no_other(
    session: SandboxSession, source: str, shown: int, status: str, said: list[str]
) -> None:
    told = await ran(session, source)
    text = told.stdout + told.stderr + str(told.done.error)
    assert (images(told), told.done.status) == (shown, status), told.events
    for words in said:
        assert text.count(words) == 1, (words, text)
    after = await ran(session, "import matplotlib.pyplot as plt\nprint(plt.get_fignums())")
    assert (after.stdout, after.stderr, after.displays, after.done.error) == ("[]\n", "", [], None)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("plt.savefig('a.png')", 0),
        ("plt.savefig('a')", 0),
        ("plt.savefig('d/../a.jpg', dpi=50, bbox_inches='tight')", 0),
        ("import pathlib; plt.savefig(pathlib.Path('a.svg').absolute())", 0),
        ("plt.gcf().savefig(fname='a.webp', format='webp')", 0),
        ("plt.savefig('a.png'); plt.show()", 0),
        ("plt.savefig('a.png'); display(plt.gcf())", 0),
        ("plt.savefig('a.png')\nplt.gcf()", 0),
        ("plt.savefig('a.png'); 1 / 0", 0),
        ("plt.savefig('a.png'); plt.title('changed after it was saved')", 1),
        ("plt.savefig('a.png'); import os; os.remove('a.png')", 1),
        ("plt.savefig('a.png'); plt.figure(); plt.plot([2, 1])", 1),
        ("plt.savefig('a.pdf')", 1),
        ("plt.savefig('.hidden.png')", 1),
        ("plt.savefig('../scratch/a.png')", 1),
        ("import io; plt.savefig(io.BytesIO())", 1),
        ("plt.savefig('missing-folder/a.png')", 1),
    ],
)
async def test_a_figure_that_was_saved_as_an_image_is_not_shown_as_well(
    session: SandboxSession, source: str, shown: int
) -> None:
    told = await ran(session, PLOT + "import os; os.makedirs('d', exist_ok=True)\n" + source)
    assert images(told) == shown, told.events


async def test_a_figure_of_an_interrupted_run_is_closed(session: SandboxSession) -> None:
    _, task = await until(session, PLOT + "print('on', flush=True)\nimport time\ntime.sleep(600)", "on")
    await session.interrupt()
    told = await ended(task)
    assert (told.done.status, images(told)) == ("interrupted", 0)
    assert images(await ran(session, "1")) == 0


async def test_a_figure_that_is_kept_in_a_variable_is_shown_again_when_asked_for(session: SandboxSession) -> None:
    first = await ran(session, PLOT + "figure = plt.gcf(); figure.savefig('kept.png')")
    again = await ran(session, "figure")
    assert (images(first), images(again)) == (0, 1)


async def test_pyplot_shows_at_once_in_the_run_that_imports_it() -> None:
    sandbox = PlainSandbox()
    async with opened(sandbox) as session:
        told = await ran(session, PLOT + "plt.show()\nprint('after')", PATIENCE)
        assert images(told) == 1
        assert told.events.index(told.displays[0]) == 0
    await sandbox.close()
