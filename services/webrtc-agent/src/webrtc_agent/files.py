"""Serve the page's files from memory in the encodings that the build made: serving one neither compresses nor reads.

Compressing a script of 800 KB for one client takes 50 ms, during which all visitors' audio waits.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
_ENDINGS: Final = {"br": ".br", "gzip": ".gz", "identity": ""}
"""Content codings, the best first, and the suffixes of their files."""
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
_PIECE: Final = 64 * 1024
"""Bytes written at once; then the peer must read."""
_MAX_CODINGS: Final = 20
"""Most codings of an Accept-Encoding header that are read. Browsers send four."""


@dataclass(frozen=True, slots=True)
class File:
    """One file in all its encodings."""

    media_type: str
    tag: str
    bodies: Mapping[str, bytes]
    stamp: tuple[int, int]
    """Modification time and size: a changed file has another stamp."""


class Files:
    """Files of one folder. A file is read at its first request, and again after it has changed.

    Args:
        folder: Holds them, and their compressed copies with the suffixes ``.br`` and ``.gz``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, File] = {}

    def find(self, name: str) -> File | None:
        """Return a file of this folder; None if there is none of that name."""
        # The pattern has no slash, so no name can leave the folder.
        if _NAME.fullmatch(name) is None or name.endswith((".br", ".gz")):
            return None
        path = self._folder / name
        try:
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_size
            # One `stat` per request: a rebuilt page is served without a restart.
            known = self._known.get(name)
            if known is None or known.stamp != stamp:
                known = self._known[name] = _read(path, stamp)
        except OSError:
            self._known.pop(name, None)
            return None
        return known


def _read(path: Path, stamp: tuple[int, int]) -> File:
    bodies = {}
    for coding, ending in _ENDINGS.items():
        encoded = path.with_name(path.name + ending)
        if coding == "identity" or encoded.is_file():
            bodies[coding] = encoded.read_bytes()
    # One tag for the content; the response adds the coding, because each encoding is another representation.
    tag = sha256(bodies["identity"]).hexdigest()[:20]
    return File(_MEDIA_TYPES.get(path.suffix, "application/octet-stream"), tag, bodies, stamp)


class FileResponse(Response):
    """Responds to GET or HEAD with a file, in the best encoding that the client accepts.

    A range request gets the whole file, as RFC 9110, section 14.2, allows: no client of the page resumes downloads.

    Args:
        file: The requested file.
        request: The request.
        cache_control: How long it may be cached.
    """

    def __init__(self, file: File, request: Request, cache_control: str) -> None:
        coding = best_coding(",".join(request.headers.getlist("accept-encoding")), file.bodies)
        tag = f'"{file.tag}"' if coding == "identity" else f'"{file.tag}-{coding}"'
        headers = {"ETag": tag, "Vary": "Accept-Encoding", "Cache-Control": cache_control, "Accept-Ranges": "none"}
        self._content = b""
        if _has(request.headers.getlist("if-none-match"), tag):
            super().__init__(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
            return
        body = file.bodies[coding]
        headers |= {"Content-Length": str(len(body)), "Content-Type": file.media_type}
        if coding != "identity":
            headers["Content-Encoding"] = coding
        super().__init__(headers=headers)
        if request.method != "HEAD":
            self._content = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it piece by piece, each when there is room: an unread response occupies little memory."""
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for at in range(0, len(self._content), _PIECE):
            piece = self._content[at : at + _PIECE]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def best_coding(accepted: str, offered: Mapping[str, bytes]) -> str:
    """Return the best content coding that a client accepts (RFC 9110, section 12.5.3); identity if none is better.

    Args:
        accepted: The client's Accept-Encoding.
        offered: The available encodings.
    """
    weights = dict(_weights(accepted))
    rest = weights.get("*", 0.0)
    codings = {coding: weights.get(coding, rest) for coding in _ENDINGS if coding in offered and coding != "identity"}
    best = max(codings, key=lambda coding: codings[coding], default="identity")
    # Even if the client prefers identity by weight, a compressed file is what the service can afford.
    return best if codings.get(best, 0.0) > 0 else "identity"


def _weights(accepted: str) -> Iterator[tuple[str, float]]:
    for part in accepted.split(",")[:_MAX_CODINGS]:
        coding, _, parameter = part.partition(";")
        name, _, value = parameter.partition("=")
        try:
            weight = float(value) if name.strip().lower() == "q" else 1.0
        except ValueError:
            weight = 0.0
        yield coding.strip().lower(), weight


def _has(conditions: list[str], tag: str) -> bool:
    """Return whether an If-None-Match names a tag; weak comparison (RFC 9110, section 13.1.2)."""
    tags = {each.strip().removeprefix("W/") for each in ",".join(conditions).split(",")}
    return tag in tags or "*" in tags
