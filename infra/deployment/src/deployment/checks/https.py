"""Checks the https setup: Twilio Media Streams and browser microphones work over https only."""

from datetime import UTC, datetime, timedelta
from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, code_of
from deployment.checks.finding import Finding, asked, bad, care, good
from deployment.target_environment import TargetEnvironment

_SOON: Final = timedelta(days=21)


def check(aws: Aws, environment: TargetEnvironment) -> Finding:
    """Check the certificate, if the environment names one."""
    arn = environment.parameters.get("CertificateArn", "")
    if arn:
        return asked("https", lambda: _certificate(aws, arn, environment.parameters.get("DomainName", "")))
    if environment.has_cloudfront:
        return good("https", "by CloudFront: for testing, not for callers")
    return care(
        "https",
        "NONE. Twilio will not stream and browsers block the microphone: only /health and the page will work",
        "with a domain: request a certificate in ACM, then set CertificateArn and DomainName",
        "to try without one: set Https=cloudfront",
    )


def _certificate(aws: Aws, arn: str, domain: str) -> Finding:
    region = arn.split(":")[3]
    if region != aws.region:
        return bad(
            "https", f"the certificate is in {region}", f"request one in {aws.region}, where the load balancer is"
        )
    try:
        found = aws.acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return bad("https", "the certificate does not exist in this account", "correct CertificateArn")
    names = [found.get("DomainName", ""), *found.get("SubjectAlternativeNames", [])]
    if found.get("Status") != "ISSUED":
        status = str(found.get("Status", "")).lower().replace("_", " ")
        return bad("https", f"the certificate is {status}", "ACM's console shows which DNS record it waits for")
    if not any(_covers(name, domain) for name in names):
        return bad(
            "https",
            f"the certificate is for {', '.join(names)}, not for {domain or '(no DomainName)'}",
            "set DomainName to one of its names",
        )
    ends = found.get("NotAfter")
    if ends is not None and ends - datetime.now(UTC) < _SOON:
        return care("https", f"the certificate for {domain} expires on {ends:%Y-%m-%d}", "ACM should have renewed it")
    return good("https", f"certificate for {domain}")


def _covers(pattern: str, domain: str) -> bool:
    """Return whether a certificate's name covers a domain; a wildcard stands for one label."""
    if pattern.startswith("*."):
        return domain.partition(".")[2] == pattern[2:]
    return domain == pattern
