"""A CloudFormation template, as far as one must understand it to deploy it."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

_KEPT: Final = {"Retain", "RetainExceptOnCreate"}
_GIVES_RIGHTS: Final = "AWS::IAM::"


class _Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # ten times faster, where it is
    """Passes over the short forms of functions: nothing is resolved here."""


_Reader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


@lru_cache(maxsize=32)
def _read(text: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(text, _Reader)  # noqa: S506 - a SafeLoader
    return read


@dataclass(frozen=True)
class Template:
    """One file of infra/cloudformation."""

    path: Path

    @cached_property
    def text(self) -> str:
        """What CloudFormation is given."""
        return self.path.read_text(encoding="utf-8")

    @property
    def _body(self) -> dict[str, Any]:
        return _read(self.text)

    @property
    def parameters(self) -> frozenset[str]:
        """What it may be told."""
        return frozenset(self._body.get("Parameters", {}))

    def default(self, parameter: str) -> str:
        """Tell what a parameter is when nobody sets it."""
        return str(self._body["Parameters"][parameter].get("Default", ""))

    def mapped(self, mapping: str, key: str, name: str) -> str:
        """Look a value up in its mappings."""
        return str(self._body["Mappings"][mapping][key][name])

    def choices(self, rule: str) -> list[str]:
        """List the values that a rule of the form "one of these" allows."""
        (assertion,) = self._body["Rules"][rule]["Assertions"]
        return [str(value) for value in assertion["Assert"]["Fn::Contains"][0]]

    @property
    def kinds(self) -> list[str]:
        """The kind of each resource; those of a condition too."""
        return [one["Type"] for one in self._body["Resources"].values()]

    @property
    def kept(self) -> dict[str, str]:
        """What stays when the stack goes: logical name to kind."""
        found = self._body["Resources"].items()
        return {name: one["Type"] for name, one in found if one.get("DeletionPolicy") in _KEPT}

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What CloudFormation wants to hear before it makes such things."""
        return ("CAPABILITY_IAM",) if any(kind.startswith(_GIVES_RIGHTS) for kind in self.kinds) else ()
