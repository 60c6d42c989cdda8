"""The quota of concurrent streams: which of AWS's names applies, and how its value is reported."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deployment import model_quota
from deployment.aws import Aws
from deployment.checks import model_check
from deployment.console import CheckMark
from deployment.model_quota import DOCUMENTED, Quota
from tests.support.aws_models import CONCURRENT

NOVA_1, NOVA_2, NOVA_25 = "amazon.nova-sonic-v1:0", "amazon.nova-2-sonic-v1:0", "amazon.nova-2-5-sonic"


def listed(name: str, value: float, *, adjustable: bool = False) -> dict[str, Any]:
    """Return one entry of a listing."""
    return {"ServiceCode": "bedrock", "QuotaName": name, "Value": value, "Adjustable": adjustable}


FIELD = [
    listed(CONCURRENT.format(""), 20.0),
    listed(CONCURRENT.format("2 "), 2.0),
    listed("On-demand InvokeModel requests per minute for Amazon Nova 2 Sonic", 2000.0, adjustable=True),
    listed("On-demand InvokeModel concurrent requests for Amazon Nova 2 Lite", 500.0),
]
"""Names and values of an account in us-east-1 on 2026-09-18, and two that only look similar."""


@pytest.fixture(scope="module")
def aws() -> Aws:
    """Create the clients once, because this takes most of a second."""
    return Aws("eu-north-1", "us-east-1", boto3.Session("testing", "testing"))


def read(aws: Aws, asked: str, own: list[dict[str, Any]], defaults: list[dict[str, Any]] | None = None) -> Quota:
    """Return the quota from these listings; the second is listed only if the first does not suffice."""
    with Stubber(aws.model_quotas) as stub:
        stub.add_response("list_service_quotas", {"Quotas": own}, {"ServiceCode": "bedrock"})
        if defaults is not None:
            stub.add_response("list_aws_default_service_quotas", {"Quotas": defaults}, {"ServiceCode": "bedrock"})
        found = model_quota.read(aws, asked)
        stub.assert_no_pending_responses()
        return found


@pytest.mark.parametrize(("asked", "streams"), [(NOVA_1, 20), (NOVA_2, 2)])
def test_each_generation_has_a_quota_of_its_own(aws: Aws, asked: str, streams: int) -> None:
    """Only the quota of the model's own generation counts."""
    assert read(aws, asked, FIELD).streams == streams


@pytest.mark.parametrize("spelled", ["2.5 ", "2-5 ", "2 5 ", "2.5", " 2.5  "])
def test_the_wording_of_a_generation_may_vary_and_its_number_may_not(aws: Aws, spelled: str) -> None:
    """The wording of a quota's name may vary, but the generation's number must match."""
    found = read(aws, NOVA_25, [*FIELD, listed(CONCURRENT.format(spelled), 7.0)])
    assert found == Quota(7, adjustable=False, source=f"this account's: {CONCURRENT.format(spelled)}")


def test_the_smallest_that_applies_counts(aws: Aws) -> None:
    """The smallest of several quotas counts, because AWS enforces each of them."""
    more = [listed(f"{CONCURRENT.format('2.5 ')} (new accounts)", 3.0), listed(CONCURRENT.format("2.5 "), 20.0)]
    assert read(aws, NOVA_25, [*FIELD, *more]).streams == 3


def test_an_account_that_lists_none_has_the_default(aws: Aws) -> None:
    """An account without a value of its own has AWS's default."""
    found = read(aws, NOVA_25, FIELD, [*FIELD, listed(CONCURRENT.format("2.5 "), 20.0, adjustable=True)])
    assert (found.streams, found.adjustable) == (20, True)
    assert found.source.startswith("AWS's default: ")


@pytest.mark.parametrize("asked", [NOVA_25, "amazon.other-model", "anthropic.nova-sonic"])
def test_where_nothing_is_listed_the_documented_default_counts(aws: Aws, asked: str) -> None:
    """Without any listed quota the documented default counts, not the quota of another generation."""
    assert read(aws, asked, FIELD, FIELD) == Quota(DOCUMENTED, None, "the documented default: this account lists none")


@pytest.mark.parametrize(
    ("streams", "places", "given", "mark"),
    [
        (0, 96, None, CheckMark.BAD),
        (0, 96, 20, CheckMark.CARE),
        (2, 96, None, CheckMark.CARE),
        (95, 96, None, CheckMark.CARE),
        (96, 96, None, CheckMark.GOOD),
        (200, 96, 20, CheckMark.CARE),
        (200, 96, 100, CheckMark.GOOD),
        (20, 10, 30, CheckMark.CARE),
    ],
)
def test_too_few_streams_are_told_and_none_stop_the_deployment(
    aws: Aws, streams: int, places: int, given: int | None, mark: CheckMark
) -> None:
    """Too few streams are a warning, and no streams stop the deployment."""
    found = model_check.quota(aws, Quota(streams, adjustable=False, source="this account's: x"), places, given)
    assert found.mark is mark
    assert f"{streams} concurrent stream" in found.found


def test_how_to_raise_it_is_what_aws_takes(aws: Aws) -> None:
    """A quota that is not adjustable is raised by a support request, because the console rejects it."""
    advice = {
        adjustable: " ".join(model_check.quota(aws, Quota(2, adjustable, "x"), 96, None).advice)
        for adjustable in (True, False, None)
    }
    assert "request an increase in the Service Quotas console, region us-east-1" in advice[True]
    assert "limit increase form" in advice[False]
    assert "account team" in advice[False]
    assert "see the Service Quotas console" in advice[None]
