"""Write down what is in each image, as CycloneDX: `make sbom`. From the locks, so it needs neither image nor network.

The base image's own packages are not in it; the builder knows its digest.
"""

from __future__ import annotations

import argparse
import base64
import importlib.metadata
import json
import sys
import uuid
from pathlib import Path
from typing import Any

from tools.lockfile import Locked, normal, read
from tools.workspace import ROOT, lock

IMAGES = ("phone-agent", "webrtc-agent")
UNUSED = ROOT / "infra" / "images" / "unused.txt"
PAGE = ROOT / "services" / "webrtc-agent" / "client" / "package-lock.json"
FOLDER = ROOT / ".run" / "sbom"


def components(image: str) -> list[Locked]:
    """List an image's packages: its lock, without what is for other systems and what the image leaves out."""
    left_out = {normal(line.split("#")[0].strip()) for line in UNUSED.read_text(encoding="utf-8").splitlines()}
    return [package for package in read(lock(image), for_image=True) if normal(package.name) not in left_out]


def bill(image: str) -> dict[str, Any]:
    """Make the bill of an image; the same lock makes the same bill."""
    parts = [*map(_component, components(image)), *(page() if image == "webrtc-agent" else [])]
    references = [part["bom-ref"] for part in parts]
    content = "\n".join([image, *references])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": image, "bom-ref": image}},
        "components": parts,
        "dependencies": [{"ref": image, "dependsOn": references}],
    }


def page() -> list[dict[str, Any]]:
    """List the packages that the visitor's page is made of; those that only build it are in no image."""
    packages: dict[str, dict[str, Any]] = json.loads(PAGE.read_text(encoding="utf-8"))["packages"]
    parts = [
        _page_component(path.rpartition("node_modules/")[2], package)
        for path, package in packages.items()
        if path and not package.get("dev") and not package.get("devOptional")
    ]
    return list({part["purl"]: part for part in parts}.values())  # one version may lie in two folders


def _page_component(name: str, package: dict[str, Any]) -> dict[str, Any]:
    purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
    algorithm, _, digest = package["integrity"].partition("-")
    assert algorithm == "sha512", name  # noqa: S101 - the only one that npm writes today
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": package["version"],
        "purl": purl,
        "hashes": [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}],
        "licenses": [{"expression": package["license"]}] if "license" in package else [],
    }


def _component(package: Locked) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "hashes": [{"alg": "SHA-256", "content": content} for content in package.hashes],
    }
    license_text = license_of(package.name)
    if license_text is not None:
        component["licenses"] = [license_text]
    return component


def license_of(name: str) -> dict[str, Any] | None:
    """Return a package's license in CycloneDX form; None if it declares none or is not installed."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    expression = metadata.get("License-Expression")
    if expression:
        return {"expression": expression}
    classified = [one.rpartition(" :: ")[2] for one in metadata.get_all("Classifier") or [] if "License ::" in one]
    said = classified[0] if classified else (metadata.get("License") or "").strip().partition("\n")[0]
    return {"license": {"name": said}} if said else None


def main() -> int:
    """Write one file an image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for image in IMAGES:
        made = bill(image)
        path = folder / f"{image}.cdx.json"
        path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        unlicensed = [one["name"] for one in made["components"] if not one.get("licenses")]
        licenses = f"without a license: {', '.join(unlicensed)}" if unlicensed else "each with its license"
        print(f"{path}: {len(made['components'])} packages, {licenses}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
