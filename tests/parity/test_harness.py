"""The harness around the real kube-scheduler says what can be worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity import harness, lists

Json = dict[str, Any]


def node(called: str, cpu: str = "4", **labels: str) -> Json:
    """A node that has `cpu` and 4 GiB."""
    room = {"cpu": cpu, "memory": "4Gi", "pods": "110"}
    return {"metadata": {"name": called, "labels": labels}, "spec": {}, "status": {"allocatable": room}}


def pod(name: str, cpu: str = "1", **more: Any) -> Json:
    """A pod that asks for `cpu` and 1 GiB; more is put into its spec, but for `started` (second of its start)."""
    started = more.pop("started", 0)
    container = {"name": "c", "image": "c:1", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    status = {"startTime": f"2026-01-01T00:00:{started:02}Z"}
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": [container], **more}, "status": status}


def test_scores_of_each_plugin(kube_scheduler: harness.Harness) -> None:
    case = {"nodes": [node("a"), node("b")], "pods": [pod("old", nodeName="a")], "pending": [pod("new")]}
    (answer,) = kube_scheduler.decide(case)
    assert (answer.node, answer.feasible, answer.evaluated) == ("b", ("a", "b"), 2)
    nothing = {"a": 0, "b": 0}
    assert answer.scores == {
        "TaintToleration": {"a": 300, "b": 300},
        "NodeResourcesFit": {"a": 50, "b": 75},
        "NodeResourcesBalancedAllocation": {"a": 75, "b": 75},
        "DynamicResources": nothing,
        "ImageLocality": nothing,
    }
    assert answer.raw["TaintToleration"] == nothing
    assert answer.normalised["TaintToleration"] == {"a": 100, "b": 100}
    assert answer.totals == {"a": 425, "b": 450}


@pytest.mark.parametrize(
    ("worse", "chosen"),
    [("", "n0"), ("n0", "n1"), ("n0 n1", "n3"), ("n0 n1 n3", "n4"), ("n0 n1 n3 n4", "n2")],
    ids=["all equal", "1 to 4", "2 to 4: 3 lies under 1", "2 and 4", "2 alone"],
)
def test_the_first_of_equal_nodes_in_the_heap(kube_scheduler: harness.Harness, worse: str, chosen: str) -> None:
    olds = [pod(f"old-{name}", nodeName=name) for name in worse.split()]
    case = {"nodes": [lists.many(node(""), 5, "n")], "pods": olds, "pending": [pod("new")]}
    assert kube_scheduler.decide(case)[0].node == chosen


def test_a_pod_that_fits_nowhere(kube_scheduler: harness.Harness) -> None:
    tainted = node("c")
    tainted["spec"]["taints"] = [{"key": "gpu", "effect": "NoSchedule"}]
    full = [pod("old", cpu="3", nodeName="b", started=1)]
    (answer,) = kube_scheduler.decide({"nodes": [node("a", "1"), node("b"), tainted], "pods": full, "pending": [pod("new", "2")]})
    never, now = "UnschedulableAndUnresolvable", "Unschedulable"
    assert answer.nodes == {
        "a": harness.Refusal(never, "NodeResourcesFit", ("Insufficient cpu",)),
        "b": harness.Refusal(now, "NodeResourcesFit", ("Insufficient cpu",)),
        "c": harness.Refusal(never, "TaintToleration", ("node(s) had untolerated taint(s)",)),
    }
    assert answer.tries == {"b": harness.Refusal(never, "", ("No preemption victims found for incoming pod",))}
    assert answer.rejectors == ("NodeResourcesFit", "TaintToleration")
    assert answer.message == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, "
        "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, "
        "2 Preemption is not helpful for scheduling."
    )


def preemption(how: str) -> Json:
    """On a two small pods have to go, on b one that is more important, on c one: c is best. On d the small one can stay."""
    olds = [
        pod("a1", "2", nodeName="a", started=1), pod("a2", "2", nodeName="a", started=2),
        pod("b1", "4", nodeName="b", started=3, priority=5), pod("c1", "4", nodeName="c", started=4),
        pod("d1", "3", nodeName="d", started=5, priority=5), pod("d2", "1", nodeName="d", started=6),
    ]  # fmt: skip
    nodes = [node(name) for name in "abcd"]
    return {"nodes": nodes, "pods": olds, "pending": [pod("new", "3", priority=9, started=9)], "preempt": how}


def test_preemption_that_is_applied(kube_scheduler: harness.Harness) -> None:
    first, second = kube_scheduler.decide(preemption("apply"))
    assert first.candidates == (
        harness.Candidate("a", ("default/a1", "default/a2")), harness.Candidate("b", ("default/b1",)),
        harness.Candidate("c", ("default/c1",)), harness.Candidate("d", ("default/d1",)),
    )  # fmt: skip
    assert (first.nominated, first.victims, first.tied) == ("c", ("default/c1",), ("c",))
    assert first.message == "0/4 nodes are available: 4 Insufficient cpu."
    assert (second.attempt, second.node, second.feasible, second.evaluated) == (2, "c", ("c",), 1)


def test_preemption_whose_victims_still_run(kube_scheduler: harness.Harness) -> None:
    case = preemption("terminate")
    case["pending"] += [pod("other", "3", priority=8, started=9), case["pending"][0]]
    first, other, again = kube_scheduler.decide(case)
    assert (first.nominated, other.nominated) == ("c", "a")  # c is taken
    assert again.message == (
        "0/4 nodes are available: 4 Insufficient cpu. no new claims to deallocate, "
        "preemption: not eligible due to a terminating pod on the nominated node."
    )


def test_equal_candidates_in_the_order_of_the_nodes(kube_scheduler: harness.Harness) -> None:
    olds = [pod(f"old-{name}", "4", nodeName=name) for name in "cab"]
    case = {"nodes": [node(name) for name in "bca"], "pods": olds, "pending": [pod("new", "4", priority=1)]}
    (answer,) = kube_scheduler.decide(case)
    assert (answer.nominated, answer.tied) == ("b", ("b", "c", "a"))


def test_room_for_those_who_are_nominated(kube_scheduler: harness.Harness) -> None:
    waiting = {**pod("waiting", "3", priority=5), "status": {"nominatedNodeName": "a"}}
    case = {
        "nodes": [node("a"), node("b", "1500m")],
        "nominated": [waiting],
        "pending": [pod("low", "2"), pod("high", "2", priority=9)],
    }
    low, high = kube_scheduler.decide(case)
    assert (low.node, low.nodes["a"].reasons, high.node) == ("", ("Insufficient cpu",), "a")


def test_the_search_begins_where_the_last_one_ended(kube_scheduler: harness.Harness) -> None:
    case = {"nodes": [lists.many(node(""), 120, "n")], "pending": [lists.many(pod(""), 2, "new-")], "percentage": 0}
    first, second = kube_scheduler.decide(case)
    assert (first.feasible[0], len(first.feasible), first.start) == ("n0", 100, 100)
    assert (second.feasible[0], second.feasible[-1], second.start) == ("n100", "n79", 80)


def test_nodes_take_turns_by_zone(kube_scheduler: harness.Harness) -> None:
    zones = {"a": "x", "b": "x", "c": "y", "d": "x"}
    nodes = [node(name, **{"topology.kubernetes.io/zone": zone}) for name, zone in zones.items()]
    assert kube_scheduler.decide({"nodes": nodes, "pending": [pod("new")]})[0].feasible == ("a", "c", "b", "d")


def test_pods_that_name_their_node(kube_scheduler: harness.Harness) -> None:
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]} for name in ("c", "gone")]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    case = {
        "nodes": [node(name) for name in "abc"],
        "pending": [pod("new", affinity=affinity), pod("big", "5", affinity=affinity)],
    }
    new, big = kube_scheduler.decide(case)
    assert (new.node, new.subset, new.feasible, new.nodes, new.start) == ("c", ("c", "gone"), ("c",), {}, 1)
    assert big.absent == harness.Refusal("UnschedulableAndUnresolvable", "", ("node(s) didn't satisfy plugin(s) [NodeAffinity]",))
    assert big.message.startswith(
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. "
    )


def test_a_configuration_is_read_as_kube_scheduler_reads_it(kube_scheduler: harness.Harness) -> None:
    strategy = {"scoringStrategy": {"type": "MostAllocated"}}
    profile = {
        "schedulerName": "packer",
        "plugins": {"multiPoint": {"disabled": [{"name": "DynamicResources"}]}},
        "pluginConfig": [{"name": "NodeResourcesFit", "args": strategy}],
    }
    case = {"nodes": [node("a"), node("b")], "pods": [pod("old", nodeName="a")], "pending": [pod("new"), pod("big", "9")]}
    new, big = kube_scheduler.decide({**case, "config": {"profiles": [profile]}})
    assert (new.node, new.scores["NodeResourcesFit"]) == ("a", {"a": 50, "b": 25})
    assert big.message.startswith("0/2 nodes are available: 2 Insufficient cpu. preemption: ")
    with pytest.raises(harness.HarnessError, match="unknown field"):
        kube_scheduler.decide({**case, "config": {"profiles": [{"name": "packer"}]}})
    args = {"name": "DefaultPreemption", "args": {"minCandidateNodesPercentage": 101}}
    with pytest.raises(harness.HarnessError, match="minCandidateNodesPercentage"):
        kube_scheduler.decide({**case, "config": {"profiles": [{"schedulerName": "x", "pluginConfig": [args]}]}})


def test_a_program_that_does_not_answer_in_time_is_replaced(kube_scheduler: harness.Harness) -> None:
    case = {"nodes": [node("a")], "pending": [pod("new")]}
    with pytest.raises(harness.HarnessError, match="no answer"):
        kube_scheduler.decide(case, seconds=0)
    assert kube_scheduler.decide(case)[0].node == "a"


def test_pods_that_are_not_decided(kube_scheduler: harness.Harness) -> None:
    gated = pod("gated", schedulingGates=[{"name": "later"}])
    deleted = pod("deleted")
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    over = {**pod("over", "4", nodeName="a"), "status": {"phase": "Succeeded"}}
    held, gone, new = kube_scheduler.decide({"nodes": [node("a")], "pods": [over], "pending": [gated, deleted, pod("new", "4")]})
    assert new.node == "a"
    assert held.gated == "waiting for scheduling gates: [later]"
    assert (gone.node, gone.message) == ("", "skip schedule deleting pod: default/deleted")
    (lost,) = kube_scheduler.decide({"nodes": [], "pending": [pod("new")]})
    assert lost.message == "no nodes available to schedule pods"


def test_a_volume_is_taken(kube_scheduler: harness.Harness) -> None:
    meta = {"apiVersion": "v1", "metadata": {"namespace": "default"}}
    term = {"matchExpressions": [{"key": "name", "operator": "In", "values": ["b"]}]}
    volume = {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "status": {"phase": "Available"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local",
                 "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}},
    }  # fmt: skip
    slow = {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "local"},
        "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer",
    }  # fmt: skip
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "local", "resources": {"requests": {"storage": "1Gi"}}}
    claims = [
        {**meta, "kind": "PersistentVolumeClaim", "spec": spec, "metadata": {"name": n, "namespace": "default"}} for n in "xy"
    ]
    users = [pod(f"user-{n}", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": n}}]) for n in "xy"]
    nodes = [node(name, name=name) for name in "ab"]
    first, second = kube_scheduler.decide({"nodes": nodes, "objects": [volume, slow, *claims], "pending": users})
    assert first.node == "b"
    assert [(w["kind"], w["spec"]["claimRef"]["name"]) for w in first.writes] == [("PersistentVolume", "x")]
    assert second.message.startswith("0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.")


def test_a_device_is_allocated(kube_scheduler: harness.Harness) -> None:
    pool = {"name": "b", "generation": 1, "resourceSliceCount": 1}
    api = {"apiVersion": "resource.k8s.io/v1"}
    spec = {"driver": "gpu.example.com", "pool": pool, "nodeName": "b", "devices": [{"name": "gpu-0"}]}
    slices = {**api, "kind": "ResourceSlice", "metadata": {"name": "b"}, "spec": spec}
    kind = {**api, "kind": "DeviceClass", "metadata": {"name": "gpu"}, "spec": {}}
    wanted = {
        "devices": {
            "requests": [{"name": "one", "exactly": {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1}}]
        }
    }
    claims = [
        {**api, "kind": "ResourceClaim", "metadata": {"name": n, "namespace": "default", "uid": n}, "spec": wanted} for n in "xy"
    ]
    users = [pod(f"user-{n}", resourceClaims=[{"name": "g", "resourceClaimName": n}]) for n in "xy"]
    first, second = kube_scheduler.decide({"nodes": [node("a"), node("b")], "objects": [slices, kind, *claims], "pending": users})
    assert first.node == "b"
    (result,) = first.writes[-1]["status"]["allocation"]["devices"]["results"]
    assert (result["driver"], result["pool"], result["device"]) == ("gpu.example.com", "b", "gpu-0")
    assert second.message.startswith("0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: ")


SPEC = {
    "nodes": [lists.many(node(""), 9, "node-", zones=["x", "y"])],
    "pods": [lists.many(pod(""), 9, "old-", assign=True, namespaces=["one", "two"]), pod("big", "2")],
    "percentage": 100,
    "parallelism": 1,
}


def test_both_sides_write_out_a_list_alike(kube_scheduler: harness.Harness) -> None:
    measured = lists.many(pod(""), 20, "new-")
    timing = kube_scheduler.bench({**SPEC, "measured": [measured]})
    written = lists.expanded({**SPEC, "pending": [measured]})
    first = {**written, "pods": written["pods"][:-1], "pending": [written["pods"][-1], *written["pending"]]}
    for case in (first, {**SPEC, "pods": SPEC["pods"][:-1], "pending": [SPEC["pods"][-1], measured]}):
        answers = kube_scheduler.decide(case)
        assert tuple(a.node for a in answers[1:]) == timing.placements
    assert written["nodes"][3]["metadata"]["labels"] == {
        "kubernetes.io/hostname": "node-3", "topology.kubernetes.io/zone": "y",
    }  # fmt: skip
    assert written["pods"][3]["metadata"]["uid"] == "two/old-3"
    assert written["pods"][3]["spec"]["nodeName"] == "node-3"


def test_a_benchmark_counts_what_it_decides(kube_scheduler: harness.Harness) -> None:
    measured = [lists.many(pod("", "3", priority=1), 8, "new-"), pod("huge", "9")]
    timing = kube_scheduler.bench({**SPEC, "measured": measured})
    assert (timing.placed_before, timing.decided, timing.failed, timing.preempted) == (10, 9, 1, 0)
    assert (timing.attempts, len(timing.per_pod), timing.placements[-1]) == (9, 9, "")
    assert timing.seconds == pytest.approx(sum(timing.per_pod), abs=1e-6)
    timing = kube_scheduler.bench({**SPEC, "measured": [lists.many(pod("", "4", priority=1), 8, "new-")]})
    assert (timing.decided, timing.failed, timing.preempted, timing.attempts) == (8, 0, 8, 16)
