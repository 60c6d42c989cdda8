"""What differs between test, staging and production: one file each, in infra/environments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployment import sizes
from deployment.errors import UsageError
from deployment.nearest import meant

DEFAULT_REGION: Final = "eu-north-1"
_ENDING: Final = ".parameters"
CHOICES: Final = {
    "Region": "where it runs",
    "Https": "`cloudfront` makes https.yaml, an address to try things at",
    "Firewall": "`true` makes firewall.yaml",
    "FlowLogs": "`true` makes flow-logs.yaml",
    "Owner": "a tag of every resource",
    "CostCenter": "the same",
}
"""Keys that no template has: they say which stacks there are, and where."""


@dataclass(frozen=True)
class TargetEnvironment:
    """One copy of the system."""

    name: str
    parameters: Mapping[str, str]

    @property
    def region(self) -> str:
        """Where it runs."""
        return self.parameters.get("Region") or DEFAULT_REGION

    @property
    def services(self) -> tuple[str, ...]:
        """Which of the two services run."""
        return sizes.services(self.name, self.parameters)

    @property
    def has_own_network(self) -> bool:
        """Whether network.yaml makes one; naming a VpcId takes that one instead."""
        return not self.parameters.get("VpcId")

    @property
    def has_cloudfront(self) -> bool:
        """Whether https.yaml lends it an address."""
        return self.parameters.get("Https", "") == "cloudfront"

    @property
    def has_firewall(self) -> bool:
        """Whether firewall.yaml stands before it."""
        return self.parameters.get("Firewall", "") == "true"

    @property
    def is_protected(self) -> bool:
        """Whether its stacks are kept from being deleted by mistake."""
        return self.parameters.get("DeletionProtection", "") == "true"

    @property
    def has_flow_logs(self) -> bool:
        """Whether flow-logs.yaml is deployed."""
        return self.parameters.get("FlowLogs", "") == "true"


def names(folder: Path) -> list[str]:
    """List the environments."""
    return sorted(path.stem for path in folder.glob(f"*{_ENDING}"))


def load(folder: Path, name: str) -> TargetEnvironment:
    """Read an environment's file: `Name=value` lines, and comments.

    Raises:
        UsageError: there is none of this name, or a line of it says nothing.
    """
    known = names(folder)
    if name not in known:
        hint = meant(name, known)
        raise UsageError(f"there is no environment {name!r}; {folder} has {', '.join(known) or 'none'}{hint}")
    read = dict(_lines(folder / f"{name}{_ENDING}"))
    if read.get("Environment", name) != name:
        raise UsageError(f"{name}{_ENDING} says Environment={read['Environment']}: a copied file?")
    return TargetEnvironment(name, {**read, "Environment": name})


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, equals, value = text.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"{path.name}, line {number}: {text!r} is not Name=value")
        yield key, value
