"""A corpus of small files of every family: what is read of each, what is warned of, and what is refused."""

from pathlib import Path

import pytest

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.failures import UnreadableFile
from projectdavid.adapters.documents.reader.kinds import FileHint, read
from projectdavid.engine.documents import Document
from tests.documents.corpus import SAMPLES, Sample


def test_the_corpus_has_many_files() -> None:
    assert len(SAMPLES) >= 80
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


def read_sample(sample: Sample, folder: Path) -> Document:
    """What the reader makes of a file, in this process."""
    path = folder / "file"
    path.write_bytes(sample.content)
    with path.open("rb") as file:
        return read(file, FileHint(sample.name), ReaderLimits())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_file_is_read_as_a_reader_sees_it(sample: Sample, tmp_path: Path) -> None:
    if sample.refusal:
        with pytest.raises(UnreadableFile, match=sample.refusal):
            read_sample(sample, tmp_path)
        return
    document = read_sample(sample, tmp_path)
    assert document.kind == sample.kind
    place = 0
    for phrase in sample.phrases:
        assert phrase in document.text[place:]
        place = document.text.index(phrase, place) + len(phrase)
    assert [phrase for phrase in sample.absent if phrase in document.text] == []
    assert sample.warning in " ".join(document.warnings)
    assert bool(sample.warning) == bool(document.warnings)
