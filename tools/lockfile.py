"""Parses a lock file: packages, versions and hashes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.markers import Marker

_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\]+))?")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_IMAGE: Final = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "python_version": "3.12",
    "python_full_version": "3.12.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}
"""Environment markers of an image, to decide which packages of a lock it contains."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A locked package, with the hashes of all its files for all platforms."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Package URL (purl)."""
        return f"pkg:pypi/{normal(self.name)}@{self.version}"


def normal(name: str) -> str:
    """Return the normalised name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path: Path, *, for_image: bool = False) -> list[Locked]:
    """Return the packages of a lock.

    Args:
        path: The lock file.
        for_image: Skip packages that are for other systems only.
    """
    packages = []
    for block in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8")):
        pin = _PIN.match(block)
        if pin is None or (for_image and pin[3] and not Marker(pin[3].strip()).evaluate(_IMAGE)):
            continue
        packages.append(Locked(pin[1], pin[2], tuple(_HASH.findall(block))))
    return packages
