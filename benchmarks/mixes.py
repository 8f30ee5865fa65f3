"""The mixes of scheduler_perf, kube-scheduler's own benchmark, as requests for the harness in `tests/parity/harness.py`.

Nodes have 4 CPUs, 32 GiB and room for 110 pods, pods ask for 100m and 500Mi, unless the mix is about something else; numbers of
pods are those of the 5,000-node workloads, scaled with the nodes. Pods that scheduler_perf creates before it measures are there
from the start, on one node after the other. "unschedulable" measures the pods that fit nowhere, of which scheduler_perf has a
trickle beside pods that fit, and "daemonset" has as many measured pods as there are nodes, or more, for one node, as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.parity import lists

Json = dict[str, Any]

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
NAMESPACES = ["sched-1", "sched-0"]
STARTED = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Mix:
    """Pods to be measured, and what is there before; numbers of pods are per 5,000 nodes."""

    template: Json
    measured: int
    before: tuple[tuple[Json, int], ...] = ()
    zones: tuple[str, ...] = ()
    namespace: str = "default"
    single: str = ""
    """The name of a further node that takes all pods."""


def pod(cpu: str = "100m", color: str = "", **spec: Any) -> Json:
    """A pod as scheduler_perf has it."""
    resources = {"requests": {"cpu": cpu, "memory": "500Mi"}, "limits": {"cpu": cpu, "memory": "500Mi"}}
    container = {
        "name": "pause",
        "image": "registry.k8s.io/pause:3.10.2",
        "ports": [{"containerPort": 80}],
        "resources": resources,
    }
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"color": color}} if color else {},
        "spec": {"containers": [container], **spec}, "status": {"startTime": STARTED},
    }  # fmt: skip


def node(**more: Any) -> Json:
    """A node as scheduler_perf has it."""
    room = {"cpu": "4", "memory": "32Gi", "pods": "110", **more}
    ready = {"type": "Ready", "status": "True"}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {}, "spec": {},
        "status": {"capacity": room, "allocatable": room, "conditions": [ready]},
    }  # fmt: skip


def _near(kind: str, color: str, key: str, *, required: bool) -> Json:
    term = {"labelSelector": {"matchLabels": {"color": color}}, "topologyKey": key, "namespaces": NAMESPACES}
    if required:
        return pod(color=color, affinity={kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
    weighted = {"podAffinityTerm": term, "weight": 1}
    return pod(color=color, affinity={kind: {"preferredDuringSchedulingIgnoredDuringExecution": [weighted]}})


def _spread(otherwise: str) -> Json:
    selector = {"matchLabels": {"color": "blue"}}
    rule = {"maxSkew": 5, "topologyKey": ZONE, "whenUnsatisfiable": otherwise, "labelSelector": selector}
    return pod(color="blue", topologySpreadConstraints=[rule])


def _on_nodes(**term: Any) -> Json:
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def _in_zones() -> Json:
    wanted = {"key": ZONE, "operator": "In", "values": ["zone1", "zone2"]}
    return pod(affinity=_on_nodes(matchExpressions=[wanted]))


def _daemon(name: str) -> Json:
    named = {"key": "metadata.name", "operator": "In", "values": [name]}
    made = pod(affinity=_on_nodes(matchFields=[named]))
    del made["spec"]["containers"][0]["resources"]
    return made


_CLOSE = _near("podAffinity", "blue", ZONE, required=True)
_APART = _near("podAntiAffinity", "green", HOST, required=True)
_RATHER_CLOSE = _near("podAffinity", "red", HOST, required=False)
_RATHER_APART = _near("podAntiAffinity", "yellow", HOST, required=False)
ZONES = ("moon-1", "moon-2", "moon-3")
_ALL = ((pod(), 2000), (_CLOSE, 2000), (_APART, 2000), (_RATHER_CLOSE, 2000), (_RATHER_APART, 2000))
SINGLE = "scheduler-perf-node"

MIXES: dict[str, Mix] = {
    "basic": Mix(pod(), 10000, ((pod(), 1000),)),
    "node affinity": Mix(_in_zones(), 10000, ((_in_zones(), 5000),), ("zone1",)),
    "spreading, required": Mix(_spread("DoNotSchedule"), 5000, ((pod(), 5000),), ZONES),
    "spreading, preferred": Mix(_spread("ScheduleAnyway"), 5000, ((pod(), 5000),), ZONES),
    "affinity": Mix(_CLOSE, 5000, ((_CLOSE, 5000),), ("zone1",), "sched-1"),
    "anti-affinity": Mix(_APART, 2000, ((_APART, 1000),), (), "sched-1"),
    "affinity, preferred": Mix(_RATHER_CLOSE, 5000, ((_RATHER_CLOSE, 5000),), (), "sched-1"),
    "anti-affinity, preferred": Mix(_RATHER_APART, 5000, ((_RATHER_APART, 5000),), (), "sched-1"),
    "unschedulable": Mix(pod("9", priority=10), 10000, ((pod(), 1000),)),
    "preemption": Mix(pod("3", priority=10), 4500, ((pod("900m"), 20000),)),
    "daemonset": Mix(_daemon(SINGLE), 10000, (), (), "default", SINGLE),
    "mixed": Mix(pod(), 5000, _ALL, ("zone1",)),
}


def request(name: str, nodes: int, percentage: int, measured: int = 0, warm: int = 50) -> Json:
    """The request for a mix; `warm` pods of the measured sort are to be decided before, untimed."""
    mix = MIXES[name]
    count = measured or max(mix.measured * nodes // 5000, 1)
    template = _in(mix.template, mix.namespace)
    pods = [
        lists.many(_in(template, "sched-0"), max(n * nodes // 5000, 1), f"before-{i}-", assign=True)
        for i, (template, n) in enumerate(mix.before)
    ]
    single = [_named(node(pods="90000"), mix.single)] if mix.single else []
    return {
        "percentage": percentage,
        "objects": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in ("default", *NAMESPACES)],
        "nodes": [*single, lists.many(node(), nodes - len(single), "node-", zones=mix.zones)],
        "pods": [*pods, lists.many(template, warm, "warm-")],
        "measured": [lists.many(template, count, "pod-")],
    }


def _in(template: Json, namespace: str) -> Json:
    return {**template, "metadata": {**template["metadata"], "namespace": namespace}}


def _named(obj: Json, name: str) -> Json:
    return {**obj, "metadata": {"name": name, "labels": {HOST: name}}}
