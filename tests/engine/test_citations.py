"""Marks in texts that come in parts, links, and the sentences that statements rest on."""

import pytest

from projectdavid.engine.citations import (
    NUMBERS,
    CitationLink,
    CitationMark,
    MarkReader,
    find_links,
    find_paths,
    render_mark,
    search_number,
)
from projectdavid.engine.quotes import LONGEST, find_quote

TEXT = "It lasts two years【4:0†terms.pdf】, they say 【12:3†a b.md】."
WHOLE = [
    "It lasts two years",
    CitationMark("【4:0†terms.pdf】", 4, 0),
    ", they say ",
    CitationMark("【12:3†a b.md】", 12, 3),
    ".",
]


def read(*parts: str) -> list[str | CitationMark]:
    """What a reader finds in these parts, with texts that are next to one another joined."""
    reader, found = MarkReader(), list[str | CitationMark]()
    for piece in [*reader.feed(parts), reader.end()]:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_marks_are_found_wherever_the_text_is_cut(size: int) -> None:
    assert read(*(TEXT[at : at + size] for at in range(0, len(TEXT), size))) == WHOLE


@pytest.mark.parametrize(
    "text",
    [
        "【注意】 read this",
        "【",
        "【4:",
        "【4:0†" + "n" * 300,
        "【4:0†a\nb】",
        "【1234567:0†a】",
        "【4:0†a【",
        "4:0†a】",
        "no marks",
    ],
)
def test_what_is_no_mark_stays_as_it_is(text: str) -> None:
    assert read(*text) == [text]


def test_only_what_may_be_a_mark_is_held_back() -> None:
    reader = MarkReader()
    assert list(reader.feed(["one ", "two 【4"])) == ["one ", "two "]
    assert list(reader.feed([":0†a", "b"])) == []
    assert list(reader.feed(["】 and"])) == [CitationMark("【4:0†ab】", 4, 0), " and"]
    assert list(reader.feed(["【注"])) == ["【注"]
    assert reader.end() == ""


def test_a_mark_that_is_written_is_found_whatever_the_file_is_called() -> None:
    for name in ("a.pdf", "【x】†.pdf", "line\nbreak", "n" * 500, ""):
        [found] = read(render_mark(7, 2, name))
        assert isinstance(found, CitationMark)
        assert (found.number, found.index) == (7, 2)


def test_the_numbers_of_searches_are_their_own_and_stay_the_same() -> None:
    numbers = {search_number(f"call_{n}") for n in range(200)}
    assert len(numbers) > 195
    assert all(0 <= number < NUMBERS for number in numbers)
    assert search_number("call_1") == search_number("call_1")


def test_links_are_found_with_their_places() -> None:
    text = "See [the page](https://a.example/x_(y)?z=1) and [this](ftp://no) ![i](https://b.example/i.png)."
    assert [link.url for link in find_links(text)] == ["https://a.example/x_(y)?z=1", "https://b.example/i.png"]
    first = next(find_links(text))
    assert first == CitationLink(
        "[the page](https://a.example/x_(y)?z=1)", "the page", "https://a.example/x_(y)?z=1", 4, 43
    )
    assert text[first.start : first.end] == first.text


PASSAGE = """# Terms

The device weighs 2 kg. The warranty lasts two years from the day of purchase. Batteries are not covered.

保修期为两年。电池不在保修范围内。
"""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("The warranty is valid for two years", "The warranty lasts two years from the day of purchase."),
        ("Yes. The weight of the device is 2 kg", "The device weighs 2 kg."),
        ("Batteries are not covered by it.", "Batteries are not covered."),
        ("电池保修吗", "电池不在保修范围内。"),
        ("Nothing alike whatsoever", "# Terms"),
        ("", "# Terms"),
    ],
)
def test_a_quote_is_the_sentence_that_the_statement_rests_on(statement: str, expected: str) -> None:
    start, end = find_quote(PASSAGE, statement)
    assert PASSAGE[start:end] == expected


WRAPPED = """Light
On the highest level the lantern gave 1,150 lumens when new, and 1,090 after
six weeks. On the lowest level a full battery lasted 61
hours.
- a list whose first entry is as long as a full line of a page can be
- another entry of it"""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "It gave 1,090 lumens after six weeks",
            "On the highest level the lantern gave 1,150 lumens when new, and 1,090 after\nsix weeks.",
        ),
        ("The battery lasted 61 hours", "On the lowest level a full battery lasted 61\nhours."),
        ("another entry", "- another entry of it"),
        ("light", "Light"),
    ],
)
def test_a_sentence_may_go_on_in_the_next_line(statement: str, expected: str) -> None:
    start, end = find_quote(WRAPPED, statement)
    assert WRAPPED[start:end] == expected


def test_a_sentence_that_is_too_long_is_cut() -> None:
    assert find_quote(" " + "word " * 1000, "word") == (1, 1 + LONGEST)


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("[Plot](sandbox:/mnt/data/a.png).", {"a.png"}, [("a.png", 7, 30)]),
        ("é sandbox:/mnt/data/a.png", {"a.png"}, [("a.png", 2, 25)]),
        ("sandbox:/mnt/data/a%20b.csv", {"a b.csv"}, [("a b.csv", 0, 27)]),
        ("sandbox:/mnt/data/a b.csv", {"a b.csv", "a"}, [("a b.csv", 0, 25)]),
        ("sandbox:/mnt/data/a.png sandbox:/mnt/data/a.png", {"a.png"}, [("a.png", 0, 23), ("a.png", 24, 47)]),
        ("sandbox:/mnt/data/other.png", {"a.png"}, []),
        ("/mnt/data/a.png", {"a.png"}, []),
        ("sandbox:/mnt/data/", {"a.png"}, []),
        ("sandbox:/mnt/data/a.png", set(), []),
        ("sandbox:/mnt/data/a+png", {"a.png"}, []),
    ],
)
def test_a_path_of_the_sandbox_is_found_where_it_names_a_file(
    text: str, names: set[str], found: list[tuple[str, int, int]]
) -> None:
    assert [(path.title, path.start, path.end) for path in find_paths(text, names)] == found
    for path in find_paths(text, names):
        assert text[path.start : path.end] == path.text
