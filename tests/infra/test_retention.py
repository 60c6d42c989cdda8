"""The registry never deletes an image that an environment runs, however many are pushed after it."""

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from deployment import image_retention
from deployment.checks import retention as checks
from deployment.console import CheckMark, Screen
from deployment.deploy_context import DeployContext
from deployment.errors import ImageError
from deployment.stacks import Stack as OwnStack
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate
from tests.support.registry_rules import Pushed, expired, rules
from tests.support.stacks import REGION, Deployed, Stack, deploy, pretend_aws
from tests.support.templates import FOLDER

BEFORE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "action": {"type": "expire"},
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 1,
                },
            },
            {
                "rulePriority": 2,
                "action": {"type": "expire"},
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 20},
            },
        ]
    }
)
"""A rule that only counts, as in most registries."""
PUSHES = 60
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
WEB = "pipecat-voice-agent/web"


def push(number: int) -> str:
    """Push an image as docker does, and return its tag."""
    boto3.client("ecr", REGION).put_image(
        repositoryName=WEB,
        imageManifest=json.dumps({"mediaType": MANIFEST, "config": {"digest": f"{number:064x}"}}),
        imageManifestMediaType=MANIFEST,
        imageTag=f"commit{number:02d}",
    )
    return f"commit{number:02d}"


def images() -> list[Pushed]:
    """Return the repository's images; the time of an image is its number, because all are pushed in one second."""
    found = boto3.client("ecr", REGION).describe_images(repositoryName=WEB, maxResults=1000)["imageDetails"]
    named = [(next(tag for tag in one["imageTags"] if tag.startswith("commit")), one["imageTags"]) for one in found]
    return [Pushed(name, float(name.removeprefix("commit")), frozenset(tags)) for name, tags in named]


@pytest.fixture
def registry() -> Iterator[Deployed]:
    """Return an account with the registry."""
    with pretend_aws() as made:
        deploy(made, [Stack("pipecat-registry", "registry")])
        yield made


def job_of(environment: str) -> DeployContext:
    """Return the parts of a job that the registry uses."""
    aws = SimpleNamespace(ecr=boto3.client("ecr", REGION))
    screen = Screen(io.StringIO(), {})
    return cast(
        "DeployContext", SimpleNamespace(aws=aws, environment=TargetEnvironment(environment, {}), screen=screen)
    )


def release(environment: str, tag: str) -> None:
    """Tag the images as a deployment does."""
    job = job_of(environment)
    image_retention.announce(job, tag)
    image_retention.confirm(job, tag)


def history(pushes: int, behind: int) -> None:
    """Push commit after commit; test runs the newest, and production one that is several pushes older."""
    for number in range(1, pushes + 1):
        push(number)
    release("production", f"commit{pushes - behind:02d}")
    release("test", f"commit{pushes:02d}")


def policy(made: Deployed, repository: str = "WebRepository") -> str:
    """Return the deployed lifecycle rules of a repository."""
    return str(made.of("pipecat-registry", repository)["LifecyclePolicy"]["LifecyclePolicyText"])


def test_what_production_runs_outlives_forty_pushes(registry: Deployed) -> None:
    """Production's image survives forty pushes, in a history in which counting alone deletes it."""
    history(PUSHES, behind=40)
    held = images()
    assert len(held) == PUSHES
    assert "commit20" in expired(BEFORE, held, PUSHES)
    gone = expired(policy(registry), held, PUSHES)
    assert gone == {f"commit{number:02d}" for number in range(1, PUSHES - 20 + 1)} - {"commit20"}
    assert policy(registry, "PhoneRepository") == policy(registry)


def test_the_rules_spare_what_is_tagged_as_in_use(made: Deployed) -> None:
    """The rules spare an image with a tag of any environment, or of several."""
    running = {
        "commit03": "deployed-production-now",
        "commit05": "deployed-test-next",
        "commit08": "deployed-staging-before",
    }
    names = [f"commit{number:02d}" for number in range(1, PUSHES + 1)]
    held = [Pushed(name, at, frozenset({name, running.get(name, name)})) for at, name in enumerate(names)]
    for repository in ("PhoneRepository", "WebRepository"):
        text = made.of("registry", repository)["LifecyclePolicy"]["LifecyclePolicyText"]
        assert expired(text, held, PUSHES) == set(names[:40]) - running.keys()


def test_going_back_to_an_old_image_keeps_it_and_the_one_that_was_left(registry: Deployed) -> None:
    """A rollback to an old image keeps it and the replaced one, although a tag does not change an image's age."""
    history(25, behind=22)
    release("production", "commit02")
    assert expired(policy(registry), images(), 25) == {"commit01", "commit04", "commit05"}
    tags = {image.name: image.tags for image in images()}
    assert tags["commit02"] >= {"deployed-production-now", "deployed-production-next"}
    assert "deployed-production-before" in tags["commit03"]


def test_both_versions_are_kept_while_one_replaces_the_other(registry: Deployed) -> None:
    """Both versions are kept during a deployment, because a rollback starts the old one."""
    history(25, behind=22)
    image_retention.announce(job_of("production"), "commit01")
    assert expired(policy(registry), images(), 25) == {"commit02", "commit04", "commit05"}


def test_tags_that_tasks_are_started_by_do_not_move(registry: Deployed) -> None:
    """Tags that start tasks do not move, and only tags for retention do, also when repeated."""
    assert registry.of("pipecat-registry", "WebRepository")["ImageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    aws = job_of("test").aws
    first, second = push(1), push(2)
    before = image_retention.digest(aws, WEB, second)
    with suppress(ClientError):  # moto raises another error than ECR, which `tag_also` treats as "already tagged"
        image_retention.tag_also(aws, WEB, first, second)
    assert image_retention.digest(aws, WEB, second) == before
    image_retention.tag_also(aws, WEB, first, "deployed-test-now")
    image_retention.tag_also(aws, WEB, first, "deployed-test-now")
    image_retention.tag_also(aws, WEB, second, "deployed-test-now")
    assert [image.name for image in images() if "deployed-test-now" in image.tags] == [second]
    with pytest.raises(ImageError, match="has no image"):
        image_retention.tag_also(aws, WEB, "commit99", "deployed-test-now")


def test_a_registry_that_cannot_be_tagged_stops_no_deployment(registry: Deployed) -> None:
    """A registry that cannot be tagged stops no deployment, and the warning names the risk."""
    assert registry.names
    job = job_of("test")
    said: list[tuple[object, ...]] = []
    job.screen.row = lambda *row: said.append(row)  # type: ignore[method-assign]
    image_retention.confirm(job, "never-pushed")
    assert [(mark, service) for mark, service, _ in said] == [(CheckMark.CARE, "phone"), (CheckMark.CARE, "web")]
    assert "the registry may delete it: pipecat-voice-agent/web has no image never-pushed" in str(said[1][2])


def test_rules_that_ecr_refuses_are_refused_here_too() -> None:
    """Rules that ECR rejects are rejected here too, so that the evaluation is valid."""
    any_first = json.loads(BEFORE)
    any_first["rules"][1]["rulePriority"] = 0
    with pytest.raises(ValueError, match="highest number"):
        rules(json.dumps(any_first))
    unnamed = json.loads(BEFORE)
    unnamed["rules"][1]["selection"]["tagStatus"] = "tagged"
    with pytest.raises(ValueError, match="patterns or prefixes"):
        rules(json.dumps(unnamed))


@pytest.mark.parametrize(
    ("given", "deployed", "kept"),
    [({}, "", "20"), ({}, "50", "50"), ({"KeptImages": "10"}, "50", "50"), ({"KeptImages": "80"}, "50", "80")],
)
def test_no_environment_lowers_what_the_registry_keeps_for_another(
    given: dict[str, str], deployed: str, kept: str
) -> None:
    """No environment lowers the number of images that the registry keeps for another."""
    assert image_retention.kept_images(given, "20", deployed) == kept


class _Deployed:
    """CloudFormation as far as the check uses it; an environment without an entry may not be read."""

    def __init__(self, tags: dict[str, str], kept: str) -> None:
        self._parameters = {f"pipecat-{name}": {"ImageTag": tag} for name, tag in tags.items()}
        self._parameters["pipecat-registry"] = {"KeptImages": kept}

    def parameters(self, stack: OwnStack) -> dict[str, str]:
        return self._parameters.get(stack.name, {})


class _Ecr:
    """A repository whose images were pushed one after the other, oldest first."""

    def __init__(self, *tags: list[str]) -> None:
        self._details = [{"imagePushedAt": at, "imageTags": names} for at, names in enumerate(tags)]

    def get_paginator(self, _name: str) -> "_Ecr":
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"imageDetails": self._details}]


def plan(tags: dict[str, str], *held: list[str]) -> list[tuple[CheckMark, str]]:
    """Run the plan's check with a registry that keeps twenty images."""
    aws = cast("Any", type("Aws", (), {"ecr": _Ecr(*held)})())
    own = OwnStack("pipecat-registry", StackTemplate(FOLDER / "registry.yaml"))
    found = checks.check(aws, cast("Any", _Deployed(tags, "20")), own, ["production", "test"])
    return [(one.mark, " ".join((one.found, *one.advice))) for one in found]


def tagged(old: list[str], newer: int) -> list[list[str]]:
    """Return an old image, and those pushed after it."""
    return [old, *([f"newer{number}"] for number in range(newer))]


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (tagged(["old"], 14), ""),
        (tagged(["old"], 17), "will be deleted after 3 more pushes"),
        (tagged(["old"], 20), "will be deleted within a day"),
        (tagged(["old", "deployed-production-now"], 40), ""),
        (tagged(["older"], 3), "which the registry does not contain"),
    ],
    ids=["young", "soon", "due", "kept", "gone"],
)
def test_a_plan_says_which_running_image_is_about_to_go(held: list[list[str]], says: str) -> None:
    """A plan names each running image that is about to be deleted, in every readable environment."""
    ((mark, text),) = plan({"production-web": "old"}, *held)
    assert (mark is CheckMark.CARE) == bool(says)
    assert says in text
    if "deleted" in says:
        assert "$ make deploy ENVIRONMENT=production IMAGES=old" in text


def test_a_plan_of_an_empty_account_says_nothing_of_images_that_run() -> None:
    """A plan of an empty account reports nothing about running images."""
    assert plan({}) == []
