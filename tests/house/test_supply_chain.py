"""What an image is made of is written down whole, and a comparison with advisories says if there was one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools import audit, sbom
from tools.audit import FOUND, NOT_COMPARED, NOTHING_FOUND, NotComparedError, ask, concerns, pinned
from tools.lockfile import Locked, read
from tools.sbom import IMAGES, bill
from tools.workspace import ROOT, lock

PACKAGE = Locked("Some_Package", "1.4.2", ())


@pytest.mark.parametrize("image", IMAGES)
def test_threat_17_a_bill_lists_every_package_of_an_image(image: str) -> None:
    """Name, version, hash and license of each, nothing that the image leaves out, and the same from the same lock."""
    made = bill(image)
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    named = {component["name"] for component in made["components"]}
    assert {"fastapi", "uvicorn", "awscrt"} <= named
    assert not named & {"pytest", "onnxruntime", "colorama"}
    for component in made["components"]:
        kind = component["purl"].partition("/")[0]
        assert component["purl"].replace("%40", "@") == f"{kind}/{component['name']}@{component['version']}"
        assert {len(one["content"]) for one in component["hashes"]} == {64 if kind == "pkg:pypi" else 128}
        assert component["hashes"] != []
        assert component["licenses"] != []
    assert ("preact" in named or "react" in named) is (image == "webrtc-agent")
    references = [component["bom-ref"] for component in made["components"]]
    assert made["dependencies"] == [{"ref": image, "dependsOn": references}]
    assert len(set(references)) == len(references)
    assert bill(image) == made


def test_a_bill_says_in_words_whether_licenses_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for each image."""
    monkeypatch.setattr("sys.argv", ["sbom", "--folder", str(tmp_path)])
    assert sbom.main() == 0
    assert [line.rpartition(", ")[2] for line in capsys.readouterr().out.splitlines()] == ["each with its license"] * 2


def test_a_lock_is_read_whole() -> None:
    """As many packages as it pins, and for an image only those for its system."""
    path = lock("dev")
    pins = [line for line in path.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))]
    assert len(read(path)) == len(pins)
    assert len(read(path, for_image=True)) <= len(pins)


def advisory(*events: dict[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Make an advisory as OSV publishes it."""
    affected = {"package": {"ecosystem": "PyPI", "name": "some-package"}, "versions": more.pop("versions", [])}
    affected["ranges"] = [{"type": "ECOSYSTEM", "events": [*events]}] if events else []
    return {"id": "PYSEC-2026-1", "affected": [affected], **more}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (advisory(versions=["1.4.2"]), True),
        (advisory(versions=["1.4.1"]), False),
        (advisory({"introduced": "0"}), True),
        (advisory({"introduced": "0"}, {"fixed": "1.4.2"}), False),
        (advisory({"introduced": "0"}, {"fixed": "1.4.10"}), True),
        (advisory({"introduced": "0"}, {"last_affected": "1.4.2"}), True),
        (advisory({"introduced": "0"}, {"last_affected": "1.4.1"}), False),
        (advisory({"introduced": "1.5"}), False),
        (advisory({"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "1.4"}), True),
        (advisory({"introduced": "0"}, withdrawn="2026-01-01T00:00:00Z"), False),
    ],
)
def test_an_advisory_is_about_a_version_or_not(document: dict[str, Any], *, expected: bool) -> None:
    """Listed versions and ranges, in the order of versions and not of letters."""
    assert concerns(document, PACKAGE) is expected
    assert not concerns(document, Locked("another-package", "1.4.2", ()))


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """Make a folder with one lock."""
    folder = tmp_path / "locks"
    folder.mkdir()
    (folder / "all.txt").write_text("some-package==1.4.2 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    return folder


@pytest.mark.parametrize(
    ("documents", "code"),
    [
        ([advisory({"introduced": "0"})], FOUND),
        ([advisory({"introduced": "2"})], NOTHING_FOUND),
        ([], NOT_COMPARED),
        ([{"id": "x"}], NOT_COMPARED),
    ],
)
def test_threat_17_a_comparison_tells_what_it_did(
    tmp_path: Path, locks: Path, documents: list[dict[str, Any]], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """No advisories, or broken ones, are not the same as none that concern us."""
    advisories = tmp_path / "advisories"
    advisories.mkdir()
    for number, document in enumerate(documents):
        (advisories / f"{number}.json").write_text(json.dumps(document))
    assert audit.main(["--locks", str(locks), "--advisories", str(advisories)]) == code
    told = capsys.readouterr()
    assert ("PYSEC-2026-1" in told.out) is (code == FOUND)
    assert ("NOT COMPARED" in told.err) is (code == NOT_COMPARED)


def _client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer))


def test_osv_is_asked_about_every_package() -> None:
    """By package URL; whatever it knows comes back under the same."""
    packages = pinned(ROOT / "requirements")
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        queries = [query["package"]["purl"] for query in json.loads(request.content)["queries"]]
        asked.extend(queries)
        return httpx.Response(
            200, json={"results": [{"vulns": [{"id": "A"}]} if "/fastapi@" in one else {} for one in queries]}
        )

    with _client(answer) as client:
        found = ask(packages, client)
    assert sorted(asked) == sorted(package.purl for package in packages)
    assert [purl.partition("@")[0] for purl in found] == ["pkg:pypi/fastapi"]


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503), httpx.Response(200, text="<html>"), httpx.Response(200, json={"results": []})],
    ids=["503", "html", "short"],
)
def test_an_answer_that_is_none_is_no_clean_bill(answer: httpx.Response) -> None:
    """Neither a failure nor an answer about fewer packages counts as nothing found."""
    with _client(lambda _: answer) as client, pytest.raises(NotComparedError):
        ask([PACKAGE], client)
