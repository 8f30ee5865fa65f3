"""Pods that leave tainted nodes (as in pkg/controller/tainteviction).

It remembers since when a pod's time runs; losing that starts the time again, as a restart does upstream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import pods, taints
from k8s_notebook.machinery.actions import Action, Delete, Emit, RequeueAfter, Update
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import timestamp

REASON = "DeletionByTaintManager"
MESSAGE = "Taint manager: deleting due to NoExecute taint"


class TaintEviction:
    """Deletes pods that do not tolerate a NoExecute taint of their node, or no longer."""

    name = "taint-eviction-controller"

    def __init__(self) -> None:
        self._due: dict[Name, tuple[str, float]] = {}

    def watches(self) -> Sequence[Watch]:
        """Nodes whose NoExecute taints change, pods that are bound or change their tolerations."""
        return (Watch("nodes", _keys_of_node), Watch("pods", self._keys_of_pod))

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The deletion of a pod, or when to look again."""
        pod = view.get("pods", *key)
        uid, due = self._due.get(key, ("", 0.0))
        if pod is None or (uid and uid != pod["metadata"]["uid"]):
            return self._cancel(key)
        if "deletionTimestamp" in pod["metadata"]:
            self._due.pop(key, None)
            return []
        node = pod["spec"].get("nodeName")
        found = taints.evicting(view.get("nodes", "", node)) if node else []
        limit = taints.tolerated_for(pod["spec"].get("tolerations") or (), found)
        if not found or limit is None:
            return self._cancel(key)
        if limit == 0.0:
            return [*self._cancel(key), *_evict(pod, now)]
        if not uid:
            due = now + limit
            self._due[key] = (pod["metadata"]["uid"], due)
        return [RequeueAfter(due - now)] if due > now else _evict(pod, now)

    def _cancel(self, key: Name) -> list[Action]:
        if self._due.pop(key, None) is None:
            return []
        return [_event(key, "Cancelling deletion of Pod")]

    def _keys_of_pod(self, view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
        if new is None:
            return (name_of(old),) if old is not None and name_of(old) in self._due else ()
        before, after = (old or {}).get("spec") or {}, new["spec"]
        same = before.get("nodeName") == after.get("nodeName") and before.get("tolerations") == after.get("tolerations")
        if "nodeName" not in after or (same and old is not None):
            return ()
        return (name_of(new),) if taints.evicting(view.get("nodes", "", after["nodeName"])) else ()


def _keys_of_node(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    if new is None or (before := taints.evicting(old)) == (after := taints.evicting(new)):
        return ()
    return [name_of(p) for p in view.by("pods", "node", new["metadata"]["name"])] if before or after else ()


def _evict(pod: Obj, now: float) -> list[Action]:
    key = name_of(pod)
    actions: list[Action] = [_event(key, "Marking for deletion Pod")]
    marked = pods.disrupted(pod, REASON, MESSAGE, timestamp(now))
    if marked is not pod:
        actions.append(Update(marked, "pods", "status"))
    return [*actions, Delete("pods", key[1], key[0], uid=pod["metadata"]["uid"])]


def _event(key: Name, what: str) -> Emit:
    """Upstream these events carry no uid, so neither do ours."""
    regarding = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": key[1], "namespace": key[0]}}
    return Emit(regarding, "TaintManagerEviction", f"{what} {key[0]}/{key[1]}")
