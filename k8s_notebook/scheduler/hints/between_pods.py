"""Hints of the plugins that look at other pods: PodTopologySpread and InterPodAffinity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8s_notebook.objects import Obj, label_selectors
from k8s_notebook.scheduler import happenings
from k8s_notebook.scheduler.happenings import Event

if TYPE_CHECKING:
    from k8s_notebook.scheduler.queue import Entry


def counted(entry: Entry, event: Event) -> bool:
    """Whether a pod that came, went or changed counts (or counted) in a spread constraint of the waiting one."""
    pod, its = entry.pod, event.obj
    mine = event.about(entry.uid)
    if not mine and its["metadata"].get("namespace") != pod["metadata"].get("namespace"):
        return False
    constraints = _constraints(pod)
    if not constraints:
        return True
    if event.kind == happenings.POD_TOLERATIONS:
        return mine and any(c.get("nodeTaintsPolicy") == "Honor" for c in constraints)
    if event.old is None or event.new is None:
        return all(_selects(c, pod, its) for c in constraints)
    return any(_selects(c, pod, event.old) != _selects(c, pod, event.new) for c in constraints)


def domain_changed(entry: Entry, event: Event) -> bool:
    """Whether a node came into, left or changed between the domains over which the pod is spread."""
    keys = [c["topologyKey"] for c in _constraints(entry.pod)]
    before, after = _labels(event.old), _labels(event.new)
    was = event.old is not None and all(k in before for k in keys)
    now = event.new is not None and all(k in after for k in keys)
    if event.old is None or event.new is None or was != now:
        return was or now
    taints = [(n.get("spec") or {}).get("taints") or [] for n in (event.old, event.new)]
    return now and (any(before.get(k) != after.get(k) for k in keys) or taints[0] != taints[1])


def attracts(entry: Entry, event: Event) -> bool:
    """Whether a pod with a node now has all that the waiting one wants near, or no more what it wants far."""
    if event.about(entry.uid):
        return True
    near = _terms(entry.pod, "podAffinity")
    if event.new is None or event.old is None:
        return _all(near, entry.pod, event.obj)
    far = _terms(entry.pod, "podAntiAffinity")
    return (not _all(near, entry.pod, event.old) and _all(near, entry.pod, event.new)) or (
        _all(far, entry.pod, event.old) and not _all(far, entry.pod, event.new)
    )


def repels_no_more(entry: Entry, event: Event) -> bool:
    """Whether the pod that is gone kept the waiting one away, or was kept away by it."""
    gone = event.obj
    return _all(_terms(entry.pod, "podAntiAffinity"), entry.pod, gone) or _all(_terms(gone, "podAntiAffinity"), gone, entry.pod)


def moved(entry: Entry, event: Event) -> bool:
    """Whether a node came into a domain that the pod's affinity asks for, or left one that it avoids."""
    near, far = _terms(entry.pod, "podAffinity"), _terms(entry.pod, "podAntiAffinity")
    before, after = _labels(event.old), _labels(event.new)
    if event.old is None:
        return bool(far) or any(t.get("topologyKey") in after for t in near)
    return any((k := t.get("topologyKey")) in after and before.get(k) != after[k] for t in near) or any(
        (k := t.get("topologyKey")) in before and before[k] != after.get(k) for t in far
    )


def _constraints(pod: Obj) -> list[Obj]:
    """The constraints that refuse nodes; empty also for a pod to which only the profile's default ones apply."""
    stated = pod["spec"].get("topologySpreadConstraints") or ()
    return [c for c in stated if c.get("whenUnsatisfiable") != "ScheduleAnyway"]


def _selects(constraint: Obj, pod: Obj, other: Obj) -> bool:
    mine, its = _labels(pod), _labels(other)
    if any(k in mine and mine[k] != its.get(k) for k in constraint.get("matchLabelKeys") or ()):
        return False
    return label_selectors.from_spec(constraint.get("labelSelector")).matches(its)


def _terms(pod: Obj, stanza: str) -> list[Obj]:
    found = ((pod["spec"].get("affinity") or {}).get(stanza) or {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    return found or []


def _all(terms: list[Obj], owner: Obj, other: Obj) -> bool:
    """Whether there are terms and all of them mean `other`."""
    return bool(terms) and all(_means(t, owner, other) for t in terms)


def _means(term: Obj, owner: Obj, other: Obj) -> bool:
    """Whether a term of `owner` means a pod. Which labels a namespace has is not asked: any selected one may be meant."""
    namespaces = term.get("namespaces") or [owner["metadata"].get("namespace")]
    if term.get("namespaceSelector") is None and other["metadata"].get("namespace") not in namespaces:
        return False
    return label_selectors.from_spec(term.get("labelSelector")).matches(_labels(other))


def _labels(obj: Obj | None) -> dict[str, Any]:
    return (obj["metadata"].get("labels") or {}) if obj is not None else {}
