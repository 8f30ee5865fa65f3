"""The order in which nodes are looked at."""

from __future__ import annotations

from k8s_notebook.scheduler import arrays
from k8s_notebook.scheduler.node_tree import NodeTree
from tests.builders import node


def names(cluster: arrays.Cluster) -> list[str]:
    return [cluster.names[slot] for slot in cluster.order]


def test_zones_take_turns() -> None:
    tree = NodeTree()
    for name, zone in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a"), ("c1", "c"), ("b2", "b")):
        tree.put(name, ("", zone))
    assert tree.order() == ["a1", "b1", "c1", "a2", "b2", "a3"]
    tree.remove("c1")
    assert tree.order() == ["a1", "b1", "a2", "b2", "a3"]
    tree.put("a1", ("", "b"))
    assert tree.order() == ["a2", "b1", "a3", "b2", "a1"]


def test_another_zone_shows_only_after_a_node_came_or_went() -> None:
    cluster = arrays.Cluster()
    for name, zone in (("n1", "a"), ("n2", "a"), ("n3", "b")):
        cluster.set_node(node(name).zone(zone).stored())
    assert names(cluster) == ["n1", "n3", "n2"]
    cluster.set_node(node("n1").zone("b").stored())
    assert names(cluster) == ["n1", "n3", "n2"]
    cluster.set_node(node("n4").zone("b").stored())
    assert names(cluster) == ["n2", "n3", "n1", "n4"]


def test_older_labels_win() -> None:
    cluster = arrays.Cluster()
    cluster.set_node(node("n1").zone("a").stored())
    cluster.set_node(node("n2").zone("a").label("failure-domain.beta.kubernetes.io/zone", "b").stored())
    cluster.set_node(node("n3").zone("a").stored())
    assert names(cluster) == ["n1", "n2", "n3"]


def test_slots_are_reused() -> None:
    cluster = arrays.Cluster()
    for i in range(40):
        cluster.set_node(node(f"n{i}").stored())
    for i in range(30):
        cluster.remove_node(f"n{i}")
    for i in range(50):
        cluster.set_node(node(f"m{i}").capacity(cpu=str(i + 1)).stored())
    assert len(cluster) == 60
    assert len(cluster.names) == 64
    assert all(cluster.arrays.allocatable[cluster.slots[f"m{i}"], 0] == 1000 * (i + 1) for i in range(50))
