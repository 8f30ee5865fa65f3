"""One scheduling cycle: filter, preempt if nothing fits, score, choose."""

from __future__ import annotations

from tests.oracles.kube_scheduler.cluster import Answer, Cluster
from tests.oracles.kube_scheduler.filtering import Filters
from tests.oracles.kube_scheduler.images import ImageLocality, ImageMemory
from tests.oracles.kube_scheduler.messages import fit_error
from tests.oracles.kube_scheduler.order import enough, heap_root, in_order
from tests.oracles.kube_scheduler.plugin import name_of
from tests.oracles.kube_scheduler.preemption import preempt
from tests.oracles.kube_scheduler.profile import Profile

NO_CLAIMS = "no new claims to deallocate"


def answer(
    cluster: Cluster,
    pod: dict,
    *,
    start: int = 0,
    percentage: int = 100,
    profile: Profile | None = None,
    memory: ImageMemory | None = None,
) -> Answer:
    """The decision for one pod; `start` is where the search begins, `percentage` 0 is adaptive.

    `memory` is what is remembered about images; without it every node counts as just added.
    """
    profile = profile or Profile()
    if not cluster.nodes:
        return Answer("", "no nodes available to schedule pods", next_start=start)
    nodes = in_order(cluster.nodes)
    filters = Filters(cluster, pod, profile)
    found = Answer("", "", next_start=start)
    found.refused = filters.begin()
    if found.refused:
        found.message = fit_error(len(nodes), found.refused, [], _afterwards(cluster, filters, nodes, profile, found))
        return found
    feasible = _nominated_node(cluster, filters, nodes, found) or _search(cluster, filters, nodes, start, percentage, found)
    found.feasible = [name_of(node) for node in feasible]
    if not feasible:
        reasons = [reason for given in found.reasons.values() for reason in given]
        reasons += [found.elsewhere] * (len(nodes) - len(found.reasons))
        found.message = fit_error(len(nodes), "", reasons, _afterwards(cluster, filters, nodes, profile, found))
    elif len(feasible) == 1:
        found.node = name_of(feasible[0])
    else:
        score(cluster, pod, feasible, profile, memory, found)
        totals = [found.totals[name] for name in found.feasible]
        found.node = found.feasible[heap_root(totals) if profile.ties == "v1.36" else totals.index(max(totals))]
    return found


def _look_at(cluster: Cluster, filters: Filters, node: dict, found: Answer) -> bool:
    """Whether a node will do; if not, the answer says why."""
    verdict = filters.refusal(node, cluster.on(node))
    if verdict:
        found.verdicts[name_of(node)] = verdict
        found.reasons[name_of(node)] = verdict.reasons
    return verdict is None


def _nominated_node(cluster: Cluster, filters: Filters, nodes: list[dict], found: Answer) -> list[dict]:
    """The node on which preemption made room for the pod, if it will do now."""
    name = filters.pod.get("status", {}).get("nominatedNodeName")
    return [node for node in nodes if name_of(node) == name and _look_at(cluster, filters, node, found)]


def _search(cluster: Cluster, filters: Filters, nodes: list[dict], start: int, percentage: int, found: Answer) -> list[dict]:
    """The feasible nodes in the order in which they are found; the search ends when there are enough."""
    named = filters.named_nodes()
    if named is not None:  # a plugin that refused the nominated node a moment ago gets into this sentence too: a quirk
        plugins = {"NodeAffinity"} | {verdict.plugin for verdict in found.verdicts.values()}
        found.elsewhere = f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(plugins))}]"
    candidates = [node for node in nodes if named is None or name_of(node) in named]
    limit = enough(len(candidates), percentage)
    feasible: list[dict] = []
    for i in range(len(candidates)):
        node = candidates[(start + i) % len(candidates)]
        if _look_at(cluster, filters, node, found):
            if len(feasible) == limit:
                break
            feasible.append(node)
    found.next_start = (start + len(feasible) + len(found.verdicts)) % len(nodes)
    return feasible


def _afterwards(cluster: Cluster, filters: Filters, nodes: list[dict], profile: Profile, found: Answer) -> str:
    """What the PostFilter plugins say, "" if preemption helps."""
    claims = "DynamicResources" not in profile.off
    if found.refused and claims:
        return "not found"  # DynamicResources misses what it would have written down, and preemption is not reached
    said = [NO_CLAIMS] if claims else []
    if "DefaultPreemption" not in profile.off:
        preemption = preempt(cluster, filters, nodes, profile.args.get("DefaultPreemption", {}), found)
        if not preemption:
            return ""
        said.append(preemption)
    return ", ".join(said)


def score(cluster: Cluster, pod: dict, feasible: list[dict], profile: Profile, memory: ImageMemory | None, found: Answer) -> None:
    """Put scores and totals into the answer; plugins that have nothing to say about the pod are left out."""
    found.totals = {name_of(node): 0 for node in feasible}
    for kind, weight in profile.scores():
        args = profile.args.get(kind.name, {})
        plugin = kind(cluster, pod, {**args, "memory": memory} if kind is ImageLocality else args)
        raw = plugin.raw_scores(feasible)
        if raw is None:
            continue
        normalised = plugin.normalised(raw)
        found.scores[kind.name] = {n: (raw[n], normalised[n], weight * normalised[n]) for n in raw}
        for name in raw:
            found.totals[name] += weight * normalised[name]


def schedule(
    pod: dict, nodes: list[dict], running: list[dict], memory: ImageMemory, start: int = 0, percentage: int = 0
) -> Answer:
    """The decision for one pod among these nodes and running pods, with nothing beside them."""
    memory.decide()
    return answer(Cluster(nodes, running), pod, start=start, percentage=percentage, memory=memory)
