"""NodeAffinity: node selectors, required and preferred node affinity (as in plugins/nodeaffinity)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import pods
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.labels import ABSENT, Column
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass

TEXT = "node(s) didn't match Pod's node affinity/selector"
ENFORCED = "node(s) didn't match scheduler-enforced node affinity"
CONFLICT = "pod affinity terms conflict"
_REQUIRED, _PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
_INTEGER = re.compile(r"[+-]?[0-9]+")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def mismatches(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots do not match the node selector and the required affinity."""
    selector: dict[str, str] = pod.spec.get("nodeSelector") or {}
    required = _required(pod)
    if not selector and required is None:
        return None
    matched = np.ones(len(at), np.bool_)
    for key, value in selector.items():
        column = cluster.labels.column(key)
        matched &= column.ids[at] == column.number(value)
    if required is not None:
        matched &= _any(required, cluster, at)
    return ~matched


def score(pod: PodClass, cluster: Cluster, at: Ints) -> Ints | None:
    """The weights of the preferred terms that each slot matches, added up."""
    preferred = pod.node_affinity.get(_PREFERRED)
    return _weights(preferred, cluster, at) if preferred else None


def rejects(pod: PodClass, cluster: Cluster) -> str:
    """What is said of a pod whose every required term contradicts itself about the names of nodes."""
    stated = _required(pod)
    return CONFLICT if stated and pods.named_nodes(pod.spec) == frozenset() else ""


def adding(added: Obj) -> plugin.Plugin:
    """The plugin for a profile whose NodeAffinityArgs add an affinity to every pod's."""
    required = (added.get(_REQUIRED) or {}).get("nodeSelectorTerms") if added.get(_REQUIRED) is not None else None
    preferred = added.get(_PREFERRED) or []

    def outside(cluster: Cluster, at: Ints) -> plugin.Bools:
        return np.zeros(len(at), np.bool_) if required is None else ~_any(required, cluster, at)

    def fails(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools:
        refused = mismatches(pod, cluster, at)
        return outside(cluster, at) if refused is None else outside(cluster, at) | refused

    def both(pod: PodClass, cluster: Cluster, at: Ints) -> Ints | None:
        own = pod.node_affinity.get(_PREFERRED) or []
        return _weights([*preferred, *own], cluster, at) if preferred or own else None

    def reasons(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Reasons:
        given = outside(cluster, at)
        return plugin.Reasons([ENFORCED, TEXT], np.column_stack((given, ~given)), np.ones(len(at), np.bool_))

    return dataclasses.replace(PLUGIN, fails=fails, score=both, reasons=reasons)


def matches(term: Obj, cluster: Cluster, at: Ints) -> plugin.Bools:
    """Which slots a node selector term matches: all its expressions; an empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    matched = np.full(len(at), bool(expressions or fields))
    for expression in expressions:
        if not _valid(expression):
            return np.zeros(len(at), np.bool_)
        column = cluster.labels.column(expression["key"])
        matched &= OPERATORS[expression["operator"]](column, expression.get("values") or [])[column.ids[at]]
    for field in fields:
        matched &= _field(field, cluster, at)
    return matched


def _required(pod: PodClass) -> list[Obj] | None:
    required = pod.node_affinity.get(_REQUIRED)
    return None if required is None else required.get("nodeSelectorTerms") or []


def _any(terms: list[Obj], cluster: Cluster, at: Ints) -> plugin.Bools:
    matched = np.zeros(len(at), np.bool_)
    for term in terms:
        matched |= matches(term, cluster, at)
    return matched


def _weights(preferred: list[Obj], cluster: Cluster, at: Ints) -> Ints:
    total = np.zeros(len(at), np.int64)
    for term in preferred:
        if term.get("weight"):
            total += int(term["weight"]) * matches(term.get("preference") or {}, cluster, at)
    return total


def _field(field: Obj, cluster: Cluster, at: Ints) -> plugin.Bools:
    values = field.get("values") or []
    if field.get("key") != "metadata.name" or field.get("operator") not in ("In", "NotIn") or len(values) != 1:
        return np.zeros(len(at), np.bool_)
    if values == [pods.ANY_NODE]:
        return np.ones(len(at), np.bool_)
    named: plugin.Bools = at == cluster.slots.get(values[0], -1)
    return named if field["operator"] == "In" else ~named


def _valid(expression: Obj) -> bool:
    """Whether kube-scheduler can read a requirement; a term with one that it cannot read matches nothing."""
    operator, values = expression.get("operator"), expression.get("values") or []
    if operator in ("In", "NotIn"):
        return bool(values) and all(_VALUE.fullmatch(v) for v in values)
    if operator in ("Gt", "Lt"):
        return len(values) == 1 and _integer(values[0]) is not None
    return operator in ("Exists", "DoesNotExist") and not values


def _integer(text: str | None) -> int | None:
    """The number that a label value is, or None."""
    if text is None or not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _in(column: Column, values: list[str]) -> plugin.Bools:
    verdicts = np.zeros(len(column.values), np.bool_)
    verdicts[[n for v in values if (n := column.number(v)) >= 0]] = True
    return verdicts


def _not_in(column: Column, values: list[str]) -> plugin.Bools:
    return ~_in(column, values)


def _exists(column: Column, values: list[str]) -> plugin.Bools:
    verdicts = np.ones(len(column.values), np.bool_)
    verdicts[ABSENT] = False
    return verdicts


def _does_not_exist(column: Column, values: list[str]) -> plugin.Bools:
    return ~_exists(column, values)


def _greater(column: Column, values: list[str]) -> plugin.Bools:
    bound = _integer(values[0]) or 0
    return np.array([(n := _integer(v)) is not None and n > bound for v in column.values], np.bool_)


def _less(column: Column, values: list[str]) -> plugin.Bools:
    bound = _integer(values[0]) or 0
    return np.array([(n := _integer(v)) is not None and n < bound for v in column.values], np.bool_)


OPERATORS: dict[str, Callable[[Column, list[str]], plugin.Bools]] = {
    "In": _in, "NotIn": _not_in, "Exists": _exists, "DoesNotExist": _does_not_exist, "Gt": _greater, "Lt": _less,
}  # fmt: skip
"""operator -> (column, operands) -> the verdict on each number of the column."""

PLUGIN = plugin.Plugin(
    "NodeAffinity",
    weight=2,
    fails=mismatches,
    score=score,
    rejects=rejects,
    reasons=plugin.says(TEXT, final=True),
    mode=plugin.HIGHEST_IS_100,
)
