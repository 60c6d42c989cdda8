"""Read a lock file: which packages, in which versions, with which hashes."""

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
"""What an image is, to decide which of a lock's packages are in it."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock; the hashes are of all its files, for every machine."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its name for other tools (package URL)."""
        return f"pkg:pypi/{normal(self.name)}@{self.version}"


def normal(name: str) -> str:
    """Spell a name as every tool compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path: Path, *, for_image: bool = False) -> list[Locked]:
    """Read a lock.

    Args:
        path: Of the lock.
        for_image: Leave out what is for other systems only.
    """
    packages = []
    for block in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8")):
        pin = _PIN.match(block)
        if pin is None or (for_image and pin[3] and not Marker(pin[3].strip()).evaluate(_IMAGE)):
            continue
        packages.append(Locked(pin[1], pin[2], tuple(_HASH.findall(block))))
    return packages
