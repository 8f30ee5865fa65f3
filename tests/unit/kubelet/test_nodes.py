"""Nodes: how they register, live, fail and come back."""

from __future__ import annotations

from k8s_notebook.kubelet.nodes import Shape
from k8s_notebook.machinery.actions import Delete, Patch
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import seconds
from tests.unit.kubelet.fake import Cluster


def node(cluster: Cluster, name: str = "node-1") -> Obj:
    return cluster.api.objects["nodes"]["", name]


def ready_of(cluster: Cluster, name: str) -> Obj:
    return next(c for c in node(cluster, name)["status"]["conditions"] if c["type"] == "Ready")


def renewed(cluster: Cluster, name: str) -> float:
    return seconds(cluster.api.objects["leases.coordination.k8s.io"]["kube-node-lease", name]["spec"]["renewTime"])


def test_nodes_register_ready_within_a_moment() -> None:
    cluster = Cluster(5)
    cluster.run(0.3)
    found = cluster.api.objects["nodes"]
    assert [n for _, n in found] == ["node-1", "node-2", "node-3", "node-4", "node-5"]
    zones = [n["metadata"]["labels"]["topology.kubernetes.io/zone"] for n in found.values()]
    assert zones == ["zone-a", "zone-b", "zone-c", "zone-a", "zone-b"]
    one = node(cluster)
    assert one["spec"]["podCIDR"] == "10.244.1.0/24"
    assert one["status"]["allocatable"]["pods"] == "110"
    assert len(one["status"]["nodeInfo"]) == 10
    assert [a["type"] for a in one["status"]["addresses"]] == ["InternalIP", "Hostname"]
    assert ready_of(cluster, "node-1")["message"] == "kubelet is posting ready status"
    assert [r for r, _ in cluster.events("node-1")][0::5] == ["Starting", "NodeReady"]
    assert "system:node:node-1" in cluster.users


def test_a_shape_may_be_asked_for() -> None:
    cluster = Cluster(
        1, Shape(capacity={"cpu": "8", "memory": "32Gi", "pods": "50", "nvidia.com/gpu": "2"}, labels={"gpu": "yes"})
    )
    cluster.run(0.1)
    assert node(cluster)["status"]["capacity"]["nvidia.com/gpu"] == "2"
    assert node(cluster)["metadata"]["labels"]["gpu"] == "yes"


def test_leases_are_renewed_every_ten_seconds_spread_over_them() -> None:
    cluster = Cluster(100)
    cluster.run(20)
    mark = len(cluster.api.writes)
    cluster.run(20)
    renewals = [w for w in cluster.api.writes[mark:] if w[1] == "leases.coordination.k8s.io"]
    assert 195 <= len(renewals) <= 205
    assert all(cluster.loop.now() - renewed(cluster, f"node-{n}") <= 10.2 for n in range(1, 101))
    assert not [w for w in cluster.api.writes[mark:] if w[1] == "nodes"]


def test_the_status_is_posted_every_five_minutes_and_when_images_came() -> None:
    cluster = Cluster()
    cluster.run(1)
    posts = lambda: sum(1 for w in cluster.api.writes if w == ("update", "nodes", "status", "node-1"))  # noqa: E731
    before = posts()
    cluster.pod("p")
    cluster.run(15)
    assert posts() == before + 1
    assert "nginx:1.27" in node(cluster)["status"]["images"][0]["names"]
    cluster.run(320)
    assert posts() == before + 2


def test_a_node_that_a_user_creates_is_played_too() -> None:
    cluster = Cluster()
    metadata = {"name": "own", "annotations": {"kwok.x-k8s.io/node": "fake"}}
    empty = {"nodeInfo": {"kubeletVersion": "", "osImage": "mine"}, "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}}
    status = {"capacity": {"cpu": "1"}, **empty}
    cluster.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}, "status": status})
    cluster.run(0.5)
    assert ready_of(cluster, "own")["status"] == "True"
    told = node(cluster, "own")["status"]
    assert (told["nodeInfo"]["kubeletVersion"], told["nodeInfo"]["osImage"]) == ("v1.36.3", "mine")
    assert told["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 10250
    assert node(cluster, "own")["spec"]["podCIDR"] == "10.244.2.0/24"
    assert node(cluster, "own")["status"]["allocatable"] == {"cpu": "1"}
    cluster.pod("p", "own")
    cluster.until(lambda: cluster.ready("p"))


def test_a_stopped_kubelet_is_silent_and_comes_back() -> None:
    cluster = Cluster(2)
    cluster.pod("p", "node-2")
    cluster.pod("dying", "node-2")
    cluster.until(lambda: cluster.ready("dying"))
    cluster.fault("cut", "node-2")
    cluster.run(0.1)
    assert cluster.kubelets.runtime("node-2") is None
    assert cluster.kubelets.runtime("node-1") is not None
    mark = len(cluster.api.writes)
    cluster.delete("dying")
    cluster.pod("new", "node-2")
    cluster.run(60)
    assert [w for w in cluster.api.writes[mark:] if "node-2" in w or w[:2] == ("update", "pods")] == []
    assert cluster.has("dying")
    unknown = [{**c, "status": "Unknown"} for c in node(cluster, "node-2")["status"]["conditions"]]
    cluster.api.submit(Patch("nodes", "node-2", "", {"status": {"conditions": unknown}}))
    cluster.heal("cut")
    cluster.until(lambda: ready_of(cluster, "node-2")["status"] == "True", 1)
    assert cluster.loop.now() - renewed(cluster, "node-2") < 1
    cluster.until(lambda: not cluster.has("dying"), 5)
    cluster.until(lambda: cluster.ready("new"), 5)
    assert cluster.events("node-2")[-1] == ("NodeReady", "Node node-2 status is now: NodeReady")


def test_two_faults_on_one_node_both_have_to_go() -> None:
    cluster = Cluster()
    cluster.fault("a", "node-1")
    cluster.fault("b", "node-1")
    cluster.run(1)
    cluster.heal("a")
    cluster.run(1)
    assert cluster.kubelets.runtime("node-1") is None
    cluster.heal("b")
    cluster.run(1)
    assert cluster.kubelets.runtime("node-1") is not None


def test_a_deleted_node_is_forgotten() -> None:
    cluster = Cluster(2)
    cluster.pod("p", "node-2")
    cluster.until(lambda: cluster.ready("p"))
    cluster.api.submit(Delete("nodes", "node-2"))
    cluster.run(30)
    assert cluster.kubelets.status()["nodes"] == 1
    assert cluster.kubelets.status()["pods"] == 0
    assert cluster.kubelets.runtime("node-2") is None


def test_the_same_inputs_give_the_same_run() -> None:
    def play() -> list[tuple[str, str, str, str]]:
        cluster = Cluster(3)
        for number in range(12):
            cluster.pod(f"p{number}", f"node-{number % 3 + 1}")
        cluster.run(30)
        return cluster.api.writes

    assert play() == play()
