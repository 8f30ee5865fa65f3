"""Who owns what: controller references, adoption of orphans, release of what no longer matches.

As in pkg/controller: controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from k8s_notebook.machinery.actions import Action, Patch
from k8s_notebook.machinery.cache import Name, View
from k8s_notebook.objects import Obj
from k8s_notebook.objects.selectors import LabelSelector


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference of the controller, or None."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            found: Obj = reference
            return found
    return None


def reference_to(owner: Obj) -> Obj:
    """The controller reference that an owner gives to what it makes."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owner_key(obj: Obj, kind: str) -> Iterable[Name]:
    """The key of the controller if it is of this kind."""
    reference = controller_of(obj)
    if reference is not None and reference["kind"] == kind:
        return ((obj["metadata"].get("namespace", ""), reference["name"]),)
    return ()


def keys_of_owners(
    view: View, old: Obj | None, new: Obj | None, kind: str, matching: Callable[[View, Obj], Iterable[Name]]
) -> list[Name]:
    """The keys of the old and the new controller of something; for an orphan, of those that could adopt it."""
    keys: dict[Name, None] = {}
    for obj in (old, new):
        if obj is not None:
            keys.update(dict.fromkeys(owner_key(obj, kind)))
    if new is not None and controller_of(new) is None and "deletionTimestamp" not in new["metadata"]:
        keys.update(dict.fromkeys(matching(view, new)))
    return list(keys)


def claim(
    owner: Obj, owned: Iterable[Obj], orphans: Iterable[Obj], selector: LabelSelector, resource: str
) -> tuple[list[Obj], list[Action]]:
    """(what is the owner's, the patches that adopt matching orphans and release what does not match)."""
    mine: list[Obj] = []
    patches: list[Action] = []
    leaving = "deletionTimestamp" in owner["metadata"]
    known: Obj | None = None
    for obj in owned:
        labels = obj["metadata"].get("labels")
        if labels is not None and labels is known:
            mine.append(obj)
        elif selector.matches(labels):
            known = labels
            mine.append(obj)
        elif not leaving:
            patches.append(_release(owner, obj, resource))
    for obj in orphans if not leaving else ():
        if "deletionTimestamp" not in obj["metadata"] and selector.matches(obj["metadata"].get("labels")):
            mine.append(obj)
            patches.append(_adopt(owner, obj, resource))
    return mine, patches


def _adopt(owner: Obj, obj: Obj, resource: str) -> Patch:
    metadata = obj["metadata"]
    body = {"metadata": {"ownerReferences": [reference_to(owner)], "uid": metadata["uid"]}}
    return Patch(resource, metadata["name"], metadata.get("namespace", ""), body, "strategic")


def _release(owner: Obj, obj: Obj, resource: str) -> Patch:
    metadata = obj["metadata"]
    gone = {"$patch": "delete", "uid": owner["metadata"]["uid"]}
    body = {"metadata": {"ownerReferences": [gone], "uid": metadata["uid"]}}
    return Patch(resource, metadata["name"], metadata.get("namespace", ""), body, "strategic")
