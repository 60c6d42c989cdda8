"""Explains why AWS rejects the credentials or cannot be reached: one sentence per cause, because each fix differs."""

from typing import Final

import botocore.session
from botocore import exceptions

from deployment.aws import code_of, short
from deployment.checks.finding import Finding, bad
from deployment.nearest import meant

_SIGN_IN: Final = "sign in (`aws sso login`), select a profile (AWS_PROFILE=…), or set AWS's own variables"
_SIGNED_OUT: Final = (
    exceptions.UnauthorizedSSOTokenError,
    exceptions.SSOTokenLoadError,
    exceptions.TokenRetrievalError,
)
_ANSWERS: Final = {
    "AccessDenied": "a policy denies these credentials sts:GetCallerIdentity: ask an administrator",
    "ExpiredToken": "the credentials have expired: sign in again (`aws sso login`), or fetch new ones",
    "ExpiredTokenException": "the credentials have expired: sign in again (`aws sso login`), or fetch new ones",
    "InvalidClientTokenId": "correct AWS_ACCESS_KEY_ID (temporary keys need AWS_SESSION_TOKEN too); an opt-in region "
    "answers the same until the account enables it",
    "SignatureDoesNotMatch": "correct AWS_SECRET_ACCESS_KEY: it does not belong to AWS_ACCESS_KEY_ID",
}


def refused(error: Exception) -> Finding:
    """Return a finding that names the cause and the fix."""
    # From the outside in: without a connection, nothing is known about the credentials.
    for check in (_network, _profile, _signed_out):
        if found := check(error):
            return found
    return bad("credentials", short(error), _ANSWERS.get(code_of(error), _SIGN_IN))


def _network(error: Exception) -> Finding | None:
    """Return a finding for a connection error, which has nothing to do with the credentials."""
    match error:
        case exceptions.ProxyConnectionError():
            return bad("connection", short(error), "correct HTTPS_PROXY, or unset it if there is no proxy")
        # After ProxyConnectionError, because botocore's classes inherit from each other.
        case exceptions.SSLError():
            return bad(
                "connection",
                short(error),
                "a proxy that intercepts TLS: set AWS_CA_BUNDLE=file.pem to its certificates",
            )
        case exceptions.HTTPClientError() | exceptions.ConnectionError():
            return bad(
                "connection",
                f"cannot reach AWS: {short(error)}",
                "connect this machine to the internet; behind a proxy, set HTTPS_PROXY",
            )
    return None


def _profile(error: Exception) -> Finding | None:
    """Return a finding for a mistake in the AWS configuration files or variables."""
    match error:
        case exceptions.ProfileNotFound():
            # Read without a profile: with the missing one, botocore would fail again.
            profiles = botocore.session.Session(profile=None).full_config.get("profiles", {})
            wanted = str(error.kwargs.get("profile", ""))
            return bad(
                "credentials",
                f"there is no AWS profile {wanted}{meant(wanted, profiles)}",
                "correct AWS_PROFILE; `aws configure list-profiles` lists the profiles",
            )
        case exceptions.ConfigParseError():
            return bad("credentials", short(error), "correct that file: AWS tools cannot parse it")
        case exceptions.PartialCredentialsError():
            return bad("credentials", short(error), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, both or neither")
        case exceptions.InvalidRegionError():
            return bad("region", short(error), "set Region to a name such as eu-north-1")
        case exceptions.CredentialRetrievalError():
            return bad("credentials", short(error), "the profile's credential_process failed: run its command by hand")
    return None


def _signed_out(error: Exception) -> Finding | None:
    if isinstance(error, _SIGNED_OUT):
        return bad("credentials", short(error), "the SSO session has expired: `aws sso login`; add --profile")
    return None
