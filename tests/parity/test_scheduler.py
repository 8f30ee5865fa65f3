"""The real kube-scheduler and ours place the same pods on the same nodes, one by one: same node, same message."""

from __future__ import annotations

import json
import pathlib
import random
import subprocess
from collections.abc import Iterator

import pytest

from k8s_notebook.scheduler import arrays, cycle, explain, profiles
from tests import real
from tests.oracles import random_clusters

NAME = "exact"
NODES = range(4, 14)
PODS = 60
CONFIG = {
    "apiVersion": "kubescheduler.config.k8s.io/v1",
    "kind": "KubeSchedulerConfiguration",
    "parallelism": 1,
    "percentageOfNodesToScore": 100,
    "leaderElection": {"leaderElect": False},
    "profiles": [{"schedulerName": NAME}],
}


@pytest.fixture
def exact(realcluster: real.Real, tmp_path: pathlib.Path) -> Iterator[real.Real]:
    """The real control plane with ten more nodes of all sorts, and a kube-scheduler that is deterministic."""
    draw = random.Random(11)
    nodes = [random_clusters.node(draw, number) for number in NODES]
    for node in nodes:
        node["metadata"]["annotations"] = {"kwok.x-k8s.io/node": "fake"}
        realcluster.kubectl("create", "-f", "-", stdin=json.dumps(node))
    real.wait(lambda: all(_settled(n) for n in realcluster.json("nodes")["items"]), 60, "the nodes to be Ready")
    config = tmp_path / "scheduler.json"
    config.write_text(json.dumps({**CONFIG, "clientConnection": {"kubeconfig": str(realcluster.kubeconfig)}}))
    # A streamed initial list reaches the scheduler in random order, and ties depend on the order of nodes.
    gates = "--feature-gates=WatchListClient=false"
    command = [str(real.BINARIES / "kube-scheduler"), f"--config={config}", "--secure-port=0", gates]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield realcluster
        finally:
            process.terminate()
            process.wait(30)
            realcluster.kubectl("delete", "pods", "-l", f"test={NAME}", "--grace-period=0", "--force")
            realcluster.kubectl("delete", "nodes", *(n["metadata"]["name"] for n in nodes))


def _settled(node: dict) -> bool:
    taints = [t["key"] for t in node["spec"].get("taints", [])]
    return real._ready(node) and "node.kubernetes.io/not-ready" not in taints


def _pod(draw: random.Random, name: str) -> dict:
    """A random pod that the API server accepts."""
    pod = random_clusters.pod(draw, name, NODES[-1])
    for field in ("priority", "preemptionPolicy", "overhead"):
        pod["spec"].pop(field, None)
    for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())):
        requests = container["resources"].get("requests", {})
        if "example.com/gpu" in requests:
            container["resources"]["limits"] = {"example.com/gpu": requests["example.com/gpu"]}
    pod["spec"]["schedulerName"] = NAME
    pod["metadata"] = {"name": name, "namespace": "default", "labels": {"test": NAME}}
    return pod


def _scheduled(real_: real.Real, name: str) -> dict:
    """The pod, once kube-scheduler has decided."""
    found: dict = {}

    def decided() -> bool:
        found.update(real_.json("pod", name))
        conditions = found.get("status", {}).get("conditions", [])
        return bool(found["spec"].get("nodeName")) or any(c["type"] == "PodScheduled" for c in conditions)

    real.wait(decided, 20, f"a decision about {name}")
    return found


def test_the_same_node_for_each_pod_and_the_same_message(exact: real.Real) -> None:
    draw = random.Random(23)
    real.wait(lambda: "default" in exact.kubectl("get", "serviceaccounts", "-o", "name"), 30, "the service account")
    theirs, pods = [], []
    for i in range(PODS):
        try:
            exact.kubectl("create", "-f", "-", stdin=json.dumps(_pod(draw, f"p{i}")))
        except AssertionError as refused:
            if "is invalid" in str(refused):  # two containers that want one host port
                continue
            raise
        pods.append(_scheduled(exact, f"p{i}"))
        said = [c["message"] for c in pods[-1]["status"].get("conditions", []) if c.get("reason") == "Unschedulable"]
        theirs.append((f"p{i}", pods[-1]["spec"].get("nodeName") or "", "".join(said)))

    nodes = sorted(exact.json("nodes")["items"], key=lambda n: n["metadata"]["name"])
    others = [p for p in exact.json("pods", "-A")["items"] if p["metadata"].get("labels", {}).get("test") != NAME]
    cluster = explain.cluster_of(nodes, others)
    ours_cycle = cycle.Cycle(cluster, profiles.Profile(percentage=100))
    ours = []
    for pod in pods:
        decision = ours_cycle.decide(cluster.incoming(pod))
        ours.append((pod["metadata"]["name"], decision.node, decision.message))
        if decision.node:
            cluster.place(pod["metadata"]["uid"], _placed(cluster, pod, decision.node))
    assert ours == theirs
    assert len({node for _, node, _ in ours}) > 5
    assert sum(node == "" for _, node, _ in ours) > 5  # some fit nowhere


def _placed(cluster: arrays.Cluster, pod: dict, node: str) -> arrays.Placed:
    return cluster.read({**pod, "status": {}}, node)
