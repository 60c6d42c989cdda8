"""An account's first deployments: AWS's own roles, GitHub's provider, a foundation, images of another account."""

from collections.abc import Sequence
from pathlib import Path

import boto3
import pytest

from deployment.subprocesses import Finished
from tests.infra.conftest import default_network
from tests.infra.test_deploy_command import break_once
from tests.infra.test_permissions import as_list
from tests.support import aws_account
from tests.support.asked import listening
from tests.support.operator import Operator, fill_secrets, stacks
from tests.support.scripted_programs import DOCKER, GIT, ScriptedPrograms
from tests.support.stacks import REGION, Deployed

TAG = "0a1b2c3d4e5f"
GITHUB = {"Repository": "owner/name"}
PROVIDER = "https://token.actions.githubusercontent.com"
THERE = "eu-west-1"
"""Another registry; moto has one per region, which stands for that of another account."""
MANIFEST, ANOTHER = ('{"layers": [{"digest": "sha256:%s"}]}' % (letter * 64) for letter in "ab")
REGISTRY = f"123456789012.dkr.ecr.{THERE}.amazonaws.com"


@pytest.fixture
def operator(aws: Deployed, tmp_path: Path) -> Operator:
    """Return an operator who deploys into the account's default network."""
    assert aws.resources == {}
    one = Operator(tmp_path, "http://127.0.0.1:9")
    one.environment(**default_network())
    return one


def flat(said: str) -> str:
    """Undo the wrapping of lines."""
    return " ".join(said.split())


def linked_roles() -> set[str]:
    """Return the service-linked roles of the account."""
    listed = boto3.client("iam").list_roles(PathPrefix="/aws-service-role/")["Roles"]
    return {role["RoleName"] for role in listed}


def push(region: str, tag: str, manifest: str = MANIFEST) -> None:
    """Put an image of each service into a registry."""
    client = boto3.client("ecr", region)
    for name in ("phone", "web"):
        client.put_image(
            repositoryName=f"pipecat-voice-agent/{name}",
            imageManifest=manifest,
            imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            imageTag=tag,
        )


class Copies(ScriptedPrograms):
    """A docker that copies between registries; `manifest` is what arrives."""

    manifest = MANIFEST

    def run(self, command: Sequence[str], **named: object) -> Finished:
        """Copy one image."""
        if list(command[:4]) == ["docker", "buildx", "imagetools", "create"]:
            repository, _, tag = command[command.index("--tag") + 1].partition("/")[2].partition(":")
            boto3.client("ecr", REGION).put_image(
                repositoryName=repository,
                imageManifest=self.manifest,
                imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
                imageTag=tag,
            )
        return super().run(command, **named)  # type: ignore[arg-type]


COPIES = {**DOCKER, **GIT, "docker buildx version": Finished(0, "v0.29.1\n"), "imagetools create": Finished(0, "")}


def test_the_first_cluster_of_an_account_finds_the_roles_that_it_needs(operator: Operator) -> None:
    """The service-linked roles exist before the first stack, because ECS cannot assume a new one."""
    assert linked_roles() == set()
    said = operator.deploy("--yes")[1]
    assert linked_roles() == set(aws_account.LINKED.values())
    assert said.index("linked roles") < said.index("✓ network")
    assert "linked role" not in operator.deploy("--yes")[1]


@pytest.mark.thorough
def test_a_role_that_aws_does_not_know_yet_is_no_reason_to_stop(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that AWS does not know yet is retried once, after the failed stack has been deleted."""
    reason = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
    break_once(monkeypatch, "pipecat-test-platform", reason)
    said = operator.deploy("--yes", "--foundation")[1]
    assert "! platform IAM is still propagating a role that AWS has just created: retrying" in flat(said)
    assert stacks()["pipecat-test-platform"] == "CREATE_COMPLETE"
    assert "✓ edge created" in flat(said)


@pytest.mark.thorough
def test_a_foundation_needs_neither_git_nor_docker_and_says_what_github_needs(operator: Operator) -> None:
    """A foundation needs neither git nor docker, and says what GitHub needs for images and services."""
    operator.environment(**default_network(), **GITHUB)
    operator.programs.answers = {}
    operator.deploy("--yes", "--foundation")
    fill_secrets()
    code, said = operator.deploy("--yes", "--foundation")
    assert code == 0, said
    assert set(stacks()) == {
        "pipecat-registry",
        *(f"pipecat-test-{name}" for name in ("network", "platform", "permissions", "edge", "canary", "github")),
    }
    assert operator.programs.commands == []
    for name in ("RELEASE_ROLE", "CHANGE_ROLE"):
        assert f"· {name} arn:aws:iam::" in flat(said)


@pytest.mark.thorough
def test_a_release_asks_aws_for_nothing_that_its_role_refuses(operator: Operator, aws: Deployed) -> None:
    """A release makes no request that its role rejects, at its first and at its next deployment."""
    operator.environment(**default_network(), **GITHUB)
    operator.deploy("--yes", "--foundation")
    fill_secrets()
    role = aws.of("pipecat-test-github", "ReleaseRole")["Policies"][0]["PolicyDocument"]["Statement"]
    allowed = {action for one in role for action in as_list(one["Action"])}
    change = boto3.client("cloudformation", REGION).describe_stacks(StackName="pipecat-test-github")["Stacks"][0]
    arn = next(one["OutputValue"] for one in change["Outputs"] if one["OutputKey"] == "ChangeRoleArn")
    said = ""
    with listening() as asked:
        for tag in (TAG, "bbbbbbbbbbbb"):
            operator.programs.answers = {**DOCKER, **GIT, "git rev-parse": Finished(0, f"{tag}\n")}
            code, said = operator.run("deploy-plan", "--role", arn)
            assert code == 0, said
            operator.deploy("--yes", "--role", arn)  # nothing answers here, so the second ends with its canary
            said = operator.deploy("--yes", "--no-canary", "--role", arn)[1]
    assert f"rolled back: phone to {TAG}" in flat(said)
    assert {"cloudformation:ExecuteChangeSet", "secretsmanager:GetSecretValue"} <= asked
    assert asked - allowed == set(), "github-oidc.yaml, ReleaseRole may not"


def test_a_provider_that_the_account_has_is_used(operator: Operator, aws: Deployed) -> None:
    """The account's existing provider is used, because an account can have only one."""
    iam = boto3.client("iam")
    made = iam.create_open_id_connect_provider(Url=PROVIDER, ClientIDList=["sts.amazonaws.com"])
    arn = made["OpenIDConnectProviderArn"]
    operator.environment(**default_network(), **GITHUB)
    said = operator.deploy("--yes", "--foundation")[1]
    assert "✓ github the account's existing OIDC provider will be used" in flat(said)
    assert stacks()["pipecat-test-github"] == "CREATE_COMPLETE"
    assert ("pipecat-test-github", "Provider") not in aws.resources
    assert arn in str(aws.of("pipecat-test-github", "ReleaseRole")["AssumeRolePolicyDocument"])
    assert "✓ github no changes" in flat(operator.deploy("--yes", "--foundation")[1])


@pytest.mark.thorough
def test_a_provider_that_destroy_left_is_taken_up_again(operator: Operator, aws: Deployed) -> None:
    """A provider that `destroy` left is adopted, and its stack keeps it."""
    operator.environment(**default_network(), **GITHUB)
    operator.deploy("--yes", "--foundation")
    assert ("pipecat-test-github", "Provider") in aws.resources
    assert "✓ github no changes" in flat(operator.deploy("--yes", "--foundation")[1])
    assert operator.run("destroy", "--yes", "--role", "arn:aws:iam::123456789012:role/operator")[0] == 0
    (left,) = boto3.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    operator.deploy("--yes", "--foundation")
    assert stacks()["pipecat-test-github"] == "CREATE_COMPLETE"
    assert left["Arn"] in str(aws.of("pipecat-test-github", "ReleaseRole")["AssumeRolePolicyDocument"])


def test_a_provider_for_others_only_is_extended_and_never_replaced(operator: Operator) -> None:
    """A provider without our audience is extended and never replaced."""
    boto3.client("iam").create_open_id_connect_provider(Url=PROVIDER, ClientIDList=["https://github.com/owner"])
    operator.environment(**default_network(), **GITHUB)
    code, said = operator.deploy("--yes", "--foundation")
    assert (code, stacks()) == (1, {})
    assert "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn arn:" in said


def test_too_few_cores_stop_it_before_anything_is_made(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few cores stop the deployment before anything is created, and not after half an hour."""
    monkeypatch.setitem(aws_account.DEFAULTS, ("fargate", "L-3032A538"), ("Fargate On-Demand vCPU resource count", 2.0))
    code, said = operator.deploy("--yes")
    assert (code, stacks()) == (1, {})
    assert "✗ fargate 2 vCPU allowed, but the first tasks need 4" in flat(said)


@pytest.fixture
def production(operator: Operator) -> Operator:
    """Return an operator whose images come from another account."""
    client = boto3.client("ecr", THERE)
    for name in ("phone", "web"):
        client.create_repository(repositoryName=f"pipecat-voice-agent/{name}")
    push(THERE, TAG)
    operator.environment(**default_network(), ImagesFrom=REGISTRY)
    operator.programs = Copies(COPIES)
    return operator


def digest(region: str, service: str) -> str:
    """Return the digest of an image."""
    client = boto3.client("ecr", region)
    name = f"pipecat-voice-agent/{service}"
    found = client.describe_images(repositoryName=name, imageIds=[{"imageTag": TAG}])
    return str(found["imageDetails"][0]["imageDigest"])


@pytest.mark.thorough
def test_the_very_image_of_another_account_is_copied_once(production: Operator) -> None:
    """The image of the other account is copied once by its digest, without a build."""
    said = production.run("deploy-plan")[1]
    assert "+ phone would be copied from the account where it was tested" in flat(said)
    said = production.deploy("--yes")[1]
    assert "✓ phone copied from account 123456789012, sha256:" in flat(said)
    for service in ("phone", "web"):
        assert digest(REGION, service) == digest(THERE, service)
        (copied,) = [one for one in production.programs.commands if f"/{service}@" in one]
        assert copied.endswith(f"{REGISTRY}/pipecat-voice-agent/{service}@{digest(THERE, service)}")
        assert "--prefer-index=false" in copied
    assert production.programs.begun_with("docker buildx build") == []
    assert len(production.programs.begun_with("docker login")) == 2
    assert "✓ phone already pushed" in flat(production.deploy("--yes")[1])


def test_an_image_that_was_not_tested_over_there_is_not_built_here(production: Operator) -> None:
    """An image that the other account did not test is not built here."""
    code, said = production.deploy("--yes", "--images", "ffffffffffff")
    assert (code, stacks()) == (1, {})
    assert f"no image ffffffffffff of phone and web in {REGISTRY}, nor here" in flat(said)
    assert "deploy it there first" in said


def test_a_copy_with_another_digest_is_not_deployed(production: Operator) -> None:
    """A copy with another digest is not deployed."""
    assert isinstance(production.programs, Copies)
    production.programs.manifest = ANOTHER
    code, said = production.deploy("--yes")
    assert (code, list(stacks())) == (1, ["pipecat-registry"])
    assert "differs from the source's:" in flat(said)


@pytest.mark.thorough
def test_what_one_environment_sets_for_the_registry_stays(operator: Operator, aws: Deployed) -> None:
    """A setting of one environment for the shared registry remains when another is deployed."""
    operator.environment(**default_network(), PullAccounts="210987654321", KeptImages="50")
    operator.deploy("--yes", "--foundation")
    operator.environment(**default_network())
    assert "✓ registry no changes" in flat(operator.deploy("--yes", "--foundation")[1])
    assert "210987654321" in str(aws.of("pipecat-registry", "PhoneRepository")["RepositoryPolicyText"])


def test_a_registry_that_is_none_is_refused_at_once(operator: Operator) -> None:
    """An invalid registry is rejected at once, with an example."""
    operator.environment(**default_network(), ImagesFrom="123456789012")
    code, said = operator.run("deploy-plan")
    assert code == 2
    assert "111122223333.dkr.ecr.eu-north-1.amazonaws.com" in said
