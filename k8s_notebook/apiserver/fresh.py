"""The short way for pods that are copies: what was worked out for one pod of a template serves its siblings."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kind

REMEMBERED = 512
_SHARED = ("generation", "labels", "annotations", "ownerReferences", "finalizers")
_METADATA = ("labels", "annotations", "ownerReferences", "finalizers", "generateName", "namespace")


@dataclass(frozen=True, slots=True)
class _Known:
    """A pod before and after defaulting, admission and validation, and the epoch of admission's rules."""

    given: Obj
    finished: Obj
    epoch: int


class PodMemo:
    """Finished pods by the identity of the spec that they were made from.

    Objects are read-only, so the same spec values are an equal spec; the memo holds on to them, so that no other value can take
    their place.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, ...], _Known] = OrderedDict()

    def finished(self, kind: Kind, obj: Obj, epoch: int) -> Obj | None:
        """The object as it would come out, if a sibling took the same way before; it still needs a name."""
        if kind.plural != "pods":
            return None
        known = self._known.get(_identity(obj))
        if known is None or known.epoch != epoch:
            return None
        meta, before = obj["metadata"], known.given["metadata"]
        if (
            meta["name"]
            or obj["spec"].keys() != known.given["spec"].keys()
            or any(meta.get(f) != before.get(f) for f in _METADATA)
        ):
            return None
        # What a sibling has may be shared with it: one dict for thousands of pods.
        after = known.finished["metadata"]
        shared = {f: after[f] for f in _SHARED if f in after}
        return {**known.finished, "metadata": {**meta, **shared}}

    def learn(self, kind: Kind, given: Obj, finished: Obj, epoch: int) -> None:
        """Remember how a pod came out."""
        meta = given["metadata"]
        if kind.plural != "pods" or meta["name"] or not meta.get("generateName") or given["spec"].get("schedulingGates"):
            return
        # The given name is filled in later, in the dict that goes to the store.
        self._known[_identity(given)] = _Known({**given, "metadata": dict(meta)}, finished, epoch)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _identity(obj: Obj) -> tuple[int, ...]:
    spec = obj.get("spec")
    return (*map(id, spec.values()), len(spec)) if isinstance(spec, dict) else ()
