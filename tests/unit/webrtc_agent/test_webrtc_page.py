"""The page's files."""

from pathlib import Path

import httpx
from fastapi import FastAPI

from webrtc_agent import page


def client(folder: Path) -> httpx.AsyncClient:
    """Serve a folder."""
    app = FastAPI()
    page.install(app, folder)
    return httpx.AsyncClient(base_url="http://page", transport=httpx.ASGITransport(app))


async def test_a_page_that_is_not_built_says_how(tmp_path: Path) -> None:
    """Instead of an error that only its author understands."""
    answer = await client(tmp_path).get("/")
    assert answer.status_code == 503
    assert "make page" in answer.text
    assert "<script" not in answer.text


async def test_a_built_page_is_served(tmp_path: Path) -> None:
    """Its name is asked for again each time, its parts never, for their names change with them."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<h1>Talk</h1>")
    (tmp_path / "console.html").write_text("<h1>Console</h1>")
    (tmp_path / "recover.js").write_text("2")
    (tmp_path / "assets" / "page-abc123.js").write_text("1")
    async with client(tmp_path) as http:
        answer = await http.get("/")
        assert (answer.text, answer.headers["cache-control"]) == ("<h1>Talk</h1>", "no-cache")
        assert (await http.get("/console")).text == "<h1>Console</h1>"
        recover = await http.get("/recover.js")  # the same name in every build, so it is asked for again each time
        assert (recover.text, recover.headers["cache-control"]) == ("2", "no-cache")
        assert "javascript" in recover.headers["content-type"]
        part = await http.get("/assets/page-abc123.js")
        assert "immutable" in part.headers["cache-control"]
        assert "javascript" in part.headers["content-type"]
        assert (await http.get("/assets/../index.html")).status_code == 404
