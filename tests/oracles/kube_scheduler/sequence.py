"""Several pods, one after the other: each finds the cluster as the ones before left it."""

from __future__ import annotations

from tests.oracles.kube_scheduler.cluster import Answer, Cluster
from tests.oracles.kube_scheduler.cycle import answer
from tests.oracles.kube_scheduler.plugin import name_of, namespace_of, priority_of
from tests.oracles.kube_scheduler.profile import Profile
from tests.oracles.kube_scheduler.volume_binding import VolumeBinding


def decide_all(cluster: Cluster, pods: list[dict], *, percentage: int = 100, profile: Profile | None = None) -> list[Answer]:
    """One answer for each pod; the given cluster stays as it is, and victims of preemption stay where they are."""
    cluster = Cluster(cluster.nodes, list(cluster.pods), list(cluster.objects), list(cluster.nominated))
    start = 0
    found = []
    for pod in pods:
        found.append(answer(cluster, pod, start=start, percentage=percentage, profile=profile))
        start = found[-1].next_start
        settle(cluster, pod, found[-1], profile or Profile())
    return found


def settle(cluster: Cluster, pod: dict, given: Answer, profile: Profile) -> None:
    """Change the cluster as the decision does: the pod is on its node, or waits for it."""
    nominated = pod.get("status", {}).get("nominatedNodeName", "")
    if given.node:
        reserve(cluster, pod, given.node, profile)
        status = {key: value for key, value in pod.get("status", {}).items() if key != "nominatedNodeName"}
        cluster.pods.append({**pod, "spec": {**pod["spec"], "nodeName": given.node}, "status": status})
        nominated = ""
    elif given.renominates:
        nominated = given.nominated
    if given.nominated and not all(leaves(victim) for victim in given.candidates[given.nominated].pods):
        lesser = [p for p in cluster.nominated if priority_of(p) < priority_of(pod)]
        losing = [p for p in lesser if p["status"]["nominatedNodeName"] == given.nominated]
        cluster.nominated = [p for p in cluster.nominated if p not in losing]
    cluster.nominated = [p for p in cluster.nominated if p["metadata"]["uid"] != pod["metadata"]["uid"]]
    if nominated:
        cluster.nominated.append({**pod, "status": {**pod.get("status", {}), "nominatedNodeName": nominated}})


def leaves(pod: dict) -> bool:
    """Whether a pod is being deleted: if all victims are, preemption does nothing, not even take nominations away."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def reserve(cluster: Cluster, pod: dict, node_name: str, profile: Profile) -> None:
    """Keep volumes for the claims of a pod that has a node."""
    if VolumeBinding.name in profile.off:
        return
    binding = VolumeBinding(cluster, pod, {})
    binding.begin()
    node = next(n for n in cluster.nodes if name_of(n) == node_name)
    for changed in binding.reserved(node):
        same = (changed["kind"], namespace_of(changed), name_of(changed))
        cluster.objects = [changed if (o["kind"], namespace_of(o), name_of(o)) == same else o for o in cluster.objects]
