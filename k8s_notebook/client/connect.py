"""The way to a cluster: `connect` reads a kubeconfig and hands out an Api."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from k8s_notebook.client import kubeconfig as files
from k8s_notebook.client import transport, waiting
from k8s_notebook.client.api import Client
from k8s_notebook.client.kubeconfig import ConfigError, Context
from k8s_notebook.client.transport import Endpoint, Transport
from k8s_notebook.machinery.actions import Raw
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import OWN_GROUP

__all__ = ["ConfigError", "Connection", "Context", "connect", "contexts"]


class Connection:
    """A cluster that answers. `api` is the door to it; `kubeconfig` the file that led here, None inside a pod."""

    def __init__(self, api: Client, context: Context, kubeconfig: str | None) -> None:
        self.api = api
        self.context = context
        self.kubeconfig = kubeconfig
        self._version: Obj | None = None

    @property
    def name(self) -> str:
        """The name of the context."""
        return self.context.name

    @property
    def namespace(self) -> str:
        """The namespace of the context, "default" if it names none."""
        return self.context.namespace

    @property
    def server(self) -> str:
        """The address of the API server."""
        return self.api.transport.endpoint.server

    @property
    def embedded(self) -> bool:
        """Whether this is an embedded cluster: it serves our own API group."""
        return any(k.group == OWN_GROUP for k in self.api.kinds)

    def version(self) -> Obj:
        """What `/version` answers; asked once."""
        if self._version is None:
            self._version = waiting.result(self.api.submit(Raw("/version")))
        return self._version

    def same_as(self, other: Connection) -> bool:
        """Whether both are open and lead to the same server as the same user."""
        mine, its = self.api.transport, other.api.transport
        if mine.closed or its.closed or mine.endpoint.fresh or its.endpoint.fresh or not mine.endpoint.headers:
            return False
        return (self.kubeconfig, self.context.name, self.server) == (other.kubeconfig, other.context.name, other.server) and (
            mine.endpoint.headers,
            mine.endpoint.acting_as,
        ) == (its.endpoint.headers, its.endpoint.acting_as)

    def refresh(self) -> None:
        """Ask again which kinds are served: somebody may have added one."""
        waiting.result(self.api.discover())

    def close(self) -> None:
        """Let go of the connections."""
        self.api.transport.close()


def connect(kubeconfig: str | None = None, context: str | None = None) -> Connection:
    """The cluster of a context (None: the current one) of a kubeconfig (None: where kubectl looks, else the pod's own).

    Raises `ConfigError` for a kubeconfig that does not lead to a cluster, `errors.Unreachable` if it does not answer.
    """
    path = str(kubeconfig) if kubeconfig is not None else files.default_path()
    if kubeconfig is None and not files.exists(path) and files.in_cluster():
        found, endpoint = files.service_account()
        return _connected(found, endpoint, None)
    found, endpoint = files.endpoint(path, context)
    return _connected(found, endpoint, path)


def _connected(context: Context, endpoint: Endpoint, path: str | None) -> Connection:
    client = Client(Transport(endpoint, transport.feed()))
    weakref.finalize(client, client.transport.close).atexit = False
    try:
        waiting.result(client.discover(), 2 * transport.CONNECT_SECONDS)
    except BaseException:
        client.transport.close()
        raise
    return Connection(client, context, path)


def contexts(kubeconfig: str | None = None) -> Sequence[Context]:
    """The contexts of a kubeconfig; runs no plugin and asks no cluster."""
    return files.contexts(kubeconfig)
