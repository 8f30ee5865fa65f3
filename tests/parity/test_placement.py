"""Pods fed one at a time: the embedded scheduler and kube-scheduler put each on the same node, or say the same why not.

The same chance for both: equal nodes; a kube-scheduler that looks at one node after the other; every workload handed over when the one
before was decided; and every image on every node from the start. KWOK's nodes pull nothing, while simulated nodes report what they
pulled, as real ones do: with images that come during the test ImageLocality would rightly prefer different nodes.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests import real

CONFIG = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
parallelism: 1
percentageOfNodesToScore: 100
clientConnection: {kubeconfig: "KUBECONFIG"}
"""
REQUESTS = (("100m", "128Mi"), ("500m", "1Gi"), ("1", "512Mi"), ("250m", "3Gi"), ("2", "2Gi"), ("", ""))
SHOP = "data/manifests/gcp-microservices-demo/release/kubernetes-manifests.yaml"
WORKLOADS = ("Pod", "Deployment")
Obj = dict[str, Any]
Answers = dict[str, list[str]]


@pytest.fixture(scope="module")
def manifests(shared: pathlib.Path) -> dict[str, list[Obj]]:
    """Namespace -> what is created in it."""
    story = "\n---\n".join(p.read_text() for p in sorted((shared / "data" / "story").glob("*.yaml")))
    texts = {"story": story, "shop": (shared / SHOP).read_text()}
    return {"sized": pods(), **{name: [o for o in yaml.safe_load_all(text) if o] for name, text in texts.items()}}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, manifests: dict[str, list[Obj]]) -> Iterator[real.Real]:
    """An embedded cluster with three nodes that have every image."""
    env = {**os.environ, "K8S_NOTEBOOK_HOME": str(tmp_path_factory.mktemp("state"))}
    command = [sys.executable, "-m", "k8s_notebook"]
    started = subprocess.run([*command, "start", "--nodes", "0"], capture_output=True, text=True, env=env, timeout=60)
    assert started.returncode == 0, started.stderr
    running = real.Real(pathlib.Path(started.stdout.strip()))
    names = sorted(set(re.findall(r'"image": "([^"]+)"', json.dumps(manifests))))
    for number in range(1, 4):
        create(running, with_images(number, [{"names": [name], "sizeBytes": 1} for name in names]))
    real.wait(lambda: nodes_ready(running), 30, "the nodes to be Ready")
    yield running
    subprocess.run([*command, "delete", "--all"], capture_output=True, env=env, timeout=60)


@pytest.fixture(scope="module")
def deterministic(tmp_path_factory: pytest.TempPathFactory, embedded: real.Real) -> Iterator[real.Real]:
    """A real control plane with the embedded cluster's nodes and a scheduler that looks at them one after the other."""
    why = real.missing()
    if why:
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("scheduler")
    with real.running("placement", nodes=0, KWOK="1", SCHEDULER="0") as running:
        for number, node in enumerate(embedded.json("nodes")["items"], 1):
            create(running, with_images(number, node["status"]["images"]))
        real.wait(lambda: nodes_ready(running), 60, "the nodes to be Ready")
        (folder / "config").write_text(CONFIG.replace("KUBECONFIG", str(running.kubeconfig)))
        # A streamed initial list comes in random order, and which node wins a tie depends on the order of nodes.
        options = ("--secure-port=0", "--feature-gates=WatchListClient=false")
        command = [real.BINARIES / "kube-scheduler", f"--config={folder}/config", *options]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            try:
                yield running
            finally:
                process.terminate()
                process.wait(30)


def pods() -> list[Obj]:
    """Twenty pods of different size; not all of them fit."""
    made = []
    for i in range(20):
        cpu, memory = REQUESTS[i % len(REQUESTS)]
        resources = {"requests": {"cpu": cpu, "memory": memory}} if cpu else {}
        container = {"name": "c", "image": "registry.example/none:1", "resources": resources}
        metadata = {"name": f"pod-{i:02d}"}
        made.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}})
    return made


def with_images(number: int, images: list[Obj]) -> Obj:
    """A node that has these images."""
    node = real.node(number)
    return {**node, "status": {**node["status"], "images": images}}


def nodes_ready(cluster: real.Real) -> bool:
    """Whether the three nodes may get pods."""
    nodes = cluster.json("nodes")["items"]
    return len(nodes) == 3 and all(real._ready(n) and not n["spec"].get("taints") for n in nodes)


def create(cluster: real.Real, obj: Obj, namespace: str = "default") -> None:
    """Create one object."""
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(obj))


def place(cluster: real.Real, namespace: str, objects: list[Obj]) -> Answers:
    """Workload -> its pods' nodes (or why there is none), each created when the pods of the one before were decided."""
    cluster.kubectl("create", "namespace", namespace)
    account = ("-n", namespace, "get", "serviceaccounts", "-o", "name")
    real.wait(lambda: "serviceaccount/default" in cluster.kubectl(*account), 30, "the service account")
    others = [o for o in objects if o["kind"] not in WORKLOADS]
    if others:
        create(cluster, {"apiVersion": "v1", "kind": "List", "items": others}, namespace)
    expected: int = 0
    found: Answers = {}
    for obj in (o for o in objects if o["kind"] in WORKLOADS):
        create(cluster, obj, namespace)
        expected += 1 if obj["kind"] == "Pod" else obj["spec"].get("replicas", 1)

        def decided(expected: int = expected) -> bool:
            found.clear()
            found.update(answers(cluster.json("pods", "-n", namespace)["items"]))
            return sum(map(len, found.values())) == expected

        real.wait(decided, 30, f"a decision about {obj['metadata']['name']}")
    cluster.kubectl("delete", "pods,deployments", "--all", "-n", namespace, "--grace-period=0", "--force")
    real.wait(lambda: not cluster.json("pods", "-n", namespace)["items"], 30, "the pods to be gone")
    return dict(found)


def answers(items: list[Obj]) -> Answers:
    """Workload -> node or sentence of each of its pods that the scheduler has decided about."""
    found: Answers = {}
    for pod in items:
        owners = pod["metadata"].get("ownerReferences")
        name = owners[0]["name"].rpartition("-")[0] if owners else pod["metadata"]["name"]
        said = [c.get("message", "") for c in pod["status"].get("conditions", ()) if c["type"] == "PodScheduled"]
        if pod["spec"].get("nodeName") or said:
            found.setdefault(name, []).append(pod["spec"].get("nodeName") or said[0])
    return {name: sorted(nodes) for name, nodes in found.items()}


@pytest.mark.parametrize("namespace", ["sized", "story", "shop"])
def test_each_workload_on_the_same_nodes(
    embedded: real.Real, deterministic: real.Real, manifests: dict[str, list[Obj]], namespace: str
) -> None:
    ours, theirs = (place(cluster, namespace, manifests[namespace]) for cluster in (embedded, deterministic))
    assert ours == theirs
    assert len({node for nodes in ours.values() for node in nodes if node.startswith("node-")}) == 3
