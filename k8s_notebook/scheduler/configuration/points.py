"""Which plugins work at which extension point: the defaults, changed by a profile, with MultiPoint spread out.

As mergePlugins in pkg/scheduler/apis/config/v1/default_plugins.go and expandMultiPointPlugins in
pkg/scheduler/framework/runtime/framework.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from k8s_notebook.scheduler.configuration import tables
from k8s_notebook.scheduler.mistakes import Mistake

MULTI = "multiPoint"

Implements = Mapping[str, Iterable[str]]
"""Plugin -> its extension points."""
Chosen = dict[str, tuple[tuple[str, int], ...]]
"""Extension point -> (plugin, weight) in the order in which they are asked; the weight means something for scores alone."""


class PluginSet(NamedTuple):
    """What is on and off at one extension point. A weight of 0 is one that was not stated."""

    enabled: tuple[tuple[str, int], ...] = ()
    disabled: frozenset[str] = frozenset()


def chosen(plugins: Mapping[str, Any], implements: Implements, path: str = "plugins") -> Chosen:
    """The plugins of a profile with the stanza `plugins`; Mistake for what kube-scheduler refuses to start with."""
    sets = {point: _merged(point, plugins.get(point) or {}) for point in (*tables.POINTS, MULTI)}
    found = {point: _expanded(point, sets, implements, path) for point in tables.POINTS}
    _usable(found, path)
    return found


def given(stanza: Mapping[str, Any]) -> PluginSet:
    """One plugin set as it stands in a file."""
    return PluginSet(
        tuple((each.get("name", ""), each.get("weight") or 0) for each in stanza.get("enabled") or ()),
        frozenset(each.get("name", "") for each in stanza.get("disabled") or ()),
    )


def _default(point: str) -> PluginSet:
    return PluginSet(tuple((name, tables.WEIGHTS.get(name, 0)) for name in tables.PLUGINS)) if point == MULTI else PluginSet()


def _merged(point: str, stanza: Mapping[str, Any]) -> PluginSet:
    """The default set with a profile's changes: one that is stated again keeps its place."""
    default, own = _default(point), given(stanza)
    last = dict(own.enabled)
    position = {name: i for i, (name, _) in enumerate(own.enabled)}
    kept, replaced = [], set()
    for name, weight in () if "*" in own.disabled else default.enabled:
        if name in own.disabled:
            continue
        if name in last:
            replaced.add(position[name])
        kept.append((name, last.get(name, weight)))
    added = [each for i, each in enumerate(own.enabled) if i not in replaced]
    return PluginSet((*kept, *added), own.disabled)


def _expanded(point: str, sets: Mapping[str, PluginSet], implements: Implements, path: str) -> tuple[tuple[str, int], ...]:
    """The plugins of one point: those that its own list takes over from MultiPoint, then MultiPoint's, then the rest of its own."""
    own, multi = sets[point], sets[MULTI]
    names = [name for name, _ in own.enabled]
    for i, name in enumerate(names):
        if point not in implements[name]:
            raise Mistake(
                f'plugin "{name}" has nothing to do at {point}: it works at {_listed(implements[name])}',
                f"{path}.{point}.enabled[{i}].name",
            )
        if name in names[:i]:
            raise Mistake(f'plugin "{name}" is enabled twice', f"{path}.{point}.enabled[{i}].name")
    if "*" in own.disabled:
        order = names
    else:
        spread = [n for n, _ in multi.enabled if point in implements[n] and n not in own.disabled]
        fresh = [name for name in spread if name not in names]
        twice = next((name for i, name in enumerate(fresh) if name in fresh[:i]), None)
        if twice is not None:
            raise Mistake(f'plugin "{twice}" is enabled twice', f"{path}.{MULTI}")
        overriding = [name for name in names if name in spread]
        order = [*overriding, *fresh, *(name for name in names if name not in overriding)]
    weights = {**dict(reversed(multi.enabled)), **dict(reversed(own.enabled))}
    if point == "score":
        stated = dict.fromkeys(name for name in (*names, *(n for n, _ in multi.enabled)) if point in implements[name])
        _no_overflow([weights[name] or 1 for name in stated], f"{path}.{point}")
    return tuple((name, weights[name] or 1) for name in order)


def _no_overflow(weights: list[int], path: str) -> None:
    """Mistake for weights whose sum falls below 0 on the way: kube-scheduler's own check then counts past the smallest number."""
    total = 0
    for weight in weights:
        if total < 0:
            raise Mistake("total score of Score plugins could overflow; write weights from 1 on", path)
        total += weight


def _listed(points: Iterable[str]) -> str:
    return ", ".join(points)


def _usable(found: Chosen, path: str) -> None:
    """Mistake if such a scheduler could place nothing."""
    if len(found["queueSort"]) != 1:
        raise Mistake(
            f"exactly one plugin must sort the queue, not {len(found['queueSort'])}; enable PrioritySort", f"{path}.queueSort"
        )
    if not found["bind"]:
        raise Mistake("at least one plugin must bind pods; enable DefaultBinder", f"{path}.bind")
    for point, before, needing in tables.NEEDS:
        there = {name for name, _ in found[before]}
        for name, _ in found[point]:
            if name in needing and name not in there:
                raise Mistake(
                    f"{name} is on at {point} but not at {before}, so it would fail for every pod; disable it at both",
                    f"{path}.{before}",
                )
