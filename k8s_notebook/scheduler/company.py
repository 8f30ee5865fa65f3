"""Changes that may help a pod that the rules about other pods keep away: spreading, affinity, anti-affinity."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import edits
from k8s_notebook.scheduler.arrays import Placed
from k8s_notebook.scheduler.edits import Case, Edit
from k8s_notebook.scheduler.terms import Term


def spread(case: Case, node: str) -> Iterator[Edit]:
    """Allow the pods to be spread less evenly."""
    stated = case.spec.get("topologySpreadConstraints") or []
    hard = [c for c in stated if c.get("whenUnsatisfiable") != "ScheduleAnyway"]
    for constraint in hard:
        for skew in range(int(constraint["maxSkew"]) + 1, int(constraint["maxSkew"]) + 17):
            changed = [({**c, "maxSkew": skew} if c is constraint else c) for c in stated]
            said = f"raise maxSkew of {constraint['topologyKey']} from {constraint['maxSkew']} to {skew}"
            yield Edit("spread", said, 0.4 + (skew - int(constraint["maxSkew"])) / 20, pod=_spreading(changed))
    soft = [{**c, "whenUnsatisfiable": "ScheduleAnyway"} for c in stated]
    if hard:
        yield Edit("spread softly", "set whenUnsatisfiable: ScheduleAnyway", 0.8, pod=_spreading(soft))


def _spreading(constraints: list[Obj]) -> edits.PodEdit:
    return lambda pod: edits.with_spec(pod, topologySpreadConstraints=constraints)


def keep_company(case: Case, node: str) -> Iterator[Edit]:
    """Take away the pods that stand in the way, bring one that is missed, or ask for less."""
    culprits = in_the_way(case, node)
    for uid, pod in culprits[:12]:
        said = f"move {pod.namespace}/{pod.name}, which stands in the way, away from {pod.node}"
        yield Edit("in the way", said, 0.6, lifts=(uid,))
    if 1 < len(culprits) <= 6:
        names = " and ".join(f"{pod.namespace}/{pod.name}" for _, pod in culprits)
        said = f"move {names}, which stand in the way, elsewhere"
        yield Edit("in the way", said, 0.6 + len(culprits) / 50, lifts=tuple(uid for uid, _ in culprits))
    missed = _missed(case)
    if missed:
        said = ", ".join(f"{k}={v}" for k, v in missed["metadata"]["labels"].items())
        yield Edit("company", f"run a pod with {said} on {node}", 0.65, adds=(missed,))
    for stanza, word in (("podAntiAffinity", "anti-affinity"), ("podAffinity", "affinity")):
        if _required_terms(case.spec, stanza):
            yield Edit(f"no {word}", f"drop the required pod {word}", 0.7, pod=_without_pod_terms(stanza))


def _required_terms(spec: Obj, stanza: str) -> list[Obj]:
    found = ((spec.get("affinity") or {}).get(stanza) or {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    return found or []


def in_the_way(case: Case, node: str) -> list[tuple[str, Placed]]:
    """(uid, pod): those that the pod must keep away from, or that keep it away, in the same domain; on the node first."""
    own, labels = case.incoming.pod_class.terms, case.incoming.pod["metadata"].get("labels") or {}
    here = case.object(node)["metadata"].get("labels") or {}
    found = []
    for uid, pod in case.cluster.placed.items():
        theirs = (pod.pod.get("metadata") or {}).get("labels") or {}
        keys = {t.key for t in own if _parts(t) and t.meets(pod.namespace, {}, theirs)}
        keys |= {t.key for t in pod.pod_class.terms if _parts(t) and t.meets(case.incoming.namespace, {}, labels)}
        if any(key in here and _label(case, pod.node, key) == here[key] for key in keys):
            found.append((uid, pod))
    return sorted(found, key=lambda item: item[1].node != node)


def _parts(term: Term) -> bool:
    """Whether a term is a required anti-affinity."""
    return term.kind == "anti" and not term.weight


def _missed(case: Case) -> Obj | None:
    """A pod such as the required affinity asks for, if plain labels say which; else None."""
    labels: dict[str, str] = {}
    for term in _required_terms(case.spec, "podAffinity"):
        selector = term.get("labelSelector") or {}
        if selector.get("matchExpressions") or term.get("namespaceSelector") is not None:
            return None
        labels |= selector.get("matchLabels") or {}
    metadata = {"name": "missed", "uid": "missed", "namespace": case.incoming.namespace, "labels": labels}
    return {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i"}]}} if labels else None


def _label(case: Case, node: str, key: str) -> str | None:
    slot = case.cluster.slots.get(node)
    return (case.cluster.objects[slot]["metadata"].get("labels") or {}).get(key) if slot is not None else None


def _without_pod_terms(stanza: str) -> edits.PodEdit:
    def edit(pod: Obj) -> Obj:
        affinity = pod["spec"]["affinity"]
        kept = {k: v for k, v in affinity[stanza].items() if not k.startswith("required")}
        return edits.with_spec(pod, affinity={**affinity, stanza: kept})

    return edit
