"""After the stacks: the services run, it works, the number rings here, and what all of it is called and costs."""

from deployment import bill, number, proof, retention, services
from deployment.canary import prove_call, twilio
from deployment.job import Job
from deployment.screen import Mark


def finish(job: Job) -> None:
    """Wait for the services, prove that they work, and say where everything is.

    Raises:
        StackError: a service does not get steady.
        ProofError: something does not answer.
        DeploymentError: Twilio does not take the address.
    """
    job.screen.heading("Services")
    names = job.environment.services
    running = services.wait_until_steady(job.aws, job.environment.name, names, job.patience, job.screen.progress)
    for name, count in running.items():
        job.screen.row(Mark.GOOD, name, f"{count} task{'s' * (count != 1)} steady")
    retention.confirm(job, job.found["ImageTag"])
    try:
        _prove(job)
        _point_number(job)
    finally:
        _say_where(job)
        bill.show(job, running)


def say_roles(job: Job) -> None:
    """Say what GitHub's environment needs, where a foundation was made for its releases."""
    if "github" not in job.stacks:
        return
    job.screen.heading("For GitHub's environment")
    outputs = job.cloudformation.outputs(job.stacks["github"])
    job.screen.row(Mark.STEP, "RELEASE_ROLE", outputs["ReleaseRoleArn"])
    job.screen.row(Mark.STEP, "CHANGE_ROLE", outputs["ChangeRoleArn"])


def _prove(job: Job) -> None:
    job.screen.heading("Does it work?")
    address = job.options.address or job.found["PublicBaseUrl"]
    has_page = "web" in job.environment.services
    seen = proof.page(address, job.patience, job.screen.progress, has_page=has_page)
    job.screen.row(Mark.GOOD, "page" if has_page else "health", seen)
    if "phone" in job.environment.services:
        prove_call(job, "call")
    else:
        job.screen.row(Mark.STEP, "call", "left out: Services has no phone service")


def _point_number(job: Job) -> None:
    wanted = job.options.twilio_number
    if not wanted:
        return
    webhook = f"{job.found['PublicBaseUrl']}/incoming-call"
    account = number.Account.of(twilio(job))
    pointed = number.point(account, wanted, webhook, job.options.twilio_fallback_url, job.options.twilio_api)
    job.screen.row(Mark.GOOD, "number", f"{wanted} {'now asks' if pointed.changed else 'asked already'} {webhook}")
    if pointed.fallback == webhook:
        job.screen.row(Mark.CARE, "fallback", "the same address; docs/howto/number-fallback.md has one that waits")
    else:
        job.screen.row(Mark.GOOD, "fallback", pointed.fallback)


def _say_where(job: Job) -> None:
    job.screen.heading("Where it is")
    address = job.found["PublicBaseUrl"]
    edge = job.cloudformation.outputs(job.stacks["edge"])
    job.screen.row(Mark.STEP, "page" if "web" in job.environment.services else "address", address)
    if "phone" in job.environment.services:
        _say_webhook(job, address)
    domain = job.environment.parameters.get("DomainName", "")
    by_hand = domain and not job.environment.parameters.get("HostedZoneId")
    pointed = f"; point {domain} at it (CNAME)" if by_hand else ""
    job.screen.row(Mark.STEP, "load balancer", edge["LoadBalancerDnsName"] + pointed)
    dashboard = job.cloudformation.outputs(job.stacks["observability"]).get("DashboardUrl", "")
    job.screen.row(Mark.STEP, "dashboard", dashboard)


def _say_webhook(job: Job, address: str) -> None:
    if address.startswith("https://"):
        job.screen.row(Mark.STEP, "voice webhook", f"{address}/incoming-call")
    else:
        job.screen.row(Mark.CARE, "voice webhook", "none: Twilio streams to https alone")
