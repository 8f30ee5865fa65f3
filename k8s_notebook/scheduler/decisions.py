"""Decisions as objects of the API: `kubectl get decisions`, and the columns that `why` reads. See machinery/decisions.py."""

from __future__ import annotations

import dataclasses
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import evidence, explain
from k8s_notebook.scheduler.changes import Change
from k8s_notebook.scheduler.explain import Explanation
from k8s_notebook.scheduler.history import History, Record
from k8s_notebook.sim import clock

API_VERSION, KIND = "k8s-notebook.io/v1alpha1", "Decision"


class Remembered:
    """The decisions in a history, as the API server hands them out."""

    def __init__(self, history: History) -> None:
        self._history = history

    def list(self, namespace: str = "") -> list[Obj]:
        """The last decision about each pod (of a namespace), without its columns, by (namespace, name)."""
        return [summary(record) for record in self._history.all(namespace)]

    def get(self, namespace: str, name: str) -> Obj | None:
        """The last decision about a pod, with its columns; None if none is kept."""
        record = self._history.newest(namespace, name)
        return written(record, self._history.explain(record)) if record is not None else None


def summary(record: Record) -> Obj:
    """A decision without its columns."""
    decision, pod = record.decision, record.incoming
    status: Obj = {
        "node": decision.node, "nodes": decision.nodes, "feasible": decision.feasible, "evaluated": decision.evaluated,
        "message": decision.message, "nominatedNode": decision.nominated,
    }  # fmt: skip
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": pod.name, "namespace": pod.namespace, "uid": f"{pod.uid}-decision", "creationTimestamp": clock.timestamp(record.at)
        },
        "spec": {"pod": {"name": pod.name, "uid": pod.uid}, "schedulerName": record.profile.name},
        "status": {k: v for k, v in status.items() if v != ""},
    }  # fmt: skip


def written(record: Record, found: Explanation) -> Obj:
    """A decision with all that it rested on."""
    obj = summary(record)
    status = {
        **obj["status"],
        "time": record.at,
        "victims": list(found.victims),
        "room": {node: {r: list(v) for r, v in short.items()} for node, short in found.room.items()},
        "notes": dict(found.notes),
        "columns": found.evidence.pack(),
    }
    return {**obj, "status": status}


def read(obj: Obj, pod: Obj) -> Explanation:
    """The explanation that a Decision object holds, for its pod as it is today."""
    status, metadata = obj["status"], obj["metadata"]
    return Explanation(
        metadata["namespace"], metadata["name"], status.get("node", ""), pod["spec"].get("nodeName") or "", status.get("message", ""),
        evidence.unpack(status["columns"]), nominated=status.get("nominatedNode", ""), victims=tuple(status.get("victims") or ()),
        kind=explain.RECORDED, at=float(status["time"]),
        notes=dict(status.get("notes") or {}),
        room={node: {r: (v[0], v[1], v[2]) for r, v in short.items()} for node, short in (status.get("room") or {}).items()},
    )  # fmt: skip


def compared(recorded: Explanation, now: Explanation) -> Explanation:
    """A recorded decision, with what it would be today where that differs, and with what would help today."""
    same = recorded.node == now.node or (not recorded.node and not now.node)
    said = "" if same else f"it would be {now.node}" if now.node else "no node would fit"
    more: dict[str, Any] = {"changes": now.changes, "gates": now.gates}
    if not same and recorded.node and now.node:
        said = _differs(recorded, now)
    return dataclasses.replace(recorded, today=said, **more)


def _differs(recorded: Explanation, now: Explanation) -> str:
    """Where the pod would go today; "" if the node that it got is still as good."""
    rows = {name: row for row, name in enumerate(now.evidence.nodes)}
    there = rows.get(recorded.node)
    if there is None:
        return f"{recorded.node} is gone, it would be {now.node}"
    total = now.evidence.total
    if there in now.evidence.scored.nonzero()[0].tolist() and int(total[there]) == int(total[rows[now.node]]):
        return ""
    return f"it would be {now.node}"


__all__ = ["Change", "Remembered", "compared", "read", "summary", "written"]
