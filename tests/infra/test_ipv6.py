"""Dual stack: clients that have only IPv6 reach the load balancer, and tasks stay reachable through it alone."""

import re
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.support.stacks import REGION, Deployed, deploy, pretend_aws, usual
from tests.support.templates import TEMPLATES, read


def public(made: Deployed) -> list[dict[str, Any]]:
    """Return the rules of the load balancer's security group."""
    rules: list[dict[str, Any]] = made.of("edge", "LoadBalancerSecurityGroup")["SecurityGroupIngress"]
    return rules


def test_only_the_load_balancer_s_subnets_have_ipv6(secure: Deployed) -> None:
    """Each public subnet has a /64 of its own, and task subnets have none, so that no task bypasses NAT.

    The simulated AWS rejects a block outside of the VPC's.
    """
    found = secure.every("AWS::EC2::SubnetCidrBlock").values()
    assert sorted(one["SubnetId"] for one in found) == sorted(secure.outputs["network"]["PublicSubnetIds"].split(","))
    assert len({one["Ipv6CidrBlock"] for one in found}) == 2
    subnets = secure.every("AWS::EC2::Subnet", "network").values()
    assert [one for one in subnets if one.keys() & {"Ipv6CidrBlock", "AssignIpv6AddressOnCreation"}] == []


def test_ipv6_leaves_the_public_subnets_through_the_internet_gateway(secure: Deployed) -> None:
    """The only IPv6 route is that of the public subnets, so that nothing reaches a task over IPv6."""
    routes = secure.every("AWS::EC2::Route", "network")
    (route,) = [one for one in routes.values() if "DestinationIpv6CidrBlock" in one]
    assert route["DestinationIpv6CidrBlock"] == "::/0"
    assert route["RouteTableId"] == secure.of("network", "PublicRoute")["RouteTableId"]
    assert route["GatewayId"] == secure.of("network", "PublicRoute")["GatewayId"]


def test_what_reads_the_vpc_s_block_waits_for_it() -> None:
    """A resource that reads the VPC's IPv6 block depends on it; otherwise a creation fails on AWS at times."""
    (path,) = (path for path in TEMPLATES if path.stem == "network")
    resources = read(path.read_text())["Resources"].items()
    readers = {name: one for name, one in resources if "Ipv6CidrBlocks" in str(one)}
    assert readers.keys() == {"PublicIpv6A", "PublicIpv6B"}
    assert {str(one.get("DependsOn")) for one in readers.values()} == {"Ipv6Block"}


def test_the_load_balancer_takes_the_same_ports_over_ipv6(secure: Deployed) -> None:
    """The load balancer has both kinds of address, and its rules for IPv6 are those for IPv4."""
    assert secure.of("edge", "LoadBalancer")["IpAddressType"] == "dualstack"
    by_family = {
        family: [
            (one["IpProtocol"], one["FromPort"], one["ToPort"], one[family]) for one in public(secure) if family in one
        ]
        for family in ("CidrIp", "CidrIpv6")
    }
    assert by_family["CidrIpv6"] == [(*rule[:3], "::/0") for rule in by_family["CidrIp"]]
    assert [rule[1] for rule in by_family["CidrIpv6"]] == [80, 443]


def test_tasks_are_reached_by_ipv4_and_only_from_the_load_balancer(secure: Deployed) -> None:
    """With IPv6 in front, a task still accepts the load balancer alone, whose IPv4 address it trusts."""
    (rule,) = secure.of("edge", "TaskSecurityGroup")["SecurityGroupIngress"]
    assert {"CidrIp", "CidrIpv6"}.isdisjoint(rule)
    for group in ("PhoneTargetGroup", "WebTargetGroup"):
        assert secure.of("edge", group).get("IpAddressType", "ipv4") == "ipv4"
    for service in ("phone", "web"):
        environment = secure.of(service, "TaskDefinition")["ContainerDefinitions"][0]["Environment"]
        assert {"Name": "FORWARDED_ALLOW_IPS", "Value": "10.42.0.0/16"} in environment


def test_the_public_name_has_a_record_for_each_kind_of_address(secure: Deployed) -> None:
    """The AAAA record has the name and the target of the A record."""
    records = {one["Type"]: one for one in secure.every("AWS::Route53::RecordSet").values()}
    assert records.keys() == {"A", "AAAA"}
    assert {**records["AAAA"], "Type": "A"} == records["A"]


def test_cloudfront_takes_ipv6_where_that_is_wanted(made: Deployed, secure: Deployed) -> None:
    """CloudFront's IPv6 follows the same parameter, so that one line decides for each kind of address."""
    settings = [one.of("https", "Distribution")["DistributionConfig"]["IPV6Enabled"] for one in (made, secure)]
    assert settings == [False, True]


def test_without_it_nothing_has_an_ipv6_address(made: Deployed) -> None:
    """By default nothing has an IPv6 address or route, because subnets of an existing network may have none."""
    assert made.of("edge", "LoadBalancer")["IpAddressType"] == "ipv4"
    assert made.every("AWS::EC2::VPCCidrBlock") == made.every("AWS::EC2::SubnetCidrBlock") == {}
    assert "PublicIpv6Route" not in {name for _, name in made.resources}


def test_switching_it_on_modifies_the_load_balancer_only_and_in_place() -> None:
    """An update to dual stack adds resources and replaces none, so that no call notices it."""
    without, with_it = _foundation(), _foundation(IpAddressType="dualstack")
    added = {name for stack, name in with_it.resources.keys() - without.resources.keys() if stack == "network"}
    assert added == {"Ipv6Block", "PublicIpv6A", "PublicIpv6B", "PublicIpv6Route"}
    (different,) = [key for key in without.resources if _properties(without, key) != _properties(with_it, key)]
    assert different == ("edge", "LoadBalancer")
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, without.resources[different].kind).schema
    old, new = _properties(without, different), _properties(with_it, different)
    changed = {f"/properties/{name}" for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    # AWS changes it in place: a change of the schema's createOnlyProperties would replace the load balancer.
    assert changed == {"/properties/IpAddressType"}
    assert changed.isdisjoint(schema["createOnlyProperties"])


def _foundation(**parameters: str) -> Deployed:
    with pretend_aws() as made:
        deploy(made, usual(None, **parameters)[:5])
    return made


def _properties(made: Deployed, key: tuple[str, str]) -> dict[str, str]:
    """Return a resource's properties as text, without the identifiers that each simulated account assigns."""
    named = {str(identifier): name for (_, name), identifier in made.names.items()}
    known = re.compile("|".join([*map(re.escape, named), r"eipalloc-\w+"]))
    return {
        name: known.sub(lambda found: named.get(found[0], "address"), str(value))
        for name, value in made.of(*key).items()
    }
