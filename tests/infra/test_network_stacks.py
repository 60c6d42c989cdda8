"""The network: two zones, one entry, and the same exports whichever network it is."""

from typing import Any

import pytest

from tests.support.stacks import Deployed
from tests.support.templates import template


def exports(name: str) -> set[str]:
    """Return the exports of a template."""
    return {str(output["Export"]["Name"]) for output in template(name)["Outputs"].values() if "Export" in output}


def subnets(made: Deployed) -> dict[str, dict[str, Any]]:
    """Return the subnets by logical name."""
    return {name: one for (_, name), one in made.every("AWS::EC2::Subnet", "network").items()}


def leads_to(made: Deployed, table: str) -> set[str]:
    """Return how a route table reaches the internet."""
    routes = made.every("AWS::EC2::Route", "network").items()
    return {
        way for (_, name), route in routes if name == table for way in ("GatewayId", "NatGatewayId") if way in route
    }


def test_both_networks_export_the_same_names() -> None:
    """Both networks export the same names, so that every stack works with either."""
    assert exports("network") == exports("network-existing")


def test_services_run_in_the_default_network(elsewhere: Deployed) -> None:
    """Services run in the default network, so that a new account can deploy."""
    placed = elsewhere.of("phone", "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert placed["Subnets"] == elsewhere.outputs["network"]["TaskSubnetIds"].split(",")
    environment = elsewhere.of("web", "TaskDefinition")["ContainerDefinitions"][0]["Environment"]
    assert {"Name": "FORWARDED_ALLOW_IPS", "Value": "172.31.0.0/16"} in environment


def test_two_zones_each_with_a_public_and_a_private_subnet(made: Deployed) -> None:
    """Two zones have a public and a private subnet each, so that the loss of one zone is survivable."""
    zones = {name: one["AvailabilityZone"] for name, one in subnets(made).items()}
    assert zones["PublicSubnetA"] == zones["TaskSubnetA"]
    assert zones["PublicSubnetB"] == zones["TaskSubnetB"]
    assert len(set(zones.values())) == 2
    assert len({one["CidrBlock"] for one in subnets(made).values()}) == 4


def test_public_subnets_lead_to_the_internet_and_task_subnets_to_nat_only(made: Deployed) -> None:
    """Public subnets reach the internet, and task subnets only NAT, so that no client reaches a task directly."""
    assert leads_to(made, "PublicRoute") == {"GatewayId"}
    assert leads_to(made, "TaskRouteA") == leads_to(made, "TaskRouteB") == {"NatGatewayId"}
    associations = made.every("AWS::EC2::SubnetRouteTableAssociation", "network")
    assert len({one["SubnetId"] for one in associations.values()}) == 4
    tables = {name: one["RouteTableId"] for (_, name), one in associations.items()}
    assert tables["PublicRoutesA"] == tables["PublicRoutesB"] == made.of("network", "PublicRoute")["RouteTableId"]
    assert tables["TaskRoutesA"] == made.of("network", "TaskRouteA")["RouteTableId"]
    assert tables["TaskRoutesB"] == made.of("network", "TaskRouteB")["RouteTableId"]


def test_one_nat_gateway_or_one_a_zone(made: Deployed, secure: Deployed) -> None:
    """One NAT gateway serves both zones for half the price, or each zone has its own."""
    assert len(made.every("AWS::EC2::NatGateway")) == 1
    assert len({one["SubnetId"] for one in secure.every("AWS::EC2::NatGateway").values()}) == 2
    ways = {secure.of("network", f"TaskRoute{zone}")["NatGatewayId"] for zone in "AB"}
    assert len(ways) == 2


def test_images_and_what_calls_remember_go_past_nat(made: Deployed) -> None:
    """Images and call records bypass NAT through free endpoints, because NAT is billed per byte."""
    endpoints = made.every("AWS::EC2::VPCEndpoint").values()
    assert {one["ServiceName"] for one in endpoints} == {
        f"com.amazonaws.eu-north-1.{one}" for one in ("s3", "dynamodb")
    }
    tables = {made.of("network", f"TaskRoute{zone}")["RouteTableId"] for zone in "AB"}
    for endpoint in endpoints:
        assert endpoint["VpcEndpointType"] == "Gateway"
        assert set(endpoint["RouteTableIds"]) == tables


@pytest.mark.parametrize("service", ["phone", "web"])
def test_a_task_has_a_public_address_only_where_it_has_no_nat(
    made: Deployed, elsewhere: Deployed, service: str
) -> None:
    """A task has a public address only without NAT, because it could not pull its image otherwise."""
    given = [
        deployed.of(service, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"]
        for deployed in (made, elsewhere)
    ]
    assert given == ["DISABLED", "ENABLED"]


def test_the_load_balancer_takes_80_and_443_and_tasks_take_only_the_load_balancer(made: Deployed) -> None:
    """The load balancer accepts ports 80 and 443, and tasks accept only the load balancer."""
    groups = {name: one for (_, name), one in made.every("AWS::EC2::SecurityGroup").items()}
    assert groups.keys() == {"LoadBalancerSecurityGroup", "TaskSecurityGroup"}
    public = groups["LoadBalancerSecurityGroup"]["SecurityGroupIngress"]
    assert [(one["FromPort"], one["ToPort"], one.get("CidrIp") or one["CidrIpv6"]) for one in public] == [
        (80, 80, "0.0.0.0/0"),
        (443, 443, "0.0.0.0/0"),
        (80, 80, "::/0"),
        (443, 443, "::/0"),
    ]
    (private,) = groups["TaskSecurityGroup"]["SecurityGroupIngress"]
    assert (private["FromPort"], private["ToPort"], "CidrIp" in private) == (7860, 7860, False)
    (balancer,) = made.every("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert balancer["SecurityGroups"] == [private["SourceSecurityGroupId"]]
    for service in ("phone", "web"):
        placed = made.of(service, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert placed["SecurityGroups"] == [made.outputs["edge"]["TaskSecurityGroupId"]]
