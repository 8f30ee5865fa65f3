"""The revisions of a Deployment: which ReplicaSet is the new one, its name, its annotations.

As in pkg/controller/deployment: sync.go (getNewReplicaSet), util/deployment_util.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import ownership, rollout
from k8s_notebook.objects import Obj
from k8s_notebook.sim.streams import NAME_LETTERS

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
HISTORY_LENGTH = 2000
"""Characters of revision history that are kept."""
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        HISTORY,
        rollout.DESIRED,
        rollout.MAXIMUM,
        "deprecated.deployment.rollback.to",
    }
)


def split(deployment: Obj, sets: Iterable[Obj]) -> tuple[Obj | None, list[Obj]]:
    """(the oldest set with the Deployment's pod template or None, all others), oldest first."""
    ordered = rollout.by_age(sets)
    template = deployment["spec"]["template"]
    new = next((s for s in ordered if same_template(template, s["spec"]["template"])), None)
    return new, [s for s in ordered if s is not new]


def same_template(one: Obj, other: Obj) -> bool:
    """Whether two pod templates are equal but for the label pod-template-hash."""
    return one.get("spec") == other.get("spec") and _described(one) == _described(other)


def _described(template: Obj) -> Obj:
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    found = {**metadata, "labels": labels, "creationTimestamp": None}
    return {k: v for k, v in found.items() if v}


def template_hash(template: Obj, collisions: int | None) -> str:
    """A name part that follows from the template: FNV-1a, spelled with the letters of generated names."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":")) + ("" if collisions is None else str(collisions))
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return "".join(NAME_LETTERS[ord(digit) % len(NAME_LETTERS)] for digit in str(value))


def revision(replicaset: Obj) -> int:
    """Its revision, 0 if it has none."""
    text = rollout.annotations_of(replicaset).get(REVISION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def latest(olds: Sequence[Obj]) -> int:
    """The highest revision."""
    return max(map(revision, olds), default=0)


def counts(deployment: Obj) -> dict[str, str]:
    """The two annotations by which a set remembers how large the Deployment was."""
    wanted = deployment["spec"].get("replicas", 1)
    return {rollout.DESIRED: str(wanted), rollout.MAXIMUM: str(wanted + rollout.limits(deployment)[0])}


def synced_annotations(deployment: Obj, replicaset: Obj, olds: Sequence[Obj]) -> dict[str, str]:
    """The annotations that the new set should have: copied ones, the next revision, past revisions of a rollback."""
    found = dict(rollout.annotations_of(replicaset))
    found.update({k: v for k, v in rollout.annotations_of(deployment).items() if k not in _NOT_COPIED})
    before = rollout.annotations_of(replicaset).get(REVISION, "")
    if before and not before.isdigit():
        return found
    newest = latest(olds) + 1
    if int(before or 0) < newest:
        found[REVISION] = str(newest)
        if before:
            found[HISTORY] = _history(found.get(HISTORY, ""), before)
    return found


def _history(past: str, before: str) -> str:
    """The list of past revisions with one more, cut at the front to its length limit."""
    entries = [*filter(None, past.split(",")), before]
    while len(",".join(entries)) > HISTORY_LENGTH:
        entries.pop(0)
    return ",".join(entries)


def new_set(deployment: Obj, olds: Sequence[Obj]) -> Obj:
    """The ReplicaSet for the Deployment's template, in the size that the rollout allows at once."""
    spec, metadata = deployment["spec"], deployment["metadata"]
    template = spec["template"]
    name = template_hash(template, (deployment.get("status") or {}).get("collisionCount"))
    described = template.get("metadata") or {}
    labels = {**(described.get("labels") or {}), HASH_LABEL: name}
    selector = spec.get("selector") or {}
    made: Obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name'][: 252 - len(name)]}-{name}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [ownership.reference_to(deployment)],
        },
        "spec": {
            "replicas": rollout.growth(deployment, 0, rollout.total(olds)),
            "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: name}},
            "template": {**template, "metadata": {**described, "labels": labels}},
        },
    }
    if spec.get("minReadySeconds"):
        made["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    made["metadata"]["annotations"] = {**synced_annotations(deployment, made, olds), **counts(deployment)}
    return made
