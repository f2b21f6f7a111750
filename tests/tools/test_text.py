"""What models are told of what a terminal showed."""

import pytest

from projectdavid.tools.sessions.terminal_text import TerminalCleaner, apply_controls, clip, plain, seconds_of, size_of

SHOWN = {
    "\x1b[31mred\x1b[0m": "red",
    "\x1b[2J\x1b[1;1Hhome": "home",
    "\x1b]0;a title\x07text": "text",
    "\x1b]52;c;c2VjcmV0\x07copied": "copied",
    "\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\": "link",
    "\x1b[6nwhere": "where",
    "\x1b[cwho": "who",
    "\x1bP+q544e\x1b\\dcs": "dcs",
    "\x9b31mred": "red",
    "\x1b(Bset": "set",
    "a\r\nb\r\n": "a\nb\n",
    "a\tb\n": "a\tb\n",
    "bell\x07 null\x00 del\x7f": "bell null del",
    "10 %\r50 %\rdone\n": "done\n",
    "kept\r\n": "kept\n",
    "kept\r": "kept",
    "abX\bc": "abc",
    "\b\bx": "x",
    "no end \x1b[12": "no end ",
    "no end \x1b]0;": "no end ",
    "grüße 🙂": "grüße 🙂",
}


@pytest.mark.parametrize("text", SHOWN, ids=repr)
def test_escapes_are_taken_out_and_lines_settle(text: str) -> None:
    assert plain(text) == SHOWN[text]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("text", SHOWN, ids=repr)
def test_it_makes_no_difference_where_the_text_is_cut(text: str, size: int) -> None:
    cleaner = TerminalCleaner()
    pieces = [cleaner.feed(text[start : start + size]) for start in range(0, len(text), size)]
    assert apply_controls("".join([*pieces, cleaner.end()])) == SHOWN[text]


def test_an_escape_is_not_shown_while_it_may_go_on() -> None:
    cleaner = TerminalCleaner()
    assert [cleaner.feed(piece) for piece in ("a\x1b", "[3", "1mb", "\r", "\nc\r", "d")] == [
        "a",
        "",
        "b",
        "",
        "\nc",
        "\rd",
    ]


def test_an_escape_that_never_ends_is_not_waited_for() -> None:
    cleaner = TerminalCleaner()
    shown = [cleaner.feed(piece) for piece in ("\x1b]0;" + "x" * 10_000, "y" * 10_000, "after")]
    assert "".join(shown).endswith("yafter")


def test_a_text_is_clipped_in_the_middle_and_says_so() -> None:
    assert clip("short", 10) == "short"
    assert clip("a" * 600 + "b" * 900, 1000) == (
        "a" * 500 + "\n[... 500 characters are omitted here ...]\n" + "b" * 500
    )


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (52_428_800, "52.4 MB"), (10**12, "1.0 TB")],
)
def test_sizes_are_said_as_people_say_them(count: int, shown: str) -> None:
    assert size_of(count) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(90, "90 seconds"), (0.5, "0.5 seconds"), (1200, "20 minutes")])
def test_times_are_said_as_people_say_them(seconds: float, shown: str) -> None:
    assert seconds_of(seconds) == shown
