"""Rules for changing a pod: what may change after creation.

As in pkg/apis/core/validation: ValidatePodUpdate.
"""

from __future__ import annotations

import difflib
import json
from typing import Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import names, pods, scheduling
from k8s_notebook.objects.validating.findings import Findings

_CHANGEABLE: Final = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_LARGEST: Final = 2**31 - 1
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed pod."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    if now is before or now == before:
        return
    pods.check_spec(found, now, "spec", pod=True)
    for field in ("containers", "initContainers"):
        if not _same_count(found, now, before, field):
            return
    if not _deadline(found, now, before):
        return
    _tolerations(found, now.get("tolerations") or [], before.get("tolerations") or [])
    _gates(found, now.get("schedulingGates") or [], before.get("schedulingGates") or [])
    munged = _munged(now, before)
    if before.get("schedulingGates"):
        munged = _gated(found, munged, before)
    if munged != before:
        found.forbidden("spec", f"pod updates may not change fields other than {_CHANGEABLE}\n{difference(before, munged)}")


def _same_count(found: Findings, new: Obj, old: Obj, field: str) -> bool:
    now, before = new.get(field) or [], old.get(field) or []
    if len(now) != len(before):
        found.forbidden(f"spec.{field}", "pod updates may not add or remove containers")
        return False
    for i, container in enumerate(now):
        image = container.get("image") or ""
        if image != image.strip():
            found.invalid(f"spec.{field}[{i}].image", image, "must not have leading or trailing whitespace")
    return True


def _deadline(found: Findings, new: Obj, old: Obj) -> bool:
    now, before = new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")
    path = "spec.activeDeadlineSeconds"
    if now is None:
        if before is not None:
            found.invalid(path, None, "must not update from a positive integer to nil value")
        return True
    wrong = names.in_range(now, 0, _LARGEST)
    if not wrong and before is not None and before < now:
        wrong = ("must be less than or equal to previous value",)
    found.each(path, now, wrong)
    return not wrong


def _tolerations(found: Findings, new: list[Obj], old: list[Obj]) -> None:
    bare = [{k: v for k, v in t.items() if k != "tolerationSeconds"} for t in new]
    for toleration in old:
        if {k: v for k, v in toleration.items() if k != "tolerationSeconds"} not in bare:
            found.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
            return
    scheduling.tolerations(found, new, "spec.tolerations")


def _gates(found: Findings, new: list[Obj], old: list[Obj]) -> None:
    known = {gate.get("name") for gate in old}
    for i, gate in enumerate(new):
        if gate.get("name") not in known:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            found.forbidden(f"spec.schedulingGates[{i}].name", why)


def _munged(new: Obj, old: Obj) -> Obj:
    """The new spec with what may change as it was."""
    munged = dict(new)
    for field in ("containers", "initContainers"):
        if field in new and field in old:
            pairs = zip(new[field], old[field], strict=True)
            munged[field] = [{**now, "image": was["image"]} if "image" in was else now for now, was in pairs]
    kept = ["activeDeadlineSeconds", "schedulingGates", "tolerations"]
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and new.get("terminationGracePeriodSeconds") == 1:
        kept.append("terminationGracePeriodSeconds")
    return _as_before(munged, old, kept)


def _as_before(munged: Obj, old: Obj, fields: list[str]) -> Obj:
    rest = {k: v for k, v in munged.items() if k not in fields}
    return rest | {k: old[k] for k in fields if k in old}


def _gated(found: Findings, munged: Obj, old: Obj) -> Obj:
    """Pods behind gates may narrow where they run."""
    now, before = munged.get("nodeSelector") or {}, old.get("nodeSelector") or {}
    if any(now.get(key) != value for key, value in before.items()):
        found.invalid("spec.nodeSelector", now, "only additions to spec.nodeSelector are allowed (no mutations or deletions)")
    affinity, was = dict(munged.get("affinity") or {}), old.get("affinity") or {}
    if affinity.get("nodeAffinity") != was.get("nodeAffinity"):
        _narrowed(found, affinity.get("nodeAffinity") or {}, was.get("nodeAffinity") or {})
        affinity = {k: v for k, v in affinity.items() if k != "nodeAffinity"}
        affinity |= {"nodeAffinity": was["nodeAffinity"]} if "nodeAffinity" in was else {}
        munged = {**munged, "affinity": affinity} if affinity or "affinity" in old else _as_before(munged, {}, ["affinity"])
    return _as_before(munged, old, ["nodeSelector"])


def _narrowed(found: Findings, new: Obj, old: Obj) -> None:
    """The required terms of node affinity may only get more requirements."""
    before = (old.get(_REQUIRED) or {}).get("nodeSelectorTerms")
    if before is None:
        return
    path = f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    now = (new.get(_REQUIRED) or {}).get("nodeSelectorTerms") or []
    if len(now) != len(before):
        found.invalid(path, now, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
        return
    for i, (mine, theirs) in enumerate(zip(now, before, strict=True)):
        for field in ("matchExpressions", "matchFields"):
            if (mine.get(field) or [])[: len(theirs.get(field) or [])] != (theirs.get(field) or []):
                found.invalid(f"{path}[{i}]", mine, "only additions are allowed (no mutations or deletions)")


def difference(old: object, new: object) -> str:
    """What differs, as a diff of the two as indented JSON, as readers of the message expect at its end."""
    before, after = (json.dumps(value, sort_keys=True, indent=1).splitlines() for value in (old, new))
    lines = list(difflib.unified_diff(before, after, lineterm=""))[2:]
    return "\n".join(lines) + "\n"
