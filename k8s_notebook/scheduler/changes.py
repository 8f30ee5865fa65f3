"""The smallest changes that would let a pending pod run. Each is tried on a scratch cluster; only what helped there is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import company, edits
from k8s_notebook.scheduler.arrays import Cluster, Incoming
from k8s_notebook.scheduler.cycle import Cycle, Decision
from k8s_notebook.scheduler.edits import Case, Edit
from k8s_notebook.scheduler.evidence import Evidence
from k8s_notebook.scheduler.profiles import Profile

FAMILIES: dict[str, Callable[[Case, str], Iterator[Edit]]] = {
    "NodeUnschedulable": edits.uncordon,
    "TaintToleration": edits.tolerate,
    "NodeAffinity": edits.match,
    "NodePorts": edits.free_port,
    "NodeResourcesFit": edits.make_room,
    "PodTopologySpread": company.spread,
    "InterPodAffinity": company.keep_company,
}
"""Filter -> the changes that could make it let the pod pass on a node, the smallest first."""

MOST_TRIES = 96
MOST_CHANGES = 8
HOSTNAME = "kubernetes.io/hostname"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was found to help. `fits`: on how many nodes the pod would then fit; `node` is one of them."""

    text: str
    node: str
    fits: int
    family: str
    detail: str = ""
    cost: float = 1.0


class Scratch:
    """A cluster that may be tried things on: whatever is done is undone."""

    def __init__(self, cluster: Cluster, profile: Profile, incoming: Incoming) -> None:
        everywhere = dataclasses.replace(profile, percentage=100)
        self.case = Case(cluster, incoming)
        self.tries = 0
        self._cycle = Cycle(cluster, dataclasses.replace(everywhere, preempts=False))
        self._preempting = Cycle(cluster, dataclasses.replace(everywhere, preempts=True))

    def fits(self, node: str, chosen: list[Edit], more: Obj | None = None) -> Decision:
        """The decision with these edits (the nodes' ones made on `node`), and with one more node."""
        self.tries += 1
        cluster, pod = self.case.cluster, self.case.incoming.pod
        before = self.case.object(node) if node else {}
        after = before
        lifted = [p for e in chosen for uid in e.lifts if (p := cluster.lift(uid)) is not None]
        for edit in chosen:
            pod = edit.pod(pod) if edit.pod is not None else pod
            after = edit.node(after) if edit.node is not None else after
        if after is not before:
            cluster.set_node(after)
        if more is not None:
            cluster.set_node(more)
        added = [obj for e in chosen for obj in e.adds]
        for obj in added:
            cluster.place(obj["metadata"]["uid"], cluster.read(obj, node))
        try:
            return self._cycle.decide(cluster.incoming(pod))
        finally:
            for obj in added:
                cluster.lift(obj["metadata"]["uid"])
            if more is not None:
                cluster.remove_node(more["metadata"]["name"])
            if after is not before:
                cluster.set_node(before)
            for placed in lifted:
                cluster.place(placed.uid, placed)

    def preempts(self, priority: int) -> Decision:
        """The decision if the pod had this priority."""
        self.tries += 1
        pod = self.case.incoming.pod
        return self._preempting.decide(self.case.cluster.incoming({**pod, "spec": {**pod["spec"], "priority": priority}}))


def find(cluster: Cluster, profile: Profile, incoming: Incoming, evidence: Evidence) -> list[Change]:
    """What would help a pod that fits nowhere, the smallest change first. The cluster is left as it was, but for the order of its nodes."""
    scratch = Scratch(cluster, profile, incoming)
    found: dict[str, Change] = {}
    for change in _all(scratch, evidence):
        if scratch.tries > MOST_TRIES:
            break
        known = found.get(change.family)
        if known is None or change.cost < known.cost:
            found[change.family] = change
    return sorted(found.values(), key=lambda c: (c.cost, c.text))[:MOST_CHANGES]


def _all(scratch: Scratch, evidence: Evidence) -> Iterator[Change]:
    gates = scratch.case.spec.get("schedulingGates") or []
    if gates:
        yield from _ungated(scratch, gates)
        return
    for group in _groups(evidence):
        for row in _candidates(scratch.case, evidence, group):
            yield from _on(scratch, evidence, row)
    yield from _one_more_node(scratch, evidence)
    yield from _higher_priority(scratch)


def _ungated(scratch: Scratch, gates: list[Obj]) -> Iterator[Change]:
    names = " and ".join(str(g["name"]) for g in gates)
    edit = Edit("gates", f"remove the scheduling gate{'s' if len(gates) > 1 else ''} {names}", 0.1, pod=_without_gates)
    decision = scratch.fits("", [edit])
    if decision.node:
        yield Change(edit.text, decision.node, decision.feasible, edit.family, cost=edit.cost)


def _without_gates(pod: Obj) -> Obj:
    return {**pod, "spec": {k: v for k, v in pod["spec"].items() if k != "schedulingGates"}}


def _groups(evidence: Evidence) -> list[list[int]]:
    """Rows of nodes that the same filters refuse: those that the fewest refuse first, then the largest."""
    sets: dict[bytes, list[int]] = {}
    for row, key in enumerate(np.packbits(evidence.fails, axis=1)):
        sets.setdefault(key.tobytes(), []).append(row)
    return sorted(sets.values(), key=lambda rows: (int(evidence.fails[rows[0]].sum()), -len(rows), rows[0]))[:6]


def _candidates(case: Case, evidence: Evidence, group: list[int]) -> list[int]:
    """The rows of a group for which a change is smallest, one for each way in which it can be small."""
    filters = {evidence.filters[f] for f in np.flatnonzero(evidence.fails[group[0]])}
    kept: dict[object, int] = {}
    if "NodeResourcesFit" in filters:
        for resource_set, row in _roomiest(case, evidence, group):
            kept.setdefault(resource_set, row)
    elif "TaintToleration" in filters:
        for row in group:
            kept.setdefault(tuple(edits.untolerated(case, evidence.nodes[row])), row)
    else:
        kept = {row: row for row in group[:3]}
    return list(kept.values())[:4]


def _roomiest(case: Case, evidence: Evidence, group: list[int]) -> list[tuple[frozenset[str], int]]:
    """(what is short, row), the smallest shortage in proportion first."""
    short = {row: edits.shortages(case, evidence.nodes[row]) for row in group}
    share = {row: (max((lack / asked for lack, asked, _ in s.values()), default=0.0), row) for row, s in short.items()}
    return [(frozenset(short[row]), row) for row in sorted(group, key=share.__getitem__)]


def _on(scratch: Scratch, evidence: Evidence, row: int) -> Iterator[Change]:
    """What makes one node let the pod in: an edit for its one refusal, or the first that help for each of several."""
    node = evidence.nodes[row]
    blamed = [evidence.filters[f] for f in np.flatnonzero(evidence.fails[row])]
    if not all(name in FAMILIES for name in blamed):
        return
    if {"NodeUnschedulable", "TaintToleration"} <= {*blamed} and {t[0] for t in edits.untolerated(scratch.case, node)} == {
        edits.UNSCHEDULABLE
    }:
        blamed.remove("TaintToleration")
    if len(blamed) == 1:
        yield from _singly(scratch, node, blamed[0])
        return
    chosen = [next(FAMILIES[name](scratch.case, node), None) for name in blamed]
    several = [e for e in chosen if e is not None]
    decision = scratch.fits(node, several) if len(several) == len(blamed) else None
    if decision is not None and decision.node:
        yield Change(
            " and ".join(e.text for e in several), decision.node, decision.feasible, " and ".join(sorted(e.family for e in several)),
            "; ".join(e.detail for e in several if e.detail), sum(e.cost + 1 for e in several) - 1,
        )  # fmt: skip


def _singly(scratch: Scratch, node: str, blamed: str) -> Iterator[Change]:
    done: set[str] = set()
    for edit in FAMILIES[blamed](scratch.case, node):
        if edit.family in done or scratch.tries > MOST_TRIES:
            continue
        decision = scratch.fits(node, [edit])
        if decision.node:
            done.add(edit.family)
            yield Change(edit.text, decision.node, decision.feasible, edit.family, edit.detail, edit.cost)


def _one_more_node(scratch: Scratch, evidence: Evidence) -> Iterator[Change]:
    """A node like one that is there, but empty."""
    soft = {"NodeResourcesFit", "PodTopologySpread", "InterPodAffinity", "NodePorts"}
    bits = [f for f, name in enumerate(evidence.filters) if name not in soft]
    alike = np.flatnonzero(~evidence.fails[:, bits].any(axis=1))
    shapes: dict[str, int] = {}
    for row in alike.tolist():
        shapes.setdefault(repr((scratch.case.object(evidence.nodes[row]).get("status") or {}).get("allocatable")), row)
    for row in list(shapes.values())[:4]:
        name = evidence.nodes[row]
        decision = scratch.fits("", [], _twin(scratch.case.object(name), f"{name}-twin"))
        if decision.node:
            yield Change(f"add one more node like {name}", "", decision.feasible, "node", cost=0.9)
            return


def _twin(node: Obj, name: str) -> Obj:
    metadata = node["metadata"]
    labels = {**(metadata.get("labels") or {}), HOSTNAME: name}
    return {**node, "metadata": {**metadata, "name": name, "uid": name, "labels": labels}}


def _higher_priority(scratch: Scratch) -> Iterator[Change]:
    """The lowest priority with which the pod would get room by evicting others."""
    incoming, cluster = scratch.case.incoming, scratch.case.cluster
    levels = sorted({p.priority + 1 for p in cluster.placed.values() if p.priority >= incoming.priority})
    for priority in levels[:4] if incoming.preempts else ():
        decision = scratch.preempts(priority)
        if decision.nominated:
            gone = [cluster.placed[uid] for uid in decision.victims if uid in cluster.placed]
            names = ", ".join(f"{p.namespace}/{p.name}" for p in gone[:3]) + (
                f" and {len(gone) - 3} more" if len(gone) > 3 else ""
            )
            said = f"give it a priority of at least {priority}: {names} would make room on {decision.nominated}"
            yield Change(said, decision.nominated, 1, "priority", cost=0.95)
            return
