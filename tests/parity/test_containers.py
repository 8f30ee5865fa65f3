"""The same pods on a simulated node and on a real kubelet with containerd and runc: the same statuses, events, logs and rows.

Left out of the comparison: times, addresses, uids, ids of containers and images, generated names' ends, how often an event came;
and the one number by which cgroups of version 1 say that nothing is limited. The pods do not ask for the cluster's DNS, since the
real kubelet is not told of any and would warn of it.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests import real
from tests.unit.kubelet import normal

IMAGE = "localhost/busybox:1"
STAYS = "trap 'exit 0' TERM; echo hello from $HOSTNAME; while true; do sleep 1; done"
UNLIMITED = re.compile(r'"limits": \{"memory": "9007199254740988Ki"\}')
ENDS = re.compile(r"(?<=\bhello)-[0-9a-z]{1,10}(-[0-9a-z]{5})?\b|(?<=\bkube-api-access)-[0-9a-z]{5}")
DURATION = re.compile(r"^(\d+[smh])+$|^\(?(\d+[smh])+ ago\)?$")
Obj = dict[str, Any]


def pod(name: str, script: str, **spec: Any) -> Obj:
    """A pod with one container that runs the script."""
    command = ["sh", "-c", script]
    container = {"name": "c", "image": IMAGE, "imagePullPolicy": "Never", "command": command, **spec.pop("container", {})}
    spec = {"containers": [container], "dnsPolicy": "Default", **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def manifests() -> list[Obj]:
    """A Deployment of two, a pod that lacks a ConfigMap, a job-like pod that fails and one that succeeds."""
    template = {"metadata": {"labels": {"app": "hello"}}, "spec": pod("", STAYS)["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "hello"}}, "template": template}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "hello"}, "spec": spec},
        pod("lacks", STAYS, container={"envFrom": [{"configMapRef": {"name": "settings"}}]}),
        pod("fails", "echo no; exit 1", restartPolicy="Never"),
        pod("succeeds", "echo yes; exit 0", restartPolicy="Never"),
    ]


@contextmanager
def embedded(home: pathlib.Path) -> Iterator[real.Real]:
    """An embedded cluster with one node that has the image."""
    env = {**os.environ, "K8S_NOTEBOOK_HOME": str(home)}
    command = [sys.executable, "-m", "k8s_notebook"]
    started = subprocess.run([*command, "start", "--nodes", "0"], capture_output=True, text=True, env=env, timeout=60)
    assert started.returncode == 0, started.stderr
    try:
        running = real.Real(pathlib.Path(started.stdout.strip()))
        node: Obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "real-node"}}
        node["metadata"]["annotations"] = {"k8s-notebook.io/simulated": "true"}
        node["status"] = {"images": [{"names": [IMAGE], "sizeBytes": 1997435}]}
        running.kubectl("create", "-f", "-", stdin=json.dumps(node))
        yield running
    finally:
        subprocess.run([*command, "delete", "--all"], capture_output=True, env=env, timeout=60)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Obj, Obj]]:
    """What was seen on the embedded cluster and on the real one."""
    why = real.missing(kubelet=True)
    if why:
        pytest.skip(why)
    state = tmp_path_factory.mktemp("state")
    with real.running("containers", nodes=0, KUBELET="1") as theirs, embedded(state) as ours, ThreadPoolExecutor() as pool:
        seen = [pool.submit(play, cluster) for cluster in (ours, theirs)]
        yield seen[0].result(), seen[1].result()


def play(cluster: real.Real) -> Obj:
    """Everything that is compared, in the order in which it happens."""
    account = ("get", "serviceaccounts", "-o", "name")
    real.wait(lambda: "serviceaccount/default" in cluster.kubectl(*account), 30, "the service account")
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests()}))
    wants: dict[str, Callable[[Obj], bool]] = {"hello": ready, "lacks": waits, "fails": ended, "succeeds": ended}
    real.wait(lambda: all(wants[plain(p)](p) for p in listed(cluster)), 30, "every pod to be as expected")
    seen = {f"{name} {what}": value for name in wants for what, value in looks(cluster, name).items()}
    seen["rows"] = rows(cluster.kubectl("get", "pods", "-o", "wide"))
    seen["deployments"] = rows(cluster.kubectl("get", "deployments", "-o", "wide"))
    cluster.kubectl("create", "configmap", "settings", "--from-literal=A=b")
    real.wait(lambda: ready(cluster.json("pod", "lacks")), 60, "the pod to heal")
    seen["healed status"] = looks(cluster, "lacks")["status"]
    seen["deleted status"] = deleted(cluster, "lacks")
    seen["events"] = events(cluster)
    cluster.kubectl("delete", "deployments,pods", "--all", "--grace-period=1")
    return seen


def listed(cluster: real.Real) -> list[Obj]:
    """The five pods, or none as long as there are fewer."""
    found = cluster.json("pods")["items"]
    return found if len(found) == 5 else [pod("hello", "")]


def plain(found: Obj) -> str:
    return found["metadata"]["name"].partition("-")[0]


def ready(found: Obj) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in found.get("status", {}).get("conditions", ()))


def waits(found: Obj) -> bool:
    return "CreateContainerConfigError" in json.dumps(found["status"].get("containerStatuses"))


def ended(found: Obj) -> bool:
    states = [c["state"] for c in found["status"].get("containerStatuses", ())]
    return found["status"].get("phase") in ("Failed", "Succeeded") and all("terminated" in s for s in states)


def looks(cluster: real.Real, name: str) -> Obj:
    """What can be seen of the pods of this name: status, quality of service, log."""
    found = [p for p in cluster.json("pods")["items"] if plain(p) == name]
    return {
        "status": [status(p) for p in found],
        "log": sorted(masked(log(cluster, p["metadata"]["name"])) for p in found),
        "class": [p["status"]["qosClass"] for p in found],
    }


def status(found: Obj) -> Obj:
    """A pod's status in its normal form."""
    seen = normal.normal_status(found["status"], found["metadata"]["uid"], found["status"]["hostIP"])
    return json.loads(UNLIMITED.sub("", masked(json.dumps(seen))))


def log(cluster: real.Real, name: str) -> str:
    """What kubectl prints of the pod's log, or why not."""
    try:
        return cluster.kubectl("logs", name)
    except AssertionError as error:
        return str(error).partition("\n")[0]


def masked(text: str) -> str:
    return ENDS.sub("", text)


def rows(text: str) -> list[list[str]]:
    """The cells of a table, without ages and addresses."""
    cells = [[masked(c) for c in re.split(r" {2,}", line.strip())] for line in text.splitlines()]
    return [["-" if DURATION.match(c) or c.startswith("10.244.") else c for c in row] for row in cells]


def deleted(cluster: real.Real, name: str) -> Obj:
    """The last status of a pod that is deleted gracefully."""
    query = f"/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=8&fieldSelector=metadata.name={name}"
    command = [str(real.BINARIES / "kubectl"), "--kubeconfig", str(cluster.kubeconfig), "get", "--raw", query]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        cluster.kubectl("delete", "pod", name)
        assert watch.stdout is not None
        seen = next(e["object"] for e in map(json.loads, watch.stdout) if e["type"] == "DELETED")
        watch.kill()
    return {"status": status(seen), "grace": seen["metadata"]["deletionGracePeriodSeconds"]}


def events(cluster: real.Real) -> list[list[str]]:
    """The events about everything but nodes: kind, name, who says it, and what."""
    found = {}
    for event in cluster.json("events")["items"]:
        about = event["involvedObject"]
        uid = about.get("uid", "")
        writer = f"{event['source'].get('component', '')}, {event['reportingComponent']}"
        line = [about["kind"], masked(about["name"]), writer, *map(masked, normal.normal_event(event, uid))]
        found[tuple(line)] = line
    return sorted(line for line in found.values() if line[0] != "Node")


KEYS = [f"{name} {what}" for name in ("hello", "lacks", "fails", "succeeds") for what in ("status", "log", "class")]


@pytest.mark.parametrize("what", [*KEYS, "healed status", "deleted status", "rows", "deployments", "events"])
def test_the_same_on_both(both: tuple[Obj, Obj], what: str) -> None:
    assert both[0][what] == both[1][what]
