"""Our scheduler beside the real kube-scheduler on a real API server, with the rights of the packaged manifest and no more."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml

from tests import real

NAME = "numba-scheduler"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
COMMAND = [sys.executable, "-m", "k8s_notebook", "schedule"]


def pod(name: str, cpu: str = "100m", **spec: object) -> dict:
    container = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": cpu}}}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"schedulerName": NAME, "containers": [container], "terminationGracePeriodSeconds": 1, **spec},
    }  # fmt: skip


def create(cluster: real.Real, *objects: dict) -> None:
    cluster.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def node_of(cluster: real.Real, name: str) -> str:
    return cluster.json("pod", name)["spec"].get("nodeName", "")


def said(cluster: real.Real, name: str, reason: str) -> list[dict]:
    events = cluster.json("events", "--field-selector", f"involvedObject.name={name},reason={reason}")["items"]
    return [e for e in events if e["reportingComponent"] == NAME]


@pytest.fixture(scope="module")
def humble(realcluster: real.Real, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A kubeconfig with the token of the service account of the manifest."""
    manifest = subprocess.run([*COMMAND, "--rbac"], capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=True)
    realcluster.kubectl("apply", "-f", "-", stdin=manifest.stdout)
    token = realcluster.kubectl("create", "token", NAME, "-n", "kube-system").strip()
    config = yaml.safe_load(realcluster.kubeconfig.read_text())
    config["users"] = [{"name": u["name"], "user": {"token": token}} for u in config["users"]]
    path = tmp_path_factory.mktemp("humble") / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def ours(realcluster: real.Real, humble: pathlib.Path) -> Iterator[pathlib.Path]:
    """Our scheduler at work; its log."""
    log = humble.with_name("log")
    with log.open("w") as written:
        command = [*COMMAND, "--kubeconfig", str(humble)]
        process = subprocess.Popen(command, stderr=written, stdin=subprocess.DEVNULL, env=ENVIRONMENT)
        try:
            real.wait(lambda: "and places pods" in log.read_text(), 60, "the lease")
            real.wait(lambda: "default" in realcluster.kubectl("get", "serviceaccounts", "-o", "name"), 30, "the service account")
            yield log
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    lease = realcluster.json("lease", NAME, "-n", "kube-system")
    assert not lease["spec"].get("holderIdentity")


def test_it_places_its_pods_and_leaves_the_others_to_kube_scheduler(realcluster: real.Real, ours: pathlib.Path) -> None:
    create(realcluster, *(pod(f"p{i}") for i in range(6)), pod("theirs", schedulerName="default-scheduler"))
    names = [*(f"p{i}" for i in range(6)), "theirs"]
    real.wait(lambda: all(node_of(realcluster, n) for n in names), 40, "all pods to be placed")
    assert len({node_of(realcluster, f"p{i}") for i in range(6)}) == 3
    assert said(realcluster, "p0", "Scheduled")[0]["message"].startswith("Successfully assigned default/p0 to node-")
    assert said(realcluster, "theirs", "Scheduled") == []
    assert "without the right" not in ours.read_text()


def test_a_pod_that_fits_nowhere_is_told_so(realcluster: real.Real, ours: pathlib.Path) -> None:
    create(realcluster, pod("large", "99"))
    real.wait(lambda: bool(said(realcluster, "large", "FailedScheduling")), 30, "the event")
    conditions = realcluster.json("pod", "large")["status"]["conditions"]
    assert next(c for c in conditions if c["type"] == "PodScheduled")["reason"] == "Unschedulable"
    assert "0/3 nodes are available: 3 Insufficient cpu." in said(realcluster, "large", "FailedScheduling")[0]["message"]


def test_pods_of_lower_priority_make_room(realcluster: real.Real, ours: pathlib.Path) -> None:
    metadata = {"name": "urgent"}
    create(realcluster, {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": metadata, "value": 1000})
    create(realcluster, *(pod(f"low{i}", "2500m") for i in range(3)))
    real.wait(lambda: all(node_of(realcluster, f"low{i}") for i in range(3)), 40, "the low pods to be placed")
    create(realcluster, pod("urgent", "3", priorityClassName="urgent"))
    real.wait(lambda: bool(node_of(realcluster, "urgent")), 60, "the urgent pod to be placed")
    left = [p["metadata"]["name"] for p in realcluster.json("pods")["items"] if p["metadata"]["name"].startswith("low")]
    assert len(left) == 2
    gone = ({"low0", "low1", "low2"} - set(left)).pop()
    preempted = said(realcluster, gone, "Preempted")[0]
    uid = realcluster.json("pod", "urgent")["metadata"]["uid"]
    assert preempted["message"] == f"Preempted by pod {uid} on node {node_of(realcluster, 'urgent')}"
    assert "nominatedNodeName" not in realcluster.json("pod", "urgent")["status"]


def test_it_does_not_take_the_place_of_the_one_that_works(realcluster: real.Real) -> None:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    held = {"holderIdentity": "master-1_x", "leaseDurationSeconds": 3600, "renewTime": now}
    metadata = {"name": "kube-scheduler", "namespace": "kube-system"}
    create(realcluster, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": held})
    command = [*COMMAND, "--kubeconfig", str(realcluster.kubeconfig), "--name", "default-scheduler"]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("error: master-1_x places the pods of default-scheduler on real ")
