"""The bill of materials of an image is complete, and every lock is compared with published advisories."""

from pathlib import Path

import pytest

from tools import sbom
from tools.lockfile import read
from tools.sbom import IMAGES, bill
from tools.workspace import ROOT, lock


@pytest.mark.parametrize("image", IMAGES)
def test_threat_17_a_bill_lists_every_package_of_an_image(image: str) -> None:
    """A bill lists name, version, hash and license of the image's packages, reproducibly from one lock."""
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
    """A bill says in one line per image whether licenses are missing."""
    monkeypatch.setattr("sys.argv", ["sbom", "--folder", str(tmp_path)])
    assert sbom.main() == 0
    assert [line.rpartition(", ")[2] for line in capsys.readouterr().out.splitlines()] == ["each with its license"] * 2


def test_a_lock_is_read_whole() -> None:
    """A lock is read completely, and for an image only the packages for its platform."""
    path = lock("dev")
    pins = [line for line in path.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))]
    assert len(read(path)) == len(pins)
    assert len(read(path, for_image=True)) <= len(pins)


def test_every_lock_is_compared_with_advisories_and_none_is_skipped() -> None:
    """Every lock is compared with advisories, and `--strict` makes an unknown package a failure."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\naudit: ")[2].partition("\n\n")[0]
    assert "for lock in requirements/*.txt" in recipe
    assert {"--strict", "--require-hashes", "--disable-pip"} <= set(recipe.split())
