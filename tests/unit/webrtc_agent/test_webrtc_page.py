"""How the service serves the files of the page."""

import gzip
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.support.agents import one_agent
from webrtc_agent import page

SCRIPT = b"let a = 1;" * 10_000
BROTLI = b"brotli has no module in Python's library"
PART = "/assets/page-abc123.js"


def client(folder: Path, *, console: bool = True) -> httpx.AsyncClient:
    """Serve a folder."""
    app = FastAPI()
    page.install(app, one_agent(), folder, console=console)
    return httpx.AsyncClient(base_url="http://page", transport=httpx.ASGITransport(app))


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Make a folder as a build does."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<h1>Talk</h1>")
    (tmp_path / "console.html").write_text("<h1>Console</h1>")
    (tmp_path / "recover.js").write_text("2")
    for name in ("page-abc123.js", "console-abc123.js"):
        (tmp_path / "assets" / name).write_bytes(SCRIPT)
        (tmp_path / "assets" / f"{name}.gz").write_bytes(gzip.compress(SCRIPT))
        (tmp_path / "assets" / f"{name}.br").write_bytes(BROTLI)
    return tmp_path


async def test_a_page_that_is_not_built_says_how(tmp_path: Path) -> None:
    """A page that is not built yet says how to build it, instead of an error."""
    answer = await client(tmp_path).get("/")
    assert answer.status_code == 503
    assert "make page" in answer.text
    assert "<script" not in answer.text


async def test_a_built_page_is_served(built: Path) -> None:
    """The browser revalidates the page, and caches its parts forever, since their names change with their content."""
    async with client(built) as http:
        answer = await http.get("/")
        assert (answer.text, answer.headers["cache-control"]) == ("<h1>Talk</h1>", "no-cache")
        assert (await http.get("/console")).text == "<h1>Console</h1>"
        recover = await http.get("/recover.js")  # the same name in every build, so it is revalidated
        assert (recover.text, recover.headers["cache-control"]) == ("2", "no-cache")
        assert "javascript" in recover.headers["content-type"]
        part = await http.get("/assets/page-abc123.js", headers={"accept-encoding": "identity"})
        assert part.content == SCRIPT
        assert "immutable" in part.headers["cache-control"]
        assert part.headers["content-type"] == "text/javascript; charset=utf-8"
        for path in ("../index.html", "page-abc123.js.gz", "page-abc123.js.br", ".", "a/b.js", "%2e%2e%2findex.html"):
            assert (await http.get(f"/assets/{path}")).status_code == 404


async def test_a_page_that_was_built_again_is_served_without_a_restart(tmp_path: Path) -> None:
    """A new build is served without a restart, as the placeholder page promises."""
    async with client(tmp_path) as http:
        assert (await http.get("/")).status_code == 503
        for text in ("<h1>One</h1>", "<h1>Another</h1>"):
            (tmp_path / "index.html").write_text(text)
            assert (await http.get("/")).text == text


async def test_a_worker_is_installed_again_when_anything_it_keeps_has_changed(built: Path) -> None:
    """The worker's text changes with the page, its style and the operator's number, and with nothing else."""
    (built / "worker.js").write_text('const VERSION = "version-of-the-files";')
    (built / "plain.css").write_text("a {}")
    texts = []
    for phone, style in (
        (None, "a {}"),
        (None, "a {}"),
        ("+46850000000", "a {}"),
        ("+46850000000", "a { color: red }"),
    ):
        (built / "plain.css").write_text(style)
        app = FastAPI()
        page.install(app, one_agent(), built, console=False, phone=phone)
        async with httpx.AsyncClient(base_url="http://page", transport=httpx.ASGITransport(app)) as http:
            worker, offline = await http.get("/worker.js"), await http.get("/offline")
        assert worker.headers["cache-control"] == offline.headers["cache-control"] == "no-cache"
        assert worker.headers["content-type"] == "text/javascript; charset=utf-8"
        assert ("tel:+46850000000" in offline.text) is (phone is not None)
        texts.append(worker.text)
    assert "version-of-the-files" not in "".join(texts)
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


async def test_the_console_is_for_those_who_ask_for_it(built: Path) -> None:
    """The console is four times as large as the page, and no visitor needs it."""
    async with client(built, console=False) as http:
        assert (await http.get("/console")).status_code == 404
        assert (await http.get("/assets/console-abc123.js")).status_code == 404
        assert (await http.get("/assets/page-abc123.js")).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [
        ("gzip, deflate, br, zstd", "br", BROTLI),
        ("gzip", "gzip", None),
        ("GZIP;q=0.5", "gzip", None),
        ("br;q=0, gzip", "gzip", None),
        ("br;q=0.5, gzip;q=0.8", "gzip", None),
        ("*", "br", BROTLI),
        ("*;q=0", None, SCRIPT),
        ("identity", None, SCRIPT),
        ("", None, SCRIPT),
        ("gzip;q=nan, br;q=x", None, SCRIPT),
        ("x," * 50 + "gzip", None, SCRIPT),
    ],
)
async def test_files_come_in_the_encoding_that_a_client_takes(
    built: Path, accepted: str, coding: str | None, body: bytes | None
) -> None:
    """Each encoding is ready-made and has a tag of its own, so that no cache mixes them up."""
    async with client(built) as http, http.stream("GET", PART, headers={"accept-encoding": accepted}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert raw == body or gzip.decompress(raw) == SCRIPT
    assert int(answer.headers["content-length"]) == len(raw)
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["etag"].strip('"').endswith(f"-{coding}") is (coding is not None)


async def test_what_a_client_has_is_not_sent_again(built: Path) -> None:
    """A file whose tag the client has is not sent again; the tag also depends on the encoding."""
    async with client(built) as http:
        tag = (await http.get(PART, headers={"accept-encoding": "gzip"})).headers["etag"]
        for conditions in (tag, f'"other", W/{tag}', "*"):
            same = await http.get(PART, headers={"accept-encoding": "gzip", "if-none-match": conditions})
            assert (same.status_code, same.content) == (304, b"")
            assert (same.headers["etag"], same.headers["vary"]) == (tag, "Accept-Encoding")
        other = await http.get(PART, headers={"accept-encoding": "br", "if-none-match": tag})
        assert other.status_code == 200


async def test_heads_and_ranges_are_answered(built: Path) -> None:
    """HEAD returns GET's headers; a range request gets the whole file, as a part of a compressed one is useless."""
    async with client(built) as http:
        head = await http.head(PART, headers={"accept-encoding": "gzip"})
        assert head.content == b""
        assert int(head.headers["content-length"]) == len(gzip.compress(SCRIPT))
        assert (await http.head("/")).status_code == 200
        part = await http.get(PART, headers={"range": "bytes=0-9", "accept-encoding": "identity"})
        assert (part.status_code, part.content) == (200, SCRIPT)
        assert part.headers["accept-ranges"] == "none"
        assert (await http.post(PART)).status_code == 405
