"""Filenames in multipart headers, in the encodings that clients use."""

import binascii
import re
from email.message import Message
from quopri import decodestring

_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?\s]*)\?=")
"""An encoded word of RFC 2047: its charset, its encoding and its text."""


def find_file_name(disposition: bytes, plain: bytes | None) -> str | None:
    """Return the name of the file that a `Content-Disposition` describes; None if it describes none.

    `plain` is its parameter `filename`, which can have encoded words (RFC 2047). `filename*`, whole or in numbered
    pieces (RFC 2231, RFC 5987), comes first if it can be read (RFC 6266, section 4.3).

    Raises:
        ValueError: the name cannot be decoded; the message says why.
    """
    try:
        extended = _find_extended(disposition, plain) if plain is None or b"*" in disposition else None
    except ValueError:
        if plain is None:
            raise
        extended = None
    return extended if extended is not None or plain is None else _decode_words(_decode(plain, "utf-8"))


def _find_extended(disposition: bytes, plain: bytes | None) -> str | None:
    message = Message()
    message["content-disposition"] = disposition.decode("latin-1")
    for name, value in message.get_params([], "content-disposition"):
        if name.lower() == "filename" and isinstance(value, tuple):
            charset, _, text = value
            return _decode(text.encode("latin-1"), charset or "utf-8")
        if name.lower() == "filename" and plain is None:  # in pieces without a charset
            return _decode_words(_decode(value.encode("latin-1"), "utf-8"))
    return None


def _decode_words(text: str) -> str:
    """Decode the encoded words of a text. Whitespace between them is ignored, and a character can span two of them."""
    parts: list[str] = []
    charset, waiting, end = "", b"", 0
    for word in _WORD.finditer(text):
        between = text[end : word.start()]
        if waiting and (between.strip() or word[1].lower() != charset):
            parts.append(_decode(waiting, charset))
            waiting = b""
        if between.strip() or not end:
            parts.append(between)
        charset, end = word[1].lower(), word.end()
        waiting += _decode_word(word[2].lower(), word[3])
    if waiting:
        parts.append(_decode(waiting, charset))
    return "".join([*parts, text[end:]])


def _decode_word(encoding: str, text: str) -> bytes:
    try:
        raw = text.encode("ascii")
        return decodestring(raw, header=True) if encoding == "q" else binascii.a2b_base64(raw, strict_mode=True)
    except ValueError:
        raise ValueError(f"expected a name whose encoded words can be decoded, not '{text[:64]}'") from None


def _decode(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset)
    except LookupError:
        raise ValueError(f"expected a name in UTF-8, not in the unknown charset '{charset[:64]}'") from None
    except ValueError:
        raise ValueError(f"expected a name in {charset.upper()[:64]}") from None
