"""ECR's lifecycle rules, evaluated as AWS documents them ("Lifecycle policy evaluation rules", "… properties").

All rules are evaluated at once, then applied by priority. An image is expired by at most one rule, and never by a rule
of lower priority than one whose tags it matches; a rule counts the images that it selects whether or not another one
expires them. Several patterns in one rule select images that match all of them. The oldest push goes first, and a tag
that is added later does not make an image younger.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_DAY = 86400


@dataclass(frozen=True)
class Pushed:
    """An image in a repository."""

    name: str
    at: float
    """When it was first pushed, in seconds."""
    tags: frozenset[str]


def rules(policy: str) -> list[dict[str, Any]]:
    """Read a policy's rules, by priority.

    Raises:
        ValueError: ECR refuses the policy.
    """
    found = sorted(json.loads(policy)["rules"], key=lambda rule: rule["rulePriority"])
    if len({rule["rulePriority"] for rule in found}) < len(found):
        raise ValueError("two rules have one priority")
    for place, rule in enumerate(found):
        _validate(rule["selection"], last=place == len(found) - 1)
    if sum(rule["selection"]["tagStatus"] == "untagged" for rule in found) > 1:
        raise ValueError("only one rule may select untagged images")
    return found


def _validate(selection: dict[str, Any], *, last: bool) -> None:
    named = {"tagPatternList", "tagPrefixList"} & selection.keys()
    if selection["tagStatus"] == "any" and not last:
        raise ValueError("the rule for any image has the highest number")
    if (selection["tagStatus"] == "tagged") != (len(named) == 1):
        raise ValueError("tagged wants one list of patterns or prefixes, the others want none")
    if any(pattern.count("*") > 4 for pattern in selection.get("tagPatternList", [])):
        raise ValueError("a pattern has at most four wildcards")
    if selection["countNumber"] < 1 or ("countUnit" in selection) != (selection["countType"] == "sinceImagePushed"):
        raise ValueError("a count is positive, and only a time has a unit")


def expired(policy: str, images: Iterable[Pushed], now: float) -> set[str]:
    """Return the images that ECR deletes."""
    gone: set[str] = set()
    spoken_for: set[str] = set()
    every = list(images)
    for rule in rules(policy):
        selected = [image for image in every if _selects(rule["selection"], image)]
        gone |= {image.name for image in _over(rule["selection"], selected, now)} - spoken_for
        spoken_for |= {image.name for image in selected}
    return gone


def _selects(selection: dict[str, Any], image: Pushed) -> bool:
    match selection["tagStatus"]:
        case "any":
            return True
        case "untagged":
            return not image.tags
        case _:
            patterns = selection.get("tagPatternList") or [f"{one}*" for one in selection["tagPrefixList"]]
            return all(any(_fits(pattern, tag) for tag in image.tags) for pattern in patterns)


def _fits(pattern: str, tag: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), tag) is not None


def _over(selection: dict[str, Any], selected: list[Pushed], now: float) -> list[Pushed]:
    if selection["countType"] == "sinceImagePushed":
        return [image for image in selected if now - image.at > selection["countNumber"] * _DAY]
    newest_first = sorted(selected, key=lambda image: image.at, reverse=True)
    return newest_first[selection["countNumber"] :]
