"""The kubelets of all simulated nodes in one object: it keeps the nodes alive, workers do what their pods need."""

from __future__ import annotations

from collections.abc import Callable

from k8s_notebook.kubelet import members, nodes
from k8s_notebook.kubelet.members import Member
from k8s_notebook.kubelet.workers import RETRY, Workers, newer
from k8s_notebook.machinery.api import Api
from k8s_notebook.machinery.cache import Informers
from k8s_notebook.machinery.nodes import NodeRuntime
from k8s_notebook.machinery.recorder import Recorder
from k8s_notebook.objects import Obj
from k8s_notebook.sim.loop import Loop

FAULTS = "faults.k8s-notebook.io"


class Kubelets:
    """Plays the kubelet of every node that is annotated k8s-notebook.io/simulated=true (or kwok.x-k8s.io/node=fake).

    `api_for(user)` gives the Api that acts as that user (`system:node:<node>`); `informers` are the control plane's shared ones
    (resources read: nodes, pods, configmaps, secrets, faults.k8s-notebook.io); `recorder_for(node, api)` makes a node's event
    recorder, by default one of component "kubelet"; leases are renewed every `heartbeat` seconds. Nothing happens before
    `start()`; everything happens in turns of `loop`.

    A composition root does:

        kubelets = Kubelets(api_for, loop, informers)
        server.runtimes = kubelets.runtime
        kubelets.start(count=3)
    """

    def __init__(
        self,
        api_for: Callable[[str], Api],
        loop: Loop,
        informers: Informers,
        *,
        recorder_for: Callable[[str, Api], Recorder] | None = None,
        heartbeat: float = 10.0,
    ) -> None:
        self._loop = loop
        self._informers = informers
        self._registrar = members.Registrar(api_for, loop, recorder_for or self._recorder)
        self._beats = members.Heartbeats(loop, self._beat, heartbeat)
        self._members: dict[str, Member] = {}
        self._faults: dict[str, str] = {}
        self._workers = Workers(loop, informers, self._members)
        self._playing = False

    def start(self, count: int = 0, shape: nodes.Shape | None = None) -> None:
        """Register node-1 … node-`count` (those that are not there yet) and begin to play all simulated nodes."""
        self._informers.listen(FAULTS, self._fault_changed)
        for number in range(1, count + 1):
            self._registrar.register(number, shape or nodes.Shape())
        self._informers.listen("nodes", self._node_changed)
        self._informers.listen("configmaps", self._workers.config_changed)
        self._informers.listen("secrets", self._workers.config_changed)
        self._playing = True
        self._informers.listen("pods", self._workers.changed)

    def runtime(self, node: str) -> NodeRuntime | None:
        """The containers of a node; None if we do not play it or its kubelet is stopped."""
        member = self._members.get(node)
        return None if member is None or member.stopped else self._workers.runtime(node)

    def status(self) -> dict[str, object]:
        """Numbers for `status --parts`: nodes, stopped nodes, pods, status writes."""
        return {
            "nodes": len(self._members),
            "stopped": sorted(n for n, m in self._members.items() if m.stopped),
            "pods": len(self._workers),
            "writes": self._workers.writes,
        }

    def _recorder(self, node: str, api: Api) -> Recorder:
        return Recorder(api, self._loop, "kubelet", host=node)

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None:
            if old is not None:
                self._drop(old["metadata"]["name"])
            return
        name = new["metadata"]["name"]
        member = self._members.get(name)
        if member is not None and member.obj["metadata"]["uid"] != new["metadata"]["uid"]:
            self._drop(name)
            member = None
        if member is not None:
            if newer(new, member.obj):
                member.obj = new
        elif nodes.is_simulated(new):
            self._add(new)

    def _add(self, node: Obj) -> None:
        member = self._registrar.member(node)
        self._members[member.name] = member
        member.stopped = member.name in self._faults.values()
        self._beats.add(member.name)
        self._loop.soon(lambda: self._start_member(member))
        for pod in self._informers.by("pods", "node", member.name) if self._playing else ():
            self._workers.changed(None, pod)

    def _start_member(self, member: Member) -> None:
        if self._members.get(member.name) is not member or member.stopped:
            return
        if not self._registrar.start(member):
            self._loop.after(RETRY, lambda: self._start_member(member))

    def _drop(self, name: str) -> None:
        member = self._members.pop(name, None)
        if member is None:
            return
        self._beats.remove(name)
        self._registrar.forget(member)
        for run in self._workers.of_node(name):
            self._workers.forget(run)

    def _beat(self, node: str, now: float) -> None:
        member = self._members[node]
        if not member.stopped:
            self._registrar.beat(member, now)

    def _fault_changed(self, old: Obj | None, new: Obj | None) -> None:
        before = self._faults.pop(old["metadata"]["name"], "") if old is not None else ""
        after = stopped_node(new) if new is not None else ""
        if new is not None and after:
            self._faults[new["metadata"]["name"]] = after
        for name in dict.fromkeys((before, after)):
            self._set_stopped(name, name in self._faults.values())

    def _set_stopped(self, name: str, stopped: bool) -> None:
        member = self._members.get(name)
        if member is None or member.stopped == stopped:
            return
        member.stopped = stopped
        if stopped:
            self._workers.pause(name)
        else:
            self._workers.resume(name)
            self._loop.soon(lambda: self._start_member(member))


def stopped_node(fault: Obj) -> str:
    """The node whose kubelet a Fault stops, or "" if it is of another sort."""
    spec = fault.get("spec") or {}
    target = spec.get("target") or {}
    return str(target.get("name") or "") if target.get("kind") == "Node" and spec.get("action") == "Stop" else ""
