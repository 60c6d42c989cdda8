"""Validates stack parameters as CloudFormation would, which reports them only after creating the stacks before."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from deployment.aws_regions import known
from deployment.expressions import Expressions, UnknowableError
from deployment.nearest import meant
from deployment.template import StackTemplate

_SHAPES: Final = {
    "AWS::EC2::VPC::Id": (r"vpc-[0-9a-f]+", "must be a VPC ID, such as vpc-0a1b2c3d"),
    "List<AWS::EC2::Subnet::Id>": (
        r"subnet-[0-9a-f]+(, *subnet-[0-9a-f]+)*",
        "must be subnet IDs, separated by commas",
    ),
}


def refused(template: StackTemplate, given: Mapping[str, str], region: str) -> list[str]:
    """Return one sentence for each parameter that a template rejects, and for each of its rules that is broken."""
    declared: Mapping[str, Any] = template.body.get("Parameters", {})
    wrong = [f"{name}={given[name]} is not allowed: {why}" for name, why in out_of_bounds(template, given).items()]
    lacking = [
        f"{name} is not set: {one['Description'].rstrip('.')}"
        for name, one in declared.items()
        if name not in given and "Default" not in one
    ]
    return [*wrong, *lacking] or list(_broken(template.body, {**given, **_where(region)}))


def _where(region: str) -> dict[str, str]:
    """Return AWS::Region for the rules that read it; a misspelt region has its own check, so it is left out."""
    return {"AWS::Region": region} if region in known() else {}


def out_of_bounds(template: StackTemplate, given: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters whose value a template does not allow, with what each must be."""
    declared: Mapping[str, Any] = template.body.get("Parameters", {})
    found = {name: _wrong(one, given[name]) for name, one in declared.items() if name in given}
    return {name: why for name, why in found.items() if why}


def _wrong(declared: Mapping[str, Any], value: str) -> str:
    """Return what a parameter must be, or an empty string if `value` is allowed."""
    choices = [str(one) for one in declared.get("AllowedValues", ())]
    if choices:
        return "" if value in choices else f"must be one of {', '.join(choices)}{meant(value, choices)}"
    pattern, words = _SHAPES.get(declared["Type"], (declared.get("AllowedPattern", ""), ""))
    if pattern and not re.fullmatch(pattern, value):
        return words or declared.get("ConstraintDescription") or f"must match {pattern}"
    if declared["Type"] == "Number":
        return _out_of_range(declared, value)
    return ""


def _out_of_range(declared: Mapping[str, Any], value: str) -> str:
    least, most = declared.get("MinValue"), declared.get("MaxValue")
    between = f"a number from {least} to {most}" if least is not None else "a number"
    if not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return f"must be {between}"
    fits = (least is None or least <= float(value)) and (most is None or float(value) <= most)
    return "" if fits else f"must be {between}"


def _broken(body: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
    """Yield the assertion text of each template rule that these parameters break."""
    expressions = Expressions(body, given)
    for rule in body.get("Rules", {}).values():
        try:
            if "RuleCondition" in rule and not expressions.holds(rule["RuleCondition"]):
                continue
            for one in rule["Assertions"]:
                if not expressions.holds(one["Assert"]):
                    yield str(one["AssertDescription"])
        except UnknowableError:
            continue  # needs a value that only AWS knows; CloudFormation decides
