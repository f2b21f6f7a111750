"""What is folded of long outputs, and what is data and stays."""

import pytest

from projectdavid.tools.sessions.repeated_lines import fold_lines, readable

WARNING = "<cell 1>:{}: UserWarning: value {} is odd\n  warnings.warn(f'value {i} is odd')\n"
LEFT_OUT = "[... {} more warnings like this are omitted ...]"


def times(count: int, line: str) -> str:
    return "".join(line.replace("{}", str(n)) for n in range(count))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        (
            times(300, WARNING) + "done",
            times(3, WARNING) + LEFT_OUT.format(297) + "\ndone",
        ),
        (
            times(9, WARNING + "step {}\n"),
            times(3, WARNING + "step {}\n").replace("step 2", "[... 6 more warnings like this are omitted ...]\nstep 2")
            + times(9, "step {}\n").split("step 2\n")[1],
        ),
        (times(3, WARNING), times(3, WARNING)),
        (
            times(101, " {}%|####      | {}/100 [00:01<00:02, 3.2it/s]\n") + "done",
            " 0%|####      | 0/100 [00:01<00:02, 3.2it/s]\n[... 99 more states of the progress are omitted ...]\n"
            " 100%|####      | 100/100 [00:01<00:02, 3.2it/s]\ndone",
        ),
        (
            times(40, "Downloading x.whl {}% 1.{} MB/s eta 0:00:01\n") + "ok",
            "Downloading x.whl 0% 1.0 MB/s eta 0:00:01\n[... 38 more states of the progress are omitted ...]\n"
            "Downloading x.whl 39% 1.39 MB/s eta 0:00:01\nok",
        ),
        ("y\n" * 500 + "end", "y\n[... the line above repeated 499 more times ...]\nend"),
        (
            "findfont: Font family 'SimHei' not found, really.\n" * 4,
            "findfont: Font family 'SimHei' not found, really.\n[... the line above repeated 3 more times ...]\n",
        ),
        ("ping\npong\n" * 20 + "end", "ping\npong\n[... the 2 lines above repeated 19 more times ...]\nend"),
        ("a\nb\nc\nd\n" * 10, "a\nb\nc\nd\n[... the 4 lines above repeated 9 more times ...]\n"),
    ],
    ids=lambda text: text[:30],
)
def test_repetitions_are_counted(text: str, folded: str) -> None:
    assert fold_lines(text) == folded


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one line",
        times(1000, "line {}\n"),
        times(1000, "{},{},0.5\n"),
        "0 0 0\n" * 9,
        "\n" * 100,
        times(100, "growth of {}% in year {}\n"),
        times(50, "100%/{} 3/4\n"),
        "a\nb\nc\nd\ne\n" * 20,
        times(20, "WARNING:root:disk {} is full\n"),
        times(20, "app.py: Warning {}\n"),
    ],
    ids=lambda text: text[:20],
)
def test_data_stays_as_it_is(text: str) -> None:
    assert fold_lines(text) == text


def test_the_beginning_and_the_end_are_left_of_what_is_too_long() -> None:
    noise = times(400_000, "noise {}\n")
    shown = readable("BEGIN\n" + noise + "RESULT 42\n", 30_000)
    assert shown.startswith("BEGIN\nnoise 0\n")
    assert shown.endswith("noise 399999\nRESULT 42")
    assert 29_000 < len(shown) < 30_100
    missing = len(noise) + len("BEGIN\nRESULT 42") - 30_000
    assert f"[... {missing:,} characters are omitted here ...]" in shown


def test_repetitions_leave_room_for_what_is_not_repeated() -> None:
    shown = readable("first\n" + "same\n" * 300_000 + times(3000, "row {}\n") + "last", 30_000)
    assert shown.startswith("first\nsame\n[... the line above repeated")
    assert shown.endswith("\nrow 2999\nlast")
    assert "row 0\n" in shown


def test_escapes_of_a_terminal_are_removed() -> None:
    assert readable("\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07ok\n", 100) == "red ok"
