"""What a release from GitHub may do: what it needs, in one environment, for one repository."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from deployment.stacks import stacks_of
from deployment.target_environment import TargetEnvironment
from tests.support.handlers import Needed, allows, asked_for, needed
from tests.support.stacks import Deployed, Stack, deploy, pretend_aws, usual
from tests.support.templates import FOLDER, TEMPLATES, read

NARROWEST = {
    # Read access, and actions for which AWS supports no resource.
    "ReleaseRole": {
        "acm:DescribeCertificate",
        "bedrock:GetFoundationModel",
        "bedrock:ListFoundationModels",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecr:GetAuthorizationToken",
        "ecs:ListTasks",
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListServiceQuotas",
    },
    "ChangeRole": {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "cloudwatch:GetMetricData",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecs:DeregisterTaskDefinition",
        "ecs:DescribeTaskDefinition",
        "logs:DeleteQueryDefinition",
        "logs:DescribeQueryDefinitions",
        "logs:PutQueryDefinition",
    },
}


NEVER_CALLED = {
    "iam:CreateServiceLinkedRole": "the operator's first deployment makes the roles before any release",
    "lambda:DeleteProvisionedConcurrencyConfig": "scales functions",
    "lambda:GetProvisionedConcurrencyConfig": "scales functions",
    "lambda:PutProvisionedConcurrencyConfig": "scales functions",
}
"""Actions of handlers that a release does not call, and why."""


@pytest.fixture(scope="module")
def github() -> Deployed:
    """Return the roles, in an account with the resources that they name."""
    with pretend_aws() as made:
        deploy(made, [*usual(), Stack("github", "github-oidc", {"Repository": "owner/name"})])
    return made


def statements(github: Deployed, role: str) -> list[dict[str, Any]]:
    """Return what a role may do, with actions and resources always as lists."""
    (policy,) = github.of("github", role)["Policies"]
    found = policy["PolicyDocument"]["Statement"]
    return [
        {**one, **{key: one[key] if isinstance(one[key], list) else [one[key]] for key in ("Action", "Resource")}}
        for one in found
    ]


def test_only_the_repositorys_environment_of_this_name_gets_the_role(github: Deployed) -> None:
    """Only the repository's environment of this name can assume the role, not other branches or forks."""
    (trust,) = github.of("github", "ReleaseRole")["AssumeRolePolicyDocument"]["Statement"]
    provider = "token.actions.githubusercontent.com"
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {f"{provider}:aud": "sts.amazonaws.com", f"{provider}:sub": "repo:owner/name:environment:test"}
    }


@pytest.mark.parametrize("role", NARROWEST)
def test_no_action_has_a_star_and_few_have_every_resource(github: Deployed, role: str) -> None:
    """No action has a wildcard, and the few with every resource are listed here."""
    every = {action for one in statements(github, role) if "*" in one["Resource"] for action in one["Action"]}
    assert every == NARROWEST[role]
    assert [action for one in statements(github, role) for action in one["Action"] if "*" in action] == []


def test_a_release_gives_no_rights(github: Deployed) -> None:
    """A release creates no permissions: it only passes existing roles to their services."""
    passed = {}
    for role in NARROWEST:
        about = [one for one in statements(github, role) if any(a.startswith("iam:") for a in one["Action"])]
        given = [one for one in about if one["Action"] != ["iam:GetRole"]]
        assert [one["Action"] for one in given] == [["iam:PassRole"]]
        passed[role] = (given[0]["Condition"]["StringEquals"]["iam:PassedToService"], len(given[0]["Resource"]))
    assert passed == {"ReleaseRole": ("cloudformation.amazonaws.com", 1), "ChangeRole": ("ecs-tasks.amazonaws.com", 4)}
    named = [text for role in NARROWEST for one in statements(github, role) for text in map(str, one["Resource"])]
    assert [text for text in named if "staging" in text or "production" in text] == []


def test_twilio_s_secret_is_read_and_no_other_and_none_is_written(github: Deployed) -> None:
    """A release reads Twilio's secret for its test call, no other secret, and writes none."""
    own = {name: github.outputs["platform"][f"{name}SecretArn"] for name in ("Phone", "Web")}
    about: dict[str, list[str]] = {}
    for one in statements(github, "ReleaseRole"):
        for action in one["Action"]:
            if action.startswith(("secretsmanager:", "kms:")):
                about.setdefault(action, []).extend(one["Resource"])
    assert about == {
        "secretsmanager:GetSecretValue": [own["Phone"]],
        "secretsmanager:DescribeSecret": [own["Phone"], own["Web"]],
    }
    assert not any(a.startswith("secretsmanager:") for one in statements(github, "ChangeRole") for a in one["Action"])


def test_only_stacks_of_services_may_be_deleted(github: Deployed) -> None:
    """A release may delete only the stacks of services, such as after a failed first creation."""
    (given,) = [one for one in statements(github, "ReleaseRole") if "cloudformation:DeleteStack" in one["Action"]]
    names = [resource.split("/")[1] for resource in given["Resource"]]
    stacks = stacks_of(TargetEnvironment("test", {}), FOLDER)
    may = {stack.name for stack in stacks.all if any(fnmatchcase(stack.name, name) for name in names)}
    standing = {stack.name for stack in (stacks.registry, *stacks.foundation)}
    assert may == {stack.name for stack in stacks.all} - standing


def released() -> set[str]:
    """Return the templates that a release deploys: all that are not a foundation."""
    stacks = stacks_of(TargetEnvironment("test", {}), FOLDER)
    standing = {stack.name for stack in (stacks.registry, *stacks.foundation)}
    return {stack.template.path.stem for stack in stacks.all if stack.name not in standing}


def test_a_release_may_do_all_that_cloudformation_s_handlers_do(github: Deployed) -> None:
    """A release may do all that CloudFormation's handlers do, by AWS's resource schemas."""
    stacks = {stack.name: stack.template for stack in usual()}
    assert released() <= set(stacks.values()), "tests/support/stacks.py: usual() deploys every template"
    wanted = needed(github, {name for name, template in stacks.items() if template in released()})
    allowed = statements(github, "ChangeRole")
    missing: dict[tuple[str, str], list[Needed]] = {}
    for one in wanted:
        if not allows(allowed, one.action, one.arn):
            missing.setdefault((one.kind, one.action), []).append(one)
    lacking = [f"{found[0]} (and {len(found) - 1} more)" for (_, a), found in missing.items() if a not in NEVER_CALLED]
    assert lacking == [], "\n".join(["github-oidc.yaml, ChangeRole may not:", *lacking])
    assert {action for _, action in missing} == NEVER_CALLED.keys(), "an exception that is not needed"


@pytest.mark.parametrize("role", NARROWEST)
def test_a_release_may_look_up_what_parameters_name(github: Deployed, role: str) -> None:
    """A release may look up the network and subnets that parameters name, as CloudFormation does."""
    parameters = [one for path in TEMPLATES for one in read(path.read_text())["Parameters"].values()]
    wanted = {asked_for(one) for one in parameters} - {""}
    assert wanted >= {"ec2:DescribeVpcs", "ec2:DescribeSubnets"}
    assert [action for action in sorted(wanted) if not allows(statements(github, role), action, "*")] == []
