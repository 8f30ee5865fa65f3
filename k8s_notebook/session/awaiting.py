"""Waiting for objects: a watch with a deadline, stopped at once by an interrupt of the kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from k8s_notebook.client import waiting
from k8s_notebook.machinery.actions import Get
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.session import jsonpath, output, reading, targets
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import Interrupted, K8sError, UsageError
from k8s_notebook.session.results import Result
from k8s_notebook.sim import clock

Test = Callable[[Obj | None], bool]
Wanted = tuple[Kind, str, str]
"""Kind, namespace, name."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str | float) -> float:
    """Seconds of "30s", "1m30s", 5 or "5"; UsageError if it is no duration.

    >>> seconds("1m30s")
    90.0
    """
    if isinstance(text, (int, float)):
        return float(text)
    parts = _DURATION.findall(text)
    if parts and "".join(n + u for n, u in parts) == text:
        return sum(float(n) * _UNITS[u] for n, u in parts)
    try:
        return float(text)
    except ValueError:
        raise UsageError(f'error: "{text}" is not a duration: write it as 30s, 5m or 1h') from None


def condition(text: str) -> Test:
    """The test of `--for`: "delete", "create", "condition=Ready[=False]", "jsonpath={.status.phase}=Running"."""
    how, _, what = text.partition("=")
    if text in {"delete", "create"}:
        return (lambda obj: obj is None) if text == "delete" else (lambda obj: obj is not None)
    if how == "condition" and what:
        name, _, value = what.partition("=")
        return lambda obj: obj is not None and _has(obj, name, value or "True")
    if how == "jsonpath" and what:
        path, brace, value = what.rpartition("}")
        path, value = (path + brace, value.removeprefix("=")) if brace else what.rsplit("=", 1) if "=" in what else (what, "")
        return lambda obj: obj is not None and _leads(path, value, obj)
    raise UsageError(
        f"error: unrecognized condition: \"{text}\" (use delete, create, condition=Ready or jsonpath='{{.status.phase}}'=Running)"
    )


def _has(obj: Obj, name: str, value: str) -> bool:
    metadata, status = obj["metadata"], obj.get("status") or {}
    observed = status.get("observedGeneration")
    if observed is not None and observed < metadata.get("generation", 0):
        return False
    return any(
        str(c.get("type")).lower() == name.lower() and str(c.get("status")).lower() == value.lower()
        for c in status.get("conditions") or ()
    )


def _leads(path: str, value: str, obj: Obj) -> bool:
    found = jsonpath.find(path.strip("{}"), obj)
    return any(not value or (v if isinstance(v, str) else jsonpath.evaluate("{@}", v)) == value for v in found)


def wait(door: Door, wanted: Sequence[Wanted], for_: str = "condition=Ready", timeout: float = 30.0) -> Result:
    """What kubectl wait prints, once all objects fulfil the condition; K8sError when the time is over."""
    test = condition(for_)
    deadline = clock.monotonic() + timeout
    items: list[Obj] = []
    lines: list[str] = []
    for kind, namespace, name in wanted:
        said = f"{targets.spelled(kind)}/{name}"
        if for_ not in {"delete", "create"}:
            door.ask(Get(door.resource(kind), name, namespace))
        met, obj = until(door, kind, namespace, name, test, deadline)
        if not met:
            raise K8sError(
                "\n".join([*lines, f"error: timed out waiting for the condition on {kind.plural}/{name}"]), reason="Timeout"
            )
        lines.append(f"{said} {'deleted' if for_ == 'delete' else 'condition met'}")
        items += [output.shown(obj)] if obj is not None else []
    return Result("\n".join(lines), tuple(items), label="wait")


def find(
    door: Door, words: Sequence[str], namespace: str | None, selector: str = "", *, everything: bool = False
) -> list[Wanted]:
    """The objects that a command line means, for waiting."""
    found: list[Wanted] = []
    for target in targets.parse(door, words):
        scope = door.scope(target.kind, namespace)
        names = list(target.names)
        if not names and (selector or everything):
            names = [i["metadata"]["name"] for i in reading.items(door, target.kind, scope, selector)]
        found += [(target.kind, scope, n) for n in names]
    if not found:
        raise K8sError("error: no matching resources found", reason="NotFound")
    return found


def until(
    door: Door,
    kind: Kind,
    namespace: str,
    name: str,
    test: Test,
    deadline: float | None,
    told: Callable[[Obj | None], None] | None = None,
) -> tuple[bool, Obj | None]:
    """Whether an object passes the test before the deadline, and how it is then (None: it is gone).

    `told` sees every state on the way.
    """
    subscription = door.api.watch(door.resource(kind), namespace=namespace, fields=f"metadata.name={name}")
    obj: Obj | None = None
    synced = False
    try:
        while True:
            for event in waiting.arrivals(subscription, deadline):
                if event.type == "BOOKMARK":
                    synced = synced or event.initial
                elif event.object["metadata"]["name"] == name:
                    obj = None if event.type == "DELETED" else event.object
                    synced = synced or event.type != "ADDED"
                if synced:
                    if told is not None:
                        told(obj)
                    if test(obj):
                        return True, obj
            if deadline is not None and clock.monotonic() >= deadline:
                return False, obj
            if subscription.ended:
                subscription = door.api.watch(door.resource(kind), namespace=namespace, fields=f"metadata.name={name}")
                waiting.pause(waiting.SLICE)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted while waiting for {targets.spelled(kind)}/{name}") from None
    finally:
        subscription.close()


def gone(door: Door, going: Sequence[tuple[Kind, str, str, str]], timeout: float) -> None:
    """Return when the objects (kind, namespace, name, uid) are gone or replaced; K8sError when the time is over."""
    deadline = clock.monotonic() + timeout
    answers = door.ask_all([Get(door.resource(k), n, ns) for k, ns, n, _ in going])
    for (kind, namespace, name, uid), answer in zip(going, answers, strict=True):
        if isinstance(answer, errors.ApiError) or (uid and answer["metadata"].get("uid") != uid):
            continue
        met, _ = until(door, kind, namespace, name, _replaced(uid), deadline)
        if not met:
            raise K8sError(f"error: timed out waiting for {targets.spelled(kind)}/{name} to be deleted", reason="Timeout")


def _replaced(uid: str) -> Test:
    return lambda obj: obj is None or bool(uid and obj["metadata"].get("uid") != uid)
