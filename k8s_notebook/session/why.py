"""`why`: a placement explained, from the scheduler's record where there is one, else made again today."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8s_notebook.display import decision_svg, decision_text
from k8s_notebook.machinery import decisions as offered
from k8s_notebook.machinery.actions import Get
from k8s_notebook.objects import Obj, errors
from k8s_notebook.session import gather, targets
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import error

if TYPE_CHECKING:
    import pandas as pd

    from k8s_notebook.scheduler.changes import Change
    from k8s_notebook.scheduler.explain import Explanation
    from k8s_notebook.scheduler.profiles import Profile


DEFAULT = "default-scheduler"
OWNERS = {"deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "replicationcontrollers"}


@dataclass(frozen=True, repr=False)
class Why:
    """Why a pod is where it is, or nowhere. `explanation` has everything in columns; `.df` one row per node and plugin.

    `source` says whether this is the scheduler's record or was made again today.
    """

    explanation: Explanation
    cluster: str = ""
    note: str = ""
    """By which profile it was decided, if not the default one, and what it does not count, for lack of rights."""

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        return self.explanation.sentence

    @property
    def source(self) -> str:
        """Whether it is recorded or recomputed, and what that means."""
        return self.explanation.source

    @property
    def changes(self) -> tuple[Change, ...]:
        """What would let a pending pod run, each tried; the smallest change first."""
        return self.explanation.changes

    @property
    def df(self) -> pd.DataFrame:
        """One row per node and plugin: node, plugin, passed, reason, raw, normalised, weight, weighted, rank, total."""
        return decision_text.long(self.explanation)

    @property
    def wide(self) -> pd.DataFrame:
        """One row per node, best first; columns (plugin, number): `why.wide.xs("weighted", axis=1, level=1)`."""
        return decision_text.wide(self.explanation)

    @property
    def ranking(self) -> pd.DataFrame:
        """One row per node: rank, node, total, feasible, stopped_by, reasons; the chosen one first."""
        return decision_text.ranking(self.explanation)

    def annotations(self) -> dict[str, str]:
        """The decision in the annotation keys of kube-scheduler-simulator."""
        return self.explanation.annotations()

    def to_svg(self, path: str | pathlib.Path | None = None) -> str | None:
        """The picture as an SVG document; with a `path` it is written there and None comes back, as pandas' `to_csv` does."""
        text = self._picture()
        if path is None:
            return text
        pathlib.Path(path).expanduser().write_text(text, encoding="utf-8")
        return None

    def __str__(self) -> str:
        """The sentence, the nodes in their order, and the scheduler's own words."""
        return decision_text.plain(self.explanation, self.note)

    __repr__ = __str__

    def _picture(self) -> str:
        return decision_svg.svg(self.explanation, self.cluster)

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, str]:
        """Text, the picture alone, and the picture with a table that can be unfolded."""
        return {
            "text/plain": str(self),
            "text/html": decision_text.page(self.explanation, self.cluster, self.note),
            "image/svg+xml": self._picture(),
        }


def why(
    door: Door, words: Sequence[str], namespace: str | None = None, *, profile: Profile | None = None, today: bool = False
) -> Why:
    """Why a pod is on its node, or on none: the record of an embedded cluster's scheduler, else the decision made again.

    `today` leaves the record aside; `profile` is what to decide by (the default profile), and leaves it aside too.
    """
    kind, name = targets.one(door, words, default="pods")
    if kind.resource != "pods":
        whose = f"one of the pods of {targets.spelled(kind)}/{name}, for example pod/{name}-…"
        raise error(f"only pods are placed: name {whose if kind.resource in OWNERS else 'a pod, as pod/NAME'}")
    pod = door.ask(Get("pods", name, namespace or door.namespace))
    decides, by = _deciding(door, pod, profile)
    recorded = None if today or profile is not None else _recorded(door, pod)
    if recorded is not None and pod["spec"].get("nodeName") != (recorded.node or None):
        recorded = None
    now, note = _now(door, pod, namespace or door.namespace, decides, required=recorded is None)
    if recorded is None:
        assert now is not None
        return Why(now, door.title, " ".join(n for n in (by, note) if n))
    if now is None:
        return Why(recorded, door.title, note)
    from k8s_notebook.scheduler import decisions

    return Why(decisions.compared(recorded, now), door.title, note)


def _deciding(door: Door, pod: Obj, profile: Profile | None) -> tuple[Profile | None, str]:
    """(the profile to decide by, a sentence about it): the one given, or that of a scheduler of this process, or the default one."""
    if profile is not None:
        if not hasattr(profile, "filters"):
            raise error(f"profile is one of kn.scheduler.profile(…), not {profile!r}")
        return profile, f"Decided by the profile {profile.name}."
    name = pod["spec"].get("schedulerName") or DEFAULT
    if name == DEFAULT:
        return None, ""
    from k8s_notebook.session import schedule

    for each in schedule.running():
        if each.cluster == door.title and name in each.names:
            return each.profiles[name], f"Decided by the profile of {name}, which works in this process."
    return None, f"The pod is left to the scheduler {name}; this is what {DEFAULT} would decide."


def _recorded(door: Door, pod: Obj) -> Explanation | None:
    """The scheduler's record of the pod's last decision, where it is served and the pod is still the same."""
    if not any(k.resource == offered.RESOURCE for k in door.api.kinds):
        return None
    from k8s_notebook.scheduler import decisions

    metadata = pod["metadata"]
    try:
        found = door.ask(Get(offered.RESOURCE, metadata["name"], metadata["namespace"]))
    except (errors.NotFound, errors.Forbidden, errors.MethodNotAllowed):
        return None
    return decisions.read(found, pod) if found["spec"]["pod"]["uid"] == metadata["uid"] else None


def _now(door: Door, pod: Obj, namespace: str, profile: Profile | None, *, required: bool) -> tuple[Explanation | None, str]:
    """(the decision made again with what is in the cluster today, what it does not count); None if that may not be seen."""
    from k8s_notebook.scheduler import explain, profiles, surroundings

    found = gather.gather(door.api, None, ["nodes", "pods", *surroundings.RESOURCES])
    if "Node" in found.unseen:
        if not required:
            return None, "You may not read the nodes: what would be decided today is not known."
        raise error(f"why needs to read the nodes, and you may not: {found.unseen['Node']}")
    note = ""
    if "Pod" in found.unseen:
        found = gather.gather(door.api, namespace, ["nodes", "pods", *surroundings.RESOURCES])
        note = f"You may see the pods of namespace {namespace} only: others are not counted."
    objects = _by_resource(door, found.objects)
    nodes = sorted(objects.pop("nodes", []), key=lambda o: (o["metadata"]["creationTimestamp"], o["metadata"]["name"]))
    pods = objects.pop("pods", [])
    return explain.explain(pod, nodes, pods, profile=profile or profiles.DEFAULT, beside=objects), note


def _by_resource(door: Door, objects: Sequence[Obj]) -> dict[str, list[Obj]]:
    found: dict[str, list[Obj]] = {}
    for obj in objects:
        kind = door.api.kinds.for_object(obj["apiVersion"], obj["kind"])
        if kind is not None:
            found.setdefault(kind.resource, []).append(obj)
    return found
