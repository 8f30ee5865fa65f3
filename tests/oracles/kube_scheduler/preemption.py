"""DefaultPreemption: which pods would have to leave, and from which node."""

from __future__ import annotations

from tests.oracles.kube_scheduler import labels
from tests.oracles.kube_scheduler.cluster import Answer, Cluster, Verdict, Victims
from tests.oracles.kube_scheduler.filtering import Filters
from tests.oracles.kube_scheduler.messages import histogram
from tests.oracles.kube_scheduler.plugin import name_of, namespace_of, priority_of

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"


def preempt(cluster: Cluster, filters: Filters, nodes: list[dict], args: dict, answer: Answer) -> str:
    """What preemption says when it does not help, "" if it does; the answer gets candidates, victims and the nominated node.

    Nodes are tried from the first on (the real one begins anywhere), until there are enough candidates.
    """
    why_not = not_eligible(cluster, filters.pod, answer)
    if why_not:
        return f"preemption: {why_not}"
    answer.renominates = True
    hopeful = [n for n in nodes if name_of(n) in answer.verdicts and not answer.verdicts[name_of(n)].final]
    for node in hopeful:
        if has_enough(answer.candidates, len(hopeful), args):
            break
        outcome = dry_run(cluster, filters, node)
        if isinstance(outcome, Victims):
            answer.candidates[name_of(node)] = outcome
        else:
            answer.hopeless[name_of(node)] = outcome.reasons
    if not answer.candidates:
        said = [reason for reasons in answer.hopeless.values() for reason in reasons]
        said += [NOT_HELPFUL] * (len(nodes) - len(answer.hopeless))
        return "preemption: " + histogram(len(nodes), said)
    answer.best = best_of(remembered(answer.candidates, limit(len(hopeful), args)))
    answer.nominated = answer.best[0]
    answer.victims = [p["metadata"]["uid"] for p in answer.candidates[answer.nominated].pods]
    return ""


def has_enough(candidates: dict[str, Victims], nodes: int, args: dict) -> bool:
    """Whether no more candidates are needed: there are so many, and one of them violates no disruption budget."""
    return len(candidates) >= limit(nodes, args) and any(victims.violations == 0 for victims in candidates.values())


def limit(nodes: int, args: dict) -> int:
    """How many candidates are enough, and how many of either kind are remembered."""
    share = nodes * (args.get("minCandidateNodesPercentage") or 10) // 100
    return min(nodes, max(share, args.get("minCandidateNodesAbsolute") or 100))


def remembered(candidates: dict[str, Victims], most: int) -> dict[str, Victims]:
    """The first candidates that violate disruption budgets, and the first that do not."""
    found: dict[str, Victims] = {}
    for violates in (False, True):
        alike = [node for node, victims in candidates.items() if bool(victims.violations) == violates]
        found |= {node: candidates[node] for node in alike[:most]}
    return {node: candidates[node] for node in candidates if node in found}


def not_eligible(cluster: Cluster, pod: dict, answer: Answer) -> str:
    """Why the pod may not preempt at all."""
    if pod["spec"].get("preemptionPolicy") == "Never":
        return "not eligible due to preemptionPolicy=Never."
    nominated = pod.get("status", {}).get("nominatedNodeName")
    if not nominated or nominated not in answer.verdicts or answer.verdicts[nominated].final:
        return ""
    for node in cluster.nodes:
        for other in cluster.on(node):
            if name_of(node) == nominated and priority_of(other) < priority_of(pod) and leaves_for_another(other):
                return "not eligible due to a terminating pod on the nominated node."
    return ""


def leaves_for_another(pod: dict) -> bool:
    """Whether a pod terminates because the scheduler preempted it."""
    if not pod["metadata"].get("deletionTimestamp"):
        return False
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "DisruptionTarget":
            return bool(condition["status"] == "True" and condition.get("reason") == "PreemptionByScheduler")
    return False


def dry_run(cluster: Cluster, filters: Filters, node: dict) -> Victims | Verdict:
    """Who would have to leave a node so that the pod fits, or why it would not fit even then."""
    there = cluster.on(node)
    weaker = [p for p in there if priority_of(p) < priority_of(filters.pod)]
    if not weaker:
        return Verdict("DefaultPreemption", [NO_VICTIMS], True)
    plugins = filters.copied()
    staying = [p for p in there if p not in weaker]
    for other in weaker:
        for plugin in plugins:
            plugin.moved(other, node, -1)
    verdict = filters.refusal(node, staying, plugins)
    if verdict:
        return verdict
    victims: list[dict] = []
    violations = 0
    protected, others = by_budget(cluster, sorted(weaker, key=importance))
    for other in protected + others:
        for plugin in plugins:
            plugin.moved(other, node, 1)
        staying.append(other)
        if filters.refusal(node, staying, plugins):
            for plugin in plugins:
                plugin.moved(other, node, -1)
            staying.pop()
            victims.append(other)
            violations += other in protected
    return Victims(sorted(victims, key=importance), violations)


def started(pod: dict) -> tuple[int, str]:
    """When a pod was started; one that was not comes after all others."""
    moment = pod.get("status", {}).get("startTime")
    return (0, moment) if moment else (1, "")


def importance(pod: dict) -> tuple[int, tuple[int, str]]:
    """What pods are sorted by, the most important first: priority, then age."""
    return -priority_of(pod), started(pod)


def by_budget(cluster: Cluster, pods: list[dict]) -> tuple[list[dict], list[dict]]:
    """The pods whose leaving would violate a disruption budget, and the others."""
    allowed = [
        (budget, [budget.get("status", {}).get("disruptionsAllowed", 0)]) for budget in cluster.kind("PodDisruptionBudget")
    ]
    protected: list[dict] = []
    others: list[dict] = []
    for pod in pods:
        violates = False
        for budget, left in allowed:
            if labels.labels_of(pod) and covers(budget, pod):
                left[0] -= 1
                violates = violates or left[0] < 0
        (protected if violates else others).append(pod)
    return protected, others


def covers(budget: dict, pod: dict) -> bool:
    """Whether a disruption budget counts a pod."""
    selector = budget["spec"].get("selector")
    if namespace_of(budget) != namespace_of(pod) or selector is None or labels.is_everything(selector):
        return False
    disrupted = budget.get("status", {}).get("disruptedPods") or {}
    return labels.selects(selector, labels.labels_of(pod)) and name_of(pod) not in disrupted


def best_of(candidates: dict[str, Victims]) -> list[str]:
    """The nodes that are best by all five criteria."""

    def first_priority(node: str) -> int:
        return priority_of(candidates[node].pods[0])

    def youth(node: str) -> tuple[int, str]:
        """The earliest start of the most important victims; the latest is best."""
        pods = [p for p in candidates[node].pods if priority_of(p) == first_priority(node)]
        return min(started(p) for p in pods)

    best = list(candidates)
    for badness in (
        lambda node: candidates[node].violations,
        first_priority,
        lambda node: sum(priority_of(p) + 2**31 for p in candidates[node].pods),
        lambda node: len(candidates[node].pods),
    ):
        least = min(badness(node) for node in best)
        best = [node for node in best if badness(node) == least]
    latest = max(youth(node) for node in best)
    return [node for node in best if youth(node) == latest]
