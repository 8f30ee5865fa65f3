"""Fixtures for tests that need Kubernetes: `k8s_cluster`, an embedded cluster per test session, and `k8s_namespace` per test.

Neither Jupyter nor a compiler is imported. With pytest-xdist each worker has its own cluster.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from k8s_notebook.session.current import Cluster

_OPTION = "--k8s-nodes"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option `--k8s-nodes`."""
    group = parser.getgroup("k8s-notebook", "an embedded Kubernetes cluster")
    group.addoption(_OPTION, type=int, default=2, metavar="N", help="how many nodes the fixture k8s_cluster has (2)")


@pytest.fixture(scope="session")
def k8s_cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An embedded cluster for this test session: apply, get, wait, logs, delete, kubeconfig; gone afterwards."""
    from k8s_notebook.cluster import registry
    from k8s_notebook.session import current

    home = tmp_path_factory.mktemp("k8s-notebook")
    before = os.environ.get("K8S_NOTEBOOK_HOME")
    os.environ["K8S_NOTEBOOK_HOME"] = str(home)
    name = f"pytest-{os.getpid()}"
    try:
        cluster = current.start(name, nodes=request.config.getoption(_OPTION))
        try:
            yield cluster
        finally:
            current.forget(name)
            registry.delete(name)
    finally:
        if before is None:
            os.environ.pop("K8S_NOTEBOOK_HOME", None)
        else:
            os.environ["K8S_NOTEBOOK_HOME"] = before


@pytest.fixture
def k8s_namespace(request: pytest.FixtureRequest, k8s_cluster: Cluster) -> Iterator[str]:
    """The name of a namespace of this test's own, which `k8s_cluster` uses meanwhile; deleted afterwards."""
    stem = re.sub(r"[^a-z0-9-]+", "-", request.node.name.lower()).strip("-")[:40] or "test"
    before = k8s_cluster.namespace
    made = k8s_cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": f"{stem}-"}})
    name = made.names[0]
    k8s_cluster.namespace = name
    try:
        yield name
    finally:
        k8s_cluster.namespace = before
        k8s_cluster.delete("namespace", name, wait=False, ignore_not_found=True)
