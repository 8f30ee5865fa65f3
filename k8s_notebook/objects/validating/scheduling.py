"""Rules for where a pod may run: tolerations, taints, affinity, spreading, gates.

As in pkg/apis/core/validation: ValidateTolerations, validateAffinity, validateTopologySpreadConstraints.
"""

from __future__ import annotations

import re
from typing import Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import metadata, names
from k8s_notebook.objects.validating.findings import Findings

_EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_OPERATORS: Final = ("Equal", "Exists")
_ANY_KEY: Final = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_WEIGHT: Final = "must be in the range 1-100"
_ACTIONS: Final = ("DoNotSchedule", "ScheduleAnyway")
_POLICIES: Final = ("Honor", "Ignore")


def tolerations(found: Findings, given: list[Obj], path: str) -> None:
    """Which taints a pod accepts."""
    for i, toleration in enumerate(given):
        where = f"{path}[{i}]"
        key, operator, effect = toleration.get("key") or "", toleration.get("operator") or "", toleration.get("effect") or ""
        if key:
            found.each(f"{where}.key", key, names.qualified(key))
        elif operator != "Exists":
            found.invalid(f"{where}.operator", operator, _ANY_KEY)
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            found.invalid(f"{where}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
        _operator(found, operator, toleration.get("value") or "", where)
        if effect and effect not in _EFFECTS:
            found.unsupported(f"{where}.effect", effect, _EFFECTS)


def _operator(found: Findings, operator: str, value: str, path: str) -> None:
    if operator in ("", "Equal"):
        if wrong := names.label_value(value):
            found.invalid(f"{path}.operator", value, ";".join(wrong))
    elif operator == "Exists":
        if value:
            found.invalid(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
    elif operator in ("Lt", "Gt"):
        if not re.fullmatch("0|-?[1-9][0-9]*", value):
            found.invalid(f"{path}.value", value, "must be a valid decimal integer in canonical form")
    else:
        found.unsupported(f"{path}.operator", operator, _OPERATORS)


def taints(found: Findings, given: list[Obj], path: str) -> None:
    """What a node repels."""
    taken: set[tuple[str, str]] = set()
    for i, taint in enumerate(given):
        where, key, effect = f"{path}[{i}]", taint.get("key") or "", taint.get("effect") or ""
        found.each(f"{where}.key", key, names.qualified(key))
        if wrong := names.label_value(taint.get("value") or ""):
            found.invalid(f"{where}.value", taint["value"], ";".join(wrong))
        found.one_of(f"{where}.effect", effect, _EFFECTS)
        if (key, effect) in taken:
            shown = {"Key": key, "Value": taint.get("value") or "", "Effect": effect, "TimeAdded": taint.get("timeAdded")}
            found.duplicate(where, shown, "taints must be unique by key and effect pair")
        taken.add((key, effect))


def affinity(found: Findings, given: Obj, path: str) -> None:
    """Node affinity, pod affinity and its opposite."""
    if given.get("nodeAffinity"):
        _node_affinity(found, given["nodeAffinity"], f"{path}.nodeAffinity")
    for field in ("podAffinity", "podAntiAffinity"):
        group = given.get(field) or {}
        for i, term in enumerate(group.get(_REQUIRED) or ()):
            _pod_term(found, term, f"{path}.{field}.{_REQUIRED}[{i}]")
        for i, weighted in enumerate(group.get(_PREFERRED) or ()):
            where = f"{path}.{field}.{_PREFERRED}[{i}]"
            _weight(found, weighted.get("weight") or 0, where)
            _pod_term(found, weighted.get("podAffinityTerm") or {}, f"{where}.podAffinityTerm")


def _weight(found: Findings, weight: int, path: str) -> None:
    if not 1 <= weight <= 100:
        found.invalid(f"{path}.weight", weight, _WEIGHT)


def _node_affinity(found: Findings, given: Obj, path: str) -> None:
    if given.get(_REQUIRED) is not None:
        node_selector(found, given[_REQUIRED], f"{path}.{_REQUIRED}")
    for i, term in enumerate(given.get(_PREFERRED) or ()):
        where = f"{path}.{_PREFERRED}[{i}]"
        _weight(found, term.get("weight") or 0, where)
        _node_term(found, term.get("preference") or {}, f"{where}.preference")


def node_selector(found: Findings, given: Obj, path: str) -> None:
    """A node selector: at least one term."""
    terms = given.get("nodeSelectorTerms") or ()
    if not terms:
        found.required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")
    for i, term in enumerate(terms):
        _node_term(found, term, f"{path}.nodeSelectorTerms[{i}]")


def _node_term(found: Findings, term: Obj, path: str) -> None:
    for i, requirement in enumerate(term.get("matchExpressions") or ()):
        metadata.requirement(found, requirement, f"{path}.matchExpressions[{i}]", comparing=True)
    for i, requirement in enumerate(term.get("matchFields") or ()):
        where = f"{path}.matchFields[{i}]"
        if requirement.get("operator") not in ("In", "NotIn"):
            found.invalid(f"{where}.operator", requirement.get("operator") or "", "not a valid selector operator")
        elif len(requirement.get("values") or ()) != 1:
            found.required(f"{where}.values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
        if requirement.get("key") != "metadata.name":
            found.invalid(f"{where}.key", requirement.get("key") or "", "not a valid field selector key")


def _pod_term(found: Findings, term: Obj, path: str) -> None:
    metadata.selector(found, term.get("labelSelector"), f"{path}.labelSelector")
    metadata.selector(found, term.get("namespaceSelector"), f"{path}.namespaceSelector")
    for name in term.get("namespaces") or ():
        found.each(f"{path}.namespace", name, names.label(name))
    key = term.get("topologyKey") or ""
    if not key:
        found.required(f"{path}.topologyKey", "can not be empty")
    found.each(f"{path}.topologyKey", key, names.qualified(key))


def spreading(found: Findings, given: list[Obj], path: str) -> None:
    """Topology spread constraints."""
    for i, constraint in enumerate(given):
        where, action = f"{path}[{i}]", constraint.get("whenUnsatisfiable") or ""
        if (constraint.get("maxSkew") or 0) <= 0:
            found.invalid(f"{where}.maxSkew", constraint.get("maxSkew") or 0, "must be greater than zero")
        if not constraint.get("topologyKey"):
            found.required(f"{where}.topologyKey", "can not be empty")
        if action not in _ACTIONS:
            found.unsupported(f"{where}.whenUnsatisfiable", action, _ACTIONS)
        if any(_same(constraint, later) for later in given[i + 1 :]):
            found.duplicate(f"{where}.{{topologyKey, whenUnsatisfiable}}", f"{{{constraint.get('topologyKey')}, {action}}}")
        _domains(found, constraint.get("minDomains"), action, where)
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if constraint.get(field) is not None and constraint[field] not in _POLICIES:
                found.unsupported(f"{where}.{field}", constraint[field], _POLICIES)
        metadata.selector(found, constraint.get("labelSelector"), f"{where}.labelSelector")


def _same(one: Obj, other: Obj) -> bool:
    return all(one.get(field) == other.get(field) for field in ("topologyKey", "whenUnsatisfiable"))


def _domains(found: Findings, domains: int | None, action: str, path: str) -> None:
    if domains is None:
        return
    if domains <= 0:
        found.invalid(f"{path}.minDomains", domains, "must be greater than zero")
    if action != "DoNotSchedule":
        why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        found.invalid(f"{path}.minDomains", domains, why)


def gates(found: Findings, given: list[Obj], path: str) -> None:
    """Scheduling gates: qualified names, each once."""
    taken: set[str] = set()
    for i, gate in enumerate(given):
        name = gate.get("name") or ""
        found.each(f"{path}[{i}]", name, names.qualified(name))
        if name in taken:
            found.duplicate(f"{path}[{i}]", name)
        taken.add(name)
