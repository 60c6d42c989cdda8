"""GitHub's OIDC provider: an account has one at most, and often has it already.

Other pipelines of the account use the same one, so it is never deleted: the stack of the roles uses what is there.
"""

from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, code_of
from deployment.deploy_context import DeployContext
from deployment.stacks import Stack

PARAMETER: Final = "ProviderArn"
AUDIENCE: Final = "sts.amazonaws.com"
"""What GitHub's token must be for; a provider accepts the audiences on its own list."""
_NAME: Final = ":oidc-provider/token.actions.githubusercontent.com"


def adopted(job: DeployContext, stack: Stack, *, exists: bool) -> dict[str, str]:
    """Return the parameter that names the account's provider; nothing where the stack has to create it.

    A stack that stands keeps what it was given: one that created the provider itself would otherwise give it up.
    """
    if job.environment.parameters.get(PARAMETER):
        return {}
    arn = job.cloudformation.parameters(stack).get(PARAMETER, "") if exists else find(job.aws)
    return {PARAMETER: arn} if arn else {}


def find(aws: Aws) -> str:
    """Return the ARN of the account's provider for GitHub; empty if it has none, or these credentials may not look."""
    try:
        listed = aws.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    except ClientError as error:
        if code_of(error) in {"AccessDenied", "AccessDeniedException"}:
            return ""
        raise
    return next((one["Arn"] for one in listed if one["Arn"].endswith(_NAME)), "")


def accepts_us(aws: Aws, arn: str) -> bool:
    """Tell whether a provider accepts tokens for AWS."""
    return AUDIENCE in aws.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]


def how_to_accept(arn: str) -> str:
    """Return the command that adds the audience; it takes nothing away from other pipelines."""
    command = "aws iam add-client-id-to-open-id-connect-provider"
    return f"{command} --open-id-connect-provider-arn {arn} --client-id {AUDIENCE}"
