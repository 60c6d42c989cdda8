"""Finds parameters that are valid alone and invalid together, and says how to correct them.

A rule that one template can decide belongs in its `Rules`, where CloudFormation enforces it; `bounds` evaluates those.
The rules here need arithmetic, or parameters of two templates. Rules skip parameters that no template has.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from deployment.aws_regions import known
from deployment.chosen import Chosen
from deployment.nearest import meant

_ARN: Final = re.compile(r"arn:[^:]+:(?:acm|kms|secretsmanager):(?P<region>[^:]+):")


@dataclass(frozen=True)
class Contradiction:
    """A combination of parameters that is invalid."""

    what: str
    advice: str
    stops: bool = True
    """Whether it stops the deployment. If not, a requested setting has no effect."""


type Rule = Callable[[Chosen], Iterator[Contradiction]]


def contradictions(chosen: Chosen) -> list[Contradiction]:
    """Return every rule that these parameters break."""
    return [one for rule in RULES for one in rule(chosen)]


def _ordered(smaller: str, larger: str, why: str) -> Rule:
    """Return a rule that requires one number to be at most another."""

    def rule(chosen: Chosen) -> Iterator[Contradiction]:
        least, most = chosen.number(smaller), chosen.number(larger)
        if least is not None and most is not None and least > most:
            yield Contradiction(
                f"{smaller}={chosen[smaller]} is more than {larger}={chosen[larger]}: {why}",
                f"lower {smaller} or raise {larger}",
            )

    return rule


def _desired_count(chosen: Chosen) -> Iterator[Contradiction]:
    count, least, most = (chosen.number(name) for name in ("DesiredCount", "MinTasks", "MaxTasks"))
    # Only a count that the environment names: the template's default need not suit other limits.
    if "DesiredCount" in chosen.said and count and least and most and least <= most and not least <= count <= most:
        yield Contradiction(
            f"DesiredCount={count:.0f} is outside MinTasks={least:.0f} to MaxTasks={most:.0f}: scaling would undo it",
            f"set DesiredCount to a number from {least:.0f} to {most:.0f}, or remove it",
        )


def _busy_hours(chosen: Chosen) -> Iterator[Contradiction]:
    """Check the schedule that raises the minimum number of tasks during busy hours."""
    busy, most = chosen.number("BusyMinTasks"), chosen.number("MaxTasks")
    if busy and most and busy > most:
        yield Contradiction(
            f"BusyMinTasks={busy:.0f} is more than MaxTasks={most:.0f}: busy hours could not start",
            "lower BusyMinTasks or raise MaxTasks",
        )
    # Equal times would create two scheduled actions for the same minute, in no defined order.
    if busy and chosen["BusyFrom"] and chosen["BusyFrom"] == chosen["BusyUntil"]:
        yield Contradiction(
            f"busy hours end at {chosen['BusyUntil']}, when they start", "set BusyFrom and BusyUntil to different times"
        )


def _firewall(chosen: Chosen) -> Iterator[Contradiction]:
    # CloudFront hides the visitors' addresses from the firewall.
    if chosen["Firewall"] == "true" and chosen["Https"] == "cloudfront":
        yield Contradiction(
            "Firewall=true does not work with Https=cloudfront: all clients connect from CloudFront's few addresses, "
            "so the firewall's limit per address would block them",
            "remove one of the two lines",
        )


def _two_addresses(chosen: Chosen) -> Iterator[Contradiction]:
    if chosen["Https"] == "cloudfront" and chosen["CertificateArn"]:
        yield Contradiction(
            "Https=cloudfront is for trying without a certificate, and CertificateArn names one: Twilio signs requests "
            "for one URL only",
            "remove Https=cloudfront to use your own domain",
        )


def _choices(chosen: Chosen) -> Iterator[Contradiction]:
    for name, choices in (("Https", ("cloudfront",)), ("Firewall", ("true", "false"))):
        value = chosen[name]
        if value and value not in choices:
            yield Contradiction(
                f"{name}={value} is not valid{meant(value, choices)}",
                f"set {name} to {' or '.join(choices)}, or remove it",
            )


def _regions(chosen: Chosen) -> Iterator[Contradiction]:
    # Twilio's regions have names of their own.
    for name in sorted(name for name in chosen if name.endswith("Region") and name != "TwilioRegion"):
        region = chosen[name]
        if region and region not in known():
            yield Contradiction(
                f"{name}={region} is not a region that the pinned AWS SDK knows{meant(region, known())}",
                f"correct {name}" + (", or --region" if name == "Region" else ""),
            )


def _elsewhere(chosen: Chosen) -> Iterator[Contradiction]:
    for name in sorted(chosen):
        arn = _ARN.match(chosen[name]) if name.endswith("Arn") else None
        # ACM, KMS and Secrets Manager are regional: a task or load balancer can only use those of its region.
        if arn and chosen["Region"] and arn["region"] != chosen["Region"]:
            yield Contradiction(
                f"{name} is in {arn['region']}, but everything runs in {chosen['Region']}",
                f"use one in {chosen['Region']}",
            )


def _caller_id(chosen: Chosen) -> Iterator[Contradiction]:
    if chosen["TransferCallerId"] and not (chosen["TransferDestinations"] or chosen["FallbackDestination"]):
        yield Contradiction(
            "TransferCallerId is the caller ID of transferred calls, and there is no destination to transfer to",
            "set TransferDestinations or FallbackDestination, or remove TransferCallerId",
        )


def _existing_network(chosen: Chosen) -> Iterator[Contradiction]:
    # Parameters of network-existing.yaml, which is used only with VpcId.
    named = [one for one in ("PublicSubnetIds", "TaskSubnetIds", "VpcCidr", "TaskPublicIp") if one in chosen.said]
    if named and not chosen["VpcId"]:
        yield Contradiction(
            f"without VpcId, {' and '.join(named)} would have no effect: a new network would be created",
            "set VpcId, or remove the others",
        )
    # A load balancer needs subnets in two zones; with one name there cannot be two.
    subnets = chosen["PublicSubnetIds"].split(",")
    if chosen["VpcId"] and len(set(subnets)) == 1 and subnets[0]:
        yield Contradiction(
            "PublicSubnetIds names one subnet, and a load balancer needs two availability zones",
            "name two subnets in different zones",
        )


def _time_zone(chosen: Chosen) -> Iterator[Contradiction]:
    zone = chosen["TimeZone"]
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = available_timezones()
        if zones:  # a machine without a time zone database cannot check
            yield Contradiction(
                f"TimeZone={zone} does not exist{meant(zone, zones)}", "set TimeZone to a name such as Europe/Stockholm"
            )


def _spend(chosen: Chosen) -> Iterator[Contradiction]:
    limit, most, alarm = (chosen.number(name) for name in ("SpendPerTask", "MaxTasks", "DailySpend"))
    # Every task stops at its own limit, so together they never reach the alarm's.
    if limit and most and alarm and limit * most <= alarm:
        yield Contradiction(
            f"the alarm at DailySpend={alarm:.0f} can never fire: {most:.0f} tasks reject callers at SpendPerTask="
            f"{limit:.0f}, {limit * most:.0f} dollars together",
            f"set DailySpend below {limit * most:.0f}",
            stops=False,
        )


# Findings are reported in this order.
RULES: Final[tuple[Rule, ...]] = (
    _regions,
    _choices,
    _firewall,
    _two_addresses,
    _elsewhere,
    _existing_network,
    _ordered("MinTasks", "MaxTasks", "scaling has no valid number of tasks"),
    _desired_count,
    _busy_hours,
    _ordered("LongestCallSeconds", "PhoneDrainSeconds", "a deployment would cut off the longest calls"),
    _ordered("StartsPerMinutePerAddress", "StartsPerMinute", "one address could never reach its limit"),
    _caller_id,
    _time_zone,
    _spend,
)
