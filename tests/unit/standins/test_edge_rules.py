"""The load balancer stand-in reads its rules from the template and routes by them as the original does."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from standins.edge import balancer
from standins.edge.rules import Action, Forward, Listener, RedirectAction, Router, Rule
from standins.edge.server import find_template
from standins.edge.template_rules import RuleTemplate, TemplateError

type Change = Callable[[str], str]

TEMPLATE = find_template(Path(__file__)).read_text()
CERTIFICATE = "arn:aws:acm:eu-north-1:123456789012:certificate/0a1b2c3d-0000-0000-0000-000000000000"


def described(**parameters: str) -> balancer.Balancer:
    """Return the rules of the real template."""
    return balancer.read(RuleTemplate(TEMPLATE, parameters))


def fits(pattern: str, path: str) -> bool:
    """Match a pattern as the documentation describes, character by character and unlike the code under test."""
    if not pattern:
        return not path
    if pattern[0] == "*":
        return any(fits(pattern[1:], path[length:]) for length in range(len(path) + 1))
    return bool(path) and pattern[0] in ("?", path[0]) and fits(pattern[1:], path[1:])


def expected(target: str) -> Action:
    """Return the target group that a reader of the template expects."""
    path = target.split("?", maxsplit=1)[0]
    is_call = fits("/incoming-call*", path) or fits("/media-stream*", path)
    return Forward("PhoneTargetGroup" if is_call else "WebTargetGroup")


def mutations(count: int, seed: int) -> list[str]:
    """Return unusual request targets made from usual ones."""
    chance = random.Random(seed)  # noqa: S311 - has to be repeatable
    bases = ["/incoming-call", "/media-stream", "/", "/connect", "/api/offer", "/incoming-call/status", "/health"]
    changes: list[Change] = [
        str.upper,
        str.title,
        lambda path: path + "/",
        lambda path: path + "?x=/incoming-call",
        lambda path: "/" + path,
        lambda path: path.replace("-", "%2D"),
        lambda path: path.replace("/", "//"),
        lambda path: path[:-1] or "/",
        lambda path: path + "-more",
        lambda path: "/x" + path,
        lambda path: path + "%00%",
        lambda path: path.replace("i", "\u00ed", 1).encode().decode("latin-1"),
        lambda path: path + "/../" + path,
    ]
    made = []
    for _ in range(count):
        path = chance.choice(bases)
        for _ in range(chance.randrange(4)):
            path = chance.choice(changes)(path)
        made.append(path)
    return made


def test_odd_paths_route_as_an_independent_matcher_says() -> None:
    """Unusual paths route as an independent matcher says, without any normalisation."""
    router = Router(described().listeners[80])
    targets = mutations(3000, seed=7)
    assert len(set(targets)) > 300
    assert {target: router.route(target) for target in targets} == {target: expected(target) for target in targets}


@pytest.mark.parametrize(
    ("target", "group"),
    [
        ("/incoming-call", "PhoneTargetGroup"),
        ("/incoming-call/dial-result?x=1", "PhoneTargetGroup"),
        ("/media-stream/CA123", "PhoneTargetGroup"),
        ("http://agent.example/incoming-call", "PhoneTargetGroup"),
        ("http://agent.example", "WebTargetGroup"),
        ("/INCOMING-CALL", "WebTargetGroup"),
        ("//incoming-call", "WebTargetGroup"),
        ("/?x=/incoming-call", "WebTargetGroup"),
        ("*", "WebTargetGroup"),
    ],
)
def test_routes_of_the_design(target: str, group: str) -> None:
    """Twilio's requests go to the phone service, and all others to the web service."""
    assert Router(described().listeners[80]).route(target) == Forward(group)


def test_the_lowest_priority_wins_and_a_question_mark_is_one_character() -> None:
    """The rule with the lowest priority wins, and a question mark matches one character."""
    rules = [Rule(20, ("/a*",), Forward("many")), Rule(10, ("/a?c", "/x"), Forward("one"))]
    router = Router(Listener(80, "HTTP", rules, Forward("rest")))
    assert [router.route(path) for path in ("/abc", "/a/c", "/ac", "/abbc", "/x", "/b[c]", "/")] == [
        Forward(name) for name in ("one", "one", "many", "many", "one", "rest", "rest")
    ]


def test_a_pattern_is_no_regular_expression() -> None:
    """A pattern is not a regular expression: dots, brackets and dollar signs match themselves."""
    router = Router(Listener(80, "HTTP", [Rule(1, ("/a.b[c]$",), Forward("hit"))], Forward("rest")))
    assert router.route("/a.b[c]$") == Forward("hit")
    assert router.route("/aXbc") == Forward("rest")


@pytest.mark.parametrize(
    ("priority", "patterns"),
    [(0, ("/a",)), (50_001, ("/a",)), (1, ()), (1, ("/a",) * 6), (1, ("/" + "a" * 128,)), (1, ("",))],
)
def test_what_aws_would_not_take_is_refused(priority: int, patterns: tuple[str, ...]) -> None:
    """A rule that AWS would reject is rejected here too."""
    with pytest.raises(ValueError, match=r"priority|patterns|longer"):
        Rule(priority, patterns, Forward("x"))


def test_with_a_certificate_http_only_redirects() -> None:
    """With a certificate the HTTP listener only redirects, and the HTTPS listener has the rules."""
    secure = described(CertificateArn=CERTIFICATE)
    assert secure.listeners[80].default == RedirectAction("HTTPS", "443", 301)
    assert list(secure.listeners[80].rules) == []
    assert secure.listeners[443].rules == described().listeners[80].rules
    assert 443 not in described().listeners


def test_attributes_are_read() -> None:
    """Idle timeout, draining time and routing algorithm come from the template."""
    read = described(IdleTimeoutSeconds="120", PhoneDrainSeconds="600")
    assert (read.idle, read.drops_invalid_headers, read.forwarded_for) == (120, True, "append")
    phone = read.groups["PhoneTargetGroup"]
    assert (phone.drain, phone.least_outstanding, phone.health.path, phone.health.interval) == (
        600,
        True,
        "/health",
        5,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Resources: {", "not YAML"),
        ("Outputs: {}", "no Resources"),
        ("Resources: {}", "0 load balancers"),
        (TEMPLATE.replace("path-pattern", "host-header"), "host-header"),
        (TEMPLATE.replace("Type: forward", "Type: authenticate-oidc"), "authenticate-oidc"),
        (TEMPLATE.replace("Priority: 10", "Priority: 0"), "priority 0"),
    ],
)
def test_what_cannot_be_played_is_said(text: str, says: str) -> None:
    """An attribute that the stand-in cannot simulate is reported, because it would route differently."""
    with pytest.raises(TemplateError, match=says):
        balancer.read(RuleTemplate(text))


def test_an_unknown_parameter_is_an_error() -> None:
    """An unknown parameter is an error and does not select the default."""
    with pytest.raises(TemplateError, match="IdleTimeout"):
        RuleTemplate(TEMPLATE, {"IdleTimeout": "5"})


def test_conditions_are_decided() -> None:
    """Each form of a condition is evaluated, also with an omitted value."""
    template = RuleTemplate(
        """
Parameters: {A: {Type: String, Default: x}}
Conditions:
  IsX: !Equals [!Ref A, x]
  NotX: !Not [!Condition IsX]
  Both: !And [!Condition IsX, !Condition NotX]
  Either: !Or [!Condition IsX, !Condition NotX]
Resources:
  One: {Type: T, Condition: Either, Properties: {Kept: !If [IsX, 1, 2], Gone: !If [NotX, 1, !Ref "AWS::NoValue"]}}
  Two: {Type: T, Condition: Both, Properties: {}}
"""
    )
    assert template.resources("T") == {"One": {"Kept": 1}}
