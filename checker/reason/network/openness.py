"""How much of all addresses and ports a security group lets through."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from checker.reason.network.security_groups import PORTS, Network, Permission, Side, collapsed

# All of the IPv6 internet's addresses (RFC 4291, global unicast): the rest of ::/0 is no place to send to.
_GLOBAL_V6: Final = ipaddress.ip_network("2000::/3")
_WORTH_SWEEPING: Final = 0.25
# A group takes 60 rules, 1000 at the very most (Amazon VPC quotas): more is no group that could be deployed.
_MOST_RANGES: Final = 1000


def openness(side: Side, *, at_most: bool) -> float:
    """Which share of all ports of all addresses this side lets through, from 0 to 1: the largest over TCP and UDP,
    IPv4 and IPv6. ``at_most`` counts what is not certain as let through in full, but no rule that may be another
    group's: it is judged by itself.
    """
    chosen = [each for each in side.permissions if each.networks and (each.certain or (at_most and not each.astray))]
    return max(
        (
            _share([each for each in chosen if each.protocol in {"-1", protocol}], version)
            for protocol in ("tcp", "udp")
            for version in (4, 6)
        ),
        default=0.0,
    )


def _share(permissions: Sequence[Permission], version: int) -> float:
    """The area of port ranges times networks, overlaps counted once: a sweep over the ports at which a range begins
    or ends. Rules with the same ports are merged first, so that many narrow networks cost no more than one sweep."""
    by_ports: dict[tuple[int, int], list[Network]] = {}
    for each in permissions:
        own = [network for network in each.networks if network.version == version]
        if own and each.first <= each.last:
            by_ports.setdefault((each.first, each.last), []).extend(own)
    merged = {ports: collapsed(networks)[version] for ports, networks in by_ports.items()}
    # The sum over ranges is an upper bound. Far below everything, it is answer enough.
    bound = sum((last - first + 1) / PORTS * _fraction(networks) for (first, last), networks in merged.items())
    if bound < _WORTH_SWEEPING or len(merged) == 1 or len(merged) > _MOST_RANGES:
        return min(bound, 1.0)
    edges = sorted({edge for first, last in merged for edge in (first, last + 1)})
    total = 0.0
    for start, end in itertools.pairwise(edges):
        networks = [each for (first, last), own in merged.items() if first <= start <= last for each in own]
        total += (end - start) / PORTS * _fraction(collapsed(networks)[version])
    return total


def _fraction(networks: Iterable[Network]) -> float:
    total = 0.0
    for each in networks:
        if isinstance(each, ipaddress.IPv4Network):
            total += each.num_addresses / 2**32
        elif each.overlaps(_GLOBAL_V6):
            total += min(1.0, each.num_addresses / _GLOBAL_V6.num_addresses)
    return total
