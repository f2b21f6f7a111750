"""What kind of file it is, and what it is called."""

import io
import json
import zipfile

import pytest

from projectdavid.engine.file_names import clean_file_name
from projectdavid.engine.media_types import INLINE, detect_media_type

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.text" if name == "mimetype" else "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (PNG, "plot.png", "image/png"),
        (PNG, "page.html", "image/png"),
        (b"\xff\xd8\xff\xe0", "x", "image/jpeg"),
        (b"GIF89a\x01\x00", "x", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "x", "image/webp"),
        (b"%PDF-1.7\n", "x.txt", "application/pdf"),
        (b"PAR1\x15\x04\x15\x00", "t.parquet", "application/vnd.apache.parquet"),
        (b"BMW,3\nAudi,4\n", "cars.csv", "text/csv"),
        (b"MZ is how it begins", "a.txt", "text/plain"),
        (b"a,b\n1,2\n", "table.csv", "text/csv"),
        (b"a,b\n1,2\n", "table.CSV", "text/csv"),
        (b"a,b\n1,2\n", "table", "text/plain"),
        (b"a,b\n1,2\n", "table.png", "text/plain"),
        (b"a,b\n1,2\n", "table.xlsx", "text/plain"),
        (b"", "empty", "text/plain"),
        (json.dumps({}).encode(), "a.json", "application/json"),
        (b"<!DOCTYPE html><p>", "a.txt", "text/html"),
        (b"  <html>", "a", "text/html"),
        (b"<script>alert(1)</script>", "notes.txt", "text/html"),
        (b"hello", "a.html", "text/html"),
        (b"\xef\xbb\xbf<svg xmlns='http://www.w3.org/2000/svg'>", "a.txt", "image/svg+xml"),
        (b"<?xml version='1.0'?><svg onload='x'>", "a", "image/svg+xml"),
        (b"<?xml version='1.0'?><a/>", "a", "application/xml"),
        (b"plain \x00 zero", "a.txt", "application/octet-stream"),
        (b"\xff\xfe\x00", "a.csv", "application/octet-stream"),
        ("a,ä\n".encode("utf-16"), "a.csv", "text/csv"),
        ("Größe".encode("utf-16"), "a", "text/plain"),
        ("名前,年齢\n".encode("cp932"), "a.csv", "text/csv"),
        ("Größe\n".encode("cp1252"), "a.txt", "text/plain"),
        ("<p>Größe".encode("cp1252"), "a.html", "text/html"),
        ("Größe\n".encode("cp1252"), "a", "application/octet-stream"),
        (b"Subject: hello\n\nWell", "a.eml", "message/rfc822"),
        (b"{\\rtf1 hello}", "a.txt", "application/rtf"),
        (bytes.fromhex("d0cf11e0a1b11ae1"), "a.msg", "application/vnd.ms-outlook"),
        (bytes.fromhex("d0cf11e0a1b11ae1"), "a", "application/x-ole-storage"),
        ("ä" * 4096, "a.txt", "text/plain"),
        (b"a" * 4095 + "ä".encode(), "a.txt", "text/plain"),
        (b"a\xc3", "a.txt", "text/plain"),
        (b"a\xc3", "a", "application/octet-stream"),
        (zipped("a.txt"), "a.zip", "application/zip"),
        (zipped("a.txt"), "a.xlsx", "application/zip"),
        (zipped("xl/workbook.xml"), "a", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (
            zipped("[Content_Types].xml"),
            "a.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (zipped("mimetype"), "a.odt", "application/vnd.oasis.opendocument.text"),
    ],
)
def test_the_content_says_what_a_file_is_and_the_name_only_which_text(head: bytes | str, name: str, kind: str) -> None:
    assert detect_media_type(head if isinstance(head, bytes) else head.encode(), name) == kind


def test_nothing_that_can_run_in_a_browser_is_shown_at_once() -> None:
    assert not INLINE & {"text/html", "image/svg+xml", "application/xml", "application/xhtml+xml", "text/javascript"}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("report.csv", "report.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a b.txt", "a b.txt"),
        ("a/b\\c", "c"),
        ("line\nbreak\0.csv", "linebreak.csv"),
        ("gpj\u202e.exe", "gpj.exe"),
        (" .hidden ", ".hidden"),
        ("naïve 数据.csv", "naïve 数据.csv"),
        ("a" * 255, "a" * 255),
    ],
)
def test_a_name_loses_its_folders_and_what_deceives(given: str, name: str) -> None:
    assert clean_file_name(given) == name


@pytest.mark.parametrize("given", ["", " ", ".", "..", "a/..", "a/", "\n", "...", "a" * 256, "ä" * 128, "a\udc80"])
def test_a_name_that_would_be_none_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="expected a name"):
        clean_file_name(given)
