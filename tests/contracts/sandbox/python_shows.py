"""What every session of Python shows of values: as text, as pictures, as tables."""

import pytest

from projectdavid.ports.sandbox import DisplayOutput, OutputText, Sandbox
from tests.contracts.sandbox.driving import opened, ran, value

PNG = b"\x89PNG\r\n\x1a\n"
RICH = """
class Rich:
    def __repr__(self): return 'plain'
    def _repr_html_(self): return '<b>rich</b>'
    def _repr_png_(self): return b'\\x89PNG and more'
    def _repr_svg_(self): raise ValueError
"""


class PythonShows:
    """Needs a fixture `sandbox`, a started `ports.sandbox.Sandbox`, with matplotlib and pandas inside."""

    pytestmark = pytest.mark.anyio

    async def test_a_value_is_shown_as_all_that_it_can_be(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, RICH + "display(Rich())\nRich()")
            assert [display.result for display in told.displays] == [False, True]
            assert dict(told.displays[0].data) == dict(told.displays[1].data)
            assert dict(told.displays[0].data) == {
                "text/plain": b"plain",
                "text/html": b"<b>rich</b>",
                "image/png": b"\x89PNG and more",
            }

    async def test_a_bundle_of_types_is_taken_as_it_is(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "class B:\n    def _repr_mimebundle_(self, *a, **k):\n"
            source += (
                "        return {'application/vnd.x+json': {'a': [1]}, 'image/png': 'iVBORw==', 'text/plain': 'p'}"
            )
            (shown,) = (await ran(session, source + "\nB()")).displays
            assert dict(shown.data) == {
                "application/vnd.x+json": b'{"a": [1]}',
                "image/png": b"\x89PNG",
                "text/plain": b"p",
            }

    @pytest.mark.parametrize("name", ["", "x", "a/" + "b" * 1000, "a/\\ud800", "a/b\\n", "text/é"])
    async def test_a_type_that_is_none_is_not_shown(self, sandbox: Sandbox, name: str) -> None:
        async with opened(sandbox) as session:
            source = f"class B:\n    def _repr_mimebundle_(self, *a, **k): return {{'{name}': 'x'}}\nB()"
            told = await ran(session, source)
            assert told.done.status == "ok"
            assert await value(session, "1") == "1"

    async def test_what_was_printed_before_is_read_before(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "for n in range(5):\n    print(n)\n    display(n)")
            said = [
                event.text.strip() if isinstance(event, OutputText) else event.data["text/plain"].decode()
                for event in told.events
                if isinstance(event, OutputText | DisplayOutput)
            ]
            assert said == ["0", "0", "1", "1", "2", "2", "3", "3", "4", "4"]

    async def test_a_representation_that_is_too_long_is_cut(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            result = await value(session, "'x' * 5_000_000")
            assert result is not None
            assert len(result) < 100_000
            assert "characters omitted" in result

    async def test_a_representation_that_fails_is_an_error_of_the_code(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "class Bad:\n    def __repr__(self): return 1 / 0\nBad()")
            assert told.done.status == "error"
            assert "line 2, in __repr__" in str(told.done.error)

    async def test_a_picture_that_is_too_large_is_left_out_and_that_is_said(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "class Huge:\n    def _repr_png_(self): return bytes(9 << 20)\nHuge()"
            (shown,) = (await ran(session, source)).displays
            assert set(shown.data) == {"text/plain"}
            assert b"too large" in shown.data["text/plain"]

    async def test_open_figures_are_shown_as_pictures_once(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.figure()\nplt.plot([2, 1]);"
            told = await ran(session, source)
            assert [shown.data["image/png"][:8] for shown in told.displays] == [PNG, PNG]
            assert (await ran(session, "plt.get_fignums()")).result == "[]"

    async def test_a_figure_that_was_shown_by_name_is_not_shown_again(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            source = "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\n"
            assert len((await ran(session, source + "display(figure)")).displays) == 1
            (shown,) = (await ran(session, "figure, axes = plt.subplots()\nfigure")).displays
            assert shown.result
            assert shown.data["image/png"].startswith(PNG)

    async def test_show_shows_at_once(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await ran(session, "import matplotlib.pyplot as plt")
            told = await ran(session, "plt.plot([1, 2])\nplt.show()\nprint('behind')")
            assert [type(event) for event in told.events[:2]] == [DisplayOutput, OutputText]

    async def test_a_table_is_shown_as_html_too(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            told = await ran(session, "import pandas as pd\npd.DataFrame({'a': [1, 2]})")
            (shown,) = told.displays
            assert b"<table" in shown.data["text/html"]
            assert b"0  1" in shown.data["text/plain"]
