"""Environments and their stacks."""

from pathlib import Path

import pytest

from deployment import target_environment as environments
from deployment.errors import UsageError
from deployment.stacks import stacks_of
from deployment.target_environment import TargetEnvironment
from tools.workspace import ROOT

TEMPLATES = ROOT / "infra/cloudformation"
ENVIRONMENTS = ROOT / "infra/environments"


def named(environment: TargetEnvironment) -> list[str]:
    """Return the names of the stacks."""
    return [stack.name for stack in stacks_of(environment, TEMPLATES).all]


@pytest.mark.parametrize("name", ["test", "staging", "production"])
def test_each_environment_is_a_file_that_the_templates_understand(name: str) -> None:
    """Each environment file contains only parameters that a template declares."""
    environment = environments.load(ENVIRONMENTS, name)
    assert environment.region == "eu-north-1"
    assert named(environment)[0] == "pipecat-registry"


def test_every_template_belongs_to_a_stack() -> None:
    """Every template belongs to a stack."""
    everything = TargetEnvironment(
        "test", {"Https": "cloudfront", "Firewall": "true", "Repository": "owner/name", "FlowLogs": "true"}
    )
    own = {stack.template.path.stem for stack in stacks_of(everything, TEMPLATES).all}
    theirs = {
        stack.template.path.stem for stack in stacks_of(TargetEnvironment("test", {"VpcId": "vpc-1"}), TEMPLATES).all
    }
    assert own | theirs == {path.stem for path in TEMPLATES.glob("*.yaml")} - {"budget"}  # deployed by hand


def test_stacks_come_after_those_they_stand_on() -> None:
    """Each stack follows the stacks that it depends on, as CloudFormation's imports require."""
    assert named(TargetEnvironment("test", {"Https": "cloudfront", "Firewall": "true"})) == [
        "pipecat-registry",
        "pipecat-test-network",
        "pipecat-test-platform",
        "pipecat-test-permissions",
        "pipecat-test-edge",
        "pipecat-test-canary",
        "pipecat-test-https",
        "pipecat-test-firewall",
        "pipecat-test-phone-rollback",
        "pipecat-test-web-rollback",
        "pipecat-test-phone",
        "pipecat-test-web",
        "pipecat-test-phone-scaling",
        "pipecat-test-web-scaling",
        "pipecat-test-phone-alarms",
        "pipecat-test-web-alarms",
        "pipecat-test-platform-alarms",
        "pipecat-test-events",
        "pipecat-test-observability",
    ]


def test_a_misspelt_parameter_is_refused_with_the_right_one() -> None:
    """A misspelt parameter is rejected with the correct name, because its default would be deployed."""
    with pytest.raises(UsageError, match="NatGateway; did you mean NatGateways") as refused:
        stacks_of(TargetEnvironment("test", {"NatGateway": "one"}), TEMPLATES)
    assert refused.value.code == 2


def test_an_environment_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    """A missing environment is rejected with the names of the existing ones."""
    (tmp_path / "test.parameters").write_text("Environment=test\n")
    with pytest.raises(UsageError, match=r"environment 'local' does not exist.* has test"):
        environments.load(tmp_path, "local")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("Environment=production\n", "copied"), ("MinTasks 2\n", "line 1"), ("# fine\n\nMin-Tasks=2\n", "line 3")],
)
def test_a_file_that_says_nothing_sensible_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    """An invalid file is rejected with the invalid line."""
    (tmp_path / "test.parameters").write_text(text)
    with pytest.raises(UsageError, match=reason):
        environments.load(tmp_path, "test")


def test_each_stack_is_told_what_its_template_asks_for_and_no_more() -> None:
    """Each stack gets exactly the parameters that its template declares."""
    environment = TargetEnvironment("test", {"Environment": "test", "MinTasks": "3", "AlertEmail": "a@b.se"})
    stacks = stacks_of(environment, TEMPLATES)
    parameters = stacks["phone"].parameters(environment, {"ImageTag": "abc", "PublicBaseUrl": "https://a.b"})
    assert parameters == {
        "Environment": "test",
        "ServiceName": "phone",
        "ImageTag": "abc",
        "PublicBaseUrl": "https://a.b",
    }
    parameters = stacks["phone-scaling"].parameters(environment, {"ImageTag": "abc"})
    assert parameters == {"Environment": "test", "ServiceName": "phone", "MinTasks": "3"}
    assert stacks["platform"].parameters(environment, {}) == {"Environment": "test", "AlertEmail": "a@b.se"}


def test_only_rights_need_a_word_of_their_own() -> None:
    """Only the stacks with IAM roles request a capability."""
    stacks = stacks_of(TargetEnvironment("test", {}), TEMPLATES)
    assert [stack.last for stack in stacks.all if stack.template.capabilities] == ["permissions"]
