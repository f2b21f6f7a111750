"""Progress bars of notebooks, whose widgets do not exist here: tqdm draws them as text."""

from typing import Any


def draw_as_text(notebook: Any) -> None:
    """Replace the bars of `tqdm.notebook` with those of tqdm's text module, which it imports."""
    bar = notebook.std_tqdm

    def count(*arguments: int, **options: Any) -> Any:
        return bar(range(*arguments), **options)

    for names, value in ((("tqdm", "tqdm_notebook"), bar), (("trange", "tnrange"), count)):
        for name in names:
            setattr(notebook, name, value)
