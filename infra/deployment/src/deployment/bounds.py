"""What CloudFormation refuses in a stack's parameters: it would say so only after the stacks before it were made."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from deployment.aws_regions import known
from deployment.expressions import Expressions, UnknowableError
from deployment.nearest import meant
from deployment.template import StackTemplate

_SHAPES: Final = {
    "AWS::EC2::VPC::Id": (r"vpc-[0-9a-f]+", "the id of a network, such as vpc-0a1b2c3d"),
    "List<AWS::EC2::Subnet::Id>": (r"subnet-[0-9a-f]+(, *subnet-[0-9a-f]+)*", "ids of subnets, with commas between"),
}


def refused(template: StackTemplate, given: Mapping[str, str], region: str) -> list[str]:
    """Say which parameters a template would not take in a region, and which of its rules are broken."""
    declared: Mapping[str, Any] = template.body.get("Parameters", {})
    wrong = [f"{name}={given[name]} is not allowed: {why}" for name, why in out_of_bounds(template, given).items()]
    lacking = [
        f"{name} is not set: {one['Description'].rstrip('.')}"
        for name, one in declared.items()
        if name not in given and "Default" not in one
    ]
    return [*wrong, *lacking] or list(_broken(template.body, {**given, **_where(region)}))


def _where(region: str) -> dict[str, str]:
    """Say where it is, for the rules that ask; of a region that is misspelt they would complain once more."""
    return {"AWS::Region": region} if region in known() else {}


def out_of_bounds(template: StackTemplate, given: Mapping[str, str]) -> dict[str, str]:
    """Name the parameters whose value a template does not allow, and say what each has to be."""
    declared: Mapping[str, Any] = template.body.get("Parameters", {})
    found = {name: _wrong(one, given[name]) for name, one in declared.items() if name in given}
    return {name: why for name, why in found.items() if why}


def _wrong(declared: Mapping[str, Any], value: str) -> str:
    """Say what a parameter has to be, if this value is not it."""
    choices = [str(one) for one in declared.get("AllowedValues", ())]
    if choices:
        return "" if value in choices else f"it is one of {', '.join(choices)}{meant(value, choices)}"
    pattern, words = _SHAPES.get(declared["Type"], (declared.get("AllowedPattern", ""), ""))
    if pattern and not re.fullmatch(pattern, value):
        return words or declared.get("ConstraintDescription") or f"it has to match {pattern}"
    if declared["Type"] == "Number":
        return _out_of_range(declared, value)
    return ""


def _out_of_range(declared: Mapping[str, Any], value: str) -> str:
    least, most = declared.get("MinValue"), declared.get("MaxValue")
    between = f"a number from {least} to {most}" if least is not None else "a number"
    if not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return f"it is {between}"
    fits = (least is None or least <= float(value)) and (most is None or float(value) <= most)
    return "" if fits else f"it is {between}"


def _broken(body: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
    """List the template's own rules that these parameters break."""
    expressions = Expressions(body, given)
    for rule in body.get("Rules", {}).values():
        try:
            if "RuleCondition" in rule and not expressions.holds(rule["RuleCondition"]):
                continue
            for one in rule["Assertions"]:
                if not expressions.holds(one["Assert"]):
                    yield str(one["AssertDescription"])
        except UnknowableError:
            continue  # CloudFormation knows more, and decides
