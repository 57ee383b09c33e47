"""The addresses that a sync connects from, as the allowlists of the clouds want them."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, ip_network

NONE = (
    "The settings name no egress_addresses. List the public addresses there that Profiles Sync connects from,",
    "and print this again.",
)


def title(egress: Sequence[str]) -> str:
    """The title of the step."""
    return "Let the addresses in that Profiles Sync connects from" + (f": {', '.join(egress)}" if egress else "")


def v4(egress: Sequence[str]) -> list[str]:
    """Those of version 4."""
    return [one for one in egress if isinstance(ip_network(one), IPv4Network)]


def v6(egress: Sequence[str]) -> list[str]:
    """Those of version 6."""
    return [one for one in egress if one not in v4(egress)]


def ranges(egress: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The first and the last address of each network of version 4."""
    for one in v4(egress):
        network = ip_network(one)
        yield str(network[0]), str(network[-1])


def security_group(egress: Sequence[str], port: int) -> Iterator[str]:
    """The commands that let them through a security group of AWS."""
    for one in egress:
        kind, key = ("IpRanges", "CidrIp") if one in v4(egress) else ("Ipv6Ranges", "CidrIpv6")
        permission = f"IpProtocol=tcp,FromPort={port},ToPort={port},{kind}=[{{{key}={one}}}]"
        yield f"aws ec2 authorize-security-group-ingress --group-id SECURITY_GROUP --ip-permissions '{permission}'"
