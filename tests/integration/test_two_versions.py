"""Two versions of the page behind one load balancer: a visit gets its page and its files from one version."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.support.edge_setting import WEB
from tests.support.two_builds import Versions, first_load, two_versions
from tests.support.waiting import until

VISITS = 20


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small build with the layout of ours, so that the test needs no Node."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "assets").mkdir()
    names = ["index-DJe_uOIf.js", "index-CVrUUKT7.css", "daily-58Lj_anO.js"]
    for name in names:
        (folder / "assets" / name).write_text(f"/* {name} of index-DJe_uOIf.js */")
    (folder / "recover.js").write_text("//")
    files = "".join(f'<script src="/assets/{name}"></script>' for name in names[:2])
    for page in ("index.html", "console.html"):
        (folder / page).write_text(f'<p>This page talks with you</p><script src="/recover.js"></script>{files}')
    return folder


async def _visit(url: str, http: httpx.AsyncClient, path: str = "/") -> list[int]:
    answer = await http.get(f"{url}{path}")
    assert answer.status_code == 200
    return [(await http.get(f"{url}{file}")).status_code for file in first_load(answer.text)]


async def _healthy(versions: Versions) -> None:
    await until(lambda: all(one.health.healthy for one in versions.edge.targets(WEB)), 20)


async def test_every_visit_gets_its_files_while_two_versions_run(built: Path, tmp_path: Path) -> None:
    """All of twenty visits are complete at both pages and versions; without the cookie most would be empty."""
    async with two_versions(tmp_path, built) as versions:
        await _healthy(versions)
        words = Counter[bool]()
        for number in range(VISITS):
            async with httpx.AsyncClient(trust_env=False) as http:
                path = "/console" if number % 4 == 3 else "/"
                assert set(await _visit(versions.edge.url, http, path)) == {200}
                words["speaks with you" in (await http.get(f"{versions.edge.url}{path}")).text] += 1
        assert min(words[True], words[False]) >= VISITS // 4
        async with httpx.AsyncClient(trust_env=False) as forgetful:
            answer = await forgetful.get(f"{versions.edge.url}/")
            for _ in range(3):
                forgetful.cookies.clear()
                answer = await forgetful.get(f"{versions.edge.url}/")
            forgetful.cookies.clear()
            lost = await forgetful.get(f"{versions.edge.url}{first_load(answer.text)[-1]}")
            assert (lost.status_code, lost.headers["cache-control"]) in {
                (404, "no-store"),
                (200, "public, max-age=31536000, immutable"),
            }


async def test_a_tab_goes_on_with_the_version_that_stays(built: Path, tmp_path: Path) -> None:
    """After a deployment or a rollback a tab loads the next page completely, and caches no missing file."""
    for gone, stays in (("old", "new"), ("new", "old")):
        async with two_versions(tmp_path / gone, built) as versions, httpx.AsyncClient(trust_env=False) as http:
            await _healthy(versions)
            theirs = await http.get(f"{versions.edge.url}/")
            while ("speaks with you" in theirs.text) is not (gone == "new"):
                http.cookies.clear()
                theirs = await http.get(f"{versions.edge.url}/")
            versions.leaves(gone)
            part = next(path.name for path in (versions.folders[gone] / "assets").glob("daily-*"))
            late = await http.get(f"{versions.edge.url}/assets/{part}")
            assert (late.status_code, late.headers["cache-control"]) == (404, "no-store")
            assert set(await _visit(versions.edge.url, http)) == {200}
            assert ("speaks with you" in (await http.get(f"{versions.edge.url}/")).text) is (stays == "new")


async def test_a_visitor_is_not_kept_at_a_full_task(built: Path, tmp_path: Path) -> None:
    """The cookie lasts only seconds, so a later retry can reach a task with a free slot."""
    async with two_versions(tmp_path, built, hurry=50) as versions, httpx.AsyncClient(trust_env=False) as http:
        await _healthy(versions)
        met = set()
        for _ in range(8):
            met.add("speaks with you" in (await http.get(f"{versions.edge.url}/")).text)
            await asyncio.sleep(0.2)
        assert met == {True, False}
