"""Files of the page, kept in memory in the encodings that the build has made: serving one compresses and reads nothing.

Compressing a script of 800 KB for one stranger takes 50 ms, and all visitors' audio waits meanwhile.
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
"""Content codings, the best first, and how their files end."""
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
"""Bytes that are written at once; then the peer has to read."""
_MAX_CODINGS: Final = 20
"""Of an Accept-Encoding that are read. Browsers name four."""


@dataclass(frozen=True, slots=True)
class File:
    """One file in all its encodings."""

    media_type: str
    tag: str
    bodies: Mapping[str, bytes]
    stamp: tuple[int, int]
    """When it was written, and its size: another file has another stamp."""


class Files:
    """Files of one folder. One is read when it is first asked for, and again when it has changed.

    Args:
        folder: Holds them, and their compressed copies with ``.br`` and ``.gz`` behind their names.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, File] = {}

    def find(self, name: str) -> File | None:
        """Return a file of this folder; None where there is none of that name."""
        if _NAME.fullmatch(name) is None or name.endswith((".br", ".gz")):
            return None
        path = self._folder / name
        try:
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_size
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
    tag = sha256(bodies["identity"]).hexdigest()[:20]
    return File(_MEDIA_TYPES.get(path.suffix, "application/octet-stream"), tag, bodies, stamp)


class FileResponse(Response):
    """Answers GET or HEAD with a file, in the best encoding that the client takes.

    A request for a range gets the whole file, as RFC 9110, section 14.2, allows: no client of the page resumes one.

    Args:
        file: What is asked for.
        request: Who asks.
        cache_control: How long it may be kept.
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
        """Send it piece by piece, each when there is room: an answer that is not read keeps little memory."""
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for at in range(0, len(self._content), _PIECE):
            piece = self._content[at : at + _PIECE]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def best_coding(accepted: str, offered: Mapping[str, bytes]) -> str:
    """Choose a content coding by what a client takes (RFC 9110, section 12.5.3); identity where nothing fits better.

    Args:
        accepted: The client's Accept-Encoding.
        offered: What there is.
    """
    weights = dict(_weights(accepted))
    rest = weights.get("*", 0.0)
    codings = {coding: weights.get(coding, rest) for coding in _ENDINGS if coding in offered and coding != "identity"}
    best = max(codings, key=lambda coding: codings[coding], default="identity")
    # Whatever is preferred to a compressed file by its weight, the compressed one is what the service can afford.
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
    """Tell whether an If-None-Match names a tag; weakly compared (RFC 9110, section 13.1.2)."""
    tags = {each.strip().removeprefix("W/") for each in ",".join(conditions).split(",")}
    return tag in tags or "*" in tags
