"""Pods that nobody else will remove (as in pkg/controller/podgc)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import conditions, pods, taints
from k8s_notebook.machinery.actions import Action, Delete, RequeueAfter, Update
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import timestamp

FINISHED: Name = ("", "")
"""The key under which finished pods are counted."""
PERIOD = 20.0
QUARANTINE = 40.0
"""Seconds for which a node must be gone before its pods go."""
MOST_FINISHED = 12_500
REASON, MESSAGE = "DeletionByPodGC", "PodGC: node no longer exists"


class PodGarbage:
    """Removes pods of nodes that are gone, unscheduled ones that wait to be deleted, and the oldest of too many finished ones.

    It remembers since when a node is missing. Keys with an empty namespace are nodes.
    """

    name = "pod-garbage-collector-controller"

    def __init__(self) -> None:
        self._missing: dict[str, float] = {}

    def watches(self) -> Sequence[Watch]:
        """Pods and nodes."""
        return (Watch("pods", _keys_of_pod), Watch("nodes", _keys_of_node))

    def pace(self, view: View, key: Name) -> float:
        """Finished pods are counted once in a while."""
        return PERIOD if key == FINISHED else 0.0

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The deletions, each after the pod was marked as failed."""
        if key == FINISHED:
            return _too_many(view, now)
        if key[0] == "":
            return self._of_node(view, key[1], now)
        pod = view.get("pods", *key)
        if pod is None or "deletionTimestamp" not in pod["metadata"]:
            return []
        node = pod["spec"].get("nodeName")
        return _remove(pod, now) if not node or _out_of_service(view.get("nodes", "", node)) else []

    def _of_node(self, view: View, name: str, now: float) -> list[Action]:
        found = view.by("pods", "node", name)
        node = view.get("nodes", "", name)
        if node is not None or not found:
            self._missing.pop(name, None)
            lost = [p for p in found if "deletionTimestamp" in p["metadata"]] if _out_of_service(node) else []
            return [action for p in lost for action in _remove(p, now)]
        since = self._missing.setdefault(name, now)
        if since + QUARANTINE > now:
            return [RequeueAfter(since + QUARANTINE - now)]
        marked = (pods.disrupted(p, REASON, MESSAGE, timestamp(now)) if pods.phase(p) not in pods.FINISHED else p for p in found)
        return [action for p in marked for action in _remove(p, now)]


def _keys_of_pod(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    if new is None:
        return ()
    keys: list[Name] = []
    node = new["spec"].get("nodeName", "")
    if "deletionTimestamp" in new["metadata"] and (not node or _out_of_service(view.get("nodes", "", node))):
        keys.append(name_of(new))
    if node and (old is None or old["spec"].get("nodeName") != node) and view.get("nodes", "", node) is None:
        keys.append(("", node))
    if pods.phase(new) in pods.FINISHED and (old is None or pods.phase(old) not in pods.FINISHED):
        keys.append(FINISHED)
    return keys


def _keys_of_node(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    obj = new or old
    if obj is None:
        return ()
    gone_or_back = new is None or old is None or _out_of_service(new) != _out_of_service(old)
    return (("", obj["metadata"]["name"]),) if gone_or_back else ()


def _out_of_service(node: Obj | None) -> bool:
    """Whether somebody declared a node that is not ready to be down for good."""
    if node is None or not any(t["key"] == taints.OUT_OF_SERVICE for t in taints.of(node)):
        return False
    ready = conditions.of(node, "Ready")
    return ready is None or ready["status"] != "True"


def _too_many(view: View, now: float) -> list[Action]:
    finished = [p for p in view.all("pods") if pods.phase(p) in pods.FINISHED]
    surplus = len(finished) - MOST_FINISHED
    if surplus <= 0:
        return []
    finished.sort(key=lambda p: (not _evicted(p), p["metadata"]["creationTimestamp"], p["metadata"]["name"]))
    return [action for p in finished[:surplus] for action in _remove(p, now)]


def _evicted(pod: Obj) -> bool:
    status = pod["status"]
    return bool(status.get("phase") == "Failed" and status.get("reason") == "Evicted")


def _remove(pod: Obj, now: float) -> list[Action]:
    """The pod fails, then goes at once."""
    metadata = pod["metadata"]
    delete = Delete("pods", metadata["name"], metadata["namespace"], grace=0, uid=metadata["uid"])
    if pods.phase(pod) in pods.FINISHED:
        return [delete]
    status = {**(pod.get("status") or {}), "phase": "Failed"}
    if metadata.get("generation"):
        status["observedGeneration"] = metadata["generation"]
    return [Update({**pod, "status": status}, "pods", "status"), delete]
