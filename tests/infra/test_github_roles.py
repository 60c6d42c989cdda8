"""What a release from GitHub may do: as much as a release needs, in one environment, for one repository."""

from typing import Any

import pytest

from tests.support.stacks import Deployed, Stack, deploy, pretend_aws, usual

NARROWEST = {
    # Looking, and what AWS knows no resource for.
    "ReleaseRole": {
        "acm:DescribeCertificate",
        "bedrock:GetFoundationModel",
        "bedrock:ListFoundationModels",
        "ecr:GetAuthorizationToken",
        "ecs:ListTasks",
        "servicequotas:GetServiceQuota",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListServiceQuotas",
    },
    "ChangeRole": {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "ec2:DescribeAvailabilityZones",
        "ecs:DeregisterTaskDefinition",
        "ecs:DescribeTaskDefinition",
        "logs:DeleteQueryDefinition",
        "logs:DescribeQueryDefinitions",
        "logs:PutQueryDefinition",
    },
}


@pytest.fixture(scope="module")
def github() -> Deployed:
    """Give the roles, in an account that has what they are about."""
    with pretend_aws() as made:
        standing = [stack for stack in usual() if stack.name in {"registry", "network", "platform", "permissions"}]
        deploy(made, [*standing, Stack("github", "github-oidc", {"Repository": "owner/name"})])
    return made


def statements(github: Deployed, role: str) -> list[dict[str, Any]]:
    """List what a role may do; actions and resources always as lists."""
    (policy,) = github.of("github", role)["Policies"]
    found = policy["PolicyDocument"]["Statement"]
    return [
        {**one, **{key: one[key] if isinstance(one[key], list) else [one[key]] for key in ("Action", "Resource")}}
        for one in found
    ]


def test_only_the_repositorys_environment_of_this_name_gets_the_role(github: Deployed) -> None:
    """Not its other branches, and nobody's fork: GitHub's rules about approval would not hold there."""
    (trust,) = github.of("github", "ReleaseRole")["AssumeRolePolicyDocument"]["Statement"]
    provider = "token.actions.githubusercontent.com"
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {f"{provider}:aud": "sts.amazonaws.com", f"{provider}:sub": "repo:owner/name:environment:test"}
    }


@pytest.mark.parametrize("role", NARROWEST)
def test_no_action_has_a_star_and_few_have_every_resource(github: Deployed, role: str) -> None:
    """Each that has is named here."""
    every = {action for one in statements(github, role) if "*" in one["Resource"] for action in one["Action"]}
    assert every == NARROWEST[role]
    assert [action for one in statements(github, role) for action in one["Action"] if "*" in action] == []


def test_a_release_gives_no_rights(github: Deployed) -> None:
    """It hands over roles that are there, to those they are for, and touches no other environment."""
    passed = {}
    for role in NARROWEST:
        given = [one for one in statements(github, role) if any(a.startswith("iam:") for a in one["Action"])]
        assert [one["Action"] for one in given] == [["iam:PassRole"]]
        passed[role] = (given[0]["Condition"]["StringEquals"]["iam:PassedToService"], len(given[0]["Resource"]))
    assert passed == {"ReleaseRole": ("cloudformation.amazonaws.com", 1), "ChangeRole": ("ecs-tasks.amazonaws.com", 4)}
    named = [text for role in NARROWEST for one in statements(github, role) for text in map(str, one["Resource"])]
    assert [text for text in named if "staging" in text or "production" in text] == []


def test_secrets_are_read_and_never_written(github: Deployed) -> None:
    """Twilio's token signs the call that proves a release."""
    about = {a for one in statements(github, "ReleaseRole") for a in one["Action"] if a.startswith("secretsmanager:")}
    assert about == {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"}
    assert not any(a.startswith("secretsmanager:") for one in statements(github, "ChangeRole") for a in one["Action"])
