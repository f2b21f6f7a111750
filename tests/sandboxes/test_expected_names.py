"""Names of other places that models expect: Colab, fonts of other systems, sources, libraries that are missing."""

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


STYLED = (
    "class Table:\n    def _repr_html_(self): return '<p>page'\n    def to_string(self): return 'the whole table'\n"
)
PAGE = "class Page:\n    def _repr_html_(self): return '<style>a</style><p>Two &lt; three</p>"
PAGE += "<table><tr><th>a<th>b<tr><td>1<td>2</table>'\n"
SHOWN = {
    STYLED + "Table()": ("the whole table",),
    STYLED + "display(Table())": ("the whole table",),
    PAGE + "Page()": ("Two < three", "a | b", "1 | 2"),
    "class Note:\n    def _repr_markdown_(self): return '# A note'\nNote()": ("# A note",),
    "class Sum:\n    def _repr_latex_(self): return '$a+b$'\nSum()": ("$a+b$",),
    "class Own:\n    def __repr__(self): return 'own'\n    def _repr_html_(self): return '<p>page'\nOwn()": ("own",),
    "object()": ("<object object at",),
    # Sources of classes
    "class A:\n    x: int = 1\nimport inspect\nprint(inspect.getsource(A))": ("class A:\n    x: int = 1\n",),
    "class B:\n    def f(self): return 2\n\nimport inspect as i\nprint(i.getsource(B.f), i.getsource(B))": (
        "class B:\n    def f(self): return 2\n",
    ),
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nimport inspect as i\nprint(i.getsource(P))": (
        "@dataclass\nclass P:\n    x: int\n",
    ),
    "from enum import Enum\nclass E(Enum):\n    ONE = 1\nimport inspect; print(inspect.getsource(E))": ("ONE = 1",),
    "import inspect\ntry: inspect.getsource(int)\nexcept TypeError as error: print(error)": ("built-in",),
    "C = type('C', (), {})\nimport inspect\ntry: inspect.getsource(C)\nexcept OSError as error: print(error)": (
        "source code not available",
    ),
    # Colab
    "open('x.txt', 'w').write('1')\nfrom google.colab import files\nfiles.download('x.txt')": ("x.txt is passed",),
    "import tempfile, os\np = os.path.join(tempfile.mkdtemp(), 'far.txt')\nopen(p, 'w').close()\n"
    "import google.colab.files as f; f.download(p); print(os.path.exists('far.txt'))": ("far.txt is passed", "True"),
    "from google.colab import files\nfiles.download('nowhere.txt')": ("Cannot find file: nowhere.txt",),
    "from google.colab import files\nfiles.upload()": ("cannot upload", "x.txt"),
    "from google.colab import drive\ndrive.mount('/content/drive')": ("no Google Drive here",),
    "import google.colab\nprint(hasattr(google.colab, 'files'))": ("True",),
    # Fonts
    "from PIL import ImageFont\nprint(ImageFont.truetype('arial.ttf', 20).getname())": (
        "DejaVu Sans",
        "[arial.ttf is not installed: DejaVuSans is used instead.]",
    ),
    "from PIL import ImageFont\nprint(ImageFont.truetype('/usr/share/fonts/Arial Bold.ttf', 20).getname())": (
        "('DejaVu Sans', 'Bold')",
    ),
    "from PIL.ImageFont import truetype\nprint(truetype('timesi.ttf', 9).getname(), truetype('cour.ttf').getname())": (
        "('DejaVu Serif', 'Italic') ('DejaVu Sans Mono', 'Book')",
    ),
    "from PIL import ImageFont\nprint(ImageFont.truetype('DejaVuSans.ttf', 20).getname())": ("DejaVu Sans",),
    "from PIL import ImageFont\nImageFont.truetype('corporate.ttf', 20)": ("cannot open resource",),
    # Libraries
    "import fpdf": ("No module named 'fpdf'", "[fpdf is not installed, and nothing can be installed here."),
    "from no_such.part import x": ("[no_such is not installed, and nothing can be installed here.]",),
    "!pip install numpy\nprint('after')": ("import it: numpy", "after\n"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "phrases"), SHOWN.items())
async def test_what_models_expect_is_there_or_explained(
    session: SandboxSession, source: str, phrases: tuple[str, ...]
) -> None:
    shown = text(await ran(session, source))
    squeezed = "\n".join(" ".join(line.split()) for line in shown.splitlines())
    for phrase in phrases:
        assert phrase in shown or phrase in squeezed, shown


async def test_installing_what_is_there_is_no_failure(session: SandboxSession) -> None:
    assert "[exit" not in text(await ran(session, "!pip install numpy"))
    assert "[exit 1]" in text(await ran(session, "!pip install numpy no-such-library"))


async def test_a_library_of_a_later_pandas_is_not_announced(session: SandboxSession) -> None:
    source = "import io, pandas as pd\npd.DataFrame({'a': [1]}).to_excel('a.xlsx')\nprint(len(pd.read_excel('a.xlsx')))"
    told = await ran(session, source)
    assert (told.stdout, told.stderr) == ("1\n", "")
