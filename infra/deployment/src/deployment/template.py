"""Parses a CloudFormation template, as far as a deployment needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from deployment.expressions import Expressions, UnknowableError

_KEPT: Final = {"Retain", "RetainExceptOnCreate"}
_GIVES_RIGHTS: Final = "AWS::IAM::"


class _Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader is ten times faster
    """Loads short function forms as long ones, without evaluating them."""


def _long_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:  # noqa: ANN401 - either of yaml's loaders
    # CloudFormation's short form of Fn::If is !If, but Ref and Condition have no prefix.
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    return {name: loader.construct_scalar(node)}


_Reader.add_multi_constructor("!", _long_form)


@lru_cache(maxsize=32)
def _read(text: str) -> dict[str, Any]:
    # Parsing takes most of a plan's time, and stacks share templates.
    read: dict[str, Any] = yaml.load(text, _Reader)  # noqa: S506 - a SafeLoader
    return read


def _is_made(resource: Mapping[str, Any], expressions: Expressions) -> bool:
    try:
        return "Condition" not in resource or expressions.condition(resource["Condition"])
    except UnknowableError:
        # Better too many resources in a list than one too few.
        return True


@dataclass(frozen=True)
class StackTemplate:
    """One file of infra/cloudformation."""

    path: Path

    @cached_property
    def text(self) -> str:
        """The template body that CloudFormation receives."""
        return self.path.read_text(encoding="utf-8")

    @property
    def body(self) -> Mapping[str, Any]:
        """The parsed template, functions in long form."""
        return _read(self.text)

    @property
    def parameters(self) -> frozenset[str]:
        """Names of its parameters."""
        return frozenset(self.body.get("Parameters", {}))

    def default(self, parameter: str) -> str:
        """Return a parameter's default; empty if it has none."""
        return str(self.body["Parameters"][parameter].get("Default", ""))

    def mapped(self, mapping: str, key: str, name: str) -> str:
        """Return a value of its mappings."""
        return str(self.body["Mappings"][mapping][key][name])

    def choices(self, rule: str) -> list[str]:
        """Return the values that a rule of the form "one of these" allows."""
        (assertion,) = self.body["Rules"][rule]["Assertions"]
        return [str(value) for value in assertion["Assert"]["Fn::Contains"][0]]

    @property
    def kinds(self) -> list[str]:
        """Type of each resource, including conditional ones."""
        return [one["Type"] for one in self.body["Resources"].values()]

    def made(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what these parameters create: logical name to type, without resources whose condition is false."""
        expressions = Expressions(self.body, given)
        return {name: one["Type"] for name, one in self.body["Resources"].items() if _is_made(one, expressions)}

    @property
    def kept(self) -> dict[str, str]:
        """Resources that outlive the stack: logical name to type."""
        found = self.body["Resources"].items()
        return {name: one["Type"] for name, one in found if one.get("DeletionPolicy") in _KEPT}

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Capabilities that CloudFormation requires an acknowledgement of."""
        # The templates name no IAM resources, so CAPABILITY_NAMED_IAM is not needed.
        return ("CAPABILITY_IAM",) if any(kind.startswith(_GIVES_RIGHTS) for kind in self.kinds) else ()
