"""Documents are cut into chunks that overlap, that know where they are from, and that lose nothing."""

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid.engine.chunks import estimate, split_document
from projectdavid.engine.documents import Document, LongTable

WORDS = (
    "reed",
    "bittern",
    "water",
    "observatory",
    "4711",
    "x=1;",
    "\u6c34\u9ce5",
    "e\u0301tang",
    "\U0001f986",
    "#",
    "a" * 900,
)
BREAKS = (" ", " ", " ", ". ", "! ", "\n", "\n\n", "\n# ", "\u3002", "\t", "  \n \n")
TEXTS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(BREAKS)), max_size=1500).map(
    lambda pairs: "".join(word + end for word, end in pairs)
)
SIZES = st.integers(100, 300).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size // 2)))


@given(TEXTS, SIZES)
def test_every_chunk_is_a_part_of_the_text_and_knows_its_lines(text: str, sizes: tuple[int, int]):
    for number, chunk in enumerate(split_document(Document(text), *sizes)):
        assert chunk.position == number
        assert chunk.text == text[chunk.start : chunk.end] == chunk.text.strip() != ""
        assert chunk.first_line == text.count("\n", 0, chunk.start) + 1
        assert chunk.last_line == text.count("\n", 0, chunk.end) + 1


@given(TEXTS, SIZES)
def test_whatever_is_not_blank_is_in_a_chunk(text: str, sizes: tuple[int, int]):
    seen = [False] * len(text)
    for chunk in split_document(Document(text), *sizes):
        seen[chunk.start : chunk.end] = [True] * (chunk.end - chunk.start)
    assert [letter for letter, known in zip(text, seen, strict=True) if not known and not letter.isspace()] == []


@given(TEXTS, SIZES)
def test_no_chunk_has_more_tokens_than_it_may_and_each_brings_something_new(text: str, sizes: tuple[int, int]):
    made = list(split_document(Document(text), *sizes))
    assert all(estimate(chunk.text) <= sizes[0] for chunk in made)
    assert all(before.start < after.start and before.end < after.end for before, after in itertools.pairwise(made))


@given(st.integers(100, 600).flatmap(lambda size: st.tuples(st.just(size), st.integers(20, size // 2))))
def test_neighbours_share_about_the_overlap(sizes: tuple[int, int]):
    text = " ".join(f"The {number}th heron stood still." for number in range(600))
    made = list(split_document(Document(text), *sizes))
    for before, after in itertools.pairwise(made):
        shared = estimate(text[after.start : before.end])
        assert sizes[1] / 2 - 8 <= shared <= sizes[1]


def test_a_cut_is_made_at_a_heading_rather_than_within_a_section():
    section = "Herons wait in the reeds. " * 20
    text = "\n\n".join(f"# Part {number}\n\n{section}" for number in range(6))
    made = list(split_document(Document(text), 250, 0))
    assert len(made) > 1
    assert all(chunk.text.startswith("# Part") for chunk in made)


def test_a_cut_is_made_between_sentences_rather_than_within_one():
    text = "The bittern booms at night. " * 400
    assert all(
        chunk.text.startswith("The") and chunk.text.endswith("night.")
        for chunk in split_document(Document(text), 200, 50)
    )


def test_a_chunk_knows_its_pages():
    first, second = "Reeds. " * 300, "Water. " * 300
    made = list(split_document(Document(first + second, "pdf", (0, len(first))), 200, 100))
    assert [(made[0].first_page, made[0].last_page), (made[-1].first_page, made[-1].last_page)] == [(1, 1), (2, 2)]
    assert any((chunk.first_page, chunk.last_page) == (1, 2) for chunk in made)
    assert next(split_document(Document("Without pages."))).first_page is None


def test_a_million_short_lines_and_one_endless_word_are_cut_too():
    assert sum(1 for _ in split_document(Document("reed\n" * 1_000_000))) > 1000
    assert all(estimate(chunk.text) <= 800 for chunk in split_document(Document("x" * 1_000_000)))


def test_nothing_comes_of_nothing():
    assert list(split_document(Document(" \n\t\n "))) == []
    assert list(split_document(Document(""))) == []


@pytest.mark.parametrize(("size", "overlap"), [(99, 10), (4097, 10), (800, 401), (800, -1)])
def test_sizes_outside_of_their_bounds_are_refused(size: int, overlap: int):
    with pytest.raises(ValueError, match="expected a size of 100 to 4096"):
        list(split_document(Document("Reeds."), size, overlap))


TITLE = "Employee,Department,Vacation days left,Manager\n"


def rows(count: int) -> str:
    """Rows of a table, some of them with sentences."""
    return "".join(
        f"Person{number:03},Legal. See e.g. page 4! Yes,{number % 30},Boss{number}\n" for number in range(count)
    )


@pytest.mark.parametrize("size", [100, 300, 800])
@pytest.mark.parametrize("before", ["", "# Staff\n\nA list of all. "])
def test_chunks_within_a_table_repeat_the_names_of_its_columns_and_keep_rows_whole(size: int, before: str):
    text = f"{before}{TITLE}{rows(400)}\nThe end. " + "More words follow. " * 200
    start, end = len(before), text.index("\nThe end")
    document = Document(text, "csv", tables=(LongTable(start, start + len(TITLE), end),))
    made = list(split_document(document, size, size // 2))
    seen = set[int]()
    for chunk in made:
        assert chunk.text == text[chunk.start : chunk.end]
        assert estimate(chunk.display_text) <= size
        is_within = start + len(TITLE) <= chunk.start < end
        assert chunk.header == (TITLE.strip() if is_within else "")
        assert chunk.display_text == (f"{TITLE}{chunk.text}" if is_within else chunk.text)
        if is_within:
            assert chunk.text.startswith("Person")
            assert chunk.end > end or chunk.text[-1].isdigit()
        seen.update(range(chunk.start, chunk.end))
    assert all(letter.isspace() for place, letter in enumerate(text) if place not in seen)


def test_a_very_long_header_is_cut():
    title = ",".join(f"column{number}" for number in range(500)) + "\n"
    document = Document(title + rows(100), "csv", tables=(LongTable(0, len(title), len(title) + len(rows(100))),))
    made = list(split_document(document, 200, 50))
    assert all(estimate(chunk.display_text) <= 200 for chunk in made)
    assert made[-1].header.startswith("column0,column1")
    assert estimate(made[-1].header) <= 50


@pytest.mark.parametrize("seed", range(20))
def test_texts_of_ascii_are_counted_as_all_others(seed: int) -> None:
    random = Random(seed)
    text = "".join(random.choices('abcdefghijXYZ0123456789_ \n\t.,-"\x1c\x00', k=random.randrange(400)))
    assert estimate(text) == estimate(f"{text} é") - 1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("abcdefg", 1),
        ("abcdefgh", 2),
        ("a1b2", 4),
        ("12345", 2),
        ("a_b", 3),
        ("...", 3),
        ("\x1c", 0),
    ],
)
def test_tokens_are_letters_digits_and_signs(text: str, tokens: int) -> None:
    assert estimate(text) == tokens
