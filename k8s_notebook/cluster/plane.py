"""One control plane on any loop: API, controllers, kubelets and scheduler, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_notebook import release
from k8s_notebook.apiserver import boot, host, tls
from k8s_notebook.apiserver.auth import Authenticator
from k8s_notebook.apiserver.front import Front
from k8s_notebook.apiserver.paths import Paths
from k8s_notebook.apiserver.resources import Resources
from k8s_notebook.apiserver.reviews import Reviewer
from k8s_notebook.apiserver.verbs import Server
from k8s_notebook.cluster import parts
from k8s_notebook.cluster.options import Options
from k8s_notebook.machinery.cache import Informers
from k8s_notebook.objects import Obj
from k8s_notebook.sim.loop import Loop
from k8s_notebook.sim.streams import Streams
from k8s_notebook.store.revisions import Store


class StoredPolicy:
    """The roles and bindings in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def cluster_bindings(self) -> list[Obj]:
        """All ClusterRoleBindings."""
        return [e.obj for e in self._store.entries("clusterrolebindings.rbac.authorization.k8s.io")]

    def bindings(self, namespace: str) -> list[Obj]:
        """The RoleBindings of a namespace."""
        return [e.obj for e in self._store.entries("rolebindings.rbac.authorization.k8s.io", namespace)]

    def role(self, kind: str, namespace: str, name: str) -> Obj | None:
        """A Role or ClusterRole, or None."""
        cluster = kind == "ClusterRole"
        resource = "clusterroles" if cluster else "roles"
        entry = self._store.get(f"{resource}.rbac.authorization.k8s.io", "" if cluster else namespace, name)
        return entry.obj if entry is not None else None


class ControlPlane:
    """All parts of one cluster. `begin` makes the API usable, `work` starts what works behind it."""

    def __init__(self, loop: Loop, store: Store, options: Options, credentials: host.Credentials) -> None:
        self._loop = loop
        self._store = store
        self._options = options
        self._credentials = credentials
        self._described: dict[str, Callable[[], Any]] = {}
        self._informers: Informers | None = None
        self.server = Server(store, loop, Streams())
        authenticator = Authenticator(credentials.token, tls.Signer(credentials.signing_key), self.server.state.object, loop.now)
        self.server.token_issuer = authenticator.issue
        self.server.admission.evicted_after = round(options.eviction_after)
        rules = StoredPolicy(store)
        self._paths = Paths(self.server.kinds, release.INFO, self._checks, self.parts, authenticator.keys)
        resources = Resources(self.server, Reviewer(authenticator, rules), rules)
        self.front = Front(store, self.server.kinds, authenticator, rules, resources, self._paths)

    def describe(self, part: str, state: Callable[[], Any]) -> None:
        """Show the state of one more part in `parts()`."""
        self._described[part] = state

    def begin(self, address: str, port: int) -> None:
        """Put into the store what every cluster has; the API is reached at that address and port."""
        self._paths.address = f"{address}:{port}"
        boot.boot(self.server, address=address, port=port)

    def work(self) -> None:
        """Start controllers, kubelets and the scheduler. They are imported here: the API answers before."""
        from k8s_notebook import controllers

        informers = self._informers = parts.informers(self.server)
        grace = self._options.node_grace
        chosen = controllers.all(
            self.server.kinds, ca=self._credentials.authority, node_grace=grace, monitor_period=min(5.0, grace / 4)
        )
        for controller in chosen:
            self.describe(controller.name, parts.control(self.server, informers, controller).status)
        heartbeat = min(parts.HEARTBEAT, grace / 5)
        self.describe("kubelets", parts.kubelets(self.server, informers, self._options.nodes, heartbeat).status)
        self.describe("informers", informers.status)

    def schedule(self) -> None:
        """Start the scheduler, which takes longest to import."""
        assert self._informers is not None
        self.describe("scheduler", parts.scheduler(self.server, self._informers).status)

    def stop(self) -> None:
        """Let go of all watches."""
        if self._informers is not None:
            self._informers.close()

    def parts(self) -> Obj:
        """The state of every part: queues, last reconciles, revision, watchers."""
        store = self._store
        return {
            "store": {"revision": store.revision, "floor": store.floor, "watchers": store.watchers, "commits": store.commits},
            **{name: state() for name, state in self._described.items()},
        }

    def _checks(self) -> dict[str, bool]:
        return {}
