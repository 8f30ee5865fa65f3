"""Nodes that are not heard of: conditions, taints, pods that are not ready any more (as in pkg/controller/nodelifecycle).

It remembers when it began to listen, which pods are still to be marked, and when a zone may lose its next node. All of
that is soft: a new controller gives every node its grace again, as a restarted one does upstream.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import conditions, pods, taints, zones
from k8s_notebook.machinery.actions import Action, Emit, RequeueAfter, Update, Write
from k8s_notebook.machinery.cache import Name, View
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError
from k8s_notebook.sim.clock import seconds, timestamp

EVERYONE: Name = ("", "")
"""The key under which all nodes are surveyed."""
LEASES = "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"
_KUBELETS_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_COPIED_LABELS = (("kubernetes.io/os", "beta.kubernetes.io/os"), ("kubernetes.io/arch", "beta.kubernetes.io/arch"))


class NodeLifecycle:
    """Watches the heartbeats of nodes. `grace` seconds without one: the node is unreachable."""

    name = "node-controller"

    def __init__(self, grace: float = 50.0, startup_grace: float = 60.0, period: float = 5.0) -> None:
        self._grace, self._startup_grace, self._period = grace, startup_grace, period
        self._known: dict[str, str] = {}
        self._since: float | None = None
        self._looked = 0.0
        self._stopped = False
        self._next: dict[str, float] = {}
        self._to_mark: dict[str, None] = {}

    def watches(self) -> Sequence[Watch]:
        """Nodes; their leases and pods are only read."""
        silent = (Watch(r, lambda view, old, new: ()) for r in (LEASES, "pods"))
        return (Watch("nodes", _keys), *silent)

    def pace(self, view: View, key: Name) -> float:
        """The survey comes once in a period."""
        return self._period if key == EVERYONE else 0.0

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """For EVERYONE: the survey of zones and events. For a node: its conditions, taints and pods."""
        if self._since is None or now - self._looked > 3 * self._period:
            self._since = now
        self._looked = now
        if key == EVERYONE:
            return self._survey(view, now)
        node = view.get("nodes", *key)
        if node is None:
            self._to_mark.pop(key[1], None)
            return []
        return self._examine(view, node, now)

    def refused(self, view: View, key: Name, action: Write, error: ApiError, now: float) -> list[Action]:
        """Nothing is said; a zone whose node could not be tainted gets its turn back."""
        node = view.get("nodes", *key)
        if node is not None:
            self._next.pop(zones.zone_of(node), None)
        return []

    def _survey(self, view: View, now: float) -> list[Action]:
        nodes = view.all("nodes")
        there = {n["metadata"]["name"]: n["metadata"]["uid"] for n in nodes}
        actions: list[Action] = []
        for name, uid in there.items():
            if name not in self._known:
                actions.append(_event(name, uid, "RegisteredNode", f"Registered Node {name} in Controller"))
        for name, uid in self._known.items():
            if name not in there:
                actions.append(_event(name, uid, "RemovingNode", f"Removing Node {name} from Controller"))
        self._known = there
        actions += self._judge_zones(nodes, now)
        return [*actions, RequeueAfter(self._period)] if nodes else actions

    def _judge_zones(self, nodes: Sequence[Obj], now: float) -> list[Action]:
        """While no zone has a ready node nobody is evicted: it is more likely the control plane that is cut off."""
        stopped = _all_lost(zones.survey(nodes))
        entered, left = stopped and not self._stopped, self._stopped and not stopped
        self._stopped = stopped
        if left:
            self._since = now
            self._next.clear()
        if not entered:
            return []
        released = ((n, [t for t in taints.of(n) if not _evicts(t)]) for n in nodes)
        return [_tainted(n, found) for n, found in released if found != taints.of(n)]

    def _examine(self, view: View, node: Obj, now: float) -> list[Action]:
        wait = self._silent_in(view, node, now)
        if wait < 0:
            silenced = _silenced(node, timestamp(now))
            if silenced is not node:
                return [Update(silenced, "nodes", "status"), *self._note_lost(node)]
        stamp = timestamp(now)
        found, again = self._evicting(view, node, taints.scheduling(node, taints.of(node), stamp), now)
        actions: list[Action] = []
        labels = _copied_labels(node)
        if found != taints.of(node) or labels:
            actions.append(_tainted(node, found, labels))
        actions += self._mark_pods(view, node, stamp)
        turns = max(1, math.ceil(max(wait, 0.0) / self._period))
        soonest = self._period * turns if wait >= 0 else None
        delays = [d for d in (again, soonest) if d is not None]
        return [*actions, RequeueAfter(min(delays))] if delays else actions

    def _silent_in(self, view: View, node: Obj, now: float) -> float:
        """The seconds until the node's silence is too long; negative if it is."""
        ready = conditions.of(node, "Ready")
        metadata = node["metadata"]
        lease = view.get(LEASES, LEASE_NAMESPACE, metadata["name"])
        renewed = ((lease or {}).get("spec") or {}).get("renewTime")
        beat = ready.get("lastHeartbeatTime") if ready is not None else metadata["creationTimestamp"]
        heard = max(seconds(t) for t in (renewed, beat, metadata["creationTimestamp"]) if t)
        if ready is None:
            return heard + self._startup_grace - now
        return max(heard, self._since or 0.0) + self._grace - now

    def _note_lost(self, node: Obj) -> list[Action]:
        """The event, and the intention to mark the pods, if the node was ready."""
        ready = conditions.of(node, "Ready")
        if ready is None or ready["status"] != "True":
            return []
        metadata = node["metadata"]
        self._to_mark[metadata["name"]] = None
        return [Emit(_reference(metadata["name"], metadata["uid"]), "NodeNotReady", _now_is(metadata["name"], "NodeNotReady"))]

    def _evicting(self, view: View, node: Obj, found: list[Obj], now: float) -> tuple[list[Obj], float | None]:
        """(the taints with the right one of effect NoExecute, the seconds until it is worth another look)."""
        wanted = taints.wanted_eviction(node)
        if wanted is None or self._stopped:
            return [t for t in found if not _evicts(t)], None
        key, opposite = wanted
        if taints.has(found, key, taints.NO_EXECUTE):
            return taints.without(found, opposite, taints.NO_EXECUTE), None
        if not taints.has(found, opposite, taints.NO_EXECUTE) and (wait := self._turn(view, zones.zone_of(node), now)):
            return found, wait
        new = {"key": key, "effect": taints.NO_EXECUTE, "timeAdded": timestamp(now)}
        return [*taints.without(found, opposite, taints.NO_EXECUTE), new], None

    def _turn(self, view: View, zone: str, now: float) -> float:
        """The seconds until a zone may lose its next node; 0 if it may now, and then the turn is taken."""
        turn = self._next.get(zone, now)
        if turn > now:
            return turn - now
        surveyed = zones.survey(view.all("nodes"))
        how, size = surveyed.get(zone, (zones.State.NORMAL, 1))
        pause = None if _all_lost(surveyed) else zones.pause(how, size)
        if pause is None:
            return self._period
        self._next[zone] = now + pause
        return 0.0

    def _mark_pods(self, view: View, node: Obj, stamp: str) -> list[Action]:
        """The pods of a node that was lost are not ready."""
        name = node["metadata"]["name"]
        if name not in self._to_mark:
            return []
        ready = conditions.of(node, "Ready")
        lost = ready is not None and ready["status"] != "True"
        left = [p for p in view.by("pods", "node", name) if pods.ready(p)] if lost else []
        if not left:
            del self._to_mark[name]
        actions: list[Action] = []
        for pod in left:
            actions.append(Update(_not_ready(pod, stamp), "pods", "status"))
            actions.append(Emit(pod, "NodeNotReady", "Node is not ready", "Warning"))
        return actions


def _all_lost(surveyed: dict[str, tuple[zones.State, int]]) -> bool:
    """Whether no zone has a ready node."""
    return bool(surveyed) and all(how is zones.State.FULL for how, _ in surveyed.values())


def _keys(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    """The node, if more than its heartbeat changed; everyone, if there is one more or less."""
    obj = new or old
    if obj is None:
        return ()
    key = ("", obj["metadata"]["name"])
    if old is None or new is None:
        return (EVERYONE, key)
    same = old.get("spec") == new.get("spec") and old["metadata"].get("labels") == new["metadata"].get("labels")
    return () if same and _told(old) == _told(new) else (key,)


def _told(node: Obj) -> list[tuple[str, str]]:
    return [(c["type"], c["status"]) for c in (node.get("status") or {}).get("conditions") or ()]


def _silenced(node: Obj, stamp: str) -> Obj:
    """The node with all that its kubelet tells unknown; the same object if it is so already."""
    status = node.get("status") or {}
    before = status.get("conditions") or []
    after = [_unknown(c, stamp) for c in before]
    missing = [kind for kind in _KUBELETS_CONDITIONS if conditions.find(before, kind) is None]
    after += [_never(node, kind, stamp) for kind in missing]
    same = conditions.find(before, "Ready") == conditions.find(after, "Ready")
    return node if same else {**node, "status": {**status, "conditions": after}}


def _unknown(condition: Obj, stamp: str) -> Obj:
    if condition["type"] not in _KUBELETS_CONDITIONS or condition["status"] == "Unknown":
        return condition
    words = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
    return {**condition, "status": "Unknown", **words, "lastTransitionTime": stamp}


def _never(node: Obj, kind: str, stamp: str) -> Obj:
    return {
        "type": kind,
        "status": "Unknown",
        "lastHeartbeatTime": node["metadata"]["creationTimestamp"],
        "lastTransitionTime": stamp,
        "reason": "NodeStatusNeverUpdated",
        "message": "Kubelet never posted node status.",
    }


def _not_ready(pod: Obj, stamp: str) -> Obj:
    changed = [
        {**c, "status": "False", "lastTransitionTime": stamp} if c["type"] == "Ready" else c for c in pod["status"]["conditions"]
    ]
    return {**pod, "status": {**pod["status"], "conditions": changed}}


def _evicts(taint: Obj) -> bool:
    """Whether it is a NoExecute taint that this controller sets."""
    return taint["effect"] == taints.NO_EXECUTE and taint["key"] in (taints.NOT_READY, taints.UNREACHABLE)


def _tainted(node: Obj, found: list[Obj], labels: dict[str, str] | None = None) -> Update:
    spec = {k: v for k, v in (node.get("spec") or {}).items() if k != "taints"}
    changed = {**node, "spec": {**spec, "taints": found} if found else spec}
    if labels:
        changed["metadata"] = {**node["metadata"], "labels": {**node["metadata"]["labels"], **labels}}
    return Update(changed, "nodes")


def _copied_labels(node: Obj) -> dict[str, str]:
    """The old names of labels that are missing or differ."""
    labels = node["metadata"].get("labels") or {}
    return {old: labels[new] for new, old in _COPIED_LABELS if new in labels and labels.get(old) != labels[new]}


def _reference(name: str, uid: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": uid}}


def _event(name: str, uid: str, reason: str, message: str) -> Emit:
    return Emit(_reference(name, uid), reason, f"Node {name} event: {message}")


def _now_is(name: str, status: str) -> str:
    return f"Node {name} status is now: {status}"
