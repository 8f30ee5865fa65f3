"""Two versions of one object: what stays the server's, whether anything changed, whether the new one is the last."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import Cause

_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName", "selfLink")


def with_kept_metadata(new: Obj, old: Obj) -> Obj:
    """The new version with the metadata that only the server writes."""
    before, given = old["metadata"], new["metadata"]
    if (
        all(given.get(f) == before.get(f) for f in _KEPT)
        and given.get("name")
        and given.get("namespace") == before.get("namespace")
    ):
        return new
    meta = {k: v for k, v in given.items() if k not in _KEPT}
    meta.update({f: before[f] for f in _KEPT if f in before})
    meta["name"] = before["name"]
    if "namespace" in before:
        meta["namespace"] = before["namespace"]
    return {**new, "metadata": meta}


def finalizer_causes(new: Obj, old: Obj) -> list[Cause]:
    """No new finalizers once an object is being deleted."""
    if "deletionTimestamp" not in old["metadata"]:
        return []
    before = old["metadata"].get("finalizers") or []
    added = sorted(f for f in new["metadata"].get("finalizers") or [] if f not in before)
    if not added:
        return []
    listed = "[]string{" + ", ".join(f'"{f}"' for f in added) + "}"
    why = f"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers {listed}"
    return [Cause("FieldValueForbidden", why, "metadata.finalizers")]


def finished(obj: Obj) -> bool:
    """Whether nothing holds an object any more that is being deleted."""
    meta = obj["metadata"]
    if meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    return not (obj["kind"] == "Namespace" and (obj.get("spec") or {}).get("finalizers"))


_SILENT = ("resourceVersion", "managedFields")


def same(old: Obj, new: Obj) -> bool:
    """Whether a write changes nothing (times of field ownership do not count)."""
    if len(old) != len(new):
        return False
    for name, value in new.items():
        if name != "metadata" and old.get(name, _SILENT) != value:
            return False
    before, after = old["metadata"], new["metadata"]
    if any(before.get(k) != v for k, v in after.items() if k not in _SILENT):
        return False
    if any(k not in after for k in before if k not in _SILENT):
        return False
    return _owners(before) == _owners(after)


def _owners(meta: Obj) -> list[Obj]:
    return [{k: v for k, v in entry.items() if k != "time"} for entry in meta.get("managedFields") or ()]
