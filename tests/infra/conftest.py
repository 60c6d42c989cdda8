"""Deployments that the tests share and never change, and empty accounts to deploy into."""

from collections.abc import Iterator

import boto3
import pytest

from tests.support.aws_models import Models, telling
from tests.support.stacks import REGION, Deployed, deploy, pretend_aws, usual
from tests.support.web_page import serving


@pytest.fixture(scope="session")
def made() -> Deployed:
    """Deploy the environment test in its own network, with its defaults."""
    with pretend_aws() as deployed:
        deploy(deployed, usual())
    return deployed


@pytest.fixture(scope="session")
def elsewhere() -> Deployed:
    """Deploy the environment test in the account's default network."""
    with pretend_aws() as deployed:
        deploy(deployed, usual(default_network()))
    return deployed


@pytest.fixture(scope="session")
def secure() -> Deployed:
    """Deploy the environment test with every option: https, a name, logs, shells, two NAT gateways, ARM."""
    with pretend_aws() as deployed:
        asked = boto3.client("acm", REGION).request_certificate(DomainName="agent.example.com")
        zone = boto3.client("route53", REGION).create_hosted_zone(Name="example.com", CallerReference="once")
        deploy(
            deployed,
            usual(
                None,
                CertificateArn=asked["CertificateArn"],
                DomainName="agent.example.com",
                HostedZoneId=zone["HostedZone"]["Id"].rpartition("/")[2],
                AccessLogs="true",
                ExecuteCommand="true",
                NatGateways="per-zone",
                IpAddressType="dualstack",
                CpuArchitecture="ARM64",
                NovaSonicRegion="us-west-2",
                NovaSonicOverflowRegion="us-east-1",
                ModelStreams="100",
                AlertEmail="ops@example.com",
                DeletionProtection="true",
                OfficeHoursFrom="7",
                OfficeHoursTo="16",
                WeatherSecretArn="arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/weather-a1b2c3",
                AgentVariables='{"DESK_URL": "https://desk.example.com/mcp"}',
                AgentSecretArn="arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/agents-g7h8i9",
                KnowledgeBaseArns="arn:aws:bedrock:eu-north-1:123456789012:knowledge-base/ABCDEFGH12,"
                "arn:aws:bedrock:eu-north-1:123456789012:knowledge-base/IJKLMNOP34",
                SecretsKeyArn="arn:aws:kms:eu-north-1:123456789012:key/0a1b2c3d",
                PullAccounts="210987654321",
                FallbackDestination="sip:desk@example.com",
                TransferDestinations="desk=sip:desk@example.com",
                TimeZone="Europe/Stockholm",
                BusyMinTasks="3",
                BusyFrom="07:55",
                AllowedOrigins="https://example.com,https://www.example.com",
                CallbackNumber="+46701234567",
                CallbackUrl="https://example.com/call-me",
                CallMePrefixes="+4670,+4917",
                CallMeFrom="+46850000001",
                CallMeSecretArn="arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/call-me-d4e5f6",
                Notice="consent",
                OperatorName="Bob's Bakery",
                OperatorPhone="+46850000000",
                PrivacyUrl="https://example.com/privacy",
                TermsUrl="https://example.com/terms",
                ContactUrl="https://example.com/contact",
                LogRetentionDays="90",
                AskForRating="false",
                CommentRetentionDays="7",
                StartsPerMinute="120",
                StartsPerMinutePerAddress="60",
                DesiredCount="",
                PublicBaseUrl="https://agent.example.com",
            ),
        )
    return deployed


def default_network() -> dict[str, str]:
    """Return the parameters of the default network and its subnets."""
    client = boto3.client("ec2", REGION)
    (vpc,) = client.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = client.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    names = ",".join(subnet["SubnetId"] for subnet in subnets[:2])
    return {"VpcId": vpc["VpcId"], "VpcCidr": vpc["CidrBlock"], "PublicSubnetIds": names, "TaskSubnetIds": names}


@pytest.fixture(scope="session")
def page() -> Iterator[str]:
    """Return the URL of a page."""
    with serving() as address:
        yield address


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """Return an empty AWS in which services run two tasks each."""
    monkeypatch.setenv("MOTO_ECS_SERVICE_RUNNING", "2")
    with pretend_aws() as made, telling(Models()):
        yield made
