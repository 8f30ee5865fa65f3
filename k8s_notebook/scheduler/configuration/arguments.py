"""What `pluginConfig` says, checked by Kubernetes' rules, as `Args`.

As in pkg/scheduler/apis/config/validation/validation_pluginargs.go.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

from k8s_notebook.objects.validating import names, scheduling
from k8s_notebook.objects.validating.findings import Findings
from k8s_notebook.scheduler.args import CPU_AND_MEMORY, Args, Fit, Weighted
from k8s_notebook.scheduler.configuration import shape, tables
from k8s_notebook.scheduler.mistakes import Mistake

Stated = Mapping[str, Any]
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_STRATEGIES: Final = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")


def put(args: Args, plugin: str, stated: Any, path: str) -> Args:
    """`args` with what is stated for one plugin; Mistake if it is not valid. A plugin without arguments takes none."""
    if plugin not in tables.ARGS:
        if stated:
            raise Mistake(f"{plugin} takes no arguments; remove them", path)
        return args
    read = shape.checked(tables.ARGS[plugin], {} if stated is None else stated, path)
    _same_type(plugin, read, path)
    found = Findings()
    changes = _READERS[plugin](read, path, found)
    for cause in found:
        raise Mistake(cause.message, cause.field)
    return dataclasses.replace(args, **changes)


def _same_type(plugin: str, read: Stated, path: str) -> None:
    for field, wanted in (("apiVersion", tables.API_VERSION), ("kind", f"{plugin}Args")):
        if read.get(field, wanted) != wanted:
            raise Mistake(f'the arguments of {plugin} are of {field} "{wanted}", not "{read[field]}"', shape.joined(path, field))


def _preemption(read: Stated, path: str, found: Findings) -> dict[str, Any]:
    percentage, absolute = read.get("minCandidateNodesPercentage", 10), read.get("minCandidateNodesAbsolute", 100)
    if not 0 <= percentage <= 100:
        found.invalid(f"{path}.minCandidateNodesPercentage", percentage, "not in valid range [0, 100]")
    if absolute < 0:
        found.invalid(f"{path}.minCandidateNodesAbsolute", absolute, "not in valid range [0, inf)")
    if percentage == 0 == absolute:
        said = "cannot be zero at the same time as minCandidateNodesAbsolute"
        found.invalid(f"{path}.minCandidateNodesPercentage", percentage, said)
    return {"min_candidates_percentage": percentage, "min_candidates": absolute}


def _claims(read: Stated, path: str, found: Findings) -> dict[str, Any]:
    if read.get("filterTimeout", 0.0) < 0:
        found.invalid(f"{path}.filterTimeout", read["filterTimeout"], "must be zero or positive")
    if read.get("bindingTimeout", 600.0) < 1:
        found.invalid(f"{path}.bindingTimeout", read["bindingTimeout"], "must be at least 1 second")
    return {}


def _pod_affinity(read: Stated, path: str, found: Findings) -> dict[str, Any]:
    weight = read.get("hardPodAffinityWeight", 1)
    if not 0 <= weight <= 100:
        found.invalid(f"{path}.hardPodAffinityWeight", weight, "not in valid range [0, 100]")
    ignore = read.get("ignorePreferredTermsOfExistingPods", False)
    return {"hard_pod_affinity_weight": weight, "ignore_preferred_terms_of_existing_pods": ignore}


def _node_affinity(read: Stated, path: str, found: Findings) -> dict[str, Any]:
    added, path = read.get("addedAffinity") or {}, f"{path}.addedAffinity"
    for i, term in enumerate((added.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        _term(term, f"{path}.{_REQUIRED}.nodeSelectorTerms[{i}]", found)
    for i, weighted in enumerate(added.get(_PREFERRED) or ()):
        _term(weighted.get("preference") or {}, f"{path}.{_PREFERRED}[{i}].preference", found)
    return {"added_affinity": added}


def _term(term: Stated, path: str, found: Findings) -> None:
    one = Findings()
    scheduling.node_selector(one, {"nodeSelectorTerms": [term]}, "")
    found += [dataclasses.replace(cause, field=path + cause.field.removeprefix(".nodeSelectorTerms[0]")) for cause in one]


def _balanced(read: Stated, path: str, found: Findings) -> dict[str, Any]:
    resources = _resources(read.get("resources"))
    for i, (name, weight) in enumerate(resources):
        if name in [other for other, _ in resources[:i]]:
            found.duplicate(f"{path}.resources[{i}].name", name)
        if weight != 1:
            found.invalid(f"{path}.resources[{i}].weight", weight, "must be 1")
    return {"balanced": resources}


def _fit(read: Stated, path: str, found: Findings) -> dict[str, Any]:
    ignored, groups = read.get("ignoredResources") or (), read.get("ignoredResourceGroups") or ()
    for i, name in enumerate(ignored):
        found.each(f"{path}.ignoredResources[{i}]", name, names.qualified(name))
    for i, name in enumerate(groups):
        where = f"{path}.ignoredResourceGroups[{i}]"
        if "/" in name:
            found.invalid(where, name, "resource group name can't contain '/'")
        found.each(where, name, names.qualified(name))
    strategy, path = read.get("scoringStrategy") or {"type": "LeastAllocated"}, f"{path}.scoringStrategy"
    kind: Any = strategy.get("type") or ""
    resources = _resources(strategy.get("resources"))
    if kind not in _STRATEGIES:
        found.unsupported(f"{path}.type", kind, _STRATEGIES)
    for i, (name, weight) in enumerate(resources):
        if not 0 < weight <= 100:
            found.invalid(f"{path}.resources[{i}].weight", weight, f"resource weight of {name} not in valid range (0, 100]")
    points = _ratio(kind, strategy.get("requestedToCapacityRatio"), f"{path}.requestedToCapacityRatio", found)
    return {"fit": Fit(kind, resources, points, frozenset(ignored), frozenset(groups))}


def _ratio(kind: str, stated: Stated | None, path: str, found: Findings) -> tuple[tuple[int, int], ...]:
    if kind != "RequestedToCapacityRatio":
        if stated is not None:
            found.forbidden(path, "must be nil when type is not RequestedToCapacityRatio")
        return ()
    if stated is None:
        found.required(path, "must be specified when type is RequestedToCapacityRatio")
        return ()
    points = tuple((p.get("utilization", 0), p.get("score", 0)) for p in stated.get("shape") or ())
    _shape(points, f"{path}.shape", found)
    return points


def _shape(points: tuple[tuple[int, int], ...], path: str, found: Findings) -> None:
    if not points:
        found.required(path, "at least one point must be specified")
    for i, (utilisation, score) in enumerate(points):
        if i and points[i - 1][0] >= utilisation:
            found.invalid(f"{path}[{i}].utilization", utilisation, "values must be sorted in increasing order")
        if not 0 <= utilisation <= 100:
            found.invalid(f"{path}[{i}].utilization", utilisation, "not in valid range [0, 100]")
        if not 0 <= score <= 10:
            found.invalid(f"{path}[{i}].score", score, "not in valid range [0, 10]")


def _spreading(read: Stated, path: str, found: Findings) -> dict[str, Any]:
    kind, constraints = read.get("defaultingType") or "System", read.get("defaultConstraints") or []
    if kind not in ("System", "List"):
        found.unsupported(f"{path}.defaultingType", kind, ("System", "List"))
    if kind == "System" and constraints:
        found.invalid(f"{path}.defaultingType", kind, 'when .defaultConstraints are not empty; write defaultingType: "List"')
    for i in range(len(constraints)):
        _constraint(constraints, i, f"{path}.defaultConstraints[{i}]", found)
    return {"default_constraints": None if kind == "System" else tuple(constraints)}


def _constraint(constraints: list[Stated], i: int, path: str, found: Findings) -> None:
    constraint = constraints[i]
    key, action = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
    if constraint.get("maxSkew", 0) <= 0:
        found.invalid(f"{path}.maxSkew", constraint.get("maxSkew", 0), "not in valid range (0, inf)")
    if not key:
        found.required(f"{path}.topologyKey", "can not be empty")
    else:
        found.each(f"{path}.topologyKey", key, names.qualified(key))
    found.one_of(f"{path}.whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway"))
    if constraint.get("labelSelector") is not None:
        found.forbidden(f"{path}.labelSelector", "constraint must not define a selector, as they deduced for each pod")
    if any((c.get("topologyKey"), c.get("whenUnsatisfiable")) == (key, action) for c in constraints[:i]):
        found.duplicate(path, f"{{{key}, {action}}}")


def _binding(read: Stated, path: str, found: Findings) -> dict[str, Any]:
    timeout = read.get("bindTimeoutSeconds", 600)
    if timeout < 0:
        found.invalid(f"{path}.bindTimeoutSeconds", timeout, "invalid BindTimeoutSeconds, should not be a negative value")
    if read.get("shape") is not None:
        found.invalid(f"{path}.shape", read["shape"], "needs the alpha feature StorageCapacityScoring, which is off; remove it")
    return {"bind_timeout": timeout}


def _resources(stated: list[Stated] | None) -> Weighted:
    return tuple((each.get("name", ""), each.get("weight") or 1) for each in stated or ()) or CPU_AND_MEMORY


_READERS: Final[dict[str, Callable[[Stated, str, Findings], dict[str, Any]]]] = {
    "DefaultPreemption": _preemption,
    "DynamicResources": _claims,
    "InterPodAffinity": _pod_affinity,
    "NodeAffinity": _node_affinity,
    "NodeResourcesBalancedAllocation": _balanced,
    "NodeResourcesFit": _fit,
    "PodTopologySpread": _spreading,
    "VolumeBinding": _binding,
}
