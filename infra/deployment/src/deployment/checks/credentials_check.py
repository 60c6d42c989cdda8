"""Why AWS does not know us or is not reached: each cause has its own sentence, since each wants something else done."""

from typing import Final

import botocore.session
from botocore import exceptions

from deployment.aws import code_of, short
from deployment.checks.finding import Finding, bad
from deployment.nearest import meant

_SIGN_IN: Final = "sign in (`aws sso login`), name a profile (AWS_PROFILE=…), or set AWS's own variables"
_SIGNED_OUT: Final = (
    exceptions.UnauthorizedSSOTokenError,
    exceptions.SSOTokenLoadError,
    exceptions.TokenRetrievalError,
)
_ANSWERS: Final = {
    "AccessDenied": "a policy forbids these credentials to ask who they are: have an administrator look at it",
    "ExpiredToken": "they have ended: sign in again (`aws sso login`), or fetch new ones",
    "ExpiredTokenException": "they have ended: sign in again (`aws sso login`), or fetch new ones",
    "InvalidClientTokenId": "correct AWS_ACCESS_KEY_ID (temporary keys need AWS_SESSION_TOKEN too); a region that is "
    "off by default answers the same until the account turns it on",
    "SignatureDoesNotMatch": "correct AWS_SECRET_ACCESS_KEY: it does not belong to AWS_ACCESS_KEY_ID",
}


def refused(error: Exception) -> Finding:
    """Say what is in the way, and what to do about it."""
    for check in (_network, _profile, _signed_out):
        if found := check(error):
            return found
    return bad("credentials", short(error), _ANSWERS.get(code_of(error), _SIGN_IN))


def _network(error: Exception) -> Finding | None:
    """The network is in the way, whatever the credentials are."""
    match error:
        case exceptions.ProxyConnectionError():
            return bad("connection", short(error), "correct HTTPS_PROXY, or take it out where there is no proxy")
        case exceptions.SSLError():
            return bad(
                "connection",
                short(error),
                "a proxy that reads along: name its certificates with AWS_CA_BUNDLE=file.pem",
            )
        case exceptions.HTTPClientError() | exceptions.ConnectionError():
            return bad(
                "connection",
                f"AWS was not reached: {short(error)}",
                "connect this machine to the internet; behind a proxy, set HTTPS_PROXY",
            )
    return None


def _profile(error: Exception) -> Finding | None:
    """What the AWS tools are configured with is wrong."""
    match error:
        case exceptions.ProfileNotFound():
            profiles = botocore.session.Session(profile=None).full_config.get("profiles", {})
            wanted = str(error.kwargs.get("profile", ""))
            return bad(
                "credentials",
                f"there is no profile {wanted}{meant(wanted, profiles)}",
                "correct AWS_PROFILE; `aws configure list-profiles` lists those that there are",
            )
        case exceptions.ConfigParseError():
            return bad("credentials", short(error), "correct that file: no AWS tool can read it")
        case exceptions.PartialCredentialsError():
            return bad("credentials", short(error), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, both or neither")
        case exceptions.InvalidRegionError():
            return bad("region", short(error), "set Region to a name such as eu-north-1")
        case exceptions.CredentialRetrievalError():
            return bad(
                "credentials", short(error), "the profile's own way to credentials failed: give its command by hand"
            )
    return None


def _signed_out(error: Exception) -> Finding | None:
    if isinstance(error, _SIGNED_OUT):
        return bad("credentials", short(error), "the sign-in has ended: `aws sso login`, with --profile if you use one")
    return None
