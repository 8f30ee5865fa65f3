"""Effective requests: containers, init containers, sidecars, overhead, pod-level resources, resizes."""

from __future__ import annotations

import pytest

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import requests

MIB = 2**20


def container(cpu: str = "", memory: str = "", **fields: object) -> Obj:
    stated = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v}
    return {"name": "c", **({"resources": {"requests": stated}} if stated else {}), **fields}


def sidecar(cpu: str) -> Obj:
    return container(cpu, restartPolicy="Always")


@pytest.mark.parametrize(("name", "spec", "exact", "scored", "occupied"), [
    ("sum of containers", {"containers": [container("1", "1Mi"), container("500m", "2Mi")]},
     {"cpu": 1500, "memory": 3 * MIB}, (1500, 3 * MIB), (1500, 3 * MIB)),
    ("nothing stated", {"containers": [container(), container()]}, {}, (200, 400 * MIB), (200, 400 * MIB)),
    ("rounded up once", {"containers": [container("1u"), container("1u")]}, {"cpu": 1}, (1, 400 * MIB), (1, 400 * MIB)),
    ("the greediest init container", {"containers": [container("1")], "initContainers": [container("3"), container("2")]},
     {"cpu": 3000}, (3000, 200 * MIB), (3000, 200 * MIB)),
    ("sidecars stay", {"containers": [container("1")], "initContainers": [sidecar("2")]},
     {"cpu": 3000}, (3000, 400 * MIB), (3000, 400 * MIB)),
    ("an init container beside an earlier sidecar",
     {"containers": [container("1")], "initContainers": [sidecar("2"), container("4")]},
     {"cpu": 6000}, (6000, 400 * MIB), (6000, 400 * MIB)),
    ("an init container before the sidecar", {"containers": [container("1")], "initContainers": [container("4"), sidecar("2")]},
     {"cpu": 4000}, (4000, 400 * MIB), (4000, 400 * MIB)),
    ("overhead", {"containers": [container("1", "1Mi")], "overhead": {"cpu": "250m"}},
     {"cpu": 1250, "memory": MIB}, (1250, MIB), (1250, MIB)),
    ("pod-level requests replace the sum, but not when the pod is weighed",
     {"containers": [container("1", "1Mi")], "resources": {"requests": {"cpu": "3"}}},
     {"cpu": 3000, "memory": MIB}, (1000, MIB), (3000, MIB)),
    ("pod-level requests without memory anywhere",
     {"containers": [container(), container()], "resources": {"requests": {"cpu": "3"}}},
     {"cpu": 3000}, (200, 400 * MIB), (3000, 400 * MIB)),
])  # fmt: skip
def test_requests(name: str, spec: Obj, exact: dict[str, int], scored: tuple[int, int], occupied: tuple[int, int]) -> None:
    weighed = dict(zip(("cpu", "memory"), scored, strict=True))
    assert requests.of_pod(spec) == requests.Requests(exact, weighed, occupied)


def status(actuated: str, allocated: str = "", *, infeasible: bool = False) -> Obj:
    said = {"name": "c", "resources": {"requests": {"cpu": actuated}}}
    if allocated:
        said["allocatedResources"] = {"cpu": allocated}
    condition = {"type": "PodResizePending", "status": "True", "reason": "Infeasible" if infeasible else "Deferred"}
    return {"containerStatuses": [said], "conditions": [condition]}


@pytest.mark.parametrize(("name", "reported", "cpu"), [
    ("growing", status("500m", "500m"), 1000),
    ("shrinking", status("3", "2"), 3000),
    ("set aside", status("500m", "2"), 2000),
    ("infeasible", status("500m", "500m", infeasible=True), 500),
    ("nothing reported", {"containerStatuses": [{"name": "c"}]}, 1000),
])  # fmt: skip
def test_a_resize_under_way_counts_with_its_largest_value(name: str, reported: Obj, cpu: int) -> None:
    assert requests.of_pod({"containers": [container("1", "1Mi")]}, reported).exact["cpu"] == cpu


def test_scalars() -> None:
    names = ("example.com/gpu", "hugepages-2Mi", "attachable-volumes-csi", "kubernetes.io/batch-cpu", "cpu", "pods", "storage")
    assert [requests.is_scalar(n) for n in names] == [True] * 4 + [False] * 3
