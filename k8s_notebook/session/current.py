"""What a notebook holds: clusters, and the one that the magics use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8s_notebook.client import connect as connecting
from k8s_notebook.client.connect import Connection
from k8s_notebook.machinery.actions import List
from k8s_notebook.machinery.api import Api
from k8s_notebook.session import (
    apply,
    arguments,
    awaiting,
    describe,
    events,
    faults,
    logs,
    reading,
    rollout,
    status,
    verbs,
    writing,
)
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError, told
from k8s_notebook.session.results import Result
from k8s_notebook.session.sources import Source
from k8s_notebook.session.status import Where

if TYPE_CHECKING:
    from k8s_notebook.scheduler.profiles import Profile
    from k8s_notebook.session.schedule import Schedule
    from k8s_notebook.session.schedule_config import Given
    from k8s_notebook.session.schedule_wishes import Wanted
    from k8s_notebook.session.why import Why
    from k8s_notebook.widgets.topology import Topology

Words = str | Sequence[str]


def _words(what: Words, name: str | None = None) -> tuple[str, ...]:
    words = tuple(what.split()) if isinstance(what, str) else tuple(what)
    return (*words, name) if name else words


class Cluster:
    """One cluster: kubectl's verbs as methods, each returning a value that shows itself. Errors are `K8sError`."""

    def __init__(self, door: Door, where: Where | None = None, connection: Connection | None = None) -> None:
        self.door = door
        self.where = where or Where()
        self._connection = connection

    @classmethod
    def of(cls, connection: Connection, name: str = "") -> Cluster:
        """The cluster behind a connection."""
        door = Door(
            connection.api,
            name or connection.name,
            connection.namespace,
            embedded=connection.embedded,
            refresh=connection.refresh,
        )
        return cls(door, Where(connection.server, connection.kubeconfig or "", connection.name), connection)

    @property
    def api(self) -> Api:
        """The cluster as every part of this package sees it."""
        return self.door.api

    @property
    def name(self) -> str:
        """The name of the embedded cluster, or of the context."""
        return self.door.name

    @property
    def kubeconfig(self) -> str:
        """The path of the kubeconfig, for other tools; "" for a simulation and inside a pod."""
        return self.where.kubeconfig

    @property
    def context(self) -> str:
        """The context of the kubeconfig."""
        return self.where.context

    @property
    def server(self) -> str:
        """The address of the API server."""
        return self.where.server

    @property
    def embedded(self) -> bool:
        """Whether it is an embedded cluster, which can be broken on purpose."""
        return self.door.embedded

    @property
    def namespace(self) -> str:
        """The namespace that the verbs use; it can be set."""
        return self.door.namespace

    @namespace.setter
    def namespace(self, namespace: str) -> None:
        self.door.namespace = namespace

    @property
    @told
    def nodes(self) -> list[str]:
        """The names of the nodes."""
        return [n["metadata"]["name"] for n in self.door.ask(List("nodes"))["items"]]

    @told
    def apply(self, source: Source, *, namespace: str | None = None, dry_run: bool = False) -> Result:
        """Create or change what YAML text, a path, a folder, an object or several describe; all of it or nothing."""
        return apply.apply(self.door, source, namespace, dry_run=dry_run)

    @told
    def create(self, source: Source, *, namespace: str | None = None) -> Result:
        """Create what a source describes."""
        return apply.create(self.door, source, namespace)

    @told
    def get(
        self, what: Words, name: str | None = None, *, namespace: str | None = None, selector: str = "", field_selector: str = "",
        all_namespaces: bool = False, output: str = "", show_labels: bool = False, sort_by: str = "",
    ) -> Result:  # fmt: skip
        """Objects as kubectl prints them: `.df` and `.items` for programs. `what`: "pods", "po,svc", "pod/x", "all"."""
        query = reading.Query(
            _words(what, name), namespace, all_namespaces, selector, field_selector, output, show_labels, sort_by=sort_by
        )  # fmt: skip
        return reading.get(self.door, query)

    @told
    def delete(
        self, what: Words | Source, name: str | None = None, *, namespace: str | None = None, selector: str = "",
        all: bool = False, grace: int | None = None, wait: bool = True, timeout: float | str = 300.0, ignore_not_found: bool = False,
    ) -> Result:  # fmt: skip
        """Delete objects by name, label or manifest, and return when they are gone."""
        if isinstance(what, str) and "\n" not in what and ": " not in what:
            wanted = writing.find(self.door, _words(what, name), namespace, selector, everything=all)
        else:
            wanted = writing.in_source(self.door, what, namespace)
        how = writing.Deletion(grace, "Background", ignore_not_found, wait, awaiting.seconds(timeout))
        return writing.delete(self.door, wanted, how)

    @told
    def scale(self, what: Words, replicas: int, *, namespace: str | None = None) -> Result:
        """Change how many replicas there are: `c.scale("deploy/web", 5)`."""
        return writing.scale(self.door, writing.find(self.door, _words(what), namespace), replicas)

    @told
    def label(
        self, what: Words, *pairs: str, namespace: str | None = None, overwrite: bool = False, **labels: str | None
    ) -> Result:
        """Set labels: `c.label("pod/x", "tier=front", "old-")`."""
        return self._metadata("labels", what, pairs, labels, namespace, overwrite)

    @told
    def annotate(
        self, what: Words, *pairs: str, namespace: str | None = None, overwrite: bool = False, **annotations: str | None
    ) -> Result:
        """Set annotations, like `label`."""
        return self._metadata("annotations", what, pairs, annotations, namespace, overwrite)

    def _metadata(
        self, field: str, what: Words, pairs: Sequence[str], more: dict[str, str | None], namespace: str | None, overwrite: bool
    ) -> Result:  # fmt: skip
        given = [*pairs, *(f"{k}-" if v is None else f"{k}={v}" for k, v in more.items())]
        wanted = writing.find(self.door, _words(what), namespace)
        return writing.change_metadata(self.door, wanted, field, given, overwrite=overwrite)

    @told
    def logs(
        self, what: Words = (), *, namespace: str | None = None, selector: str = "", container: str = "", previous: bool = False,
        tail: int | None = None, since: float | str | None = None, all_containers: bool = False, timestamps: bool = False,
        prefix: bool = False, follow: bool = False, timeout: float | str | None = None,
    ) -> Result:  # fmt: skip
        """What containers wrote: `str(c.logs("pod/x"))`; with `follow`, until the container ends or `timeout`."""
        seconds = None if since is None else max(int(awaiting.seconds(since)), 1)
        limit = None if timeout is None else awaiting.seconds(timeout)
        wanted = logs.Wanted(
            _words(what),
            namespace,
            selector,
            container,
            all_containers,
            follow,
            previous,
            tail,
            seconds,
            timestamps,
            prefix,
            limit,
        )
        return logs.logs(self.door, wanted)

    @told
    def events(self, about: str | None = None, *, namespace: str | None = None, all_namespaces: bool = False) -> Result:
        """What happened, oldest first; `about`: "pod/x"."""
        kind, _, name = (about or "").partition("/")
        regarding = (self.door.kind(kind).kind, name) if about else None
        return events.events(self.door, namespace, everywhere=all_namespaces, about=regarding)

    @told
    def describe(self, what: Words, name: str | None = None, *, namespace: str | None = None, selector: str = "") -> Result:
        """One object and what is around it, as kubectl describes it."""
        return describe.describe(self.door, _words(what, name), namespace, selector)

    @told
    def rollout_status(self, what: Words, *, namespace: str | None = None, timeout: float | str = 300.0) -> Result:
        """Return when a rollout is complete; K8sError if it fails or takes longer."""
        return rollout.status(self.door, _words(what), namespace, timeout=awaiting.seconds(timeout))

    @told
    def wait(
        self, what: Words, for_: str = "condition=Ready", timeout: float | str = 60.0, *, namespace: str | None = None,
        selector: str = "", all: bool = False,
    ) -> Result:  # fmt: skip
        """Return when objects fulfil a condition: "condition=Ready", "delete", "jsonpath={.status.phase}=Running"."""
        wanted = awaiting.find(self.door, _words(what), namespace, selector, everything=all)
        return awaiting.wait(self.door, wanted, for_, awaiting.seconds(timeout))

    @told
    def graph(self, *, namespace: str | None = None, all_namespaces: bool = False, live: bool = True) -> Topology:
        """The objects and what they have to do with each other, as a picture that follows the cluster; `.nx`, `.to_svg(path)`."""
        from k8s_notebook.session import seeing

        return seeing.graph(self.door, namespace, everywhere=all_namespaces, live=live)

    @told
    def why(self, pod: Words, *, namespace: str | None = None, profile: Profile | None = None, today: bool = False) -> Why:
        """Why a pod is on its node, or on none: the scheduler's record where there is one, else the decision made again.

        `today` leaves the record aside; with a `profile` the decision is made by that one.
        """
        from k8s_notebook.session import why

        return why.why(self.door, _words(pod), namespace, profile=profile, today=today)

    @told
    def schedule(
        self, name: str | Wanted | None = None, *, profile: Profile | Sequence[Profile] | None = None, config: Given | None = None,
        leader_elect: bool | None = None, lease_namespace: str = "kube-system", say: Callable[[str], None] | None = None,
    ) -> Schedule:  # fmt: skip
        """Work as a second scheduler: place the pods whose `schedulerName` is `name`, in a thread of this process, until `.stop()`.

        `profile` is one of `kn.scheduler.profile(…)`, with policies of one's own; `config` a KubeSchedulerConfiguration (a path,
        text or object). `say` hears what there is to tell, line by line; `.lines` and `.status` show it too.
        """
        from k8s_notebook.session import schedule, schedule_wishes

        if self._connection is None:
            raise K8sError("error: a simulation has its own scheduler")
        wanted = name if isinstance(name, schedule_wishes.Wanted) else schedule_wishes.wanted(
            name, profile=profile, config=config, elect=leader_elect, namespace=lease_namespace
        )  # fmt: skip
        return schedule.start(self._connection, self.door, wanted, say)

    @told
    def fail(self, what: str, name: str) -> Result:
        """Break something on purpose: `c.fail("node", "node-2")`; embedded clusters only."""
        return faults.fail(self.door, what, name)

    @told
    def heal(self, what: str, name: str) -> Result:
        """Repair what `fail` broke."""
        return faults.heal(self.door, what, name)

    @told
    def status(self, *, parts: bool = False) -> Result:
        """Versions, nodes, pods and rights; with `parts` the parts of an embedded control plane."""
        return status.parts(self.door) if parts else status.status(self.door, self.where)

    @told
    def kubectl(self, line: Words, stdin: str | None = None, say: Callable[[str], None] | None = None) -> Any:
        """The result of a kubectl command line: `c.kubectl("get pods -o wide")`."""
        words = arguments.split(line) if isinstance(line, str) else list(line)
        return verbs.run(verbs.Context(self.door, stdin, say), words)

    @told
    def stop(self) -> bool:
        """Stop an embedded cluster and keep its state, which `start` resumes; whether it ran."""
        if not self.embedded:
            raise K8sError(f"error: {self.name} is a real cluster: it is not ours to stop")
        return stop(self.name)

    def same_as(self, other: Cluster) -> bool:
        """Whether both have open connections to the same cluster as the same user."""
        return self._connection is not None and other._connection is not None and self._connection.same_as(other._connection)

    def close(self) -> None:
        """Let go of the connections; the cluster itself runs on."""
        if self._connection is not None:
            self._connection.close()

    def __repr__(self) -> str:
        """Which cluster it is."""
        return f"<Cluster {self.door.title}, namespace {self.namespace}{', ' + self.server if self.server else ''}>"


_known: dict[str, Cluster] = {}
_current: Cluster | None = None


def _hold(cluster: Cluster) -> Cluster:
    """Make a cluster the current one."""
    global _current
    old = _known.get(cluster.name)
    if old is not None and old is not cluster and old.same_as(cluster):
        # Whoever holds the old one, a graph for example, goes on with it.
        old.namespace = cluster.namespace
        cluster.close()
        cluster = old
    _known[cluster.name] = _current = cluster
    return cluster


@told
def start(
    name: str = "default", *, nodes: int | None = None, port: int | None = None, node_grace: float | str | None = None,
    eviction_after: float | str | None = None, fresh: bool = False, idle: float | str | None = None,
) -> Cluster:  # fmt: skip
    """The embedded cluster of that name, started if it does not run, and now the current one.

    Times are seconds or texts such as "50s". A cluster that has other options is an error that says so; `fresh` recreates it.
    """
    from k8s_notebook.cluster import registry

    times = {"node_grace": node_grace, "eviction_after": eviction_after, "idle": idle}
    running = registry.start(
        name, nodes=nodes, port=port, fresh=fresh, **{k: None if v is None else awaiting.seconds(v) for k, v in times.items()}
    )
    return _hold(Cluster.of(connecting.connect(str(running.kubeconfig)), name))


@told
def connect(kubeconfig: str | PathLike[str] | None = None, context: str | None = None) -> Cluster:
    """The cluster of a kubeconfig (None: where kubectl looks) and context (None: its current one), now the current one."""
    path = None if kubeconfig is None else str(Path(kubeconfig).expanduser())
    connection = connecting.connect(path, context)
    return _hold(Cluster.of(connection, _embedded_name(connection)))


def _embedded_name(connection: Connection) -> str:
    """The name that `start` gave to the cluster behind a connection; "" if it is none of this user's embedded ones."""
    from k8s_notebook.cluster import registry

    if not connection.embedded:
        return ""
    return next((s.name for s in registry.list_clusters() if s.server == connection.server), "")


def current() -> Cluster:
    """The cluster that the magics use; K8sError if there is none yet."""
    if _current is None:
        raise K8sError("error: no cluster is in use: `%k8s start` starts one, `%k8s connect` takes one of your kubeconfig")
    return _current


@told
def use(name: str) -> Cluster:
    """Make a cluster current: one of this session, an embedded one that runs, or a context of the kubeconfig."""
    from k8s_notebook.cluster import registry

    if name in _known:
        return _hold(_known[name])
    embedded = {s.name: s for s in registry.list_clusters()}
    if name in embedded:
        if not embedded[name].running:
            raise K8sError(f"error: cluster {name!r} does not run: `%k8s start --name {name}` starts it")
        return _hold(Cluster.of(connecting.connect(str(registry.kubeconfig(name))), name))
    try:
        contexts = [c.name for c in connecting.contexts()]
    except connecting.ConfigError:
        contexts = []
    if name in contexts:
        return connect(context=name)
    known = ", ".join(sorted({*_known, *embedded, *contexts})) or "none"
    raise K8sError(f"error: there is no cluster or context {name!r} (there are: {known})")


@told
def stop(name: str) -> bool:
    """Stop the embedded cluster of that name and keep its state; whether it ran."""
    from k8s_notebook.cluster import registry

    ran = registry.stop(name)
    forget(name)
    return ran


def forget(name: str) -> None:
    """Let go of a cluster that was stopped or deleted."""
    global _current
    cluster = _known.pop(name, None)
    if cluster is not None:
        cluster.close()
        if _current is cluster:
            _current = None


def in_use() -> Cluster | None:
    """The current cluster, if there is one."""
    return _current


def known() -> list[Cluster]:
    """The clusters of this session."""
    return list(_known.values())
