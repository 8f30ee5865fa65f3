"""KubeSchedulerConfiguration: the file that people run kube-scheduler with, as profiles.

Read, defaulted and checked as kube-scheduler 1.36 does it (pkg/scheduler/apis/config), except that the first mistake is told, in one
sentence, and that a name which no plugin has is always one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from k8s_notebook.objects.validating.findings import shown
from k8s_notebook.scheduler import plugins
from k8s_notebook.scheduler.args import Args
from k8s_notebook.scheduler.configuration import arguments, points, shape, tables
from k8s_notebook.scheduler.configuration.points import Chosen
from k8s_notebook.scheduler.configuration.settings import Backoff, ClientConnection, LeaderElection
from k8s_notebook.scheduler.mistakes import Mistake, meant
from k8s_notebook.scheduler.own import Policy
from k8s_notebook.scheduler.plugins import node_affinity
from k8s_notebook.scheduler.profiles import Profile

__all__ = ["Backoff", "ClientConnection", "Configuration", "LeaderElection", "Mistake", "load"]

DEFAULT_NAME: Final = "default-scheduler"

Where = Callable[[str], str]
"""Path of a field -> "line 3, column 5", or ""."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that a KubeSchedulerConfiguration says, with the defaults in place of what it leaves open."""

    profiles: dict[str, Profile]
    """schedulerName -> profile, in the order of the file"""
    points: dict[str, Chosen]
    """schedulerName -> extension point -> (plugin, weight) in the order in which kube-scheduler asks them"""
    percentage: int
    parallelism: int
    leader_election: LeaderElection
    backoff: Backoff
    client_connection: ClientConnection
    remarks: tuple[str, ...]
    """Sentences about what was accepted and has no effect here."""
    source: Mapping[str, Any]
    """The file as it was read."""

    def __repr__(self) -> str:
        """Its profiles, and what has no effect here, line by line."""
        return "\n".join([*map(repr, self.profiles.values()), *self.remarks])

    @property
    def profile(self) -> Profile:
        """The only profile; Mistake if there are several."""
        if len(self.profiles) > 1:
            raise Mistake(f"there are several profiles ({', '.join(self.profiles)}); say which one by its schedulerName")
        return next(iter(self.profiles.values()))


def load(source: Mapping[str, Any], *, own: Iterable[Policy] = (), where: Where | None = None) -> Configuration:
    """The configuration in a parsed file; Mistake, with the place that `where` knows, for what cannot be.

    `own` are policies of one's own (scheduler/own.py) that the file may name among its plugins.

    >>> list(load({"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}).profiles)
    ['default-scheduler']
    """
    try:
        return _load(source, {policy.name: policy for policy in own})
    except Mistake as mistake:
        place = where(mistake.path) if where is not None and mistake.path else ""
        raise (Mistake(f"{mistake.said} ({place})", mistake.path) if place else mistake) from None


def _load(source: Mapping[str, Any], own: dict[str, Policy]) -> Configuration:
    for name in own:
        if name in tables.PLUGINS:
            raise Mistake(f"kube-scheduler has a plugin {name}; give your policy another name")
    _is_one(source)
    read = shape.checked(tables.FIELDS, dict(source))
    whole = _percentage(read, "")
    parallelism = read.get("parallelism", 16)
    if parallelism <= 0:
        raise Mistake(f"Invalid value: {parallelism}: should be an integer value greater than zero", "parallelism")
    election, client = (
        LeaderElection.read(read.get("leaderElection") or {}),
        ClientConnection.read(read.get("clientConnection") or {}),
    )
    backoff = Backoff.read(read)
    _no_extenders(read)
    stated = read.get("profiles") or [{}]
    names = _names(stated)
    remarks: list[str] = []
    chosen = {
        name: _chosen(each, f"profiles[{i}]", own, remarks) for i, (name, each) in enumerate(zip(names, stated, strict=True))
    }
    _same_queue(stated)
    made = {
        name: _profile(name, each, f"profiles[{i}]", chosen[name], own, 0 if whole is None else whole)
        for i, (name, each) in enumerate(zip(names, stated, strict=True))
    }
    return Configuration(made, chosen, whole or 0, parallelism, election, backoff, client, tuple(remarks), source)


def _no_extenders(read: Mapping[str, Any]) -> None:
    if read.get("extenders"):
        raise Mistake(
            "HTTP extenders are not asked by this scheduler; remove them, or write what they do as a policy of your own "
            "(@kn.scheduler.filter, @kn.scheduler.score)",
            "extenders[0]",
        )


def _is_one(source: Mapping[str, Any]) -> None:
    """Mistake if the object is something else, or of another version."""
    version, kind = source.get("apiVersion"), source.get("kind")
    group = str(version).partition("/")[0]
    if kind == "ConfigMap":
        raise Mistake("this is a ConfigMap; hand over the text that stands under its data", "kind")
    if kind == "Policy":
        raise Mistake(f"a Policy has not been read since Kubernetes 1.23; write a {tables.KIND}", "kind")
    if kind != tables.KIND:
        raise Mistake(f'must be "{tables.KIND}"' + (f", not {shown(kind)}" if kind is not None else ""), "kind")
    if version is None:
        raise Mistake(f'is missing; write apiVersion: "{tables.API_VERSION}"', "apiVersion")
    if group == tables.API_VERSION.partition("/")[0] and version != tables.API_VERSION:
        raise Mistake(f'{shown(version)} is not read by Kubernetes 1.36; write "{tables.API_VERSION}"', "apiVersion")
    if version != tables.API_VERSION:
        raise Mistake(f'must be "{tables.API_VERSION}", not {shown(version)}', "apiVersion")


def _percentage(read: Mapping[str, Any], path: str) -> int | None:
    found: int | None = read.get("percentageOfNodesToScore")
    if found is not None and not 0 <= found <= 100:
        raise Mistake(f"Invalid value: {found}: not in valid range [0-100]", shape.joined(path, "percentageOfNodesToScore"))
    return found


def _names(stated: list[dict[str, Any]]) -> list[str]:
    """The schedulerName of each profile; only a single one may leave it out."""
    names: list[str] = []
    for i, each in enumerate(stated):
        name = each.get("schedulerName")
        if name is None and len(stated) == 1:
            name = DEFAULT_NAME
        if not name:
            raise Mistake("Required value: every profile needs a name of its own", f"profiles[{i}].schedulerName")
        if name in names:
            raise Mistake(
                f"Duplicate value: {shown(name)}: every profile needs a name of its own", f"profiles[{i}].schedulerName"
            )
        names.append(name)
    return names


def _chosen(stated: Mapping[str, Any], path: str, own: Mapping[str, Policy], remarks: list[str]) -> Chosen:
    path = f"{path}.plugins"
    sets = {point: _weighed(stanza, own) for point, stanza in (stated.get("plugins") or {}).items()}
    for point, stanza in sets.items():
        for side in ("enabled", "disabled"):
            for i, each in enumerate(stanza.get(side) or ()):
                _known(each.get("name", ""), side, f"{path}.{point}.{side}[{i}].name", own, remarks)
    implements = {**tables.PLUGINS, **{policy.name: (policy.point,) for policy in own.values()}}
    found = points.chosen(sets, implements, path)
    _told(found, path, remarks)
    return found


def _weighed(stanza: Mapping[str, Any], own: Mapping[str, Policy]) -> dict[str, Any]:
    """A plugin set in which own policies that are named without a weight have that of their definition."""
    enabled = [
        {**each, "weight": each.get("weight") or own[each["name"]].weight} if each.get("name") in own else each
        for each in stanza.get("enabled") or ()
    ]
    return {**stanza, "enabled": enabled}


def _known(name: str, side: str, path: str, own: Mapping[str, Policy], remarks: list[str]) -> None:
    """Mistake if there is no such plugin."""
    if name in tables.PLUGINS or name in own or (name == "*" and side == "disabled"):
        return
    if name == "*":
        raise Mistake('"*" only disables; name the plugins to enable', path)
    if side == "disabled" and (name in tables.REMOVED or name in tables.ALPHA):
        remarks.append(f"{path}: {name} is not there in Kubernetes 1.36, so that disabling it changes nothing.")
        return
    if name in tables.REMOVED:
        raise Mistake(f'plugin "{name}" was removed from Kubernetes; {tables.REMOVED[name]}', path)
    if name in tables.ALPHA:
        raise Mistake(f'plugin "{name}" belongs to an alpha feature that this scheduler does not have; remove it', path)
    hint = meant(name, [*tables.PLUGINS, *own])
    advice = (
        "; kube-scheduler 1.36 itself has none of this name, and one of your own is written with @kn.scheduler.score or .filter"
    )
    raise Mistake(f"there is no plugin {shown(name)}{hint or advice}", path)


def _told(found: Chosen, path: str, remarks: list[str]) -> None:
    """Note what kube-scheduler does with such a choice and this scheduler does not."""
    at = {point: [name for name, _ in chosen] for point, chosen in found.items()}
    if "SchedulingGates" not in at["preEnqueue"]:
        remarks.append(f"{path}.preEnqueue: pods with scheduling gates wait here although SchedulingGates is off.")
    after = at["postFilter"]
    if {"DynamicResources", "DefaultPreemption"} <= set(after) and after.index("DefaultPreemption") < after.index(
        "DynamicResources"
    ):
        remarks.append(f"{path}.postFilter: messages name DynamicResources before DefaultPreemption here.")
    if "NodeAffinity" in at["preFilter"] and "NodeAffinity" not in at["filter"]:
        remarks.append(f"{path}.filter: NodeAffinity is off there, so that it refuses no node at all here.")


def _same_queue(stated: list[dict[str, Any]]) -> None:
    """Mistake unless all profiles say the same about queueSort: there is one queue."""
    sets = [points.given((each.get("plugins") or {}).get("queueSort") or {}) for each in stated]
    for i, each in enumerate(sets):
        if each != sets[0]:
            raise Mistake("must be the same for all profiles, since they share one queue", f"profiles[{i}].plugins.queueSort")


def _profile(name: str, stated: Mapping[str, Any], path: str, chosen: Chosen, own: Mapping[str, Policy], whole: int) -> Profile:
    args, percentage = _args(stated, path, own), _percentage(stated, path)
    adding = {"NodeAffinity": node_affinity.adding(args.added_affinity)} if args.added_affinity else {}
    rows = {**plugins.REGISTRY, **adding, **{policy.name: policy.plugin for policy in own.values()}}
    scores = [(rows[plugin], weight) for plugin, weight in chosen["score"] if plugin in rows and rows[plugin].scores]
    after = {plugin for plugin, _ in chosen["postFilter"]}
    return Profile(
        name=name,
        filters=tuple(rows[plugin] for plugin, _ in chosen["filter"] if plugin in rows and rows[plugin].filters),
        scores=tuple(plugin for plugin, _ in scores),
        weights=tuple(weight for _, weight in scores),
        percentage=whole if percentage is None else percentage,
        args=args,
        preempts="DefaultPreemption" in after,
        claims="DynamicResources" in after,
    )


def _args(stated: Mapping[str, Any], path: str, own: Mapping[str, Policy]) -> Args:
    """What the stanza `pluginConfig` of a profile says."""
    args, seen = Args(), set()
    for i, each in enumerate(stated.get("pluginConfig") or ()):
        plugin, at = each.get("name", ""), f"{path}.pluginConfig[{i}]"
        if plugin in seen:
            raise Mistake(f"Duplicate value: {shown(plugin)}: write its arguments in one place", at)
        _known(plugin, "pluginConfig", f"{at}.name", own, [])
        seen.add(plugin)
        args = arguments.put(args, plugin, each.get("args"), f"{at}.args")
    return args
