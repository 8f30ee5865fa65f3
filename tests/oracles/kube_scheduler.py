"""kube-scheduler 1.36 as plainly as it can be written: one pod, a list of nodes, a list of running pods.

Slow on purpose: no arrays, no caches, no shared code with the package. Compare `../shared/reference/scheduler.md`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

SUFFIXES = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "k": 10**3, "M": 10**6, "G": 10**9,
            "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}  # fmt: skip
MIB = 2**20


@dataclass
class Answer:
    """What was decided, and everything that led to it."""

    node: str
    message: str
    reasons: dict[str, list[str]] = field(default_factory=dict)
    scores: dict[str, dict[str, tuple[int, int, int]]] = field(default_factory=dict)
    """plugin -> node -> (raw, normalised, weighted)"""
    totals: dict[str, int] = field(default_factory=dict)
    next_start: int = 0


# ---------------------------------------------------------------- amounts


def amount(text: str) -> Fraction:
    """The number that a quantity stands for."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            return Fraction(text[: -len(suffix)]) * SUFFIXES[suffix]
    return Fraction(text)


def whole(resource: str, number: Fraction) -> int:
    """Rounded up: cpu to thousandths, anything else to ones."""
    return math.ceil(number * 1000) if resource == "cpu" else math.ceil(number)


def pod_request(pod: dict, resource: str, unstated: dict[str, Fraction] | None = None) -> int:
    """What a pod needs of one resource; `unstated` is counted for containers that do not say."""
    spec = pod["spec"]

    def of(container: dict) -> Fraction:
        requests = container.get("resources", {}).get("requests", {})
        if resource in requests:
            return amount(requests[resource])
        return (unstated or {}).get(resource, Fraction(0))

    together = sum((of(c) for c in spec["containers"]), Fraction(0))
    sidecars = Fraction(0)
    starting = Fraction(0)
    for container in spec.get("initContainers", []):
        if container.get("restartPolicy") == "Always":
            together += of(container)
            sidecars += of(container)
            starting = max(starting, sidecars)
        else:
            starting = max(starting, sidecars + of(container))
    needed = max(together, starting)
    if resource in spec.get("overhead", {}):
        needed += amount(spec["overhead"][resource])
    return whole(resource, needed)


UNSTATED = {"cpu": Fraction(1, 10), "memory": Fraction(200 * MIB)}


def resources_of(pod: dict) -> list[str]:
    """Every resource that the pod mentions."""
    names = set(pod["spec"].get("overhead", {}))
    for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
        names |= set(container.get("resources", {}).get("requests", {}))
    return sorted(names)


def allocatable(node: dict, resource: str) -> int:
    """What a node has of one resource."""
    return whole(resource, amount(node["status"]["allocatable"].get(resource, "0")))


# ---------------------------------------------------------------- filters


def tolerates(toleration: dict, taint: dict) -> bool:
    """Whether a toleration covers a taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return toleration.get("operator", "Equal") == "Equal" and toleration.get("value", "") == taint.get("value", "")


def requirement_holds(requirement: dict, value: str | None) -> bool:
    """Whether a label value (None: no such label) meets a requirement."""
    operator, values = requirement["operator"], requirement.get("values", [])
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    try:
        return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def term_holds(term: dict, node: dict) -> bool:
    """Whether a node matches a node selector term."""
    labels, name = node["metadata"].get("labels", {}), node["metadata"]["name"]
    expressions, fields = term.get("matchExpressions", []), term.get("matchFields", [])
    if not expressions and not fields:
        return False
    return all(requirement_holds(e, labels.get(e["key"])) for e in expressions) and all(
        requirement_holds(f, name) for f in fields
    )


def required_terms(pod: dict) -> list[dict] | None:
    """The terms of required node affinity, None if there is none."""
    node_affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required["nodeSelectorTerms"] if required else None


def wanted_ports(pod: dict) -> list[tuple[str, str, int]]:
    """The host ports of a pod."""
    sidecars = [c for c in pod["spec"].get("initContainers", []) if c.get("restartPolicy") == "Always"]
    return [
        (p.get("protocol", "TCP"), p.get("hostIP") or "0.0.0.0", p["hostPort"])
        for c in [*pod["spec"]["containers"], *sidecars]
        for p in c.get("ports", [])
        if p.get("hostPort")
    ]


def ports_clash(a: tuple[str, str, int], b: tuple[str, str, int]) -> bool:
    """Whether two host ports cannot be on one node."""
    return a[0] == b[0] and a[2] == b[2] and (a[1] == b[1] or "0.0.0.0" in (a[1], b[1]))


def refusal(pod: dict, node: dict, there: list[dict]) -> tuple[list[str], bool]:
    """(reasons of the first plugin that refuses the node, whether it is beyond help); ([], False) if none does."""
    tolerations = pod["spec"].get("tolerations", [])
    cordon = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    if node.get("spec", {}).get("unschedulable") and not any(tolerates(t, cordon) for t in tolerations):
        return ["node(s) were unschedulable"], True
    for taint in node.get("spec", {}).get("taints", []):
        if taint["effect"] in ("NoSchedule", "NoExecute") and not any(tolerates(t, taint) for t in tolerations):
            return ["node(s) had untolerated taint(s)"], True
    labels = node["metadata"].get("labels", {})
    selected = all(labels.get(k) == v for k, v in pod["spec"].get("nodeSelector", {}).items())
    terms = required_terms(pod)
    if not selected or (terms is not None and not any(term_holds(t, node) for t in terms)):
        return ["node(s) didn't match Pod's node affinity/selector"], True
    held = [port for p in there for port in wanted_ports(p)]
    if any(ports_clash(wanted, port) for wanted in wanted_ports(pod) for port in held):
        return ["node(s) didn't have free ports for the requested pod ports"], False
    return shortages(pod, node, there)


def shortages(pod: dict, node: dict, there: list[dict]) -> tuple[list[str], bool]:
    """What NodeResourcesFit says."""
    reasons, final = [], False
    if len(there) + 1 > allocatable(node, "pods"):
        reasons.append("Too many pods")
    for resource in resources_of(pod):
        need, has = pod_request(pod, resource), allocatable(node, resource)
        used = sum(pod_request(p, resource) for p in there)
        if need > 0 and need > has - used:
            reasons.append(f"Insufficient {resource}")
            final = final or need > has
    return reasons, final


# ---------------------------------------------------------------- scores


def taint_score(pod: dict, node: dict) -> int:
    """How many PreferNoSchedule taints are not tolerated."""
    soft = [t for t in pod["spec"].get("tolerations", []) if t.get("effect", "") in ("", "PreferNoSchedule")]
    taints = [t for t in node.get("spec", {}).get("taints", []) if t["effect"] == "PreferNoSchedule"]
    return sum(not any(tolerates(t, taint) for t in soft) for taint in taints)


def preferences(pod: dict) -> list[dict]:
    """The preferred node affinity terms."""
    node_affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    return node_affinity.get("preferredDuringSchedulingIgnoredDuringExecution", [])


def fit_score(pod: dict, node: dict, there: list[dict]) -> int:
    """LeastAllocated over cpu and memory."""
    scores = []
    for resource in ("cpu", "memory"):
        has = allocatable(node, resource)
        if has:
            used = sum(pod_request(p, resource, UNSTATED) for p in [*there, pod])
            scores.append((has - used) * 100 // has if used <= has else 0)
    return sum(scores) // len(scores) if scores else 0


def balance_score(pod: dict, node: dict, there: list[dict]) -> int:
    """How much more even the node gets."""

    def even(pods: list[dict]) -> int:
        shares = []
        for resource in ("cpu", "memory"):
            has = allocatable(node, resource)
            if has:
                shares.append(min(1.0, sum(pod_request(p, resource) for p in pods) / has))
        deviation = abs((shares[0] - shares[1]) / 2) if len(shares) == 2 else 0.0
        return int((1 - deviation) * 100.0)

    return 50 + (50 + even([*there, pod]) - even(there)) // 2


class ImageMemory:
    """What kube-scheduler remembers about images; tell it every change in order.

    An image's size is what the first node that had it said. How many nodes have an image is counted for a node when that node or
    something on it has changed since the last decision, and not otherwise.
    """

    def __init__(self) -> None:
        self.images_of: dict[str, list[str]] = {}
        self.sizes: dict[str, int] = {}
        self.counted: dict[str, dict[str, int]] = {}
        self.changed: set[str] = set()

    def set_node(self, node: dict) -> None:
        """A node came or changed."""
        name = node["metadata"]["name"]
        self.images_of[name] = []
        self._forget_sizes()
        for entry in node["status"].get("images", []):
            for image in entry["names"]:
                self.images_of[name].append(image)
                self.sizes.setdefault(image, entry["sizeBytes"])
        self._forget_sizes()
        self.changed.add(name)

    def _forget_sizes(self) -> None:
        somewhere = {image for images in self.images_of.values() for image in images}
        self.sizes = {image: size for image, size in self.sizes.items() if image in somewhere}

    def decide(self) -> None:
        """A decision begins: count again for what changed."""
        for name in self.changed:
            self.counted[name] = {
                image: sum(image in others for others in self.images_of.values()) for image in self.images_of[name]
            }
        self.changed = set()


def image_score(pod: dict, node: dict, total: int, memory: ImageMemory) -> int:
    """How many bytes need not be pulled, images on many nodes counting more."""
    containers = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    counted = memory.counted[node["metadata"]["name"]]
    there = 0
    for container in containers:
        image = container["image"]
        if image.rfind(":") <= image.rfind("/"):
            image += ":latest"
        if image in counted:
            there += int(float(memory.sizes[image]) * (float(counted[image]) / float(total)))
    low, high = 23 * MIB, 1000 * MIB * len(containers)
    return 100 * (min(max(there, low), high) - low) // (high - low)


def score_all(pod: dict, feasible: list[dict], total: int, there: dict[str, list[dict]], memory: ImageMemory) -> dict:
    """plugin -> node -> (raw, normalised, weighted), for the plugins that say something."""
    found: dict[str, dict[str, tuple[int, int, int]]] = {}

    def put(plugin: str, weight: int, raw: dict[str, int], normalised: dict[str, int]) -> None:
        found[plugin] = {n: (raw[n], normalised[n], weight * normalised[n]) for n in raw}

    names = {n["metadata"]["name"]: n for n in feasible}
    raw = {name: taint_score(pod, n) for name, n in names.items()}
    most = max(raw.values())
    put("TaintToleration", 3, raw, {n: 100 - 100 * r // most if most else 100 for n, r in raw.items()})
    if preferences(pod):
        raw = {name: sum(t["weight"] for t in preferences(pod) if term_holds(t["preference"], n)) for name, n in names.items()}
        most = max(raw.values())
        put("NodeAffinity", 2, raw, {n: 100 * r // most if most else r for n, r in raw.items()})
    raw = {name: fit_score(pod, n, there[name]) for name, n in names.items()}
    put("NodeResourcesFit", 1, raw, raw)
    if pod_request(pod, "cpu") or pod_request(pod, "memory"):
        raw = {name: balance_score(pod, n, there[name]) for name, n in names.items()}
        put("NodeResourcesBalancedAllocation", 1, raw, raw)
    raw = {name: image_score(pod, n, total, memory) for name, n in names.items()}
    put("ImageLocality", 1, raw, raw)
    return found


# ---------------------------------------------------------------- the cycle


def in_order(nodes: list[dict]) -> list[dict]:
    """Nodes in the order in which they are looked at: one of each zone, in turn."""
    zones: dict[str, list[dict]] = {}
    for node in nodes:
        zones.setdefault(node["metadata"].get("labels", {}).get("topology.kubernetes.io/zone", ""), []).append(node)
    found = []
    while any(zones.values()):
        found += [members.pop(0) for members in zones.values() if members]
    return found


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


def enough(nodes: int, percentage: int = 0) -> int:
    """How many feasible nodes end the search."""
    if nodes < 100:
        return nodes
    return max(100, nodes * (percentage or max(5, 50 - nodes // 125)) // 100)


def sentence(total: int, reasons: list[str], afterwards: str) -> str:
    """`0/3 nodes are available: …`."""
    parts = sorted(f"{reasons.count(r)} {r}" for r in set(reasons))
    said = f"0/{total} nodes are available:"
    if parts:
        said += " " + ", ".join(parts) + "."
    return f"{said} {afterwards}" if afterwards else said


def preemption(pod: dict, nodes: list[dict], there: dict[str, list[dict]], hopeful: set[str]) -> str | None:
    """What preemption says, None if it would help."""
    if pod["spec"].get("preemptionPolicy") == "Never":
        return "preemption: not eligible due to preemptionPolicy=Never."
    reasons = []
    for node in nodes:
        name = node["metadata"]["name"]
        if name not in hopeful:
            reasons.append("Preemption is not helpful for scheduling")
            continue
        staying = [p for p in there[name] if p["spec"].get("priority", 0) >= pod["spec"].get("priority", 0)]
        if len(staying) == len(there[name]):
            reasons.append("No preemption victims found for incoming pod")
            continue
        left, _ = refusal(pod, node, staying)
        if not left:
            return None
        reasons += left
    return "preemption: " + sentence(len(nodes), reasons, "")


def named_nodes(pod: dict) -> set[str] | None:
    """The nodes that all required terms name, None if some term does not."""
    terms = required_terms(pod)
    if not terms:
        return None
    found: set[str] = set()
    for term in terms:
        named = [set(f["values"]) for f in term.get("matchFields", []) if f["operator"] == "In"]
        if not named:
            return None
        found |= set.intersection(*named)
    return found


def schedule(
    pod: dict, nodes: list[dict], running: list[dict], memory: ImageMemory, start: int = 0, percentage: int = 0
) -> Answer:
    """The decision for one pod; `nodes` in the order in which they were added, `start` is where the search begins."""
    memory.decide()
    nodes = in_order(nodes)
    there = {n["metadata"]["name"]: [p for p in running if p["spec"]["nodeName"] == n["metadata"]["name"]] for n in nodes}
    named = named_nodes(pod)
    candidates = [n for n in nodes if named is None or n["metadata"]["name"] in named]
    limit = enough(len(candidates), percentage)
    feasible: list[dict] = []
    answer = Answer("", "")
    hopeful = set()
    for i in range(len(candidates)):
        node = candidates[(start + i) % len(candidates)]
        name = node["metadata"]["name"]
        reasons, final = refusal(pod, node, there[name])
        if reasons:
            answer.reasons[name] = reasons
            if not final:
                hopeful.add(name)
        elif len(feasible) == limit:
            break
        else:
            feasible.append(node)
    answer.next_start = (start + len(feasible) + len(answer.reasons)) % len(nodes)
    if not feasible:
        given = [r for reasons in answer.reasons.values() for r in reasons]
        given += ["node(s) didn't satisfy plugin(s) [NodeAffinity]"] * (len(nodes) - len(candidates))
        said = preemption(pod, nodes, there, hopeful)
        answer.message = sentence(len(nodes), given, f"no new claims to deallocate, {said}" if said else "")
        return answer
    if len(feasible) == 1:
        answer.node = feasible[0]["metadata"]["name"]
        return answer
    answer.scores = score_all(pod, feasible, len(nodes), there, memory)
    names = [n["metadata"]["name"] for n in feasible]
    answer.totals = {n: sum(s[n][2] for s in answer.scores.values()) for n in names}
    answer.node = names[heap_root([answer.totals[n] for n in names])]
    return answer
