"""The same case for this package's scheduler: what the real one is asked, decided here, in the same words."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from k8s_notebook.objects import kinds
from k8s_notebook.scheduler import arrays, columns, configuration, cycle, profiles
from k8s_notebook.scheduler.plugins import dynamic_resources, volume_binding
from k8s_notebook.scheduler.surroundings import RESOURCES
from tests.parity import harness, lists

Json = dict[str, Any]
ATTEMPTS = 5
"""At the most, for one pod whose preemptions are applied; as in the Go program."""
_RESOURCE = {(kind.api_version, kind.kind): kind.resource for kind in kinds.BUILTIN if kind.resource in RESOURCES}


def profile_of(case: Mapping[str, Any]) -> profiles.Profile:
    """The profile that decides a case."""
    config = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration", **(case.get("config") or {})}
    percentage = config.get("percentageOfNodesToScore", case.get("percentage", 100))
    loaded = configuration.load({**config, "percentageOfNodesToScore": percentage})
    return next(iter(loaded.profiles.values()))


class Ours:
    """One case under way."""

    def __init__(self, case: Mapping[str, Any], *, share: bool = True, ties: str = "v1.36") -> None:
        """The cluster of a case; with `share=False` nothing is remembered between decisions."""
        self.case = case
        self.cluster = arrays.Cluster()
        for obj in case.get("objects", ()):
            self.beside(obj)
        for node in case["nodes"]:
            self.cluster.set_node(node)
        for pod in case.get("pods", ()):
            whole = lists.complete(pod)
            self.cluster.place(whole["metadata"]["uid"], self.cluster.read(whole))
        for pod in case.get("nominated", ()):
            waiting = self.cluster.incoming(lists.complete(pod))
            self.cluster.nominate(waiting.uid, waiting, waiting.nominated)
        self.profile = dataclasses.replace(profile_of(case), ties=ties)
        self.cycle = cycle.Cycle(self.cluster, self.profile, share=share)

    def beside(self, obj: Json) -> None:
        """Add or change an object beside nodes and pods."""
        resource = _RESOURCE.get((obj["apiVersion"], obj["kind"]))
        if resource:
            self.cluster.set_beside(resource, _placed(obj, resource))

    def answers(self) -> list[harness.Answer]:
        """One answer for each attempt, as `Harness.decide` gives them; `nodes` and scores as far as `columns` has them."""
        found = []
        for pod in self.case["pending"]:
            whole = lists.complete(pod)
            attempt = 1
            while True:
                answer, again = self.attempt(whole, attempt)
                found.append(answer)
                if not again or attempt == ATTEMPTS:
                    break
                whole = {**whole, "status": {**whole.get("status", {}), "nominatedNodeName": answer.nominated}}
                attempt += 1
        return found

    def attempt(self, pod: Json, attempt: int = 1, *, columns_first: bool = True) -> tuple[harness.Answer, bool]:
        """The answer for a pod, which is then where it says; and whether it is to be decided again, as its victims are gone."""
        incoming = self.cluster.incoming(pod)
        if incoming.nominated and incoming.uid not in self.cluster.nominated:
            self.cluster.nominate(incoming.uid, incoming, incoming.nominated)
        columns, decision = self._decided(incoming, columns_first)
        answer = self._answer(incoming, attempt, columns, decision)
        if decision.node:
            self.cluster.denominate(incoming.uid)
            for step in (volume_binding.prebind, dynamic_resources.prebind):
                self.cluster.beside.assume(step(pod, decision.node, self.cluster))
            self.cluster.place(incoming.uid, incoming.on(decision.node))
        elif decision.nominated:
            self.cluster.denominate(incoming.uid)
            self._outrank(incoming, decision)
            self.cluster.nominate(incoming.uid, dataclasses.replace(incoming, nominated=decision.nominated), decision.nominated)
            if self.case.get("preempt") == "apply":
                for uid in decision.victims:
                    self.cluster.lift(uid)
                return answer, True
        elif decision.clears:
            self.cluster.denominate(incoming.uid)
        return answer, False

    def _decided(self, pod: arrays.Incoming, columns_first: bool) -> tuple[columns.Columns, cycle.Decision]:
        """The decision, and what it rested on: asked before, or afterwards while nothing has changed."""
        columns, start = self.cycle.columns(pod) if columns_first else None, self.cycle.start
        decision = self.cycle.decide(pod)
        if columns is None:
            after, self.cycle.start = self.cycle.start, start
            columns, self.cycle.start = self.cycle.columns(pod), after
        return columns, decision

    def _outrank(self, pod: arrays.Incoming, decision: cycle.Decision) -> None:
        """Pods of lower priority lose their room there, unless all victims are on their way out already."""
        if all(self.cluster.placed[uid].terminating for uid in decision.victims):
            return
        for uid, other in list(self.cluster.nominees(decision.nominated).items()):
            if other.priority < pod.priority:
                self.cluster.denominate(uid)

    def _answer(self, pod: arrays.Incoming, attempt: int, columns: columns.Columns, decision: cycle.Decision) -> harness.Answer:
        scored = [i for i in range(len(columns.nodes)) if columns.scored[i]]
        names = [columns.nodes[i] for i in scored]
        tables = {
            table: {
                plugin.name: dict(zip(names, getattr(columns, table)[row, scored].tolist(), strict=True))
                for row, plugin in enumerate(self.profile.scores)
            }
            for table in ("raw", "normalised", "weighted")
        }
        return harness.Answer(
            f"{pod.namespace}/{pod.name}", attempt, decision.node,
            feasible=_kept(pod, columns, decision),
            scores=tables["weighted"], raw=tables["raw"], normalised=tables["normalised"],
            totals=dict(zip(names, columns.total[scored].tolist(), strict=True)), message=decision.message,
            rejectors=tuple(sorted(decision.rejectors)), nominated=decision.nominated,
            victims=tuple(self._name(uid) for uid in decision.victims), start=self.cycle.start,
        )  # fmt: skip

    def _name(self, uid: str) -> str:
        placed = self.cluster.placed[uid]
        return f"{placed.namespace}/{placed.name}"


def _kept(pod: arrays.Incoming, columns: columns.Columns, decision: cycle.Decision) -> tuple[str, ...]:
    """The feasible nodes that were found before the search ended; the one where room was made for the pod ends it at once."""
    if decision.node and decision.node == pod.nominated and decision.evaluated == 1:
        return (decision.node,)
    return tuple(n for n, good in zip(columns.nodes, columns.feasible, strict=True) if good)[: decision.feasible]


def _placed(obj: Json, resource: str) -> Json:
    """An object with its namespace."""
    namespaced = any(kind.resource == resource and kind.namespaced for kind in kinds.BUILTIN)
    if namespaced and not obj["metadata"].get("namespace"):
        return {**obj, "metadata": {**obj["metadata"], "namespace": "default"}}
    return obj
