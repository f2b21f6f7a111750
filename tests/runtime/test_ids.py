"""Ids."""

import re
from collections import Counter

from projectdavid.runtime.ids import ALPHABET, LENGTH, DerivedSource, IdFactory


def test_an_id_names_its_kind_and_is_nobody_else_s() -> None:
    ids, others = IdFactory(), IdFactory()
    made = [maker.new("asst") for maker in (ids, others) for _ in range(5000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(rf"asst_[0-9A-Za-z]{{{LENGTH}}}", id) for id in made)


def test_all_characters_are_equally_likely() -> None:
    ids = IdFactory()
    seen = Counter("".join(ids.new("x")[2:] for _ in range(5000)))
    expected = 5000 * LENGTH / len(ALPHABET)  # 1774, give or take 42
    assert set(seen) == set(ALPHABET)
    assert all(abs(count - expected) < 8 * expected**0.5 for count in seen.values())


def test_ids_of_a_seed_are_made_again_by_who_has_the_secret() -> None:
    def made(secret: bytes, seed: bytes) -> list[str]:
        ids = IdFactory(DerivedSource(secret, seed))
        return [ids.new("asst") for _ in range(200)]

    first = made(b"secret", b"one")
    assert first == made(b"secret", b"one")
    assert len(set(first)) == len(first)
    assert set(first).isdisjoint(made(b"secret", b"two") + made(b"Secret", b"one"))
