"""The whole control plane in memory on a virtual clock."""

from __future__ import annotations

from k8s_notebook.cluster import simulation
from k8s_notebook.machinery.actions import Delete
from tests.unit.apiserver.world import deployment, put


def rolled_out(seed: int) -> simulation.Simulation:
    """A cluster of three nodes with a Deployment of five that is ready."""
    cluster = simulation.whole(3, seed=seed)
    put(cluster, deployment("web", replicas=5))

    def ready() -> bool:
        found = cluster.get("deployments.apps", "default", "web")
        return found is not None and (found.get("status") or {}).get("readyReplicas") == 5

    assert cluster.until(ready, within=60)
    return cluster


def test_a_deployment_becomes_ready() -> None:
    cluster = rolled_out(1)
    pods = cluster.all("pods", "default")
    assert {p["spec"]["nodeName"] for p in pods} <= {"node-1", "node-2", "node-3"}
    assert [p["status"]["phase"] for p in pods] == ["Running"] * 5
    assert cluster.now() < simulation.START + 60


def test_the_same_seed_gives_the_same_history() -> None:
    one, two, other = rolled_out(7), rolled_out(7), rolled_out(8)
    assert [e.encoded for e in one.store.entries("pods")] == [e.encoded for e in two.store.entries("pods")]
    assert one.store.revision == two.store.revision
    assert [e.encoded for e in one.store.entries("pods")] != [e.encoded for e in other.store.entries("pods")]


def test_what_belongs_to_a_deployment_goes_with_it() -> None:
    cluster = rolled_out(1)
    cluster.do(Delete("deployments.apps", "web", "default"))
    assert cluster.until(lambda: not cluster.all("pods", "default") and not cluster.all("replicasets.apps"), within=120)
