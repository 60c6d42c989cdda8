"""Parses a CloudFormation change set and formats it for the terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_MARKS: Final = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "+", "Dynamic": "~"}


@dataclass(frozen=True)
class Change:
    """A planned change of one resource."""

    action: str
    name: str
    kind: str
    replaced: bool
    because: tuple[str, ...]
    """Names of the properties that differ."""


def read(change_set: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Return the resource changes of a change set, as `describe_change_set` lists them."""
    return [_read(one["ResourceChange"]) for one in change_set if "ResourceChange" in one]


def _read(change: Mapping[str, Any]) -> Change:
    targets = [detail.get("Target", {}) for detail in change.get("Details", [])]
    names = sorted({str(one.get("Name") or one.get("Attribute") or "") for one in targets} - {""})
    return Change(
        action=str(change.get("Action", "Dynamic")),
        name=str(change.get("LogicalResourceId", "")),
        kind=str(change.get("ResourceType", "")),
        replaced=change.get("Replacement") in {"True", "Conditional"},
        because=tuple(names),
    )


def rows(changes: Sequence[Change]) -> list[str]:
    """Return one line per change; removals and replacements first, because they can interrupt the service."""
    hurting_first = sorted(changes, key=lambda one: (one.action != "Remove", not one.replaced, one.name))
    width = max((len(change.name) for change in changes), default=0)
    return [_row(change, width) for change in hurting_first]


def _row(change: Change, width: int) -> str:
    what = "replaced" if change.replaced else "removed" if change.action == "Remove" else ""
    parts = [part for part in (what, ", ".join(change.because)) if part]
    return f"{_MARKS.get(change.action, '~')} {change.name:<{width}}  {' · '.join(parts) or kinds([change.kind])}"


def kinds(found: Iterable[str]) -> str:
    """Return the resource types with their counts: `3 Subnet, VPC`."""
    counted = Counter(kind.rpartition("::")[2] for kind in found)
    return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in sorted(counted.items()))
