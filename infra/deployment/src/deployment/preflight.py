"""Runs all checks, in the order in which an operator can fix what they find."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from deployment import aws_regions, model_quota, promotion
from deployment.aws import AwsFailure, short
from deployment.checks import (
    account,
    alerts,
    builder,
    cores,
    github,
    https,
    model_check,
    parameters,
    processor,
    quotas,
    retention,
    secrets,
    voices_check,
)
from deployment.checks.finding import Finding, asked, bad, good, unknown
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import DeploymentError
from deployment.images import PLATFORMS
from deployment.number import Account, look
from deployment.offline import is_out_of_reach
from deployment.service_secrets import find, needs


def examine(job: DeployContext) -> None:
    """Run every check and print the results.

    Raises:
        DeploymentError: A problem would stop the deployment later, with part of it done.
    """
    if stopping := look_at(job):
        raise DeploymentError(
            f"{', '.join(stopping)}: nothing has been changed", "fix the above and run the same command again"
        )


def look_at(job: DeployContext) -> list[str]:
    """Run every check and print the results; return the subjects that would stop the deployment."""
    job.screen.heading("Checks")
    stopping = []
    # All checks run before anything stops, so that one run shows everything that must be fixed.
    for finding in _every(job):
        if finding.mark is CheckMark.BAD:
            stopping.append(finding.subject)
        job.screen.row(finding.mark, finding.subject, finding.found, finding.advice)
    # A subject may have several findings.
    return list(dict.fromkeys(stopping))


def _every(job: DeployContext) -> Iterator[Finding]:
    files = job.stacks.registry.template.path.parents[1] / "environments"
    # Parameters first: later checks use them, and need no AWS to be wrong.
    yield from parameters.check(job.environment, job.stacks, parameters.others(files, job.environment.name))
    job.go_on_without(parameters.not_allowed(job.environment, job.stacks))
    # With an unknown region, no request would find its endpoint.
    if job.is_offline and job.environment.region not in aws_regions.known():
        yield from _without_aws(job)
        return
    who, clock = account.check(job.aws, lambda: datetime.now(UTC), masked=not job.screen.watched)
    yield from (who, clock)
    # Without valid credentials every further request would fail for the same reason.
    if who.mark is CheckMark.BAD:
        yield from _without_aws(job)
        return
    yield good("region", f"{job.aws.region}, the model {job.model} in {job.aws.model_region}")
    if job.aws.model_region in aws_regions.known():
        yield model_check.check(job.aws, job.model, job.model_regions)
        yield asked("model quota", lambda: _model_quota(job))
    if overflow := job.environment.parameters.get("NovaSonicOverflowRegion"):
        yield asked("overflow quota", partial(_overflow_quota, job, overflow))
    yield voices_check.check(job)
    yield https.check(job.aws, job.environment)
    # Limits of VPCs and addresses matter only while the network does not exist yet.
    if job.environment.has_own_network and not _stands(job, "network"):
        yield from quotas.check(job.aws)
    yield cores.check(job)
    yield from _made(job, "images", lambda: _images(job))
    yield from _made(job, "github", lambda: github.check(job))
    stacks = job.stacks
    kept = partial(retention.check, job.aws, job.cloudformation, stacks.registry, job.environments)
    yield from _made(job, "kept images", kept)
    yield from secrets.check(job.aws, job.environment, job.stacks["platform"].template)
    yield secrets.check_weather(job.environment)
    topic = stacks["platform"]
    yield from _made(job, "alerts", lambda: [alerts.check(job.aws, job.cloudformation, job.environment, topic)])
    yield from _number(job)


def _made(job: DeployContext, subject: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Run a check with several findings; if AWS does not answer it, the other checks still run."""
    try:
        return list(check())
    except AwsFailure as error:
        _forget(job, error)
        return [unknown(subject, short(error))]


def _forget(job: DeployContext, error: Exception) -> None:
    """Stop sending requests once AWS is unreachable: each further check would wait for the same timeout."""
    if is_out_of_reach(error):
        job.go_offline()


def _stands(job: DeployContext, last: str) -> bool:
    """Return whether a stack exists; without permission to look, assume that it does not."""
    try:
        return job.cloudformation.exists(job.stacks[last])
    except AwsFailure as error:
        _forget(job, error)
        return False


def _without_aws(job: DeployContext) -> Iterator[Finding]:
    """Run the checks that need no AWS: what they find must be fixed too."""
    job.go_offline()
    # With CertificateArn the check needs ACM.
    if not job.environment.parameters.get("CertificateArn"):
        yield https.check(job.aws, job.environment)
    if not job.options.images:
        yield from _images(job)
    yield secrets.check_weather(job.environment)
    yield unknown("in AWS", "model, quotas, certificate, images and secrets need an answer from AWS")


def _images(job: DeployContext) -> list[Finding]:
    # --foundation deploys no service, so it needs no image.
    if job.options.foundation:
        return []
    if origin := promotion.source(job):
        return [builder.check_elsewhere(job, origin)]
    if job.options.images:
        tag = job.options.images
        return [
            builder.check_there(job.aws, tag, job.environment.services),
            *processor.check(job.aws, tag, job.setting("service", "CpuArchitecture")),
        ]
    return builder.check(job.programs, job.options.tag, PLATFORMS[job.setting("service", "CpuArchitecture")])


def _model_quota(job: DeployContext) -> Finding:
    """Check the quota of streams; tasks share all of it, unless the environment sets ModelStreams."""
    given = job.environment.parameters.get("ModelStreams")
    quota = model_quota.read(job.aws, job.model)
    # Tasks get the quota that the account really has, which may differ from the template's default.
    if not given and quota.streams:
        job.found["ModelStreams"] = str(quota.streams)
    return model_check.quota(job.aws, quota, _conversations(job), int(given) if given else None)


def _overflow_quota(job: DeployContext, region: str) -> Finding:
    """Check the overflow region's quota, which is separate and often smaller."""
    given = job.environment.parameters.get("OverflowStreams")
    quota = model_quota.read(job.aws, job.model, region)
    if not given and quota.streams:
        job.found["OverflowStreams"] = str(quota.streams)
    return model_check.overflow_quota(quota, region)


def _conversations(job: DeployContext) -> int:
    """Return how many conversations the first deployment's tasks admit, for both services together."""
    wanted = {name: int(job.setting("service", "DesiredCount", name) or 1) for name in job.environment.services}
    return sum(tasks * job.places(name) for name, tasks in wanted.items())


def _number(job: DeployContext) -> list[Finding]:
    if not job.options.twilio_number:
        return []
    # Detect now what Twilio would only report at the end, after everything has been created.
    if "phone" not in job.environment.services:
        return [bad("twilio number", "Services excludes the phone service", "remove TWILIO_NUMBER")]
    if not (job.environment.parameters.get("CertificateArn") or job.environment.has_cloudfront):
        return [bad("twilio number", "Twilio Media Streams require https", "set https up first, or omit TWILIO_NUMBER")]
    try:
        return [asked("twilio number", lambda: _at_twilio(job))]
    except DeploymentError as error:
        return [bad("twilio number", error.what, *error.advice)]


def _at_twilio(job: DeployContext) -> Finding:
    need, *_ = needs(job.environment, job.stacks["platform"].template)
    secret = find(job.aws, job.environment, need)
    if secret is None or not secret.values or secret.lacks(need):
        return unknown("twilio number", "no permission to read Twilio's secret, or it has no values yet")
    number = job.options.twilio_number
    points_to = look(Account.of(secret.values), number, job.options.twilio_api)
    return good("twilio number", f"{number} currently points to {points_to}; it will be updated at the end")
