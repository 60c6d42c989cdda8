"""Parameters that are not allowed, unknown, unused or contradictory get one sentence each."""

import re
from pathlib import Path

import pytest

from deployment import aws_regions, bounds, contradictions
from deployment import target_environment as environments
from deployment.checks import parameters
from deployment.checks.finding import Finding
from deployment.chosen import Chosen, choose
from deployment.console import CheckMark
from deployment.errors import UsageError
from deployment.nearest import nearest
from deployment.stacks import stacks_of
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate
from tools.workspace import ROOT

TEMPLATES = ROOT / "infra/cloudformation"
ENVIRONMENTS = ROOT / "infra/environments"
CERTIFICATE = {
    "CertificateArn": "arn:aws:acm:eu-north-1:123456789012:certificate/0a1b",
    "DomainName": "agent.example.com",
}
SUBNETS = {"PublicSubnetIds": "subnet-0a,subnet-0b", "TaskSubnetIds": "subnet-0a,subnet-0b"}
PLACES = {"StartsPerMinute": "10", "StartsPerMinutePerAddress": "11"}


def found(said: dict[str, str]) -> list[Finding]:
    """Return the findings for an environment with these lines only."""
    environment = TargetEnvironment("test", {"Environment": "test", **said})
    stacks = stacks_of(environment, TEMPLATES, strict=False)
    return [one for one in parameters.check(environment, stacks, {}) if one.mark is not CheckMark.GOOD]


@pytest.mark.parametrize("name", ["test", "staging", "production"])
def test_the_environments_of_the_repository_go_together(name: str) -> None:
    """The repository's environments are valid, alone and together."""
    environment = environments.load(ENVIRONMENTS, name)
    stacks = stacks_of(environment, TEMPLATES)
    (finding,) = parameters.check(environment, stacks, parameters.others(ENVIRONMENTS, name))
    assert finding.mark is CheckMark.GOOD


@pytest.mark.parametrize(
    ("said", "what"),
    [
        # Each is allowed; together they are not.
        ({"Firewall": "true", "Https": "cloudfront"}, "Firewall=true does not work with Https=cloudfront"),
        ({"Https": "cloudfront", **CERTIFICATE}, "CertificateArn names one"),
        ({"MinTasks": "4", "MaxTasks": "1"}, "MinTasks=4 is more than MaxTasks=1"),
        ({"LongestCallSeconds": "3600", "PhoneDrainSeconds": "900"}, "LongestCallSeconds=3600 is more than"),
        ({"LongestCallSeconds": "3600"}, "more than PhoneDrainSeconds=1800"),
        ({"DesiredCount": "9", "MaxTasks": "4"}, "DesiredCount=9 is outside MinTasks=1 to MaxTasks=4"),
        ({"DesiredCount": "1", "MinTasks": "2"}, "DesiredCount=1 is outside MinTasks=2 to MaxTasks=4"),
        ({"PhoneMinTasks": "9"}, "MinTasks=9 is more than MaxTasks=4"),
        ({"WebMaxTasks": "few"}, "MaxTasks=few is not allowed"),
        ({"MaxTasks": "4", "PhoneMaxTasks": "5", "WebMaxTasks": "6"}, "MaxTasks has no effect beside"),
        (PLACES, "StartsPerMinutePerAddress=11 is more than StartsPerMinute=10"),
        ({"Cpu": "1024", "Memory": "16384"}, "With Cpu 1024 Fargate allows Memory 2048, 4096 or 8192"),
        ({"Cpu": "4096", "Memory": "2048"}, "With Cpu 4096 Fargate allows Memory 8192 or 16384"),
        ({"TransferCallerId": "+46701234567"}, "there is no destination to transfer to"),
        ({"DomainName": "agent.example.com"}, "DomainName needs CertificateArn"),
        ({"CertificateArn": CERTIFICATE["CertificateArn"]}, "CertificateArn needs DomainName"),
        ({"HostedZoneId": "Z0123456"}, "HostedZoneId needs DomainName"),
        ({**CERTIFICATE, "Region": "us-east-1"}, "CertificateArn is in eu-north-1, but everything runs in us-east-1"),
        (
            {"TwilioSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:corp/twilio-a1b2c3"},
            "TwilioSecretArn is in us-east-1",
        ),
        (SUBNETS, "without VpcId, PublicSubnetIds and TaskSubnetIds would have no effect"),
        ({"VpcId": "vpc-0a", **SUBNETS, "PublicSubnetIds": "subnet-0a"}, "PublicSubnetIds names one subnet"),
        ({"VpcId": "vpc-0a", "PublicSubnetIds": "subnet-0a,subnet-0b"}, "TaskSubnetIds is not set"),
        ({"NovaSonicRegion": "eu-west-1"}, "NovaSonicRegion has no Nova Sonic"),
        # A value without an effect, or the name of something that does not exist.
        ({"Region": "eu-nrth-1"}, "Region=eu-nrth-1 is not a region"),
        ({"Region": "eu-nrth-1"}, "did you mean eu-north-1?"),
        ({"NovaSonicRegion": "eu-nort-1", "NovaSonicModelId": "amazon.x"}, "did you mean eu-north-1?"),
        ({"Https": "cloudfornt"}, "Https=cloudfornt is not valid; did you mean cloudfront?"),
        ({"Firewall": "yes"}, "Firewall=yes is not valid"),
        ({"TimeZone": "Europe/Stokholm"}, "TimeZone=Europe/Stokholm does not exist; did you mean Europe/Stockholm?"),
        ({"NatGateway": "one"}, "no template has a parameter NatGateway; did you mean NatGateways?"),
        ({"NatGateways": "per-zones"}, "must be one of one, per-zone; did you mean per-zone?"),
        ({"MinTasks": "few"}, "MinTasks=few is not allowed: must be a number from 1 to "),
        ({"MaxTasks": "1000000"}, "MaxTasks=1000000 is not allowed: must be a number from 1 to "),
        ({"AlertEmail": "ops"}, "AlertEmail=ops is not allowed: must be empty or an e-mail address"),
        ({"VpcId": "vpc", **SUBNETS}, "must be a VPC ID, such as vpc-0a1b2c3d"),
        ({"CpuArchitecture": "arm64"}, "did you mean ARM64?"),
        # Allowed, but without an effect.
        ({"SpendPerTask": "5", "MaxTasks": "4", "DailySpend": "20"}, "the alarm at DailySpend=20 can never fire"),
        ({"RequestsPerAddress": "100"}, "RequestsPerAddress has no effect without Firewall=true"),
        ({"ImageTag": "0a1b2c3"}, "ImageTag has no effect: the command sets it itself"),
    ],
)
def test_what_does_not_go_together_is_said_in_one_sentence_with_what_to_do(said: dict[str, str], what: str) -> None:
    """A contradiction is one sentence with advice, once and not for each stack that has the parameter."""
    (finding,) = found(said)
    assert what in finding.found
    assert finding.advice
    assert (finding.mark is CheckMark.BAD) is not any(
        words in what for words in ("no effect:", "no effect w", "can never fire")
    )


@pytest.mark.parametrize(
    "said",
    [
        {"Firewall": "true", **CERTIFICATE, "RequestsPerAddress": "100"},
        {"Https": "cloudfront", "Firewall": "false"},
        {"LongestCallSeconds": "3600", "PhoneDrainSeconds": "3600"},
        {"MinTasks": "3"},  # more than the default of DesiredCount: the first tasks are three
        {"MaxTasks": "1"},
        {"DesiredCount": "", "MaxTasks": "1"},
        {"TransferCallerId": "+46701234567", "FallbackDestination": "tel:+46701234568"},
        {"VpcId": "vpc-0a", **SUBNETS, "NatGateways": "one"},
        {"SpendPerTask": "5", "DailySpend": "19"},
        {"Cpu": "4096", "Memory": "16384", "CpuArchitecture": "ARM64", "TimeZone": "America/Argentina/Salta"},
    ],
)
def test_what_goes_together_is_let_through(said: dict[str, str]) -> None:
    """A valid combination passes, because users switch off a check that is too strict."""
    assert found(said) == []


def test_the_first_tasks_are_as_many_as_scaling_agrees_with() -> None:
    """The first tasks are as many as scaling keeps, unless the environment states their number."""
    said = [{}, {"MinTasks": "3"}, {"MaxTasks": "1"}, {"DesiredCount": "3"}, {"DesiredCount": ""}]
    stacks = stacks_of(TargetEnvironment("test", {}), TEMPLATES)
    assert [choose(TargetEnvironment("test", one), stacks, "phone").first_tasks for one in said] == [2, 3, 1, 3, 1]


def test_two_environments_do_not_scale_on_each_others_calls(tmp_path: Path) -> None:
    """Two environments in one region must not share a metrics namespace, as a copied file does."""
    for name, region in (("test", "eu-north-1"), ("staging", "eu-north-1"), ("production", "us-east-1")):
        (tmp_path / f"{name}.parameters").write_text(f"Environment={name}\nRegion={region}\n")
    (tmp_path / "broken.parameters").write_text("nothing\n")
    environment = environments.load(tmp_path, "staging")
    checked = parameters.check(environment, stacks_of(environment, TEMPLATES), parameters.others(tmp_path, "staging"))
    assert [one.found for one in checked] == [
        "test has MetricsNamespace VoiceAgent too: in one account each would scale on the other's calls"
    ]


@pytest.mark.parametrize(
    ("word", "meant"), [("prod", "production"), ("stagign", "staging"), ("TEST", "test"), ("local", ""), ("", "")]
)
def test_the_nearest_word_is_named(word: str, meant: str) -> None:
    """The nearest name is suggested, and also a name of which only the beginning was written."""
    assert nearest(word, ["test", "staging", "production"]) == meant


def test_an_environment_that_is_not_there_names_the_nearest() -> None:
    """A missing environment is reported with the nearest name, such as production for prod."""
    with pytest.raises(UsageError, match=r"environment 'prod' does not exist.*; did you mean production\?"):
        environments.load(ENVIRONMENTS, "prod")


def test_the_regions_are_the_sdks() -> None:
    """The list of regions is the SDK's, so that it never becomes outdated."""
    assert {"eu-north-1", "us-east-1", "ap-northeast-1", "cn-north-1", "us-gov-west-1"} <= aws_regions.known()
    assert all(re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", one) for one in aws_regions.known())


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"BusyMinTasks": "9", "MaxTasks": "4"}, "BusyMinTasks=9 is more than MaxTasks=4"),
        ({"BusyMinTasks": "3", "MaxTasks": "4", "BusyFrom": "08:00", "BusyUntil": "08:00"}, "busy hours end at 08:00"),
        ({"BusyMinTasks": "0", "MaxTasks": "4", "BusyFrom": "08:00", "BusyUntil": "08:00"}, ""),
        ({"BusyMinTasks": "3", "MaxTasks": "4", "BusyFrom": "08:00", "BusyUntil": "18:00"}, ""),
    ],
)
def test_busy_hours_are_hours_and_can_be_met(said: dict[str, str], what: str) -> None:
    """Busy hours must be valid hours that capacity can meet; Application Auto Scaling accepts any."""
    broken = contradictions.contradictions(Chosen(said, {}))
    assert [what in one.what for one in broken] == ([True] if what else [])


def test_a_rule_of_a_template_may_ask_where_it_is(tmp_path: Path) -> None:
    """A template rule may depend on the region; the check evaluates what it can and skips the rest."""
    path = tmp_path / "rules.yaml"
    path.write_text(
        """
Rules:
  Here:
    RuleCondition: !Not [!Equals [!Ref "AWS::Region", us-east-1]]
    Assertions: [{Assert: !Contains [[eu-north-1], !Ref "AWS::Region"], AssertDescription: not here}]
  Whose:
    Assertions: [{Assert: !Equals [!Ref "AWS::AccountId", "1"], AssertDescription: not yours}]
"""
    )
    regions_of = ("eu-north-1", "eu-west-1", "us-east-1")
    assert [bounds.refused(StackTemplate(path), {}, one) for one in regions_of] == [[], ["not here"], []]


def test_a_rule_about_a_parameter_that_no_template_has_is_silent() -> None:
    """A rule about a parameter that no template has is ignored and does not stop a deployment."""
    assert contradictions.contradictions(Chosen({}, {})) == []
