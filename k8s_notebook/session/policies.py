"""`kn.scheduler`: own policies, profiles made of them, and a trial of where pods would go.

@kn.scheduler.score(weight=2)
def prefers_full_nodes(node, pod):
    return 100 * node.requested_cpu // node.allocatable_cpu

mine = kn.scheduler.profile(score=[prefers_full_nodes], disable={"score": ["NodeResourcesFit"]})
kn.scheduler.try_out(c, mine)
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, get_args

from k8s_notebook.display import decision_text, escaping, html, text
from k8s_notebook.machinery.api import Api
from k8s_notebook.objects import Obj, defaults, kinds, validation
from k8s_notebook.scheduler import configuration, own, trial
from k8s_notebook.scheduler.configuration import Configuration, tables
from k8s_notebook.scheduler.mistakes import Mistake
from k8s_notebook.scheduler.own import Policy
from k8s_notebook.scheduler.profiles import Profile, Ties
from k8s_notebook.scheduler.trial import Placement
from k8s_notebook.session import gather, schedule_config, sources
from k8s_notebook.session.problems import error, told
from k8s_notebook.session.schedule_config import Given

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")
R = TypeVar("R")
Policies = Iterable[Policy | Callable[..., Any]]
Disabled = Iterable[str] | Mapping[str, str | Iterable[str]]


def _saying(function: Callable[P, R]) -> Callable[P, R]:
    """The function with a person's mistake as a K8sError."""

    @functools.wraps(function)
    def saying(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Mistake as mistake:
            raise error(str(mistake)) from None

    return saying


@_saying
def score(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Decorator: a function of (node, pod) as a score; `weight`, `labels`, `resources`, `normalise` as in scheduler/own.py."""
    return own.score(function, **options) if function is not None else _saying(own.score(**options))


@_saying
def filter(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Decorator: a function of (node, pod) as a filter; `reason`, `labels`, `resources` as in scheduler/own.py."""
    return own.filter(function, **options) if function is not None else _saying(own.filter(**options))


@_saying
def load(source: Given, *, own: Policies = ()) -> Configuration:
    """The KubeSchedulerConfiguration of a path, a text or an object; it may name the policies in `own`."""
    return schedule_config.read(source, [each if isinstance(each, Policy) else Policy(each, "score") for each in own])


@_saying
def profile(
    base: Given | Configuration | None = None, *, name: str = "", score: Policies = (), filter: Policies = (), disable: Disabled = (),
    weights: Mapping[str, int] | None = None, percentage: int | None = None, ties: Ties = "v1.36", seed: int = 0,
) -> Profile:  # fmt: skip
    """A profile: kube-scheduler's default one, or that of a KubeSchedulerConfiguration, with own policies added.

    `name` is its schedulerName, and chooses where `base` has several profiles. `disable` names plugins to switch off
    everywhere, or {"score": ["ImageLocality"], "filter": "*"} for some extension points. `weights` are those of score plugins;
    `percentage` is percentageOfNodesToScore; `ties` is "v1.36", "first" or "random" with `seed`.
    """
    _check(weights or {}, ties)
    scores, filters = [_policy(p, "score") for p in _all(score)], [_policy(p, "filter") for p in _all(filter)]
    document = _configuration(base, [*scores, *filters]).source
    stanza = _stanza(document, name)
    plugins = _without(stanza.get("plugins") or {}, disable)
    plugins = _with(plugins, "score", {**(weights or {}), **{p.name: p.weight for p in scores}})
    plugins = _with(plugins, "filter", {p.name: 0 for p in filters})
    changed = {**stanza, "schedulerName": name or stanza.get("schedulerName"), "plugins": plugins}
    if percentage is not None:
        changed["percentageOfNodesToScore"] = percentage
    made = configuration.load({**document, "profiles": [changed]}, own=[*scores, *filters]).profile
    return dataclasses.replace(made, ties=ties, seed=seed)


@dataclass(frozen=True, repr=False)
class Trial:
    """Where pods would go. `.df` has one row per pod; `placements` the same as objects."""

    placements: tuple[Placement, ...]
    profile: Profile

    @property
    def df(self) -> pd.DataFrame:
        """One row per pod: namespace, name, node, was, feasible, nodes, message, nominated, victims."""
        import pandas as pd

        return pd.DataFrame(
            [dataclasses.asdict(p) for p in self.placements], columns=[f.name for f in dataclasses.fields(Placement)]
        )

    @property
    def nodes(self) -> dict[str, int]:
        """Node -> how many of the pods go there, by name; "" for those that go nowhere."""
        names = sorted(p.node for p in self.placements)
        return {name: names.count(name) for name in dict.fromkeys(names)}

    def _count(self) -> str:
        placed, count = sum(bool(p.node) for p in self.placements), len(self.placements)
        return f"{placed} of {count} pods {'finds' if placed == 1 else 'find'} a node."

    def _lines(self) -> list[list[str]]:
        rows = [[p.namespace, p.name, p.node or "<none>", p.was or "<none>", p.message] for p in self.placements]
        return [["NAMESPACE", "POD", "NODE", "NOW ON", "WHY NOT"], *rows]

    def __str__(self) -> str:
        """One line per pod, and how many found a node."""
        count = f"{self._count()[:-1]} with profile {self.profile.name}; nothing was changed."
        return escaping.text(
            "\n\n".join([text.columns(self._lines()), count] if self.placements else ["There is no pod to place."])
        )

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, str]:
        """Text, and the same as HTML."""
        facts = [f"profile {self.profile.name}", "nothing was changed"]
        said = html.head(self._count(), facts) + decision_text.grid(self._lines(), numbers=False) if self.placements else ""
        shown = html.figure(said, label="try out") if said else html.pre(str(self), label="try out")
        return {"text/plain": str(self), "text/html": shown}


@told
@_saying
def try_out(
    cluster: Any, profile: Profile | Given | None = None, pods: str | Mapping[str, Any] | Iterable[Any] = "pending",
    *, namespace: str = "",
) -> Trial:  # fmt: skip
    """Where pods of a cluster would go under a profile, each counting for those after it; nothing is written.

    `cluster` is one of `kn.start()` or `kn.connect()`, any Api, or a list of objects. `pods`: "pending" (those without a node),
    "all" (everything is placed anew), or pods as YAML text or objects. `namespace` leaves out the pods of others.
    """
    chosen = profile if isinstance(profile, Profile) else _default() if profile is None else schedule_config.read(profile).profile
    objects = _objects(cluster)
    here = [p for p in objects.get("pods", ()) if not _over(p) and namespace in ("", p["metadata"].get("namespace"))]
    if pods == "all":
        wanted = here
    elif pods == "pending":
        wanted = [p for p in here if not p["spec"].get("nodeName")]
    elif isinstance(pods, str) and pods.isalpha():
        raise error(f'pods are "pending", "all", or pods as YAML text, path or objects, not "{pods}"')
    else:
        wanted = [_complete(d.obj, namespace or "default") for d in sources.read(pods)]
    return Trial(tuple(trial.place(objects, wanted, chosen)), chosen)


def _check(weights: Mapping[str, int], ties: str) -> None:
    """Mistake for what a KubeSchedulerConfiguration would not notice."""
    if ties not in get_args(Ties):
        raise Mistake(f'ties must be "v1.36", "first" or "random", not {ties!r}')
    for name, weight in weights.items():
        if type(weight) is not int or weight < 1:
            raise Mistake(
                f"weights: that of {name} must be a whole number from 1, not {weight!r}; `disable` switches a plugin off"
            )


def _configuration(base: Given | Configuration | None, own: list[Policy]) -> Configuration:
    if isinstance(base, Configuration):
        return base
    return schedule_config.read(base if base is not None else {"apiVersion": tables.API_VERSION, "kind": tables.KIND}, own)


def _default() -> Profile:
    from k8s_notebook.scheduler import profiles

    return profiles.DEFAULT


def _all(given: Policies | Policy | Callable[..., Any]) -> list[Policy | Callable[..., Any]]:
    """Several policies; a single one may stand without a list."""
    return [given] if callable(given) else list(given)


def _policy(given: Policy | Callable[..., Any], point: own.Point) -> Policy:
    """A policy, also of a function that was not decorated; Mistake if it belongs elsewhere."""
    if not isinstance(given, Policy):
        return Policy(given, point)
    if given.point != point:
        raise Mistake(f"{given.name} is a {given.point}; hand it over as {given.point}=[{given.name}]")
    return given


def _stanza(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The profile of that name; any name does if there is but one."""
    stanzas: list[Mapping[str, Any]] = document.get("profiles") or [{}]
    found = next((each for each in stanzas if each.get("schedulerName") == name), stanzas[0] if len(stanzas) == 1 else None)
    if found is None:
        known = ", ".join(str(each.get("schedulerName")) for each in stanzas)
        if not name:
            raise Mistake(f"there are several profiles; choose one by name: {known}")
        raise Mistake(f'there is no profile "{name}"; choose one by name: {known}')
    return found


def _without(plugins: Mapping[str, Any], disable: Disabled) -> dict[str, Any]:
    """The plugin sets with some plugins off."""
    found = dict(plugins)
    off = disable if isinstance(disable, Mapping) else {"multiPoint": disable}
    for point, given in off.items():
        names = [given] if isinstance(given, str) else list(given)
        if isinstance(disable, Mapping) and point not in (*tables.POINTS, "multiPoint"):
            raise Mistake(f'disable: there is no extension point "{point}"; there are {", ".join(tables.POINTS)}')
        for each in found if point == "multiPoint" else (point,):
            stanza = found.get(each) or {}
            found[each] = {**stanza, "enabled": [p for p in stanza.get("enabled") or () if p.get("name") not in names]}
        stanza = found.get(point) or {}
        found[point] = {**stanza, "disabled": [*(stanza.get("disabled") or ()), *({"name": name} for name in names)]}
    return found


def _with(plugins: Mapping[str, Any], point: str, weights: Mapping[str, int]) -> dict[str, Any]:
    """The plugin sets with some plugins on at a point."""
    stanza = plugins.get(point) or {}
    kept = [p for p in stanza.get("enabled") or () if p.get("name") not in weights]
    return {**plugins, point: {**stanza, "enabled": [*kept, *({"name": n, "weight": w} for n, w in weights.items())]}}


def _objects(cluster: Any) -> dict[str, list[Obj]]:
    """The objects that decisions rest on, by resource."""
    api = getattr(cluster, "api", cluster)
    if not isinstance(cluster, (list, tuple)) and not hasattr(api, "submit"):
        raise error(f"try_out takes a cluster of kn.start() or kn.connect(), an Api or a list of objects, not {cluster!r}")
    found: dict[str, list[Obj]] = {}
    if isinstance(cluster, (list, tuple)):
        served, objects = kinds.BUILTIN, [d.obj for d in sources.read(cluster)]
    else:
        served, objects = _asked(api)
    for obj in objects:
        kind = served.for_object(obj.get("apiVersion", ""), obj.get("kind", ""))
        if kind is not None:
            found.setdefault(kind.resource, []).append(obj)
    return found


def _asked(api: Api) -> tuple[Any, list[Obj]]:
    seen = gather.gather(api, None, trial.READ)
    if "Node" in seen.unseen or "Pod" in seen.unseen:
        raise error(f"try_out needs to read all nodes and pods, and you may not: {seen.unseen.get('Node') or seen.unseen['Pod']}")
    return api.kinds, seen.objects


def _over(pod: Obj) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _complete(pod: Mapping[str, Any], namespace: str) -> Obj:
    """A pod as a person writes it, with the names that decisions need."""
    if pod.get("kind") != "Pod":
        raise error(f"only pods are tried out, not {pod.get('kind')}")
    metadata = {"namespace": namespace, **(pod.get("metadata") or {})}
    metadata.setdefault("uid", f"{metadata['namespace']}/{metadata.get('name', '')}")
    whole = {**pod, "metadata": metadata}
    for problem in _problems(whole):
        raise error(f"pod {metadata.get('name', 'without a name')}: {problem}")
    return whole


def _problems(pod: Obj) -> list[str]:
    """What an API server would have against a new pod."""
    kind = kinds.of("pods")
    if not pod.get("spec"):
        return ["spec: Required value"]
    try:
        return [cause.sentence() for cause in validation.validate(kind, defaults.defaulted(kind, pod))]
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        return [f"a field is not what it should be: {problem}"]
