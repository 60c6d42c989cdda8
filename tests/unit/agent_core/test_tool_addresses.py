"""Tools connect to public addresses only, whatever a URL, a name or its DNS says."""

from collections.abc import Sequence

import pytest

from agent_core.tools.outbound import NotReachable, Outbound

PUBLIC = "93.184.215.14"


def resolving(*addresses: str) -> Outbound:
    """Return what tools may reach if every name has these addresses."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return Outbound(frozenset({"127.0.0.1:8449", "desk:8449"}), resolve)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/",  # no TLS
        "ftp://api.example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://169.254.169.254/latest/meta-data/",
        "https://169.254.170.2/v2/credentials",
        "https://[fd00:ec2::254]/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",  # 127.0.0.1 in decimal
        "https://0177.0.0.1/",  # octal
        "https://0x7f.0.0.1/",  # hexadecimal
        "https://0x7f000001/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://93.184.215.14/",  # public, but no name that TLS could verify
        "https://localhost/",
        "https://LOCALHOST/",
        "https://desk.localhost/",
        "https://desk.internal/",
        "https://metadata/",  # no domain: a name of the private network
        "https://api.example.com@127.0.0.1/",
        "https://user:password@api.example.com/",
        "https://api.example.com\\@127.0.0.1/",
        "https://api.example.com\t.evil.example/",
        "https://api.example.com/a b",
        "https://api.exämple.com/",
        "https://api.example.com\r\nHost: other/",
        "http://127.0.0.1:8450/",  # another port than the one that is allowed
        "https://-api.example.com/",
        "https://api..example.com/",
        "https://api.example.1/",
    ],
)
def test_a_url_that_leads_elsewhere_is_refused_before_anything_is_resolved(url: str) -> None:
    """Each spelling of a private address, and each trick with the parts of a URL."""
    with pytest.raises(ValueError, match=r"^(the|a) (URL|host) "):
        resolving(PUBLIC).target(url)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://api.example.com/a?b=c", "api.example.com:443"),
        ("https://API.Example.com:8443/", "api.example.com:8443"),
        ("http://127.0.0.1:8449/mcp", "127.0.0.1:8449"),
        ("http://desk:8449/mcp", "desk:8449"),
    ],
)
def test_a_public_name_and_a_named_private_host_are_allowed(url: str, place: str) -> None:
    """A private host is allowed with its port, and only that one."""
    assert resolving(PUBLIC).target(url).place == place


PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an address that is refused
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2001:0:7f00:1::",  # Teredo
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "100::1",
]


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_with_a_private_address_is_refused(address: str) -> None:
    """Also if a public address stands beside it: the DNS server chooses the order."""
    for addresses in ((address,), (PUBLIC, address), (address, PUBLIC)):
        outbound = resolving(*addresses)
        with pytest.raises(NotReachable) as refused:
            await outbound.address(outbound.target("https://api.example.com/"))
        assert (refused.value.reason, refused.value.host) == ("tool: address_not_public", "api.example.com")


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "::ffff:5db8:d70e", "64:ff9b::101:101"])
async def test_a_public_address_is_used(address: str) -> None:
    """The IPv4 address inside an IPv6 one decides."""
    outbound = resolving(address)
    assert await outbound.address(outbound.target("https://api.example.com/")) == address


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.170.2", "fe80::1", "0.0.0.0"])  # noqa: S104
async def test_not_even_a_named_private_host_may_have_a_link_local_address(address: str) -> None:
    """A task's credentials are there, and a name in a private network can be pointed at them."""
    outbound = resolving(address)
    with pytest.raises(NotReachable):
        await outbound.address(outbound.target("http://desk:8449/mcp"))


async def test_a_name_without_an_address_is_an_error_of_the_service() -> None:
    """Neither an empty answer nor a failure of the resolver ends a conversation."""

    async def failing(_host: str, _port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    for outbound in (resolving(), Outbound(resolve=failing)):
        with pytest.raises(NotReachable, match="name_not_resolved"):
            await outbound.address(outbound.target("https://api.example.com/"))
