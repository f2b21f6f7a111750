"""What of a terminal's text reaches whoever watches: what it shows, and nothing that acts on the watching terminal."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid.api.terminal_escapes import EscapeFilter

ESC = "\x1b"


def cleaned(*pieces: str | bytes) -> str:
    """What is shown of these pieces."""
    cleaner = EscapeFilter()
    return "".join(cleaner.clean(piece.encode() if isinstance(piece, str) else piece) for piece in pieces)


@pytest.mark.parametrize(
    "text",
    [
        "plain, and bücher 漢字 🎈\r\n\tand\b\a",
        *(f"{ESC}[{sequence}" for sequence in ("m", "1;31m", "38;5;208m", "38:2::1:2:3m")),
        *(
            f"{ESC}[{sequence}"
            for sequence in ("A", "12B", "3;4H", "2J", "K", "?2K", "5P", "2;20r", "s", "u", "3S", "2 q")
        ),
        *(f"{ESC}[{sequence}" for sequence in ("?25l", "?25h", "?1049h", "?7;25l", "4h")),
        *(f"{ESC}{sequence}" for sequence in ("7", "8", "M", "(0", "(B")),
    ],
)
def test_what_only_shows_something_is_kept(text: str):
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "sequence",
    [
        "]52;c;cm0gLXJm\a",  # the clipboard
        f"]52;c;?{ESC}\\",
        "]52;c;cm0gLXJm\x9c",
        f"]8;;https://evil.example/{ESC}\\",  # a link
        "]0;title\a",
        "]10;?\a",  # the colours, to be answered
        "]1337;File=name=eA==:eA==\a",
        f'P$q"p{ESC}\\',  # settings, to be answered
        f"P+q544e{ESC}\\",
        f"_Gi=1;AAAA{ESC}\\",
        f"^private{ESC}\\",
        f"X{ESC}\\",
        *(f"[{query}" for query in ("c", "0c", ">c", "=c", "5n", "6n", "?6n", ">q", "?25$p", "x", "18t", "21t", "?u")),
        *(f"[{change}" for change in ("8;1;1t", "?1000h", "?1003;1006h", "?2004h", "?1004h", "?25;1003h", "20h", "2h")),
        *(f"[{change}" for change in ("i", "5i", "?5i", "3J", "!p", "?1l", ">4;2m", "1;2;3;4;5T", "99999b", "1#{")),
        *("c", "Z", "=", ">", "#8", "n", "|", " F", "%G"),
    ],
)
def test_what_acts_on_the_terminal_of_the_viewer_is_taken_out(sequence: str):
    assert cleaned(f"a{ESC}{sequence}b") == "ab"
    # Wherever a cut falls.
    whole = f"a{ESC}{sequence}b".encode()
    for at in range(len(whole)):
        assert cleaned(whole[:at], whole[at:]) == "ab"


def test_what_a_cut_has_split_is_put_together_again():
    text = f"ü{ESC}[1;31m漢{ESC}(0"
    assert cleaned(*(bytes([byte]) for byte in text.encode())) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{ESC}{ESC}]52;c;eA==\a[6n", "[6n"),
        (f"{ESC}{ESC}[c[6n", "[6n"),
        (f"{ESC}[{ESC}]0;x\a6n", "6n"),
        (f"{ESC}[\n6n", "\n6n"),
        (f"{ESC}[\x186n", "6n"),
        (f"{ESC}]52;c;{ESC}[31mx", f"{ESC}[31mx"),
        ("\x9b6n", "6n"),
        ("\x9d52;c;eA==\a", "52;c;eA==\a"),
        ("\x05\x00\x7f\x80", ""),
    ],
)
def test_no_sequence_is_made_of_what_is_left_of_others(text: str, shown: str):
    assert cleaned(text) == shown


def test_a_string_without_an_end_is_not_kept_in_memory():
    cleaner = EscapeFilter()
    assert cleaner.clean(b"\x1b]52;c;") == ""
    for _ in range(100):
        assert cleaner.clean(b"A" * 100_000) == ""
    assert cleaner.clean(b"\aafter") == "after"


def test_a_sequence_without_an_end_is_none():
    assert cleaned(f"{ESC}[" + "1" * 10_000, "m") == "m"


def test_bytes_that_are_no_text_are_shown_as_such():
    assert cleaned(b"a\xff\xfeb", b"\xe6\xbc", b"\xa2") == "a\ufffd\ufffdb漢"


PARTS = st.sampled_from(
    [ESC, "[", "]", "P", "52;c;", "6n", "m", "c", "\\", "\a", "\x9b", "\x18", "?", "1049h", "3", "J", "x"]
)
LEFT = re.compile(r"\x1b(?:\[[0-9;:?]*(?:[A-Z@`a-gm]|[hlsu]| q)|[78DEM]|[()][0B])")


@given(st.lists(PARTS, max_size=40).map("".join), st.lists(st.integers(0, 80), max_size=5))
def test_each_escape_that_is_left_begins_something_harmless(text: str, cuts: list[int]):
    data = text.encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    shown = cleaned(*(data[start:end] for start, end in pairwise(edges)))
    assert ESC not in LEFT.sub("", shown)
    assert not re.search(r"\x1b\[[^A-Za-z@`]*[cnti]", shown)
    assert shown == cleaned(data)
    assert not set(shown) & {"\x9b", "\x18"}
