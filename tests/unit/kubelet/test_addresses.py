from __future__ import annotations

import pytest

from k8s_notebook.kubelet import addresses


def test_every_node_has_its_own_addresses() -> None:
    assert len({addresses.node_address(n) for n in range(1, 1001)}) == 1000
    assert [addresses.number_of(addresses.pod_network(n)) for n in (1, 255, 256, 1000)] == [1, 255, 256, 1000]


@pytest.mark.parametrize("network", ["192.168.0.0/24", "nonsense", "fd00::/64"])
def test_other_networks_have_no_number(network: str) -> None:
    assert addresses.number_of(network) is None


def test_addresses_are_unique_and_come_back() -> None:
    pool = addresses.Pool("10.244.1.0/29")
    taken = [pool.take() for _ in range(5)]
    assert taken == ["10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.1.5", "10.244.1.6"]
    assert pool.take() == ""
    pool.give_back("10.244.1.4")
    pool.give_back("10.9.9.9")
    assert pool.take() == "10.244.1.4"


def test_an_address_in_use_is_not_given_again() -> None:
    pool = addresses.Pool("10.244.1.0/24")
    pool.claim("10.244.1.2")
    assert [pool.take(), pool.take()] == ["10.244.1.3", "10.244.1.4"]
