"""Compare what is pinned with published advisories: `make audit`.

It asks OSV, which holds the advisories of the Python packaging authority and of GitHub. Where that cannot be reached
it says so and exits with 2: nothing was compared, which is neither good nor bad news. With ``--advisories FOLDER`` it
reads the JSON files of an OSV export instead (all.zip of its PyPI part, unpacked).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from packaging.version import InvalidVersion, Version

from tools.lockfile import Locked, normal, read
from tools.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OSV = "https://api.osv.dev/v1/querybatch"
NOTHING_FOUND, FOUND, NOT_COMPARED = 0, 1, 2
_SECONDS = 20.0
_AT_ONCE = 500


class NotComparedError(Exception):
    """The advisories could not be had."""


def pinned(folder: Path) -> list[Locked]:
    """List the packages of all locks, each version once."""
    found = {(normal(one.name), one.version): one for path in sorted(folder.glob("*.txt")) for one in read(path)}
    return list(found.values())


def ask(packages: Sequence[Locked], client: httpx.Client) -> dict[str, list[str]]:
    """Ask OSV; give the advisories of each package, by its package URL.

    Raises:
        NotComparedError: it did not answer, or not as documented.
    """
    found: dict[str, list[str]] = {}
    for start in range(0, len(packages), _AT_ONCE):
        part = packages[start : start + _AT_ONCE]
        queries = [{"package": {"purl": one.purl}} for one in part]
        try:
            answer = client.post(OSV, json={"queries": queries}).raise_for_status().json()["results"]
            found |= {
                one.purl: [str(vuln["id"]) for vuln in result.get("vulns", [])]
                for one, result in zip(part, answer, strict=True)
            }
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise NotComparedError(f"{type(error).__name__} from {OSV}") from error
    return {purl: ids for purl, ids in found.items() if ids}


def look_up(packages: Sequence[Locked], folder: Path) -> dict[str, list[str]]:
    """Compare with advisories in files, one OSV document each.

    Raises:
        NotComparedError: there are none, or one cannot be read.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise NotComparedError(f"no advisory in {folder}")
    try:
        advisories = [json.loads(path.read_text(encoding="utf-8")) for path in files]
        found = {one.purl: [str(doc["id"]) for doc in advisories if concerns(doc, one)] for one in packages}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotComparedError(f"an advisory cannot be read: {type(error).__name__}") from error
    return {purl: ids for purl, ids in found.items() if ids}


def concerns(advisory: dict[str, Any], package: Locked) -> bool:
    """Tell whether an advisory that was not withdrawn is about this version."""
    if "withdrawn" in advisory:
        return False
    return any(
        affected["package"]["ecosystem"] == "PyPI"
        and normal(affected["package"]["name"]) == normal(package.name)
        and (
            package.version in affected.get("versions", [])
            or any(_within(span["events"], package.version) for span in affected.get("ranges", []) if _counts(span))
        )
        for affected in advisory["affected"]
    )


def _counts(span: dict[str, Any]) -> bool:
    return bool(span["type"] in {"ECOSYSTEM", "SEMVER"})


def _within(events: Iterable[dict[str, str]], version: str) -> bool:
    """Go through a range's events in the order of versions; the last one at or below ours decides."""
    ours, within = Version(version), False
    for event in sorted(events, key=lambda one: _version(next(iter(one.values())))):
        ((kind, at),) = event.items()
        if kind == "introduced" and ours >= _version(at):
            within = True
        elif (kind == "fixed" and ours >= _version(at)) or (kind == "last_affected" and ours > _version(at)):
            within = False
    return within


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and tell; 0 nothing found, 1 something found, 2 not compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locks", type=Path, default=ROOT / "requirements", help="folder of the locks")
    parser.add_argument("--advisories", type=Path, help="folder of OSV documents, instead of asking")
    options = parser.parse_args(arguments)
    packages = pinned(options.locks)
    try:
        if options.advisories is not None:
            found = look_up(packages, options.advisories)
        else:
            with httpx.Client(timeout=_SECONDS) as client:
                found = ask(packages, client)
    except NotComparedError as error:
        print(f"NOT COMPARED: {error}. {len(packages)} packages were compared with nothing.", file=sys.stderr)
        return NOT_COMPARED
    for purl, ids in found.items():
        print(f"{purl}: {', '.join(ids)}")
    print(f"{len(packages)} packages compared, {len(found)} of them have advisories")
    return FOUND if found else NOTHING_FOUND


if __name__ == "__main__":
    sys.exit(main())
