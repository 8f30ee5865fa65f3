"""`rollout status | history | undo | restart`, as kubectl words it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8s_notebook.machinery.actions import Get, Patch
from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.session import awaiting, output, reading, targets
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError, UsageError, error
from k8s_notebook.session.results import Result
from k8s_notebook.sim import clock

REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def _workload(door: Door, words: Sequence[str], namespace: str | None) -> tuple[Kind, str, str]:
    kind, name = targets.one(door, words)
    if kind.resource not in _STATUS:
        raise error(f"no rollout is known for {kind.plural}: only deployments, statefulsets and daemonsets have one")
    return kind, door.scope(kind, namespace), name


def status(
    door: Door,
    words: Sequence[str],
    namespace: str | None,
    *,
    timeout: float | None,
    watch: bool = True,
    say: Callable[[str], None] | None = None,
) -> Result:
    """What kubectl rollout status prints, once the rollout is complete; K8sError if it failed or the time is over.

    `say` hears each line when it is new.
    """
    kind, scope, name = _workload(door, words, namespace)
    lines: list[str] = []
    door.ask(Get(door.resource(kind), name, scope))

    def told(obj: Obj | None) -> None:
        line = _STATUS[kind.resource](name, obj)[0] if obj is not None else f"{targets.spelled(kind)}/{name} is gone"
        if not lines or lines[-1] != line:
            lines.append(line)
            if say is not None:
                say(line)

    def over(obj: Obj | None) -> bool:
        return obj is None or not watch or _STATUS[kind.resource](name, obj)[1] or _failed(obj) != ""

    deadline = None if timeout is None else clock.monotonic() + timeout
    met, obj = awaiting.until(door, kind, scope, name, over, deadline, told)
    if obj is None and met:
        raise error(f"{targets.spelled(kind)}/{name} was deleted during the rollout")
    failure = _failed(obj) if obj is not None else ""
    if failure:
        raise error(failure)
    if not met:
        raise K8sError("\n".join([*lines, "error: timed out waiting for the condition"]), reason="Timeout")
    return Result("\n".join(lines), (output.shown(obj),) if obj is not None else (), label="rollout status")


def _failed(obj: Obj) -> str:
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return f'deployment "{obj["metadata"]["name"]}" exceeded its progress deadline'
    return ""


def _deployment(name: str, obj: Obj) -> tuple[str, bool]:
    spec, has = obj.get("spec") or {}, obj.get("status") or {}
    if obj["metadata"].get("generation", 0) > has.get("observedGeneration", 0):
        return "Waiting for deployment spec update to be observed...", False
    wanted, updated = spec.get("replicas", 1), has.get("updatedReplicas", 0)
    total, available = has.get("replicas", 0), has.get("availableReplicas", 0)
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new replicas have been updated...", False
    if total > updated:
        return f"{waiting}{total - updated} old replicas are pending termination...", False
    if available < updated:
        return f"{waiting}{available} of {updated} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def _daemonset(name: str, obj: Obj) -> tuple[str, bool]:
    has = obj.get("status") or {}
    if obj["metadata"].get("generation", 0) > has.get("observedGeneration", 0):
        return "Waiting for daemon set spec update to be observed...", False
    wanted, updated = has.get("desiredNumberScheduled", 0), has.get("updatedNumberScheduled", 0)
    waiting = f'Waiting for daemon set "{name}" rollout to finish: '
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new pods have been updated...", False
    if has.get("numberAvailable", 0) < wanted:
        return f"{waiting}{has.get('numberAvailable', 0)} of {wanted} updated pods are available...", False
    return f'daemon set "{name}" successfully rolled out', True


def _statefulset(name: str, obj: Obj) -> tuple[str, bool]:
    spec, has = obj.get("spec") or {}, obj.get("status") or {}
    if obj["metadata"].get("generation", 0) > has.get("observedGeneration", 0):
        return "Waiting for statefulset spec update to be observed...", False
    wanted, ready = spec.get("replicas", 1), has.get("readyReplicas", 0)
    if ready < wanted:
        return f"Waiting for {wanted - ready} pods to be ready...", False
    if has.get("updateRevision") != has.get("currentRevision"):
        updated = has.get("updatedReplicas", 0)
        return (
            f"waiting for statefulset rolling update to complete {updated} pods at revision {has.get('updateRevision')}...",
            False,
        )
    return (
        f"statefulset rolling update complete {has.get('currentReplicas', 0)} pods at revision {has.get('currentRevision')}...",
        True,
    )


_STATUS: dict[str, Callable[[str, Obj], tuple[str, bool]]] = {
    "deployments.apps": _deployment,
    "daemonsets.apps": _daemonset,
    "statefulsets.apps": _statefulset,
}


def restart(door: Door, words: Sequence[str], namespace: str | None) -> Result:
    """What kubectl rollout restart prints."""
    kind, scope, name = _workload(door, words, namespace)
    stamp = clock.timestamp(clock.Wall().now())
    body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: stamp}}}}}
    obj = door.ask(Patch(door.resource(kind), name, scope, body, "strategic", manager="kubectl-rollout"))
    return Result(f"{targets.spelled(kind)}/{name} restarted", (output.shown(obj),), label="rollout restart")


def _revisions(door: Door, words: Sequence[str], namespace: str | None) -> tuple[Kind, Obj, dict[int, Obj]]:
    """The deployment and its replica sets by revision."""
    kind, scope, name = _workload(door, words, namespace)
    if kind.resource != "deployments.apps":
        raise UsageError(f"error: the history of {kind.plural} is not kept here: only that of deployments")
    obj = door.ask(Get(door.resource(kind), name, scope))
    labels = str(selectors.from_spec(obj["spec"]["selector"]))
    found = {}
    for replicas in reading.items(door, door.kind("replicasets.apps"), scope, labels):
        owners = replicas["metadata"].get("ownerReferences") or ()
        revision = (replicas["metadata"].get("annotations") or {}).get(REVISION, "")
        if any(o["uid"] == obj["metadata"]["uid"] for o in owners) and revision.isdigit():
            found[int(revision)] = replicas
    return kind, obj, found


def history(door: Door, words: Sequence[str], namespace: str | None) -> Result:
    """What kubectl rollout history prints."""
    kind, obj, found = _revisions(door, words, namespace)
    rows = [("REVISION", "CHANGE-CAUSE")]
    rows += [(str(n), (found[n]["metadata"].get("annotations") or {}).get(CAUSE) or "<none>") for n in sorted(found)]
    body = "\n".join(f"{number:<10}{cause}" for number, cause in rows)
    items = tuple(output.shown(found[n]) for n in sorted(found))
    return Result(f"{targets.spelled(kind)}/{obj['metadata']['name']} \n{body}", items, label="rollout history")


def _same(one: Obj, other: Obj) -> bool:
    """Whether two pod templates say the same."""
    fields = ("labels", "annotations")
    metadata, others = one.get("metadata") or {}, other.get("metadata") or {}
    return one["spec"] == other["spec"] and all((metadata.get(f) or {}) == (others.get(f) or {}) for f in fields)


def undo(door: Door, words: Sequence[str], namespace: str | None, revision: int = 0) -> Result:
    """What kubectl rollout undo prints: the template of a revision (0: the one before) becomes the deployment's again."""
    kind, obj, found = _revisions(door, words, namespace)
    name, scope = obj["metadata"]["name"], obj["metadata"].get("namespace", "")
    numbers = sorted(found)
    if not revision and len(numbers) < 2:
        raise error(f"no rollout history found for {targets.spelled(kind)} {name!r}")
    number = revision or numbers[-2]
    if number not in found:
        raise error(f"unable to find specified revision {number} in history")
    template = found[number]["spec"]["template"]
    labels = {k: v for k, v in (template["metadata"].get("labels") or {}).items() if k != "pod-template-hash"}
    wanted = {**template, "metadata": {**template["metadata"], "labels": labels}}
    if _same(wanted, obj["spec"]["template"]):
        return Result(f"{targets.spelled(kind)}/{name} skipped rollback (current template already matches revision {number})")
    patch = [{"op": "replace", "path": "/spec/template", "value": wanted}]
    changed = door.ask(Patch(door.resource(kind), name, scope, patch, "json", manager="kubectl-rollout"))
    return Result(f"{targets.spelled(kind)}/{name} rolled back", (output.shown(changed),), label="rollout undo")
