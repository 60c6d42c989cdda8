"""Finds GitHub's OIDC provider: an account has at most one, and often has it already.

Other pipelines of the account use the same provider, so it is never deleted: the stack of the roles uses the existing
one.
"""

from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, code_of
from deployment.deploy_context import DeployContext
from deployment.stacks import Stack

PARAMETER: Final = "ProviderArn"
AUDIENCE: Final = "sts.amazonaws.com"
"""Audience of GitHub's token; a provider accepts only the audiences on its list."""
_NAME: Final = ":oidc-provider/token.actions.githubusercontent.com"


def adopted(job: DeployContext, stack: Stack, *, exists: bool) -> dict[str, str]:
    """Return the parameter that names the account's provider; empty if the stack must create it.

    An existing stack keeps its last value: a stack that created the provider would otherwise delete it.
    """
    if job.environment.parameters.get(PARAMETER):
        return {}
    arn = job.cloudformation.parameters(stack).get(PARAMETER, "") if exists else find(job.aws)
    return {PARAMETER: arn} if arn else {}


def find(aws: Aws) -> str:
    """Return the ARN of the account's provider for GitHub; empty if there is none, or no permission to list them."""
    try:
        listed = aws.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    except ClientError as error:
        if code_of(error) in {"AccessDenied", "AccessDeniedException"}:
            return ""
        raise
    return next((one["Arn"] for one in listed if one["Arn"].endswith(_NAME)), "")


def accepts_us(aws: Aws, arn: str) -> bool:
    """Return whether a provider accepts tokens for AWS."""
    return AUDIENCE in aws.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]


def how_to_accept(arn: str) -> str:
    """Return the command that adds the audience; other pipelines keep theirs."""
    command = "aws iam add-client-id-to-open-id-connect-provider"
    return f"{command} --open-id-connect-provider-arn {arn} --client-id {AUDIENCE}"
