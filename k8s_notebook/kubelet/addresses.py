"""Addresses: what the n-th node gets, and the pods' addresses on one node."""

from __future__ import annotations

import ipaddress

FIRST_POD_NETWORK = int(ipaddress.IPv4Address("10.244.0.0")) >> 8
_FIRST_NODE = int(ipaddress.IPv4Address("10.0.0.0"))
NETWORKS = 4 * 256
"""How many /24 networks for pods there are: 10.244.0.0/14."""


def node_address(number: int) -> str:
    """The internal address of node `number` (from 1).

    >>> node_address(1), node_address(251), node_address(1000)
    ('10.0.0.1', '10.0.1.1', '10.0.3.250')
    """
    return str(ipaddress.IPv4Address(_FIRST_NODE + ((number - 1) // 250) * 256 + (number - 1) % 250 + 1))


def pod_network(number: int) -> str:
    """The network of the pods on node `number`.

    >>> pod_network(1), pod_network(1000)
    ('10.244.1.0/24', '10.247.232.0/24')
    """
    return f"{ipaddress.IPv4Address((FIRST_POD_NETWORK + number) << 8)}/24"


def number_of(network: str) -> int | None:
    """The number whose `pod_network` this is, or None."""
    try:
        found = (int(ipaddress.IPv4Network(network, strict=False).network_address) >> 8) - FIRST_POD_NETWORK
    except ValueError:
        return None
    return found if 0 <= found < NETWORKS else None


class Pool:
    """The addresses of one network: handed out in a circle, so that an address just given back is used last."""

    def __init__(self, network: str) -> None:
        whole = ipaddress.IPv4Network(network, strict=False)
        self._first = int(whole.network_address) + 2
        self._size = max(1, whole.num_addresses - 3)
        self._next = 0
        self._used: set[int] = set()

    def take(self) -> str:
        """A free address, or "" if there is none left."""
        for _ in range(self._size):
            number, self._next = self._next, (self._next + 1) % self._size
            if number not in self._used:
                self._used.add(number)
                return _dotted(self._first + number)
        return ""

    def claim(self, address: str) -> None:
        """Mark an address as used, if it is of this network."""
        number = self._number(address)
        if number is not None:
            self._used.add(number)

    def give_back(self, address: str) -> None:
        """Make an address free again."""
        number = self._number(address)
        if number is not None:
            self._used.discard(number)

    def _number(self, address: str) -> int | None:
        try:
            number = int(ipaddress.IPv4Address(address)) - self._first
        except ValueError:
            return None
        return number if 0 <= number < self._size else None


def _dotted(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
