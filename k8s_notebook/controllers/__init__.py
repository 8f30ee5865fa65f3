"""The controllers of kube-controller-manager: each decides, from a view of the cluster, what to do about one key."""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from k8s_notebook.controllers import (
    deployment,
    disruption,
    endpoints,
    endpointslice,
    garbage,
    namespace_defaults,
    namespaces,
    node_lifecycle,
    pod_gc,
    replicaset,
    taint_eviction,
)
from k8s_notebook.machinery.reconcile import Controller
from k8s_notebook.objects.kinds import EMBEDDED, Kind


def all(
    kinds: Iterable[Kind] = EMBEDDED,
    *,
    ca: str = "",
    node_grace: float = 50.0,
    node_startup_grace: float = 60.0,
    monitor_period: float = 5.0,
) -> builtins.list[Controller]:
    """New controllers for a cluster that serves `kinds`.

    `ca` is the certificate authority in PEM; the times are those after which a silent node is given up, in seconds.
    """
    kinds = tuple(kinds)
    return [
        deployment.Deployments(),
        disruption.Disruptions(),
        replicaset.ReplicaSets(),
        replicaset.ReplicaSets(legacy=True),
        endpointslice.EndpointSlices(),
        endpoints.Endpoints(),
        namespaces.Namespaces(kinds),
        namespace_defaults.ServiceAccounts(),
        namespace_defaults.RootCertificates(ca),
        garbage.GarbageCollector(kinds),
        node_lifecycle.NodeLifecycle(node_grace, node_startup_grace, monitor_period),
        taint_eviction.TaintEviction(),
        pod_gc.PodGarbage(),
    ]
