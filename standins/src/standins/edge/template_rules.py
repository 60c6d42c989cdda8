"""Evaluates the part of CloudFormation's language that a load balancer's template needs. No I/O."""

from collections.abc import Mapping
from typing import Any

import yaml


class TemplateError(ValueError):
    """The template uses something unsupported; the text says what."""


class _TemplateLoader(yaml.SafeLoader):
    """Loads short forms such as ``!Ref`` as long ones."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            return {name: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case yaml.MappingNode():
            return {name: loader.construct_mapping(node, deep=True)}
        case _:
            raise TemplateError(f"cannot read !{suffix}")


_TemplateLoader.add_multi_constructor("!", _long_form)

_NOTHING = object()
"""Value of ``AWS::NoValue``: its key is removed."""


class RuleTemplate:
    """A template with parameter values.

    Args:
        text: YAML.
        parameters: Values by name; missing ones have their defaults.

    Raises:
        TemplateError: The text is not a template.
    """

    def __init__(self, text: str, parameters: Mapping[str, str] | None = None) -> None:
        try:
            body = yaml.load(text, Loader=_TemplateLoader)  # noqa: S506 - a SafeLoader
        except yaml.YAMLError as error:
            raise TemplateError(f"not YAML: {error}") from None
        if not isinstance(body, dict) or not isinstance(body.get("Resources"), dict):
            raise TemplateError("no Resources")
        # A parameter without a default gets its own name, which is enough to compare references.
        defaults = {name: one.get("Default", name) for name, one in body.get("Parameters", {}).items()}
        unknown = set(parameters or {}) - set(defaults)
        if unknown:
            raise TemplateError(f"unknown parameters: {', '.join(sorted(unknown))}")
        self._values: dict[str, Any] = {**defaults, **(parameters or {})}
        self._conditions: Mapping[str, Any] = body.get("Conditions", {})
        self._resources: Mapping[str, Any] = body["Resources"]

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type that would be created, by logical name.

        A reference to a parameter becomes its value; a reference to a resource becomes its logical name.
        """
        return {
            name: self._resolve(resource.get("Properties", {}))
            for name, resource in self._resources.items()
            if resource["Type"] == kind and self._is_made(resource)
        }

    def _is_made(self, resource: Mapping[str, Any]) -> bool:
        return "Condition" not in resource or self._is_true({"Condition": resource["Condition"]})

    def _resolve(self, node: Any) -> Any:  # noqa: ANN401 - JSON
        match node:
            case {"Ref": "AWS::NoValue"}:
                return _NOTHING
            case {"Ref": str(name)}:
                # A reference to a resource stays its logical name, which is how listeners and groups are found.
                return self._values.get(name, name)
            case {"Fn::If": [str(condition), yes, no]}:
                return self._resolve(yes if self._is_true({"Condition": condition}) else no)
            case dict():
                resolved = {key: self._resolve(value) for key, value in node.items()}
                return {key: value for key, value in resolved.items() if value is not _NOTHING}
            case list():
                return [value for value in map(self._resolve, node) if value is not _NOTHING]
            case _:
                return node

    def _is_true(self, condition: Any) -> bool:  # noqa: ANN401 - JSON
        match condition:
            case bool():
                return condition
            case {"Condition": str(name)} if name in self._conditions:
                return self._is_true(self._conditions[name])
            case {"Fn::Equals": [left, right]}:
                return bool(self._resolve(left) == self._resolve(right))
            case {"Fn::Not": [one]}:
                return not self._is_true(one)
            case {"Fn::And": [*several]}:
                return all(self._is_true(one) for one in several)
            case {"Fn::Or": [*several]}:
                return any(self._is_true(one) for one in several)
            case _:
                raise TemplateError(f"unsupported condition {condition}")
