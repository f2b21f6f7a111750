"""Mail (eml, mbox, mhtml): decoded headers, the text, and a list of attachments."""

from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from typing import IO, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.encodings import decode
from projectdavid.adapters.documents.reader.mail_headers import BEGIN
from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.adapters.documents.reader.text_cleanup import clean_text
from projectdavid.adapters.documents.reader.web import add_page
from projectdavid.engine.documents import Document

HEADERS: Final = ("From", "To", "Cc", "Date", "Subject")
LONGEST: Final = 5_000
"""Characters of a header that are read."""
DEEP: Final = 5
"""Levels of nested messages that are read."""


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read the visible headers, the text or HTML body, and the names of attachments.

    Raises:
        UnreadableFile: it is too long.
    """
    lines, warnings = LineCollector(limits), dict[str, None]()
    data = file.read().lstrip(b"\xef\xbb\xbf\r\n")
    messages = BEGIN.split(data)[1:] if BEGIN.match(data) else [data]
    for message in messages:
        warnings |= dict.fromkeys(_add(lines, message_from_bytes(message), DEEP))
    return lines.document("mail", warnings)


def add_headers(lines: LineCollector, headers: dict[str, str]) -> None:
    """Add the headers of a message, its subject as a heading."""
    if headers.get("Subject"):
        lines.add(f"# {headers['Subject']}")
        lines.add("")
    for name in HEADERS:
        if headers.get(name) and name != "Subject":
            lines.add(f"{name}: {headers[name]}")
    lines.add("")


def add_attachment(lines: LineCollector, name: str, media_type: str) -> None:
    """Add the name and type of an attachment."""
    lines.add(f"Attachment: {name or 'without a name'} ({media_type})")


def _add(lines: LineCollector, message: Message, depth: int) -> Iterator[str]:
    """Add a message, and yield warnings."""
    add_headers(lines, {name: _header(message, name) for name in HEADERS})
    body = _body(message)
    if body is not None:
        yield from _add_text(lines, body)
        lines.add("")
    for part in _attachments(message, body):
        if part.get_content_type() == "message/rfc822" and depth and isinstance(part.get_payload(), list):
            lines.add("Attached message:")
            for inner in part.get_payload():
                if isinstance(inner, Message):
                    yield from _add(lines, inner, depth - 1)
        else:
            add_attachment(lines, _filename(part), part.get_content_type())


def _add_text(lines: LineCollector, part: Message) -> Iterator[str]:
    payload = part.get_payload(decode=True)
    found = decode(payload, part.get_content_charset()) if isinstance(payload, bytes) else None
    if found is None:
        yield "The text of a message could not be decoded."
        return
    yield from found.warnings
    if part.get_content_type() == "text/html":
        add_page(lines, clean_text(found.text))
    else:
        lines.add_all(clean_text(found.text).rstrip().split("\n"))


def _leaves(message: Message) -> Iterator[Message]:
    """Return the parts without subparts; an attached message counts as one."""
    if message.get_content_maintype() == "multipart" and isinstance(message.get_payload(), list):
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield message


def _body(message: Message) -> Message | None:
    """Return the body of a message: a non-empty plain-text part, or the HTML part."""
    texts = [part for part in _leaves(message) if part.get_content_maintype() == "text" and not _is_attached(part)]
    plain = next((part for part in texts if part.get_content_type() == "text/plain" and _has_text(part)), None)
    page = next((part for part in texts if part.get_content_type() == "text/html"), None)
    return plain or page or (texts[0] if texts else None)


def _attachments(message: Message, body: Message | None) -> Iterator[Message]:
    for part in _leaves(message):
        is_text = part.get_content_maintype() == "text" and not _is_attached(part)
        if part is not body and part is not message and not is_text:
            yield part


def _is_attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _has_text(part: Message) -> bool:
    payload = part.get_payload(decode=True)
    return isinstance(payload, bytes) and not payload.isspace() and bool(payload)


def _filename(part: Message) -> str:
    name = part.get_filename() or part.get_param("name") or ""
    return " ".join(_decode(name if isinstance(name, str) else name[2]).split())


def _header(message: Message, name: str) -> str:
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(_decode(str(raw)[:LONGEST]).split())


def _decode(text: str) -> str:
    """Decode a header (RFC 2047), including unencoded bytes that some programs write."""
    try:
        parts = decode_header(text)
    except (HeaderParseError, ValueError):
        return text
    return "".join(_part(part, charset) for part, charset in parts)


def _part(part: str | bytes, charset: str | None) -> str:
    if isinstance(part, str):
        part, charset = part.encode("utf-8", "surrogateescape"), None
    found = decode(part, charset if charset not in (None, "unknown-8bit") else None)
    return found.text if found is not None else ""
