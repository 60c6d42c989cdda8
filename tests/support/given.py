"""Check parameters against the bounds and rules of CloudFormation, which its stand-in does not check."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

type Template = Mapping[str, Any]

_REGION = "eu-north-1"


def refused(template: Template, given: Mapping[str, str]) -> list[str]:
    """Return why CloudFormation would reject these parameters; missing ones have their defaults."""
    parameters = template["Parameters"]
    values = {name: given.get(name, one.get("Default")) for name, one in parameters.items()}
    pseudo = {"AWS::Region": given.get("AWS::Region", _REGION)}
    missing = [f"{name} is missing" for name, value in values.items() if value is None]
    wrong = [
        f"{name} cannot be {value!r}"
        for name, value in values.items()
        if value is not None and not _fits(parameters[name], str(value))
    ]
    return missing or wrong or list(_broken(template.get("Rules", {}), {**values, **pseudo}))


def _fits(parameter: Template, value: str) -> bool:
    """Return whether a value is within the bounds of a parameter."""
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        return False
    if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], value):
        return False
    if "MinValue" in parameter:
        return bool(parameter["MinValue"] <= float(value) <= parameter["MaxValue"])
    return True


def _broken(rules: Template, values: Mapping[str, Any]) -> Iterator[str]:
    for rule in rules.values():
        if "RuleCondition" not in rule or _holds(rule["RuleCondition"], values):
            for one in rule["Assertions"]:
                if not _holds(one["Assert"], values):
                    yield one["AssertDescription"]


def _holds(condition: Any, values: Mapping[str, Any]) -> bool:  # noqa: ANN401 - JSON
    match condition:
        case {"Fn::Equals": [left, right]}:
            return _value(left, values) == _value(right, values)
        case {"Fn::Contains": [list(choices), one]}:
            return _value(one, values) in map(str, choices)
        case {"Fn::And": list(parts)}:
            return all(_holds(one, values) for one in parts)
        case {"Fn::Not": [one]}:
            return not _holds(one, values)
        case _:
            raise ValueError(f"cannot decide {condition}")


def _value(node: Any, values: Mapping[str, Any]) -> str:  # noqa: ANN401 - JSON
    return str(values[node["Ref"]]) if isinstance(node, dict) else str(node)
