"""Objects and a cluster in memory for the tests of verbs."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.machinery.actions import Bind, Create, Request
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError


def meta(name: str, **more: Any) -> Obj:
    """Metadata in the namespace default."""
    return {"name": name, "namespace": "default", **more}


def config(name: str, value: str = "1", **more: Any) -> Obj:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(name, **more), "data": {"k": value}}


def pod(name: str, *, spec: Obj | None = None, **more: Any) -> Obj:
    """A pod with one container."""
    container = {"name": "c", "image": "nginx:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta(name, **more),
        "spec": {"containers": [container], **(spec or {})},
    }


def deployment(name: str, **spec: Any) -> Obj:
    """A Deployment."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(name), "spec": spec}


def service(name: str, **spec: Any) -> Obj:
    """A Service with one port."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name), "spec": {"ports": [{"port": 80}], **spec}}


def node(name: str, **labels: str) -> Obj:
    """A Node."""
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def put(cluster: Simulation, *objects: Obj) -> Obj:
    """Create objects; the last one as it is stored."""
    return cluster.do(*(Create(o) for o in objects))


def running(cluster: Simulation, name: str, on: str = "n1", **more: Any) -> Obj:
    """A pod that is on a node."""
    if cluster.get("nodes", "", on) is None:
        put(cluster, node(on))
    put(cluster, pod(name, **more))
    cluster.do(Bind("default", name, "", on))
    found = cluster.get("pods", "default", name)
    assert found is not None
    return found


def refused(cluster: Simulation, request: Request) -> ApiError:
    """The refusal of a request that must be refused."""
    with pytest.raises(ApiError) as caught:
        cluster.do(request)
    return caught.value
