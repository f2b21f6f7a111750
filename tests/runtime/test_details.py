"""What a tool has to show of a call is cut so that the ledger can hold it."""

import json

import pytest

from projectdavid.runtime.tool_calls.tool_details import CUT, MOST, fit_details


def size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def test_what_fits_is_kept_as_it_is() -> None:
    details = {"input": "1", "outputs": [{"type": "logs", "logs": "x" * 200_000}], "sandbox": {"new": True}, "n": None}
    assert fit_details(details) == details


def test_long_texts_are_cut_and_say_so() -> None:
    long = {"type": "logs", "logs": "x" * 300_000}
    kept = fit_details({"input": "1 + 1", "outputs": [long, long, {"type": "image", "file_id": "file_1"}]})
    first, second, image = kept["outputs"]
    assert first == second
    assert first["logs"].endswith(CUT)
    assert (kept["input"], image["file_id"]) == ("1 + 1", "file_1")
    assert size(kept) <= MOST


def test_of_too_many_things_the_short_ones_are_kept() -> None:
    outputs = [{"type": "logs", "logs": str(number)} for number in range(100_000)]
    kept = fit_details({"input": "1", "outputs": outputs, "sandbox": {"level": "vm"}})
    assert kept == {"input": "1", "sandbox": {"level": "vm"}}


def test_a_text_that_needs_many_bytes_is_cut_by_them() -> None:
    assert size(fit_details({"input": "\x01" * MOST})) <= MOST


def test_half_a_character_does_no_harm() -> None:
    assert fit_details({"input": "a\ud83d", "outputs": [{"logs": "\udcff"}]}) == {
        "input": "a?",
        "outputs": [{"logs": "?"}],
    }


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        fit_details({"input": object()})
