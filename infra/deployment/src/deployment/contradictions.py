"""Parameters of which each is allowed and that do not go together, and what to do, a sentence each.

What one template can decide stands in its `Rules`, where CloudFormation holds everybody to it; `bounds` reads it there.
Here is what takes arithmetic, or parameters of two templates. A rule about a parameter that no template has is silent.
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
    """Parameters that do not go together."""

    what: str
    advice: str
    stops: bool = True
    """It is not deployed; otherwise only something that was asked for has no effect."""


type Rule = Callable[[Chosen], Iterator[Contradiction]]


def contradictions(chosen: Chosen) -> list[Contradiction]:
    """List every rule that is broken."""
    return [one for rule in RULES for one in rule(chosen)]


def _ordered(smaller: str, larger: str, why: str) -> Rule:
    """Require one number not to be above another."""

    def rule(chosen: Chosen) -> Iterator[Contradiction]:
        least, most = chosen.number(smaller), chosen.number(larger)
        if least is not None and most is not None and least > most:
            yield Contradiction(
                f"{smaller} is {chosen[smaller]}, more than {larger}, which is {chosen[larger]}: {why}",
                f"lower {smaller} or raise {larger}",
            )

    return rule


def _desired_count(chosen: Chosen) -> Iterator[Contradiction]:
    count, least, most = (chosen.number(name) for name in ("DesiredCount", "MinTasks", "MaxTasks"))
    if "DesiredCount" in chosen.said and count and least and most and least <= most and not least <= count <= most:
        yield Contradiction(
            f"DesiredCount is {count:.0f}, not from MinTasks {least:.0f} to MaxTasks {most:.0f}: scaling would undo it",
            f"set DesiredCount to a number from {least:.0f} to {most:.0f}, or leave it out",
        )


def _busy_hours(chosen: Chosen) -> Iterator[Contradiction]:
    """Hours with more tasks, which templates that scale by the clock have."""
    busy, most = chosen.number("BusyMinTasks"), chosen.number("MaxTasks")
    if busy and most and busy > most:
        yield Contradiction(
            f"BusyMinTasks is {busy:.0f}, more than MaxTasks, which is {most:.0f}: busy hours could not begin",
            "lower BusyMinTasks or raise MaxTasks",
        )
    if busy and chosen["BusyFrom"] and chosen["BusyFrom"] == chosen["BusyUntil"]:
        yield Contradiction(
            f"busy hours end at {chosen['BusyUntil']}, when they begin", "set BusyFrom and BusyUntil to two times"
        )


def _firewall(chosen: Chosen) -> Iterator[Contradiction]:
    if chosen["Firewall"] == "true" and chosen["Https"] == "cloudfront":
        yield Contradiction(
            "Firewall=true does not go with Https=cloudfront: all visitors come from CloudFront's few addresses, and "
            "the firewall's limit for one address would turn them away",
            "take one of the two lines out",
        )


def _two_addresses(chosen: Chosen) -> Iterator[Contradiction]:
    if chosen["Https"] == "cloudfront" and chosen["CertificateArn"]:
        yield Contradiction(
            "Https=cloudfront is for trying without a certificate, and CertificateArn names one: Twilio signs one "
            "address only",
            "take Https=cloudfront out to use your own domain",
        )


def _choices(chosen: Chosen) -> Iterator[Contradiction]:
    for name, choices in (("Https", ("cloudfront",)), ("Firewall", ("true", "false"))):
        value = chosen[name]
        if value and value not in choices:
            yield Contradiction(
                f"{name}={value} says nothing{meant(value, choices)}",
                f"set {name} to {' or '.join(choices)}, or take it out",
            )


def _regions(chosen: Chosen) -> Iterator[Contradiction]:
    for name in sorted(name for name in chosen if name.endswith("Region") and name != "TwilioRegion"):
        region = chosen[name]
        if region and region not in known():
            yield Contradiction(
                f"AWS has no {name} {region}, as far as the SDK pinned here knows{meant(region, known())}",
                f"correct {name}" + (", or --region" if name == "Region" else ""),
            )


def _elsewhere(chosen: Chosen) -> Iterator[Contradiction]:
    for name in sorted(chosen):
        arn = _ARN.match(chosen[name]) if name.endswith("Arn") else None
        if arn and chosen["Region"] and arn["region"] != chosen["Region"]:
            yield Contradiction(
                f"{name} is in {arn['region']}, and everything runs in {chosen['Region']}",
                f"name one in {chosen['Region']}, where it is used",
            )


def _caller_id(chosen: Chosen) -> Iterator[Contradiction]:
    if chosen["TransferCallerId"] and not (chosen["TransferDestinations"] or chosen["FallbackDestination"]):
        yield Contradiction(
            "TransferCallerId is the number that people who are dialled are shown, and there is nobody to dial",
            "set TransferDestinations or FallbackDestination, or take TransferCallerId out",
        )


def _existing_network(chosen: Chosen) -> Iterator[Contradiction]:
    named = [one for one in ("PublicSubnetIds", "TaskSubnetIds", "VpcCidr", "TaskPublicIp") if one in chosen.said]
    if named and not chosen["VpcId"]:
        yield Contradiction(
            f"without VpcId, {' and '.join(named)} would have no effect: a new network would be made",
            "set VpcId, or take the others out",
        )
    subnets = chosen["PublicSubnetIds"].split(",")
    if chosen["VpcId"] and len(set(subnets)) == 1 and subnets[0]:
        yield Contradiction(
            "PublicSubnetIds names one subnet, and a load balancer stands in two zones at least",
            "name two subnets of different zones",
        )


def _time_zone(chosen: Chosen) -> Iterator[Contradiction]:
    zone = chosen["TimeZone"]
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = available_timezones()
        if zones:  # some machines have no list of them
            yield Contradiction(
                f"there is no TimeZone {zone}{meant(zone, zones)}", "set TimeZone to a name such as Europe/Stockholm"
            )


def _spend(chosen: Chosen) -> Iterator[Contradiction]:
    limit, most, alarm = (chosen.number(name) for name in ("SpendPerTask", "MaxTasks", "DailySpend"))
    if limit and most and alarm and limit * most <= alarm:
        yield Contradiction(
            f"the alarm at DailySpend {alarm:.0f} cannot go off: {most:.0f} tasks refuse callers at SpendPerTask "
            f"{limit:.0f}, {limit * most:.0f} dollars together",
            f"set DailySpend below {limit * most:.0f}",
            stops=False,
        )


RULES: Final[tuple[Rule, ...]] = (
    _regions,
    _choices,
    _firewall,
    _two_addresses,
    _elsewhere,
    _existing_network,
    _ordered("MinTasks", "MaxTasks", "scaling has no number of tasks to choose"),
    _desired_count,
    _busy_hours,
    _ordered("LongestCallSeconds", "PhoneDrainSeconds", "a deployment would cut the longest calls off"),
    _ordered("StartsPerMinutePerAddress", "StartsPerMinute", "one address could never start that many"),
    _caller_id,
    _time_zone,
    _spend,
)
