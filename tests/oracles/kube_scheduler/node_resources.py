"""NodeResourcesFit and NodeResourcesBalancedAllocation."""

from __future__ import annotations

import math

from tests.oracles.kube_scheduler.amounts import (
    UNSTATED,
    allocatable,
    counted_request,
    is_scalar,
    pod_request,
    resources_of,
)
from tests.oracles.kube_scheduler.cluster import Verdict
from tests.oracles.kube_scheduler.plugin import Plugin, name_of

CPU_AND_MEMORY = [{"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1}]


class NodeResourcesFit(Plugin):
    """Is there room, and how much is left."""

    name = "NodeResourcesFit"

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        reasons, final = [], False
        if len(there) + 1 > allocatable(node, "pods"):
            reasons.append("Too many pods")
        for resource in resources_of(self.pod):
            if self._is_ignored(resource):
                continue
            need, has = pod_request(self.pod, resource), allocatable(node, resource)
            used = sum(pod_request(p, resource, running=True) for p in there)
            if need > 0 and need > has - used:
                reasons.append(f"Insufficient {resource}")
                final = final or need > has
        return self.no(*reasons, final=final) if reasons else None

    def _is_ignored(self, resource: str) -> bool:
        group = resource.split("/")[0]
        extended = "/" in resource and not group.endswith("kubernetes.io")
        ignored = resource in self.args.get("ignoredResources", []) or group in self.args.get("ignoredResourceGroups", [])
        return extended and ignored

    def raw_scores(self, feasible: list[dict]) -> dict[str, int]:
        strategy = self.args.get("scoringStrategy") or {}
        kind = strategy.get("type") or "LeastAllocated"
        found = {}
        for node in feasible:
            shares = self._shares(node, strategy.get("resources") or CPU_AND_MEMORY)
            if kind == "RequestedToCapacityRatio":
                found[name_of(node)] = shaped(shares, strategy["requestedToCapacityRatio"]["shape"])
            else:
                found[name_of(node)] = packed(shares) if kind == "MostAllocated" else spread(shares)
        return found

    def _shares(self, node: dict, resources: list[dict]) -> list[tuple[int, int, int]]:
        """(used with the pod, what there is, weight) of each resource that counts."""
        found = []
        for entry in resources:
            resource, has = entry["name"], allocatable(node, entry["name"])
            need = pod_request(self.pod, resource, UNSTATED, whole_pod=False)
            if has == 0 or (is_scalar(resource) and need == 0):
                continue
            used = sum(counted_request(p, resource) for p in self.cluster.on(node))
            found.append((used + need, has, entry.get("weight") or 1))
        return found


def spread(shares: list[tuple[int, int, int]]) -> int:
    """LeastAllocated: the more is left, the better."""
    scores = [((has - used) * 100 // has if used <= has else 0) * weight for used, has, weight in shares]
    return sum(scores) // sum(weight for _, _, weight in shares) if shares else 0


def packed(shares: list[tuple[int, int, int]]) -> int:
    """MostAllocated: the less is left, the better."""
    scores = [min(used, has) * 100 // has * weight for used, has, weight in shares]
    return sum(scores) // sum(weight for _, _, weight in shares) if shares else 0


def shaped(shares: list[tuple[int, int, int]], shape: list[dict]) -> int:
    """RequestedToCapacityRatio: as the shape has it."""
    total, weights = 0, 0
    for used, has, weight in shares:
        score = on_shape(100 if used > has else used * 100 // has, shape)
        if score > 0:
            total += score * weight
            weights += weight
    return math.floor(float(total) / float(weights) + 0.5) if weights else 0


def on_shape(used: int, shape: list[dict]) -> int:
    """The score of a utilisation: on straight lines between the points, rounded towards zero."""
    points = [(point.get("utilization", 0), point.get("score", 0) * 10) for point in shape]
    for i, (x, y) in enumerate(points):
        if used <= x:
            if i == 0:
                return y
            x_before, y_before = points[i - 1]
            rise = (y - y_before) * (used - x_before)
            step = abs(rise) // (x - x_before)
            return y_before + (step if rise >= 0 else -step)
    return points[-1][1]


class NodeResourcesBalancedAllocation(Plugin):
    """How much more even the use of resources gets."""

    name = "NodeResourcesBalancedAllocation"

    def raw_scores(self, feasible: list[dict]) -> dict[str, int] | None:
        resources = [entry["name"] for entry in self.args.get("resources") or CPU_AND_MEMORY]
        if not any(pod_request(self.pod, r, running=True) for r in resources):
            return None
        found = {}
        for node in feasible:
            there = self.cluster.on(node)
            change = self._even(node, resources, [*there, self.pod]) - self._even(node, resources, there)
            found[name_of(node)] = 50 + (50 + change) // 2
        return found

    def _even(self, node: dict, resources: list[str], pods: list[dict]) -> int:
        """100 if all resources are used to the same degree."""
        degrees = []
        for resource in resources:
            has = allocatable(node, resource)
            wanted = pod_request(self.pod, resource, running=True)
            if has and not (is_scalar(resource) and wanted == 0):
                used = sum(pod_request(p, resource, running=True) for p in pods)
                degrees.append(min(1.0, float(used) / float(has)))
        return int((1 - deviation(degrees)) * 100.0)


def deviation(numbers: list[float]) -> float:
    """The standard deviation, as kube-scheduler computes it."""
    if len(numbers) == 2:
        return abs((numbers[0] - numbers[1]) / 2)
    if len(numbers) < 2:
        return 0.0
    total = 0.0
    for number in numbers:
        total += number
    mean = total / float(len(numbers))
    squares = 0.0
    for number in numbers:
        squares += (number - mean) * (number - mean)
    return math.sqrt(squares / float(len(numbers)))
