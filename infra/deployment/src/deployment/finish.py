"""After the stacks: the services run, it works, the number rings here, and what all of it is called and costs."""

from deployment import cost, number, proof, retention, secrets, services
from deployment.job import Job
from deployment.screen import Mark
from deployment.stacks import SERVICES


def finish(job: Job) -> None:
    """Wait for the services, prove that they work, and say where everything is.

    Raises:
        StackError: a service does not get steady.
        ProofError: something does not answer.
        DeploymentError: Twilio does not take the address.
    """
    job.screen.heading("Services")
    running = services.wait_until_steady(job.aws, job.environment.name, SERVICES, job.patience, job.screen.progress)
    for name, count in running.items():
        job.screen.row(Mark.GOOD, name, f"{count} task{'s' * (count != 1)} steady")
    retention.confirm(job, job.found["ImageTag"])
    try:
        _prove(job)
        _point_number(job)
    finally:
        _say_where(job)
        _say_cost(job, sum(running.values()))


def _prove(job: Job) -> None:
    job.screen.heading("Does it work?")
    address = job.options.address or job.found["PublicBaseUrl"]
    job.screen.row(Mark.GOOD, "page", proof.page(address, job.patience, job.screen.progress))
    if not job.options.call:
        job.screen.row(Mark.UNKNOWN, "call", "left out, as you asked")
    elif not job.found["PublicBaseUrl"].startswith("https://"):
        job.screen.row(Mark.CARE, "call", "left out: without https there are no calls")
    elif secret := _twilio(job):
        said = proof.call(job.programs, address, secret, lambda line: job.screen.progress(f"call  {line}"))
        job.screen.row(Mark.GOOD, "call", said)
    else:
        job.screen.row(Mark.UNKNOWN, "call", "left out: we may not read Twilio's secret, which signs it")


def _point_number(job: Job) -> None:
    wanted = job.options.twilio_number
    if not wanted:
        return
    webhook = f"{job.found['PublicBaseUrl']}/incoming-call"
    account = number.Account.of(_twilio(job))
    pointed = number.point(account, wanted, webhook, job.options.twilio_fallback_url, job.options.twilio_api)
    job.screen.row(Mark.GOOD, "number", f"{wanted} {'now asks' if pointed.changed else 'asked already'} {webhook}")
    if pointed.fallback == webhook:
        job.screen.row(Mark.CARE, "fallback", "the same address; docs/howto/number-fallback.md has one that waits")
    else:
        job.screen.row(Mark.GOOD, "fallback", pointed.fallback)


def _twilio(job: Job) -> dict[str, str]:
    arn = job.cloudformation.outputs(job.stacks["platform"])["PhoneSecretArn"]
    return secrets.read(job.aws, arn) or {}


def _say_where(job: Job) -> None:
    job.screen.heading("Where it is")
    address = job.found["PublicBaseUrl"]
    edge = job.cloudformation.outputs(job.stacks["edge"])
    job.screen.row(Mark.STEP, "page", address)
    if address.startswith("https://"):
        job.screen.row(Mark.STEP, "voice webhook", f"{address}/incoming-call")
    else:
        job.screen.row(Mark.CARE, "voice webhook", "none: Twilio streams to https alone")
    domain = job.environment.parameters.get("DomainName", "")
    by_hand = domain and not job.environment.parameters.get("HostedZoneId")
    pointed = f"; point {domain} at it (CNAME)" if by_hand else ""
    job.screen.row(Mark.STEP, "load balancer", edge["LoadBalancerDnsName"] + pointed)
    dashboard = job.cloudformation.outputs(job.stacks["observability"]).get("DashboardUrl", "")
    job.screen.row(Mark.STEP, "dashboard", dashboard)


def _say_cost(job: Job, tasks: int) -> None:
    items = cost.estimate(job, tasks)
    total = sum(item.dollars for item in items)
    job.screen.heading(f"About ${total:.0f} a month while nobody calls")
    for item in items:
        job.screen.row(Mark.STEP, f"${item.dollars:.2f}", item.what)
    said = f"Not counted: conversations (model, Daily, Twilio), traffic, logs, metrics, tax. {cost.prices()['said']}."
    job.screen.advise(said, "  ")
