"""What sites say to robots, and to us among them."""

import tracemalloc

import pytest

from projectdavid.tools.robots import LONGEST, rules_of

PAGE = "https://a.example/secret/page"


def allows(text: str | bytes, url: str = PAGE) -> bool:
    """Whether a robots.txt lets us read a page."""
    return rules_of(text if isinstance(text, bytes) else text.encode(), "projectdavid").can_fetch(url, "projectdavid")


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: *\nDisallow: /secret\n",
        "user-agent: ProjectDavid # us\nDisallow: /secret\n",
        "User-agent: a\nUser-agent: projectdavid\nUser-agent: b\nDisallow: /secret\n",
        "User-agent: a\nDisallow: /x\nUser-agent: *\nDisallow: /secret\n",
        "User-agent: *\nDisallow: /\nUser-agent: projectdavid\nAllow: /open\nDisallow: /s*/page$\n",
        b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /secret\r\n",
        b"# \xff\nUser-agent: *\nDisallow: /secret\n",
    ],
)
def test_what_is_said_to_us_or_to_all_binds_us(text: str | bytes) -> None:
    assert not allows(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Disallow: /secret\n",
        "User-agent: a\nDisallow: /secret\n",
        "User-agent: *\nAllow: /open\nUser-agent: a\nUser-agent: b\nDisallow: /secret\n",
        "User-agent: other\nDisallow: /secret\nUser-agent a\nDisallow: /\n",
        "User-agent: *\nDisallow: /secret\nUser-agent: projectdavid\nDisallow: /open\n",
        "User-agent: *\nDisallow: /secret\nAllow: /secret/page\n",
        "<html>not found</html>",
    ],
)
def test_what_is_said_to_others_does_not_bind_us(text: str) -> None:
    assert allows(text)


def test_many_agents_with_many_rules_cost_no_more_than_their_lines() -> None:
    agents = "".join(f"User-agent: a{number}\n" for number in range(500))
    rules = "".join(f"Disallow: /{number}\n" for number in range(500))
    tracemalloc.start()
    try:
        assert not allows(f"{agents}User-agent: *\n{rules}Disallow: /secret\n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 << 20


def test_what_stands_behind_the_first_500_kib_does_not_count() -> None:
    rules = "User-agent: *\nDisallow: /secret\n"
    assert not allows(f"#{'x' * (LONGEST - 100)}\n{rules}")
    assert allows(f"#{'x' * LONGEST}\n{rules}")
