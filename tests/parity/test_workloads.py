"""The same manifests, applied through the magic, on an embedded cluster and on a real control plane: the same cluster comes out.

Left out of the comparison: generated names' random ends, times, addresses, uids, revisions; and nodes, which `test_placement.py`
compares under conditions that are the same for both schedulers. Conditions and container statuses are compared with a real kubelet
in `test_containers.py`; KWOK writes fewer.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests import real

SPECIFIED = ("deployments", "replicasets", "pods", "services", "configmaps", "secrets")
KINDS = (*SPECIFIED, "serviceaccounts", "endpointslices", "endpoints")
READY = 120.0
SHOP = "data/manifests/gcp-microservices-demo/release/kubernetes-manifests.yaml"
VOLATILE = frozenset({"uid", "resourceVersion", "creationTimestamp", "managedFields", "generateName", "selfLink", "clusterIP",
                      "clusterIPs", "nodePort", "podIP", "podIPs", "hostIP", "hostIPs", "startTime", "pod-template-hash"})  # fmt: skip
Get = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """The kubeconfig of an embedded cluster with three nodes."""
    env = {**os.environ, "K8S_NOTEBOOK_HOME": str(tmp_path_factory.mktemp("state"))}
    command = [sys.executable, "-m", "k8s_notebook"]
    started = subprocess.run([*command, "start", "--nodes", "3"], capture_output=True, text=True, env=env, timeout=60)
    assert started.returncode == 0, started.stderr
    yield pathlib.Path(started.stdout.strip())
    subprocess.run([*command, "delete", "--all"], capture_output=True, env=env, timeout=60)


@pytest.fixture(scope="module")
def both(shell: InteractiveShell, embedded: pathlib.Path, realcluster: real.Real, shared: pathlib.Path) -> tuple[Get, Get]:
    """Readers of the two clusters, with the story and the shop applied through the magic and everything Ready."""
    story = [p.read_text() for p in sorted((shared / "data" / "story").glob("*.yaml"))]
    readers = []
    for kubeconfig in (embedded, realcluster.kubeconfig):
        shell.run_line_magic("k8s", f"connect --kubeconfig {kubeconfig}")
        shell.run_cell_magic("kubectl", "apply -f -", "\n---\n".join(story))
        shell.run_line_magic("kubectl", "create namespace shop")
        shell.run_cell_magic("kubectl", "apply -n shop -f -", (shared / SHOP).read_text())
        readers.append(reader(kubeconfig))
    for read in readers:
        real.wait(lambda read=read: all_ready(read), READY, "every pod to be Ready")
    return readers[0], readers[1]


def reader(kubeconfig: pathlib.Path) -> Get:
    """Runs `kubectl get` of the real kubectl: JSON, or text with `text=True`."""

    def get(*args: str, text: bool = False) -> Any:
        output = () if text else ("-o", "json")
        command = [str(real.BINARIES / "kubectl"), "--kubeconfig", str(kubeconfig), "get", *args, *output]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout if text else json.loads(done.stdout)

    return get


def all_ready(get: Get) -> bool:
    pods = get("pods", "-A")["items"]
    return len(pods) == 17 and all(ready(p) for p in pods)


def ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


def plain(metadata: dict[str, Any]) -> str:
    """A name without its generated ends."""
    name = metadata.get("generateName", metadata["name"]).removesuffix("-")
    return name.removesuffix(f"-{metadata.get('labels', {}).get('pod-template-hash')}")


def settled(value: Any) -> Any:
    """A value without what differs from run to run."""
    if isinstance(value, dict):
        return {k: settled(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [settled(v) for v in value]
    return re.sub(r"kube-api-access-[0-9a-z]{5}", "kube-api-access", value) if isinstance(value, str) else value


def by_name(items: list[dict[str, Any]]) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """(kind, namespace, name without generated ends) -> objects, in a stable order."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for item in items:
        metadata = item["metadata"]
        found.setdefault((item["kind"], metadata.get("namespace", ""), plain(metadata)), []).append(item)
    return found


def specs(items: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Name -> what the object is, without status and without what differs from run to run."""
    parts = ("spec", "data", "type", "immutable", "stringData")
    found = {}
    for key, objects in sorted(by_name(items).items()):
        shown = [{p: settled(o[p]) for p in parts if p in o} for o in objects]
        for spec in shown:
            spec.get("spec", {}).pop("nodeName", None)
        found["/".join(key)] = sorted(shown, key=lambda s: json.dumps(s, sort_keys=True))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_objects(both: tuple[Get, Get], kind: str) -> None:
    ours, theirs = ({k: len(v) for k, v in by_name(get(kind, "-A")["items"]).items()} for get in both)
    for found in (ours, theirs):
        for extra in [k for k in found if k[1] not in {"default", "shop"} or k[2].startswith("kubernetes")]:
            del found[extra]
    assert ours == theirs


@pytest.mark.parametrize("kind", SPECIFIED)
@pytest.mark.parametrize("namespace", ["default", "shop"])
def test_the_same_defaulted_specs(both: tuple[Get, Get], kind: str, namespace: str) -> None:
    ours, theirs = (specs(get(kind, "-n", namespace)["items"]) for get in both)
    for found in (ours, theirs):
        for name in [n for n in found if n.endswith(("kube-root-ca.crt", "default/kubernetes"))]:
            del found[name]
    assert ours == theirs


@pytest.mark.parametrize("namespace", ["default", "shop"])
def test_the_same_phase_and_readiness(both: tuple[Get, Get], namespace: str) -> None:
    def seen(get: Get) -> list[tuple[str, str, bool]]:
        return sorted((plain(p["metadata"]), p["status"]["phase"], ready(p)) for p in get("pods", "-n", namespace)["items"])

    assert seen(both[0]) == seen(both[1])


@pytest.mark.parametrize("kind", [*SPECIFIED, "nodes", "namespaces"])
def test_the_same_columns(both: tuple[Get, Get], kind: str) -> None:
    def head(get: Get) -> list[str]:
        return get(kind, "-o", "wide", text=True).splitlines()[0].split()

    assert head(both[0]) == head(both[1])


def test_the_same_rows(both: tuple[Get, Get]) -> None:
    def rows(get: Get) -> list[list[str]]:
        lines = get("deployments", "-n", "shop", "-o", "wide", "--no-headers", text=True).splitlines()
        return [[c for i, c in enumerate(line.split()) if i != 4] for line in lines]

    assert rows(both[0]) == rows(both[1])
