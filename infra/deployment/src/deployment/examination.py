"""All checks, in the order in which a person can do something about them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from deployment.checks import account, alerts, builder, https, model, quotas, retention, secrets
from deployment.checks.finding import Finding, asked, bad, good, unknown
from deployment.errors import DeploymentError
from deployment.images import PLATFORMS
from deployment.job import Job
from deployment.number import Account, look
from deployment.screen import Mark
from deployment.secrets import find, needs
from deployment.stacks import SERVICES


def examine(job: Job) -> None:
    """Make every check and list them all.

    Raises:
        DeploymentError: something would stop the deployment later, and worse.
    """
    job.screen.heading("Checks")
    found = []
    for finding in _every(job):
        found.append(finding)
        job.screen.row(finding.mark, finding.subject, finding.found, finding.advice)
    stopping = [finding.subject for finding in found if finding.mark is Mark.BAD]
    if stopping:
        raise DeploymentError(
            f"{', '.join(stopping)}: nothing has been changed", "mend that and run the same command again"
        )


def _every(job: Job) -> Iterator[Finding]:
    who, clock = account.check(job.aws, lambda: datetime.now(UTC), masked=not job.screen.watched)
    yield from (who, clock)
    if who.mark is Mark.BAD:
        return
    yield good("region", f"{job.aws.region}, the model {job.model} in {job.aws.model_region}")
    yield from model.check(job.aws, job.model, _conversations(job), job.model_regions)
    yield https.check(job.aws, job.environment)
    if job.environment.has_own_network and not job.cloudformation.exists(job.stacks["network"]):
        yield from quotas.check(job.aws)
    yield from _images(job)
    yield from retention.check(job.aws, job.cloudformation, job.stacks.registry, job.environments)
    yield from secrets.check(job.aws, job.environment, job.stacks["platform"].template)
    yield secrets.check_weather(job.environment)
    yield alerts.check(job.aws, job.cloudformation, job.environment, job.stacks["platform"])
    yield from _number(job)


def _images(job: Job) -> list[Finding]:
    if job.options.images:
        return [builder.check_there(job.aws, job.options.images)]
    return builder.check(job.programs, job.options.tag, PLATFORMS[job.setting("service", "CpuArchitecture")])


def _conversations(job: Job) -> int:
    """Tell how many conversations the first tasks admit, of both services together."""
    tasks = int(job.setting("service", "DesiredCount") or 1)
    template = job.stacks["phone"].template
    return tasks * sum(int(template.mapped("Services", name, "MaxSessions")) for name in SERVICES)


def _number(job: Job) -> list[Finding]:
    if not job.options.twilio_number:
        return []
    if not (job.environment.parameters.get("CertificateArn") or job.environment.has_cloudfront):
        return [bad("twilio number", "Twilio streams to https alone", "set up https first, or leave TWILIO_NUMBER out")]
    try:
        return [asked("twilio number", lambda: _at_twilio(job))]
    except DeploymentError as error:
        return [bad("twilio number", error.what, *error.advice)]


def _at_twilio(job: Job) -> Finding:
    need, *_ = needs(job.environment, job.stacks["platform"].template)
    secret = find(job.aws, job.environment, need)
    if secret is None or not secret.values or secret.lacks(need):
        return unknown("twilio number", "Twilio's secret has no values yet that we may read")
    number = job.options.twilio_number
    asks = look(Account.of(secret.values), number, job.options.twilio_api)
    return good("twilio number", f"{number} asks {asks}, and asks here at the end")
