"""A console of a few files, built by hand."""

import json
from pathlib import Path

INDEX = '<!doctype html><meta nonce="__CSP_NONCE__"><script type="module" src="/assets/main-abc.js"></script>'
SCRIPT = b"console.log('plain')"


def build_console(folder: Path) -> Path:
    """Write the files of a console, and return the folder."""
    assets = folder / "assets"
    assets.mkdir(parents=True)
    (folder / "index.html").write_text(INDEX, "utf-8")
    (folder / "secret.txt").write_text("beside the assets", "utf-8")
    (assets / "main-abc.js").write_bytes(SCRIPT)
    (assets / "main-abc.js.br").write_bytes(b"as brotli")
    (assets / "main-abc.js.gz").write_bytes(b"as gzip")
    (assets / "icon-def.svg").write_bytes(b"<svg/>")
    (folder / "manifest.json").write_text(json.dumps({"version": "1.2.3", "sources": "0f"}), "utf-8")
    return folder
