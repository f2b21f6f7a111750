"""A reader that cannot start, ends at once or answers with garbage: the error says why, and nothing waits for ever."""

import sys
from pathlib import Path

import pytest

from projectdavid.adapters.documents.process import ReaderProcess
from projectdavid.ports.documents import DocumentsBroken, DocumentsUnavailable
from tests.documents.conftest import pieces
from tests.fakes import old_office, papers

pytestmark = pytest.mark.anyio

START = (
    "import runpy; sys.argv = ['reader']; "
    "runpy.run_module('projectdavid.adapters.documents.reader', run_name='__main__')"
)


def interpreter(folder: Path, script: str) -> str:
    """An interpreter that runs a script, whatever it is asked for."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


def without(module: str) -> str:
    """A script that runs the reader in an environment in which a module is missing."""
    return f"exec {sys.executable} -I -c \"import sys; sys.modules['{module}'] = None; {START}\""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'ModuleNotFoundError: No module named x' >&2; exit 1", "exit status 1: ModuleNotFoundError"),
        ("exit 3", "exit status 3"),
        ("kill -9 $$", "signal 9"),
        (without("lxml"), "lxml"),
        (without("projectdavid.engine.documents"), "projectdavid.engine.documents"),
        ("echo garbage >&0; exec sleep 100", "invalid answer"),
        ("exec yes >&0", "invalid answer"),
        ("dd if=/dev/zero bs=1000 count=100 >&2 2>/dev/null; exit 1", "exit status 1"),
    ],
    ids=["missing", "silent", "killed", "no library", "no package", "garbage", "much garbage", "many words"],
)
async def test_a_reader_that_cannot_start_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    whole = sys.executable
    monkeypatch.setattr(sys, "executable", interpreter(tmp_path, script))
    reader = ReaderProcess()
    try:
        for _ in range(2):
            with pytest.raises(DocumentsUnavailable, match=reason) as caught:
                await reader.read(pieces(b"a"), "a.txt")
            assert isinstance(caught.value, DocumentsBroken) == ("kill" not in script)
        monkeypatch.setattr(sys, "executable", whole)
        assert (await reader.read(pieces(b"good"), "a.txt")).text == "good"
    finally:
        await reader.close()


async def test_a_missing_interpreter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(DocumentsBroken, match="/nowhere/python"):
        await ReaderProcess().read(pieces(b"a"), "a.txt")


async def test_words_on_standard_output_change_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = f'echo garbage; echo more >&2; exec {sys.executable} "$@"'
    monkeypatch.setattr(sys, "executable", interpreter(tmp_path, script))
    reader = ReaderProcess()
    try:
        assert (await reader.read(pieces(b"good"), "a.txt")).text == "good"
    finally:
        await reader.close()


@pytest.mark.parametrize(
    ("module", "name", "content"),
    [
        ("pypdfium2", "a.pdf", papers.pdf(["A page"])),
        ("chardet", "a.txt", "Привет, договор подписан".encode("cp1251")),
        ("xlrd", "a.xls", old_office.sheet("Prices", [["Part"]])),
    ],
)
async def test_a_missing_library_fails_its_formats_alone_and_not_as_their_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, name: str, content: bytes
) -> None:
    monkeypatch.setattr(sys, "executable", interpreter(tmp_path, without(module)))
    reader = ReaderProcess()
    try:
        assert (await reader.read(pieces(b"good"), "a.txt")).text == "good"
        with pytest.raises(DocumentsBroken, match=module):
            await reader.read(pieces(content), name)
        assert (await reader.read(pieces(b"still"), "a.txt")).text == "still"
    finally:
        await reader.close()
