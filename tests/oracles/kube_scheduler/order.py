"""In which order nodes are looked at, how many of them, and which of the best is taken."""

from __future__ import annotations


def zone_of(node: dict) -> tuple[str, str]:
    """Region and zone of a node; the old labels come first."""
    labels = node["metadata"].get("labels") or {}
    old, new = "failure-domain.beta.kubernetes.io/", "topology.kubernetes.io/"
    return tuple(labels.get(old + what, labels.get(new + what, "")) for what in ("region", "zone"))  # type: ignore[return-value]


def in_order(nodes: list[dict]) -> list[dict]:
    """Nodes in the order in which they are looked at: one of each zone, in turn."""
    zones: dict[tuple[str, str], list[dict]] = {}
    for node in nodes:
        zones.setdefault(zone_of(node), []).append(node)
    found = []
    while any(zones.values()):
        found += [members.pop(0) for members in zones.values() if members]
    return found


def enough(nodes: int, percentage: int = 0) -> int:
    """How many feasible nodes end the search."""
    if nodes < 100:
        return nodes
    return max(100, nodes * (percentage or max(5, 50 - nodes // 125)) // 100)


def heap_root(totals: list[int]) -> int:
    """Which index is at the top after Go's container/heap made a max-heap of the totals."""
    heap = list(range(len(totals)))
    for start in range(len(heap) // 2 - 1, -1, -1):
        i = start
        while 2 * i + 1 < len(heap):
            child = 2 * i + 1
            if child + 1 < len(heap) and totals[heap[child + 1]] > totals[heap[child]]:
                child += 1
            if totals[heap[child]] <= totals[heap[i]]:
                break
            heap[i], heap[child] = heap[child], heap[i]
            i = child
    return heap[0]
