"""Deployments and ReplicaSets."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_notebook.objects import Obj, errors, selectors
from k8s_notebook.session import reading, rollout
from k8s_notebook.session.describe import containers, pods
from k8s_notebook.session.describe.lines import Page, notes, selector, when
from k8s_notebook.session.door import Door


def deployment(door: Door, page: Page, obj: Obj) -> None:
    """Replicas, strategy, template, conditions, and the replica sets behind it."""
    metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    page.pair(0, "Name", metadata["name"])
    page.pair(0, "Namespace", metadata.get("namespace"))
    page.pair(0, "CreationTimestamp", when(metadata.get("creationTimestamp")))
    page.mapping(0, "Labels", metadata.get("labels"))
    notes(page, metadata)
    page.pair(0, "Selector", selector(spec.get("selector")))
    counts = [
        (spec.get("replicas", 1), "desired"),
        (status.get("updatedReplicas", 0), "updated"),
        (status.get("replicas", 0), "total"),
        (status.get("availableReplicas", 0), "available"),
        (status.get("unavailableReplicas", 0), "unavailable"),
    ]
    page.pair(0, "Replicas", " | ".join(f"{n} {what}" for n, what in counts))
    strategy = spec.get("strategy") or {}
    page.pair(0, "StrategyType", strategy.get("type"))
    page.pair(0, "MinReadySeconds", spec.get("minReadySeconds", 0))
    rolling = strategy.get("rollingUpdate")
    if rolling:
        said = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge"
        page.pair(0, "RollingUpdateStrategy", said)
    template(page, spec.get("template") or {})
    _conditions(page, status.get("conditions") or ())
    _replicasets(door, page, obj)


def replicaset(door: Door, page: Page, obj: Obj) -> None:
    """Replicas, template and what became of its pods."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    metadata = obj["metadata"]
    page.pair(0, "Name", metadata["name"])
    page.pair(0, "Namespace", metadata.get("namespace"))
    page.pair(0, "Selector", selector(spec.get("selector")))
    page.mapping(0, "Labels", metadata.get("labels"))
    notes(page, metadata)
    owner = next((o for o in metadata.get("ownerReferences") or () if o.get("controller")), None)
    if owner:
        page.pair(0, "Controlled By", f"{owner['kind']}/{owner['name']}")
    page.pair(0, "Replicas", f"{status.get('replicas', 0)} current / {spec.get('replicas', 1)} desired")
    page.pair(0, "Pods Status", _phases(door, obj))
    template(page, spec.get("template") or {})
    _conditions(page, status.get("conditions") or ())


def _phases(door: Door, obj: Obj) -> str:
    matching = selectors.from_spec(obj["spec"]["selector"])
    found = reading.items(door, door.kind("pods"), obj["metadata"]["namespace"], str(matching))
    uid = obj["metadata"].get("uid")
    phases = [
        (p.get("status") or {}).get("phase")
        for p in found
        if any(o["uid"] == uid for o in p["metadata"].get("ownerReferences") or ())
    ]
    names = (("Running", "Running"), ("Pending", "Waiting"), ("Succeeded", "Succeeded"), ("Failed", "Failed"))
    return " / ".join(f"{phases.count(phase)} {said}" for phase, said in names)


def template(page: Page, found: Obj) -> None:
    """The pod template."""
    metadata, spec = found.get("metadata") or {}, found.get("spec") or {}
    page.add(0, "Pod Template:")
    page.mapping(1, "Labels", metadata.get("labels"))
    if metadata.get("annotations"):
        page.mapping(1, "Annotations", metadata["annotations"], ": ")
    if spec.get("serviceAccountName"):
        page.pair(1, "Service Account", spec["serviceAccountName"])
    containers.describe(page, 1, "Init Containers", spec.get("initContainers") or (), None)
    containers.describe(page, 1, "Containers", spec.get("containers") or (), None)
    pods.volumes(page, spec, level=1)
    page.mapping(1, "Node-Selectors", spec.get("nodeSelector"))
    page.several(1, "Tolerations", sorted(map(pods.toleration, spec.get("tolerations") or ())))


def _conditions(page: Page, conditions: Iterable[Obj]) -> None:
    found = list(conditions)
    if found:
        page.add(0, "Conditions:")
        page.table(1, ("Type", "Status", "Reason"), [(c["type"], c["status"], c.get("reason", "")) for c in found], padded=1)


def _replicasets(door: Door, page: Page, obj: Obj) -> None:
    metadata = obj["metadata"]
    matching = str(selectors.from_spec(obj["spec"]["selector"]))
    try:
        found = reading.items(door, door.kind("replicasets.apps"), metadata["namespace"], matching)
    except errors.ApiError:
        return
    mine = [r for r in found if any(o["uid"] == metadata.get("uid") for o in r["metadata"].get("ownerReferences") or ())]
    revision = (metadata.get("annotations") or {}).get(rollout.REVISION)
    new = [r for r in mine if (r["metadata"].get("annotations") or {}).get(rollout.REVISION) == revision]
    page.pair(0, "OldReplicaSets", ", ".join(_counted(r) for r in mine if r not in new))
    page.pair(0, "NewReplicaSet", ", ".join(map(_counted, new)))


def _counted(obj: Obj) -> str:
    has, wanted = (obj.get("status") or {}).get("replicas", 0), (obj.get("spec") or {}).get("replicas", 0)
    return f"{obj['metadata']['name']} ({has}/{wanted} replicas created)"
