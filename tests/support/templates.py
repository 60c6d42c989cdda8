"""Read the CloudFormation templates as they are written: functions in their long form, nothing resolved."""

import copy
from functools import lru_cache
from typing import Any

import yaml

from tools.workspace import ROOT

FOLDER = ROOT / "infra/cloudformation"
TEMPLATES = sorted(FOLDER.glob("*.yaml"))


class _Loader(yaml.CSafeLoader):
    """Reads short forms such as ``!Ref`` as their long ones."""


def _long_form(loader: yaml.CSafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case yaml.MappingNode():
            return {name: loader.construct_mapping(node, deep=True)}
        case _:
            scalar = loader.construct_scalar(node)  # type: ignore[arg-type]
            return {name: scalar.split(".", 1) if suffix == "GetAtt" else scalar}


_Loader.add_multi_constructor("!", _long_form)


@lru_cache
def _parse(text: str) -> dict[str, Any]:
    body: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    return body


def read(text: str) -> dict[str, Any]:
    """Read a template."""
    return copy.deepcopy(_parse(text))


def template(name: str) -> dict[str, Any]:
    """Read one of the product's templates."""
    return read((FOLDER / f"{name}.yaml").read_text())
