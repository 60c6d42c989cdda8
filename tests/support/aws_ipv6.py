"""Add to moto's CloudFormation what an IPv6 network needs: blocks of a VPC and of subnets, and `Fn::Cidr`.

A VPC has its block only once `AWS::EC2::VPCCidrBlock` is made, as on AWS: a template that reads it without waiting for
that resource fails here, too.
"""

from ipaddress import ip_network
from itertools import islice
from typing import Any, Self

from moto.core.common_models import CloudFormationModel
from moto.ec2.models import ec2_backends
from moto.ec2.models.vpcs import VPC

type Json = Any


class Association:
    """An association of a block with a VPC or a subnet."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    def is_created(self) -> bool:
        """Return that it exists."""
        return True

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return that no property names one."""
        return ""

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Any, *_: object, **__: object) -> Any:  # noqa: ANN401
        """Keep it: a change of any property replaces it."""
        return original_resource


class VpcCidrBlock(Association, CloudFormationModel):
    """The block that Amazon assigns to a VPC."""

    @staticmethod
    def cloudformation_type() -> str:
        """Return the kind's name."""
        return "AWS::EC2::VPCCidrBlock"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003 - moto passes it
        cloudformation_json: Json,
        account_id: str,
        region_name: str,
        **_: object,
    ) -> Self:
        """Assign it."""
        wanted = cloudformation_json["Properties"]
        assert wanted["AmazonProvidedIpv6CidrBlock"] is True
        made = ec2_backends[account_id][region_name].associate_vpc_cidr_block(wanted["VpcId"], "", True)  # noqa: FBT003
        return cls(made["association_id"])

    @classmethod
    def delete_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Json,  # noqa: ARG003 - moto passes it
        account_id: str,
        region_name: str,
    ) -> None:
        """Remove it from its VPC."""
        ec2_backends[account_id][region_name].disassociate_vpc_cidr_block(resource_name)


class SubnetCidrBlock(Association, CloudFormationModel):
    """A /64 of a subnet."""

    @staticmethod
    def cloudformation_type() -> str:
        """Return the kind's name."""
        return "AWS::EC2::SubnetCidrBlock"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003 - moto passes it
        cloudformation_json: Json,
        account_id: str,
        region_name: str,
        **_: object,
    ) -> Self:
        """Assign it.

        Raises:
            ValueError: It is not a /64, or not a part of the VPC's block.
        """
        wanted = cloudformation_json["Properties"]
        backend = ec2_backends[account_id][region_name]
        subnet, block = backend.get_subnet(wanted["SubnetId"]), wanted["Ipv6CidrBlock"]
        parts = [part for one in ipv6_blocks(backend.get_vpc(subnet.vpc_id)) for part in blocks(one, 256, 64)]
        if block not in parts:
            raise ValueError(f"{block} is not a /64 of the VPC of {subnet.id}")
        return cls(backend.associate_subnet_cidr_block(subnet.id, block)["associationId"])

    @classmethod
    def delete_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Json,  # noqa: ARG003 - moto passes it
        account_id: str,
        region_name: str,
    ) -> None:
        """Remove it from its subnet."""
        ec2_backends[account_id][region_name].disassociate_subnet_cidr_block(resource_name)


def ipv6_blocks(vpc: VPC) -> list[str]:
    """Return the IPv6 blocks of a VPC."""
    return [one["cidr_block"] for one in vpc.get_cidr_block_association_set(ipv6=True)]


def blocks(block: str, count: int, bits: int) -> list[str]:
    """Divide a block as `Fn::Cidr` does.

    Args:
        block: An IPv4 or IPv6 block.
        count: How many parts.
        bits: Bits of an address that remain for hosts.
    """
    whole = ip_network(block)
    return [str(one) for one in islice(whole.subnets(new_prefix=whole.max_prefixlen - bits), count)]
