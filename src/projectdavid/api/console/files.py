"""The built files of the console, read once: no path of a request reaches the disk."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DIST: Final = Path(__file__).parent / "dist"
"""The folder that `make console` builds; git ignores it, packages contain it."""
NONCE: Final = b"__CSP_NONCE__"
"""The placeholder in `index.html`, which each response replaces."""
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""Content codings in order of preference, with the suffix of the compressed file beside an asset."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Only scripts and styles of the console. The terminal inserts styles, which carry the nonce of the response."""
PAGE_HEADERS: Final = {
    "cache-control": "no-store",  # each response has a nonce of its own
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
ASSET_HEADERS: Final = {
    "cache-control": "public, max-age=31536000, immutable",  # the name of an asset contains its hash
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """The bytes of a file by content coding (empty: as they are), and its headers."""

    bodies: Mapping[str, bytes]
    headers: Mapping[str, str]

    def choose(self, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
        """Return the smallest body that a client accepts, with the headers of the response."""
        accepted = parse_codings(accept_encoding)
        coding = next((name for name in ENCODINGS if name in self.bodies and name in accepted), "")
        headers = dict(self.headers) | ({"content-encoding": coding} if coding else {})
        return self.bodies[coding], headers


@dataclass(frozen=True, slots=True)
class ConsoleFiles:
    """A built console. `version` is that of the package, `sources` the hash of the sources it was built from."""

    index: bytes
    assets: Mapping[str, Asset]
    version: str
    sources: str

    def render_index(self) -> tuple[bytes, dict[str, str]]:
        """Return the page with a new nonce, and the headers of the response."""
        nonce = secrets.token_urlsafe(16)
        policy = {"content-security-policy": POLICY.format(nonce=nonce)}
        return self.index.replace(NONCE, nonce.encode()), {**PAGE_HEADERS, **policy}


def load_files(folder: Path = DIST) -> ConsoleFiles | None:
    """Read a built console; None if the folder has none.

    Raises:
        OSError, ValueError, KeyError: a file cannot be read, or the manifest is damaged.
    """
    if not is_built(folder):
        return None
    manifest = json.loads((folder / "manifest.json").read_bytes())
    compressed = tuple(ENCODINGS.values())
    paths = [path for path in sorted((folder / "assets").rglob("*")) if path.is_file()]
    assets = {
        path.relative_to(folder / "assets").as_posix(): _read_asset(path)
        for path in paths
        if path.suffix not in compressed
    }
    index = (folder / "index.html").read_bytes()
    return ConsoleFiles(index, assets, str(manifest["version"]), str(manifest["sources"]))


def is_built(folder: Path = DIST) -> bool:
    """True if the folder has a complete build: the manifest is written last."""
    return (folder / "manifest.json").is_file()


def parse_codings(accept_encoding: str) -> set[str]:
    """Return the content codings that a client accepts (RFC 9110, section 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameter = part.strip().partition(";")
        key, _, weight = parameter.strip().partition("=")
        try:
            weights[name.strip()] = float(weight) if key.strip() == "q" else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    others = weights.get("*", 0.0)
    return {name for name in ENCODINGS if weights.get(name, others) > 0}


def _read_asset(path: Path) -> Asset:
    beside = {name: path.with_name(f"{path.name}{suffix}") for name, suffix in ENCODINGS.items()}
    bodies = {name: file.read_bytes() for name, file in beside.items() if file.is_file()}
    media_type = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    return Asset({**bodies, "": path.read_bytes()}, {**ASSET_HEADERS, "content-type": media_type})
