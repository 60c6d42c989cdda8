"""After the stacks: waits for the services, runs the smoke test, points the number here, and prints URLs and cost."""

from deployment import bill, image_retention, number, services, smoke_test
from deployment.canary import prove_call, twilio
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext


def finish(job: DeployContext) -> None:
    """Wait for the services, run the smoke test, and print the URLs.

    Raises:
        StackError: A service does not become steady.
        ProofError: The smoke test failed.
        DeploymentError: Twilio rejects the webhook URL.
    """
    job.screen.heading("Services")
    names = job.environment.services
    running = services.wait_until_steady(job.aws, job.environment.name, names, job.patience, job.screen.progress)
    for name, count in running.items():
        job.screen.row(CheckMark.GOOD, name, f"{count} task{'s' * (count != 1)} steady")
    # Tagged as in use only now, because a deployment may still have been rolled back before.
    image_retention.confirm(job, job.found["ImageTag"])
    try:
        _prove(job)
        _point_number(job)
    # URLs and cost are needed most when the smoke test fails.
    finally:
        _say_where(job)
        bill.show(job, running)


def say_roles(job: DeployContext) -> None:
    """Print the role ARNs that GitHub's environment needs, if the foundation includes them."""
    if "github" not in job.stacks:
        return
    job.screen.heading("For GitHub's environment")
    outputs = job.cloudformation.outputs(job.stacks["github"])
    job.screen.row(CheckMark.STEP, "RELEASE_ROLE", outputs["ReleaseRoleArn"])
    job.screen.row(CheckMark.STEP, "CHANGE_ROLE", outputs["ChangeRoleArn"])


def _prove(job: DeployContext) -> None:
    job.screen.heading("Smoke test")
    address = job.options.address or job.found["PublicBaseUrl"]
    has_page = "web" in job.environment.services
    seen = smoke_test.page(address, job.patience, job.screen.progress, has_page=has_page)
    job.screen.row(CheckMark.GOOD, "page" if has_page else "health", seen)
    if "phone" in job.environment.services:
        prove_call(job, "call")
    else:
        job.screen.row(CheckMark.STEP, "call", "skipped: Services excludes the phone service")


def _point_number(job: DeployContext) -> None:
    wanted = job.options.twilio_number
    if not wanted:
        return
    webhook = f"{job.found['PublicBaseUrl']}/incoming-call"
    account = number.Account.of(twilio(job))
    pointed = number.point(account, wanted, webhook, job.options.twilio_fallback_url, job.options.twilio_api)
    changed = "now points to" if pointed.changed else "already pointed to"
    job.screen.row(CheckMark.GOOD, "number", f"{wanted} {changed} {webhook}")
    if pointed.fallback == webhook:
        job.screen.row(CheckMark.CARE, "fallback", "the same URL; docs/howto/number-fallback.md has one that retries")
    else:
        job.screen.row(CheckMark.GOOD, "fallback", pointed.fallback)


def _say_where(job: DeployContext) -> None:
    job.screen.heading("URLs")
    address = job.found["PublicBaseUrl"]
    edge = job.cloudformation.outputs(job.stacks["edge"])
    job.screen.row(CheckMark.STEP, "page" if "web" in job.environment.services else "address", address)
    if "phone" in job.environment.services:
        _say_webhook(job, address)
    domain = job.environment.parameters.get("DomainName", "")
    by_hand = domain and not job.environment.parameters.get("HostedZoneId")
    pointed = f"; create a CNAME from {domain} to it" if by_hand else ""
    job.screen.row(CheckMark.STEP, "load balancer", edge["LoadBalancerDnsName"] + pointed)
    dashboard = job.cloudformation.outputs(job.stacks["observability"]).get("DashboardUrl", "")
    job.screen.row(CheckMark.STEP, "dashboard", dashboard)


def _say_webhook(job: DeployContext, address: str) -> None:
    if address.startswith("https://"):
        job.screen.row(CheckMark.STEP, "voice webhook", f"{address}/incoming-call")
    else:
        job.screen.row(CheckMark.CARE, "voice webhook", "none: Twilio Media Streams require https")
