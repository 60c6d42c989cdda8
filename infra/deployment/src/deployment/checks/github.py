"""Checks whether AWS will accept the OIDC tokens of a release from GitHub."""

from deployment import identity_provider
from deployment.checks.finding import Finding, asked, bad, good
from deployment.deploy_context import DeployContext

_SUBJECT = "github"


def check(job: DeployContext) -> list[Finding]:
    """Check the account's OIDC provider, before the stack of the roles is created."""
    if "github" not in job.stacks or job.cloudformation.exists(job.stacks["github"]):
        return []
    return [asked(_SUBJECT, lambda: _provider(job))]


def _provider(job: DeployContext) -> Finding:
    arn = job.environment.parameters.get(identity_provider.PARAMETER) or identity_provider.find(job.aws)
    if not arn:
        return good(_SUBJECT, "an OIDC provider will be created")
    if not identity_provider.accepts_us(job.aws, arn):
        return bad(
            _SUBJECT,
            f"the account's OIDC provider does not accept tokens for {identity_provider.AUDIENCE}",
            f"$ {identity_provider.how_to_accept(arn)}",
        )
    return good(_SUBJECT, "the account's existing OIDC provider will be used")
