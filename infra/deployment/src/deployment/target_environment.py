"""Reads an environment's settings: one file each for test, staging and production, in infra/environments."""

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
    "Region": "the region of all stacks",
    "Https": "`cloudfront` deploys https.yaml, an https URL for testing",
    "Firewall": "`true` deploys firewall.yaml",
    "FlowLogs": "`true` deploys flow-logs.yaml",
    "Owner": "a tag of every resource",
    "CostCenter": "a tag of every resource",
}
"""Keys that no template declares: they select the stacks and their region."""


@dataclass(frozen=True)
class TargetEnvironment:
    """One deployment of the system, such as test or production."""

    name: str
    parameters: Mapping[str, str]

    @property
    def region(self) -> str:
        """The region of all stacks."""
        return self.parameters.get("Region") or DEFAULT_REGION

    @property
    def services(self) -> tuple[str, ...]:
        """The services that run: phone, web or both."""
        return sizes.services(self.name, self.parameters)

    @property
    def has_own_network(self) -> bool:
        """Whether network.yaml creates a VPC; with VpcId an existing one is used."""
        return not self.parameters.get("VpcId")

    @property
    def has_cloudfront(self) -> bool:
        """Whether https.yaml provides an https URL through CloudFront."""
        return self.parameters.get("Https", "") == "cloudfront"

    @property
    def has_firewall(self) -> bool:
        """Whether firewall.yaml puts a web ACL before the load balancer."""
        return self.parameters.get("Firewall", "") == "true"

    @property
    def is_protected(self) -> bool:
        """Whether its stacks have termination protection."""
        return self.parameters.get("DeletionProtection", "") == "true"

    @property
    def has_flow_logs(self) -> bool:
        """Whether flow-logs.yaml is deployed."""
        return self.parameters.get("FlowLogs", "") == "true"


def names(folder: Path) -> list[str]:
    """Return the names of all environments."""
    return sorted(path.stem for path in folder.glob(f"*{_ENDING}"))


def load(folder: Path, name: str) -> TargetEnvironment:
    """Read an environment's file: `Name=value` lines, and comments.

    Raises:
        UsageError: There is no such environment, or a line is not valid.
    """
    known = names(folder)
    if name not in known:
        hint = meant(name, known)
        raise UsageError(f"environment {name!r} does not exist; {folder} has {', '.join(known) or 'none'}{hint}")
    read = dict(_lines(folder / f"{name}{_ENDING}"))
    if read.get("Environment", name) != name:
        raise UsageError(f"{name}{_ENDING} contains Environment={read['Environment']}: is it a copied file?")
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
