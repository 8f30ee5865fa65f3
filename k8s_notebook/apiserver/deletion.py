"""delete and deletecollection: grace, finalizers, propagation, and what is answered."""

from __future__ import annotations

from k8s_notebook.apiserver import conversion, reading, refusals
from k8s_notebook.apiserver.admission import Admission
from k8s_notebook.apiserver.calls import Answer, Call, DeleteOptions, ListOptions
from k8s_notebook.apiserver.state import State, metadata
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.sim.clock import seconds, timestamp
from k8s_notebook.store.watches import Entry

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_POLICIES = ("", "Orphan", "Background", "Foreground")
_ORPHANS = frozenset(("replicationcontrollers", "jobs.batch"))
"""Resources whose dependents stay unless the request says otherwise."""
_OBJECT_GROUPS = frozenset(("resource.k8s.io",))
_ANSWERS_OBJECT = frozenset(
    ("pods", "namespaces", "services", "persistentvolumeclaims", "persistentvolumes", "serviceaccounts", "podtemplates",
     "resourcequotas", "storageclasses.storage.k8s.io", "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io",
     "volumeattachments.storage.k8s.io", "volumeattributesclasses.storage.k8s.io")
)  # fmt: skip
"""Resources whose deletion answers the object; all others answer a Status."""


class Deletion:
    """The verbs that take objects away."""

    def __init__(self, state: State, admission: Admission) -> None:
        self._state = state
        self._admission = admission

    def delete(self, kind: Kind, namespace: str, name: str, options: DeleteOptions, call: Call) -> Answer:
        """Delete an object, or mark it as being deleted while something holds it."""
        _check(options)
        entry = self._state.find(kind, namespace, name)
        _preconditions(kind, entry.obj, options)
        self._admission.deleting(kind, entry)
        return self._delete(kind, entry, options, call)

    def collection(self, kind: Kind, wanted: ListOptions, options: DeleteOptions, call: Call) -> Answer:
        """Delete what a list would show; the answer is the list of what was deleted."""
        _check(options)
        page = reading.listed(self._state, kind, wanted)
        found = page.to_dict()
        for entry in page.entries:
            self._admission.deleting(kind, entry)
            _preconditions(kind, entry.obj, options)
            self._delete(kind, entry, options, call)
        return Answer(found, revision=self._state.store.revision)

    def _delete(self, kind: Kind, entry: Entry, options: DeleteOptions, call: Call) -> Answer:
        marked, gone = self._marked(kind, entry.obj, options)
        if marked is not entry.obj:
            if call.dry_run:
                return Answer(conversion.shown(kind, marked))
            entry = self._state.store.put(conversion.storage(kind), marked)
        if gone:
            return self._remove(kind, entry, call)
        return Answer(conversion.shown(kind, entry.obj), revision=entry.revision)

    def _marked(self, kind: Kind, obj: Obj, options: DeleteOptions) -> tuple[Obj, bool]:
        """(The object with its deletion marked, whether nothing holds it); as BeforeDelete in apiserver/pkg/registry/rest.

        A pod is marked even if it then goes at once: watchers see that, and its last state has a grace period of 0.
        """
        finalizers = _finalizers(kind, obj, options)
        meta = obj["metadata"]
        held = bool(finalizers) or (kind.resource == "namespaces" and bool((obj.get("spec") or {}).get("finalizers")))
        if meta.get("deletionTimestamp") is not None:
            if meta.get("deletionGracePeriodSeconds"):
                return self._shortened(obj, options, finalizers)
            same = finalizers == (meta.get("finalizers") or [])
            return obj if same else metadata(obj, finalizers=finalizers or None), not held
        if kind.resource == "pods":
            grace = _grace(obj, options)
            return _terminating(obj, self._state.now(), grace, finalizers), not (held or grace)
        return (_terminating(obj, self._state.now(), 0, finalizers), False) if held else (obj, True)

    def _shortened(self, obj: Obj, options: DeleteOptions, finalizers: list[str]) -> tuple[Obj, bool]:
        """The same for an object that is being deleted gracefully: its grace period can only become shorter."""
        had = obj["metadata"]["deletionGracePeriodSeconds"]
        grace = had if options.grace is None else 1 if options.grace < 0 else options.grace
        if grace >= had:
            return obj, False
        end, now = seconds(obj["metadata"]["deletionTimestamp"]) - had + grace, self._state.now()
        if end < now:
            end, grace = now, min(grace, 1)
        marks = {"deletionTimestamp": timestamp(end), "deletionGracePeriodSeconds": grace, "finalizers": finalizers or None}
        return metadata(obj, **marks), not (finalizers or grace)

    def _remove(self, kind: Kind, entry: Entry, call: Call) -> Answer:
        old = entry.obj
        answer = (
            conversion.shown(kind, old) if kind.resource in _ANSWERS_OBJECT or kind.group in _OBJECT_GROUPS else _gone(kind, old)
        )
        if call.dry_run:
            return Answer(answer)
        meta = old["metadata"]
        gone = self._state.store.delete(conversion.storage(kind), meta.get("namespace", ""), meta["name"])
        self._admission.stored(kind, None, old)
        return Answer(answer, revision=gone.revision)


def _check(options: DeleteOptions) -> None:
    if options.propagation not in _POLICIES:
        supported = 'supported values: "Foreground", "Background", "Orphan", "nil"'
        message = f'Unsupported value: "{options.propagation}": {supported}'
        raise refusals.bad_option("DeleteOptions", "propagationPolicy", "FieldValueNotSupported", message)
    if options.propagation and options.orphan is not None:
        message = 'Invalid value: "' + options.propagation + '": orphanDependents and deletionPropagation cannot be both set'
        raise refusals.bad_option("DeleteOptions", "propagationPolicy", "FieldValueInvalid", message)


def _preconditions(kind: Kind, obj: Obj, options: DeleteOptions) -> None:
    meta = obj["metadata"]
    if options.uid and options.uid != meta["uid"]:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated"
        )
    elif options.version and options.version != meta["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion in record "
            f"({meta['resourceVersion']}). The object might have been modified"
        )
    else:
        return
    raise errors.conflict(f"{kind.kind}.{kind.group}" if kind.group else kind.kind, meta["name"], why)


def _grace(obj: Obj, options: DeleteOptions) -> int:
    """Seconds that a pod may still live: only one that runs on a node has any."""
    spec = obj.get("spec") or {}
    if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    grace = options.grace if options.grace is not None else spec.get("terminationGracePeriodSeconds", 30)
    return int(grace) if grace is not None and grace >= 0 else 1


def _finalizers(kind: Kind, obj: Obj, options: DeleteOptions) -> list[str]:
    """The object's finalizers, with those that ask the garbage collector to act first."""
    kept = list(obj["metadata"].get("finalizers") or ())
    orphan, foreground = _wishes(kind, kept, options)
    found = [f for f in kept if f not in (ORPHAN, FOREGROUND)]
    if orphan:
        found.append(ORPHAN)
    if foreground:
        found.append(FOREGROUND)
    return kept if sorted(found) == sorted(kept) else found


def _wishes(kind: Kind, kept: list[str], options: DeleteOptions) -> tuple[bool, bool]:
    """(dependents stay, dependents go first)."""
    if options.orphan is not None:
        return options.orphan, False
    if options.propagation:
        return options.propagation == "Orphan", options.propagation == "Foreground"
    if ORPHAN in kept or FOREGROUND in kept:
        return ORPHAN in kept, FOREGROUND in kept and ORPHAN not in kept
    return kind.resource in _ORPHANS, False


def _terminating(obj: Obj, now: float, grace: int, finalizers: list[str]) -> Obj:
    """The object with its deletion marked."""
    marks: Obj = {"deletionTimestamp": timestamp(now + grace), "deletionGracePeriodSeconds": grace}
    if finalizers:
        marks["finalizers"] = finalizers
    if "generation" in obj["metadata"]:
        marks["generation"] = obj["metadata"]["generation"] + 1
    if obj["kind"] == "Namespace":
        del marks["deletionGracePeriodSeconds"]
        obj = {**obj, "status": {**(obj.get("status") or {}), "phase": "Terminating"}}
    return metadata(obj, **marks)


def _gone(kind: Kind, obj: Obj) -> Obj:
    details = {"name": obj["metadata"]["name"], "group": kind.group, "kind": kind.plural, "uid": obj["metadata"]["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {k: v for k, v in details.items() if v},
    }
