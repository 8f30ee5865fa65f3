"""Which clusters there are on this computer, as plain rows for a front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_notebook.client import connect, kubeconfig
from k8s_notebook.cluster import registry
from k8s_notebook.cluster.options import ClusterError

Row = dict[str, Any]


def everything() -> dict[str, Any]:
    """Embedded clusters, contexts of the kubeconfig, and a sentence for each of the two that cannot be read.

    A cluster has `name`, `state` (running, starting, stopped), `server` ("" unless it runs) and `nodes` (how many); a context
    has `name`, `server`, `namespace` and `current`. Contexts are only read: no cluster is asked and no credentials plugin runs.
    """
    problems: list[str] = []
    return {"clusters": _or_say(clusters, problems), "contexts": _or_say(contexts, problems), "problems": problems}


def clusters() -> list[Row]:
    """The embedded clusters of this user, by name."""
    return [
        {
            "name": it.name,
            "state": "running" if it.ready else "starting" if it.running else "stopped",
            "server": it.server,
            "nodes": it.options.nodes,
        }
        for it in registry.list_clusters()
    ]


def contexts() -> list[Row]:
    """The contexts of the kubeconfig, in its order; none if there is no kubeconfig."""
    if not kubeconfig.exists(kubeconfig.default_path()):
        return []
    return [{"name": it.name, "server": it.server, "namespace": it.namespace, "current": it.current} for it in connect.contexts()]


def _or_say(read: Callable[[], list[Row]], problems: list[str]) -> list[Row]:
    try:
        return read()
    except (ClusterError, connect.ConfigError) as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"{error.filename or 'a file'} cannot be read: {error.strerror or error}.")
    return []
