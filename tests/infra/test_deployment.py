"""The stacks together: created in order, updated without a change, and deleted."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from deployment import sizes
from deployment.target_environment import CHOICES
from tests.support.given import refused
from tests.support.stacks import REGION, deploy, parameters_of, pretend_aws, usual
from tests.support.templates import TEMPLATES, read, template
from tools.workspace import ROOT

ENVIRONMENTS = sorted((ROOT / "infra/environments").glob("*.parameters"))
SERVICES = ("phone", "web")
SERVICE = {"ServiceName": "phone", "ImageTag": "0a1b2c3", "PublicBaseUrl": "https://agent.example.com"}
CERTIFICATE = "arn:aws:acm:eu-north-1:123456789012:certificate"


def exports(path: Path) -> list[str]:
    """Return the exports of a template, of both services if it is deployed twice."""
    outputs = read(path.read_text()).get("Outputs", {}).values()
    found = [text(one["Export"]["Name"]) for one in outputs if "Export" in one]
    return [name for one in found for name in for_both_services(one)]


def imports(path: Path) -> set[str]:
    """Return the imports of a template, of both services if it is deployed twice."""
    found = {text(one) for one in taken(read(path.read_text()))}
    return {name for one in found for name in for_both_services(one)}


def for_both_services(name: str) -> list[str]:
    """Insert each service into a name with a placeholder for it."""
    return [name.replace("${ServiceName}", service) for service in SERVICES] if "${ServiceName}" in name else [name]


def taken(node: object) -> Iterator[object]:
    """Yield the imports below a node."""
    match node:
        case {"Fn::ImportValue": name}:
            yield name
        case dict():
            for value in node.values():
                yield from taken(value)
        case list():
            for value in node:
                yield from taken(value)


def text(name: object) -> str:
    """Return a name that is written with or without `!Sub`."""
    return str(name["Fn::Sub"]) if isinstance(name, dict) else str(name)


def test_all_stacks_are_made_and_an_update_without_a_change_changes_nothing() -> None:
    """All stacks are created in their listed order, and an update without a change changes nothing."""
    with pretend_aws() as made:
        deploy(made, usual())
        assert list(made.outputs) == [stack.name for stack in usual()]
        before = dict(made.resources)
        deploy(made, usual())
        assert made.resources == before
        deploy(made, usual(PhoneDrainSeconds="2400", LongestCallSeconds="2400"))
    phone = made.of("edge", "PhoneTargetGroup")["TargetGroupAttributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": 2400} in phone


def test_every_import_has_exactly_one_stack_that_exports_it() -> None:
    """Every import has exactly one stack that exports it; the linter reads one file at a time."""
    exported = Counter(name for path in TEMPLATES if path.stem != "network-existing" for name in exports(path))
    assert set(exported.values()) == {1}
    assert {path.stem: imports(path) - exported.keys() for path in TEMPLATES if imports(path) - exported.keys()} == {}


def test_nothing_is_exported_that_nobody_imports() -> None:
    """Every export is imported, because an export only makes a later change harder."""
    wanted = {name for path in TEMPLATES for name in imports(path)}
    assert {name for path in TEMPLATES for name in exports(path)} - wanted == set()


def test_a_stack_that_others_stand_on_cannot_be_taken_away() -> None:
    """A stack that others import from cannot be deleted, and all can be in reverse order."""
    with pretend_aws() as made:
        deploy(made, usual())
        client = boto3.client("cloudformation", REGION)
        with pytest.raises(ClientError, match="in use"):
            client.delete_stack(StackName="edge")
        for stack in reversed(usual()[2:]):
            client.delete_stack(StackName=stack.name)
        assert [one["StackName"] for one in client.describe_stacks()["Stacks"]] == ["registry", "network"]


def test_environments_are_named_as_the_templates_allow_and_keep_apart() -> None:
    """Environments have valid names, and everything with a name or an address is separate for each."""
    files = [parameters_of(path) for path in ENVIRONMENTS]
    names = [path.stem for path in ENVIRONMENTS]
    known = {key for path in TEMPLATES for key in template(path.stem)["Parameters"]} | CHOICES.keys()
    known |= sizes.names()
    assert [key for one in files for key in one if key not in known] == []
    assert [one["Environment"] for one in files] == names
    assert sorted(template("edge")["Parameters"]["Environment"]["AllowedValues"]) == names
    for key in ("AddressPrefix", "SecretsFolder", "MetricsNamespace"):
        assert len({one[key] for one in files}) == len(files), key


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("edge", {"CertificateArn": f"{CERTIFICATE}/0a1b2c3d"}, "CertificateArn needs DomainName"),
        ("edge", {"DomainName": "agent.example.com"}, "DomainName needs CertificateArn"),
        ("edge", {"HostedZoneId": "Z0123456"}, "HostedZoneId needs DomainName"),
        ("edge", {"DomainName": "https://agent.example.com"}, "DomainName cannot be"),
        ("edge", {"PhoneDrainSeconds": "300"}, "PhoneDrainSeconds cannot be"),
        ("permissions", {"NovaSonicRegion": "eu-west-1"}, "NovaSonicRegion has no Nova Sonic: set it to us-east-1"),
        ("permissions", {"AWS::Region": "eu-central-1"}, "This region has no Nova Sonic"),
        (
            "permissions",
            {"NovaSonicOverflowRegion": "eu-west-1"},
            "NovaSonicOverflowRegion has no Nova Sonic: set it to a region that has it",
        ),
        (
            "permissions",
            {"NovaSonicRegion": "us-east-1", "NovaSonicOverflowRegion": "us-east-1"},
            "NovaSonicOverflowRegion equals NovaSonicRegion",
        ),
        ("permissions", {"NovaSonicModelId": "latest"}, "NovaSonicModelId cannot be"),
        ("service", {**SERVICE, "NovaSonicModelId": "latest"}, "NovaSonicModelId cannot be"),
        ("network", {"AddressPrefix": "8.8"}, "AddressPrefix cannot be"),
        ("service", {"ImageTag": "v1", "PublicBaseUrl": "https://a.example/x", "ServiceName": "web"}, "PublicBaseUrl"),
        ("service", {"ImageTag": "v1", "ServiceName": "web"}, "PublicBaseUrl is missing"),
        ("service", {**SERVICE, "LogLevel": "DEBUG"}, "LogLevel cannot be"),
        ("service", {**SERVICE, "DesiredCount": "0"}, "DesiredCount cannot be"),
        ("service", {**SERVICE, "FallbackDestination": "+15005550006"}, "FallbackDestination cannot be"),
        ("platform", {"TwilioSecretArn": "pipecat/twilio-credentials"}, "TwilioSecretArn cannot be"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_made(name: str, given: dict[str, str], says: str) -> None:
    """An invalid parameter is rejected before anything is created, because a failed stack costs minutes."""
    (why,) = refused(template(name), given)
    assert says in why


@pytest.mark.parametrize("count", ["", "1", "2", "99"])
def test_a_service_takes_what_it_is_given(count: str) -> None:
    """A service accepts its parameters, also the empty task count of an update."""
    assert refused(template("service"), {**SERVICE, "DesiredCount": count}) == []


def test_three_environments_live_side_by_side_in_one_account() -> None:
    """Three environments fit into one account and share only the images."""
    with pretend_aws() as made:
        deploy(made, usual()[:1])
        for path in ENVIRONMENTS:
            stacks = usual(None, **parameters_of(path))[1:]
            deploy(made, [stack.called(f"{path.stem}-{stack.name}") for stack in stacks])
    services = {one["ServiceName"] for one in made.every("AWS::ECS::Service").values()}
    assert len(services) == 2 * len(ENVIRONMENTS)
