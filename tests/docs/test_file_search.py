"""The example of file search, over the documents that are shipped with it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from projectdavid import Entity
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.protocol.messages import FileCitation
from tests.docs.pages import ROOT

EXAMPLE = ROOT / "examples" / "file_search.py"


def asked(server: EmbeddedPlatform, folder: Path, *arguments: str) -> str:
    """What the example prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PROJECTDAVID_BASE_URL": server.base_url}
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLE, *arguments],
        env={**environment, "PROJECTDAVID_API_KEY": server.api_key},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def stored(client: Entity, citation: FileCitation) -> str:
    """The text of a file from the first character of its first chunk on, as the server keeps it."""
    chunks = client.vectors.chunks(citation.vector_store_id, citation.file_id, limit=100)
    text = ""
    for chunk in chunks:
        text = text.ljust(chunk.start)[: chunk.start] + chunk.text
    return text


QUESTIONS = [
    (
        "How long does the warranty of the lantern last?",
        "warranty.pdf",
        1,
        "lasts three years from the day of purchase.",
    ),
    ("Which lanterns get two more years?", "warranty.pdf", 2, "get two more years"),
    (
        "How long does the battery last at minus 20 degrees?",
        "field-test.pdf",
        2,
        "At minus 20 degrees the battery lasted",
    ),
    ("What do three red flashes mean?", "manual.docx", None, "red, three flashes | water in the housing"),
    ("In which city is the lens ground?", "questions.html", None, "The lens is ground in Bergen"),
]


@pytest.mark.parametrize(("question", "filename", "page", "words"), QUESTIONS)
def test_the_example_answers_with_citations_whose_spans_resolve(
    server: EmbeddedPlatform, home: Path, question: str, filename: str, page: int | None, words: str
) -> None:
    printed = asked(server, home, "demo/assistant", question)
    assert re.search(rf"^【\d+:0†{re.escape(filename)}】 ", printed, re.MULTILINE)
    with Entity() as client:
        assistant = client.assistants.list()[0]
        run = client.runs.list_all_runs().data[0]
        assert run.assistant_id == assistant.id
        [annotation] = client.messages.list_messages(run.thread_id).data[-1].annotations
        citation = annotation.file_citation
        assert citation is not None
        assert (citation.filename, citation.page) == (filename, page)
        assert words in " ".join(citation.quote.split())
        assert citation.start is not None
        text = stored(client, citation)
        assert text[citation.start : citation.end] == citation.quote
        assert text[: citation.start].count("\n") + 1 == citation.first_line
