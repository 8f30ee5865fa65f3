"""Kubelets on the real API server in memory: what they write is taken, once, and what they delete goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from k8s_notebook.cluster.simulation import Simulation, kubelets
from k8s_notebook.kubelet.service import Kubelets
from k8s_notebook.machinery.actions import Bind, Create, Delete
from k8s_notebook.machinery.api import LogRequest
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import BadRequest


@pytest.fixture
def cluster() -> Iterator[Simulation]:
    simulation = Simulation(parts=[kubelets(2)])
    simulation.run(0.5)
    yield simulation
    simulation.close()


def bound(cluster: Simulation, name: str, node: str = "node-1", **spec: object) -> None:
    body = {"containers": [{"name": "c", "image": "nginx:1.27"}], **spec}
    metadata: Obj = {"name": name, "namespace": "default", "finalizers": spec.pop("finalizers", [])}
    body.pop("finalizers", None)
    pod = cluster.do(Create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}))
    cluster.do(Bind("default", name, pod["metadata"]["uid"], node))


def phase(cluster: Simulation, name: str) -> str:
    pod = cluster.get("pods", "default", name)
    return str(pod["status"]["phase"]) if pod else "gone"


def writes(cluster: Simulation) -> int:
    part = cluster.parts[0]
    assert isinstance(part, Kubelets)
    return int(str(part.status()["writes"]))


def test_nodes_are_ready_with_their_leases(cluster: Simulation) -> None:
    for name in ("node-1", "node-2"):
        node = cluster.get("nodes", "", name)
        assert node is not None
        assert node["status"]["conditions"][-1]["reason"] == "KubeletReady"
        assert cluster.get("leases.coordination.k8s.io", "kube-node-lease", name) is not None


def test_a_pod_lives_with_two_writes_and_goes(cluster: Simulation) -> None:
    bound(cluster, "web")
    before = writes(cluster)
    assert cluster.until(lambda: phase(cluster, "web") == "Running", 2)
    cluster.run(400)
    assert writes(cluster) - before == 2
    assert cluster.api().log(LogRequest("default", "web")).take()
    cluster.do(Delete("pods", "web", "default"))
    assert cluster.until(lambda: phase(cluster, "web") == "gone", 3)


def test_a_finished_pod_keeps_its_finalizer_and_its_log(cluster: Simulation) -> None:
    script = [{"name": "c", "image": "busybox", "command": ["sh", "-c", "echo done"]}]
    bound(cluster, "job", containers=script, restartPolicy="Never", finalizers=["batch.kubernetes.io/job-tracking"])
    assert cluster.until(lambda: phase(cluster, "job") == "Succeeded", 5)
    cluster.do(Delete("pods", "job", "default"))
    cluster.run(30)
    assert phase(cluster, "job") == "Succeeded"
    assert cluster.api().log(LogRequest("default", "job")).take() == ["done"]


def test_logs_of_a_stopped_node_cannot_be_read(cluster: Simulation) -> None:
    bound(cluster, "web", "node-2")
    assert cluster.until(lambda: phase(cluster, "web") == "Running", 2)
    fault = {"apiVersion": "k8s-notebook.io/v1alpha1", "kind": "Fault", "metadata": {"name": "cut"}}
    cluster.do(Create({**fault, "spec": {"target": {"kind": "Node", "name": "node-2"}, "action": "Stop"}}))
    cluster.do(Delete("pods", "web", "default"))
    cluster.run(60)
    assert phase(cluster, "web") == "Running"
    cluster.do(Delete("faults.k8s-notebook.io", "cut"))
    assert cluster.until(lambda: phase(cluster, "web") == "gone", 5)


def test_a_missing_secret_is_told_over_the_log_too(cluster: Simulation) -> None:
    secret = {"secretRef": {"name": "absent"}}
    bound(cluster, "p", containers=[{"name": "c", "image": "nginx:1.27", "envFrom": [secret]}])
    cluster.run(3)
    with pytest.raises(BadRequest, match='container "c" in pod "p" is waiting to start: CreateContainerConfigError'):
        cluster.api().log(LogRequest("default", "p")).take()
    cluster.do(Create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "absent", "namespace": "default"}}))
    assert cluster.until(lambda: phase(cluster, "p") == "Running", 1)
