"""Life cycles as data: the tables in stages/*.yaml, checked when they are read, and the pure question which stage comes next.

A stage says: from this state, when these facts hold, after this delay, go to that state, and say these events. The idea (what a
kubelet does is data) is KWOK's.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FOLDER = pathlib.Path(__file__).parent / "stages"


class Facts(Protocol):
    """What is known about a pod or a container; a fact is worked out when it is asked for."""

    def __getitem__(self, name: str, /) -> Any:
        """The fact of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """An event that a stage records; `message` may name facts in braces, `each` a fact that is a list: one event per item."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"
    each: str = ""

    def sentences(self, facts: Facts) -> list[str]:
        """The messages, filled in."""
        if self.each:
            return [self.message.replace("{each}", str(item)) for item in facts[self.each]]
        return [fill(self.message, facts)]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a life. `delay`: seconds, or a fact that is; `code`: the exit code of a container that ends by it."""

    name: str
    to: str
    when: tuple[tuple[str, Any], ...] = ()
    delay: float | str = 0.0
    reason: str = ""
    message: str = ""
    code: int | None = None
    events: tuple[Said, ...] = ()


Stages = Mapping[str, tuple[Stage, ...]]
"""State -> the stages that lead out of it, in the order in which they are tried."""


class StageError(ValueError):
    """A table of stages says something that makes no sense; the message names the table and the stage."""


def next_stage(stages: Stages, state: str, facts: Facts, since: float) -> tuple[Stage, float] | None:
    """The stage that follows `state` (entered at `since`) and when it is due, both in seconds; None at the end of a life."""
    for stage in stages.get(state, ()):
        for name, wanted in stage.when:
            if facts[name] != wanted:
                break
        else:
            delay = stage.delay
            return stage, since + (facts[delay] if isinstance(delay, str) else delay)
    return None


def fill(text: str, facts: Facts) -> str:
    """The text with `{facts}` filled in."""
    return text.format_map(cast(Mapping[str, Any], facts)) if "{" in text else text


@functools.cache
def table(name: str) -> Any:
    """The contents of stages/<name>.yaml; read-only."""
    return yaml.load((FOLDER / f"{name}.yaml").read_bytes(), Loader=_LOADER)


def parse(document: Any, known: Iterable[str], origin: str = "stages") -> Stages:
    """The stages in a document `{stages: [...]}`. `known`: the facts there are. StageError if something makes no sense."""
    rows = document.get("stages") if isinstance(document, Mapping) else None
    if not isinstance(rows, list) or not rows:
        raise StageError(f"{origin}: a list named stages is needed")
    facts = frozenset(known)
    found: dict[str, tuple[Stage, ...]] = {}
    for number, row in enumerate(rows):
        where = f"{origin}, stage {row.get('name') or number + 1 if isinstance(row, Mapping) else number + 1}"
        states, stage = _stage(row, facts, where)
        for state in states:
            found[state] = (*found.get(state, ()), stage)
    _check_ways(found, origin)
    return found


_FIELDS = frozenset({"name", "from", "to", "when", "delay", "reason", "message", "code", "events"})


def _stage(row: Any, facts: frozenset[str], where: str) -> tuple[list[str], Stage]:
    if not isinstance(row, Mapping):
        raise StageError(f"{where}: a stage is a map of {', '.join(sorted(_FIELDS))}")
    _no_others(row, _FIELDS, where)
    for field in ("name", "from", "to"):
        if not row.get(field):
            raise StageError(f"{where}: {field} is missing")
    states = row["from"] if isinstance(row["from"], list) else [row["from"]]
    when = row.get("when") or {}
    for name in when:
        _known(name, facts, where, "when")
    delay = row.get("delay", 0.0)
    if isinstance(delay, str):
        _known(delay, facts, where, "delay")
    elif isinstance(delay, bool) or not isinstance(delay, int | float) or delay < 0:
        raise StageError(f"{where}: delay is {delay!r}, not a number of seconds and not the name of a fact")
    _fillable(row.get("message") or "", facts, where)
    stage = Stage(
        name=row["name"],
        to=row["to"],
        when=tuple(when.items()),
        delay=delay if isinstance(delay, str) else float(delay),
        reason=row.get("reason") or "",
        message=row.get("message") or "",
        code=row.get("code"),
        events=tuple(_said(event, facts, where) for event in row.get("events") or ()),
    )
    return states, stage


def _said(event: Any, facts: frozenset[str], where: str) -> Said:
    if not isinstance(event, Mapping) or not event.get("reason") or not event.get("message"):
        raise StageError(f"{where}: an event needs a reason and a message")
    _no_others(event, frozenset({"reason", "message", "type", "each"}), where)
    kind = event.get("type", "Normal")
    if kind not in ("Normal", "Warning"):
        raise StageError(f"{where}: the type of an event is Normal or Warning, not {kind!r}")
    each = event.get("each") or ""
    if each:
        _known(each, facts, where, "each")
    _fillable(event["message"], facts | {"each"} if each else facts, where)
    return Said(event["reason"], event["message"], kind, each)


def _no_others(row: Mapping[str, Any], fields: frozenset[str], where: str) -> None:
    others = sorted(set(map(str, row)) - fields)
    if others:
        raise StageError(f"{where}: {', '.join(others)} is not one of {', '.join(sorted(fields))}")


def _known(name: str, facts: frozenset[str], where: str, field: str) -> None:
    if name not in facts:
        raise StageError(f"{where}: {field} names the fact {name!r}; there are {', '.join(sorted(facts))}")


class _Names(dict[str, str]):
    """Remembers which names a text asks for."""

    def __missing__(self, name: str) -> str:
        self[name] = ""
        return ""


def _fillable(text: str, facts: frozenset[str], where: str) -> None:
    names = _Names()
    try:
        text.format_map(names)
    except (ValueError, IndexError, KeyError) as error:
        raise StageError(f"{where}: {text!r} cannot be filled in: {error}") from None
    for name in names:
        _known(name, facts, where, "message")


def _check_ways(stages: Stages, origin: str) -> None:
    """No circle of stages without any delay and without any condition: a life must not run round on one spot."""
    for state, ways in stages.items():
        seen, at = {state}, state
        while ways and not ways[0].when and not ways[0].delay:
            at = ways[0].to
            if at in seen:
                raise StageError(f"{origin}: the stages from {state} run in a circle without delay")
            seen.add(at)
            ways = stages.get(at, ())
