"""How a pod that has its node is followed: most of its changes alter nothing that other pods depend on."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster, Placed


def follow(cluster: Cluster, old: Obj | None, new: Obj) -> None:
    """Count a pod as it is now; `old` is the version before, if it had its node then."""
    uid = new["metadata"]["uid"]
    known = cluster.placed.get(uid)
    if known is None or known.node != new["spec"]["nodeName"] or not _counts_alike(cluster, known, old, new):
        cluster.place(uid, cluster.read(new))
        return
    started = (new.get("status") or {}).get("startTime")
    if started != (known.pod.get("status") or {}).get("startTime") or _labels(known.pod) != _labels(new):
        cluster.renew(uid, new)


def _counts_alike(cluster: Cluster, known: Placed, old: Obj | None, new: Obj) -> bool:
    """Whether a pod counts as it did, and is as alive."""
    if old is not None and old["spec"] is not new["spec"] and old["spec"] != new["spec"]:
        return False
    if ("deletionTimestamp" in new["metadata"]) != known.terminating or _sizes(known.pod) != _sizes(new):
        return False
    before, after = _labels(known.pod), _labels(new)
    return before == after or cluster.tallies.read(before) == cluster.tallies.read(after)


def _labels(pod: Obj) -> dict[str, str]:
    return pod["metadata"].get("labels") or {}


def _sizes(pod: Obj) -> list[object]:
    """What the status says about resources; nothing for most pods."""
    status = pod.get("status") or {}
    said = [
        (s["name"], s["resources"], s.get("allocatedResources"))
        for field in ("containerStatuses", "initContainerStatuses")
        for s in status.get(field) or ()
        if s.get("resources") is not None
    ]
    return [*said, status.get("resources")] if said or status.get("resources") else []
