"""Who we are to AWS, and whether our clocks agree: AWS refuses what was signed five minutes off its own time."""

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
    """Ask who we are; the answer's date, also a refusal's, tells how late AWS has it.

    Args:
        aws: whom to ask.
        now: our own clock.
        masked: show the account's last four digits only, for a log that others read.
    """
    try:
        answer = aws.sts.get_caller_identity()
    except ClientError as error:
        return [refused(error), _clock(dict(error.response), now)]
    except AwsFailure as error:
        return [refused(error), unknown("clock", "AWS did not tell the time")]
    account = f"…{answer['Account'][-4:]}" if masked else answer["Account"]
    who = answer["Arn"].rpartition(":")[2]
    return [good("credentials", f"account {account}, as {who}"), _clock(dict(answer), now)]


def _clock(answer: dict[str, Any], now: Callable[[], datetime]) -> Finding:
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if date is None:
        return unknown("clock", "AWS did not tell the time")
    off = abs(now() - parsedate_to_datetime(date))
    text = f"{off.total_seconds():.0f} s off AWS's"
    if off >= _REFUSED:
        return bad("clock", text, "set this machine's clock: AWS refuses requests that are 5 minutes off")
    if off >= _NOTICEABLE:
        return care("clock", text, "let this machine's clock be set by the network; at 5 minutes AWS refuses requests")
    return good("clock", "agrees with AWS's")
