"""Media type detection from the first bytes of a file. The name only distinguishes kinds of text and of zip."""

import re

BINARY = "application/octet-stream"
TEXT = "text/plain"
SEEN = 4096
"""Number of leading bytes examined."""

INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", TEXT})
"""Media types that browsers display inline. They cannot run scripts; HTML and SVG can, and are excluded."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/vnd.microsoft.icon"),
    (b"%PDF-", "application/pdf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"\x7fELF", "application/x-elf"),
    (b"{\\rtf", "application/rtf"),
)
_READABLE: tuple[tuple[bytes, str], ...] = (
    (b"BM", "image/bmp"),
    (b"BZh", "application/x-bzip2"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"OggS", "application/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
)
"""Signatures that a text can also start with."""
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OFFICES: dict[bytes, tuple[str, str]] = {
    b"xl/": ("xlsx", f"{_OFFICE}.spreadsheetml.sheet"),
    b"word/": ("docx", f"{_OFFICE}.wordprocessingml.document"),
    b"ppt/": ("pptx", f"{_OFFICE}.presentationml.presentation"),
}
_TEXTS = {
    "css": "text/css",
    "csv": "text/csv",
    "eml": "message/rfc822",
    "htm": "text/html",
    "html": "text/html",
    "ipynb": "application/x-ipynb+json",
    "js": "text/javascript",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "md": "text/markdown",
    "mjs": "text/javascript",
    "py": "text/x-python",
    "svg": "image/svg+xml",
    "tex": "text/x-tex",
    "toml": "application/toml",
    "tsv": "text/tab-separated-values",
    "xhtml": "application/xhtml+xml",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}
_PLAIN = frozenset({"txt", "log", "text", "srt", "vtt", "ini", "cfg"})
_IN_OLE = {
    "doc": "application/msword",
    "msg": "application/vnd.ms-outlook",
    "ppt": "application/vnd.ms-powerpoint",
    "xls": "application/vnd.ms-excel",
}
"""Legacy office formats in OLE containers, by file extension."""
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|script|iframe|meta)[\s>/]", re.IGNORECASE)
_SVG = re.compile(rb"<(!doctype\s+)?svg[\s>]", re.IGNORECASE)


def detect_media_type(head: bytes, name: str) -> str:
    """Return the media type of a file from its first bytes and its name."""
    head = head[:SEEN]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(head, extension)
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return _IN_OLE.get(extension, kind) if kind == "application/x-ole-storage" else kind
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and len(head) % 2 == 0:
        return _TEXTS.get(extension, TEXT)
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], BINARY)
    if head[4:8] == b"ftyp":
        return {b"avif": "image/avif", b"heic": "image/heic", b"M4A ": "audio/mp4"}.get(head[8:12], "video/mp4")
    if _is_text(head):
        return _text(head, extension)
    found = next((kind for signature, kind in _READABLE if head.startswith(signature)), None)
    return found or _legacy(head, extension)


def _zip(head: bytes, extension: str) -> str:
    """Distinguish zip-based formats by the names of their first entries."""
    if head[30:38] == b"mimetype":
        said = re.match(rb"application/[a-z0-9.+-]+", head[38:])
        return said[0].decode() if said else "application/zip"
    for folder, (usual, kind) in _OFFICES.items():
        if folder in head or (extension == usual and b"[Content_Types].xml" in head):
            return kind
    return "application/zip"


def _legacy(head: bytes, extension: str) -> str:
    """Detect text in other encodings than UTF-8; only the file extension distinguishes it from binary data."""
    if _NO_TEXT.search(head) or (extension not in _TEXTS and extension not in _PLAIN):
        return BINARY
    return _TEXTS.get(extension, TEXT)


def _is_text(head: bytes) -> bool:
    """True for UTF-8 without binary control characters; the last character can be truncated."""
    if _NO_TEXT.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and len(head) == SEEN
    return True


def _text(head: bytes, extension: str) -> str:
    """Return the type by file extension; without a known extension, detect markup by its first characters."""
    if extension in _TEXTS:
        return _TEXTS[extension]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<") and _SVG.search(start):
        return "image/svg+xml"
    if start.startswith(b"<") and _HTML.search(start):
        return "text/html"
    return "application/xml" if start.startswith(b"<?xml") else TEXT
