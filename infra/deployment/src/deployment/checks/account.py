"""Checks the AWS identity and the clock: AWS rejects requests that were signed more than five minutes off its time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, AwsFailure
from deployment.checks.credentials_check import refused
from deployment.checks.finding import Finding, bad, care, good, unknown

_REFUSED: Final = timedelta(seconds=300)
_NOTICEABLE: Final = timedelta(seconds=30)


def check(aws: Aws, now: Callable[[], datetime], *, masked: bool) -> list[Finding]:
    """Return the identity, and the clock skew from the Date header of the response (an error response has one too).

    Args:
        aws: The clients.
        now: Returns this machine's time.
        masked: Show only the last four digits of the account, for a log that other people read.
    """
    try:
        answer = aws.sts.get_caller_identity()
    except ClientError as error:
        return [refused(error), _clock(dict(error.response), now)]
    except AwsFailure as error:
        return [refused(error), unknown("clock", "AWS sent no date")]
    account = f"…{answer['Account'][-4:]}" if masked else answer["Account"]
    who = answer["Arn"].rpartition(":")[2]
    return [good("credentials", f"account {account}, as {who}"), _clock(dict(answer), now)]


def _clock(answer: dict[str, Any], now: Callable[[], datetime]) -> Finding:
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if date is None:
        return unknown("clock", "AWS sent no date")
    off = abs(now() - parsedate_to_datetime(date))
    text = f"{off.total_seconds():.0f} s off AWS's"
    # Warn long before the limit: a clock that drifts reaches it during the deployment.
    if off >= _REFUSED:
        return bad("clock", text, "correct this machine's clock: AWS rejects requests that are 5 minutes off")
    if off >= _NOTICEABLE:
        return care("clock", text, "synchronise this machine's clock (NTP): at 5 minutes AWS rejects requests")
    return good("clock", "agrees with AWS's")
