"""create, update, patch and apply: the way of an object into the store."""

from __future__ import annotations

from typing import Any, Literal

from k8s_notebook.apiserver import bodies, conversion, versions
from k8s_notebook.apiserver.admission import Admission
from k8s_notebook.apiserver.calls import Answer, Call
from k8s_notebook.apiserver.fresh import PodMemo
from k8s_notebook.apiserver.state import State, metadata
from k8s_notebook.objects import Obj, defaults, errors, ownership, patching, schema, strategic, strategies, validation
from k8s_notebook.objects.errors import Cause
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.store.watches import Entry

PatchStyle = Literal["json", "merge", "strategic"]

CREATED_BY_UPDATE = frozenset(
    ("leases.coordination.k8s.io", "services", "endpoints", "events", "limitranges", "runtimeclasses.node.k8s.io",
     "roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
     "clusterrolebindings.rbac.authorization.k8s.io")
)  # fmt: skip
"""Resources that a PUT creates where there is none."""

_CONDITIONAL_GROUPS = frozenset(("admissionregistration.k8s.io", "storagemigration.k8s.io"))
_CONDITIONAL = frozenset(
    ("leases.coordination.k8s.io", "poddisruptionbudgets.policy", "runtimeclasses.node.k8s.io", "csidrivers.storage.k8s.io",
     "csinodes.storage.k8s.io", "csistoragecapacities.storage.k8s.io", "volumeattachments.storage.k8s.io")
)  # fmt: skip
"""Resources whose updates must say which version they replace."""

_TOLD_EARLY = frozenset(("daemonsets.apps",))
"""Resources whose creator owns what the server derives from their spec (annotations that stand for old fields)."""

_TRIES = 8
_BASE = 58


class Writing:
    """The verbs that write whole objects (and their status)."""

    def __init__(self, state: State, admission: Admission) -> None:
        self._state = state
        self._admission = admission
        self._memo = PodMemo()

    def create(self, kind: Kind, namespace: str, obj: Obj, call: Call) -> Answer:
        """Put a new object there; AlreadyExists, Invalid, Forbidden, NotFound (its namespace)."""
        call.check("CreateOptions")
        obj = bodies.accepted(kind, obj, call)
        bodies.in_namespace(kind, namespace, obj)
        stored = self._state.stored_kind(kind)
        obj = self._fresh(stored, namespace, conversion.to_storage(kind, obj), call)
        ready = self._memo.finished(stored, obj, self._admission.epoch) if not call.outside else None
        if ready is None:
            ready = self._checked(kind, stored, namespace, obj, call)
            if not call.outside and not call.manager:
                self._memo.learn(stored, obj, ready, self._admission.epoch)
        else:
            self._admission.enter(stored, namespace, ready)
        ready = self._named(stored, ready)
        self._admission.check(stored, ready, None)
        ready = self._admission.allocate(stored, ready, None)
        if call.dry_run:
            return self._answer(kind, ready, None, None, 201)
        entry = self._state.store.put(conversion.storage(kind), ready)
        self._admission.stored(stored, entry.obj, None)
        return self._answer(kind, entry.obj, entry.revision, entry.encoded, 201)

    def update(self, kind: Kind, namespace: str, name: str, obj: Obj, call: Call, subresource: str = "") -> Answer:
        """Replace an object (or its status); Conflict when it was changed meanwhile."""
        call.check("UpdateOptions")
        obj = bodies.accepted(kind, obj, call)
        bodies.at_name(kind, namespace, name, obj)
        entry = self._state.store.get(conversion.storage(kind), namespace if kind.namespaced else "", name)
        if entry is None:
            if subresource or kind.resource not in CREATED_BY_UPDATE:
                raise errors.not_found(kind.resource, name)
            fresh = metadata(obj, resourceVersion=None, uid=None)
            return self.create(kind, namespace, fresh, Call(call.user, call.manager, call.dry_run, warnings=call.warnings))
        self._unconditional(kind, obj)
        return self.replace(kind, entry, obj, call, subresource)

    def replace(self, kind: Kind, entry: Entry, obj: Obj, call: Call, subresource: str = "", *, owned: bool = True) -> Answer:
        """Make `obj` (as this kind shows it) the new version of what is stored; the rules of an update hold."""
        self.preconditions(kind, entry, obj["metadata"])
        stored = self._state.stored_kind(kind)
        old = entry.obj
        new = versions.with_kept_metadata(conversion.to_storage(kind, obj), old)
        if subresource == "status":
            new = self._owned(kind, strategies.for_status_update(stored, new, old), old, call, subresource, owned)
            self._validated(stored, new, old, call)
        else:
            new = strategies.for_update(stored, defaults.defaulted(stored, new), old)
            new = self._owned(kind, new, old, call, subresource, owned)
            new = self._admission.readmit(stored, new, old, call)
            self._validated(stored, new, old, call)
            self._admission.check(stored, new, old)
            new = self._admission.allocate(stored, new, old)
        return self.write(kind, entry, new, call)

    def write_part(self, kind: Kind, entry: Entry, new: Obj, call: Call, subresource: str, causes: list[Cause]) -> Answer:
        """Store an object of which only one part differs; `causes` say what is wrong with that part."""
        if causes:
            raise errors.invalid(kind.group, kind.kind, new["metadata"]["name"], causes)
        stored = self._state.stored_kind(kind)
        old = entry.obj
        if new.get("spec") is not old.get("spec") and kind.resource == "pods":
            new = strategies.for_update(stored, new, old)
            self._admission.check(stored, new, old)
        return self.write(kind, entry, self._owned(kind, new, old, call, subresource, True), call)

    def write(self, kind: Kind, entry: Entry, new: Obj, call: Call) -> Answer:
        """Store a finished version of an object, unless nothing changed; an object without finalizers that was to go goes."""
        old = entry.obj
        if versions.same(old, new):
            return self._answer(kind, old, entry.revision, entry.encoded)
        resource = conversion.storage(kind)
        meta = new["metadata"]
        if call.dry_run:
            return self._answer(kind, metadata(new, resourceVersion=old["metadata"]["resourceVersion"]), None, None)
        if "deletionTimestamp" in meta and versions.finished(new):
            gone = self._state.store.delete(resource, meta.get("namespace", ""), meta["name"])
            self._admission.stored(kind, None, old)
            return self._answer(kind, new, gone.revision, None)
        written = self._state.store.put(resource, new)
        self._admission.stored(kind, written.obj, old)
        return self._answer(kind, written.obj, written.revision, written.encoded)

    def patch(
        self, kind: Kind, namespace: str, name: str, body: Any, style: PatchStyle, call: Call, subresource: str = ""
    ) -> Answer:
        """Change an object by a patch; 422 where the patch does not fit."""
        call.check("PatchOptions")
        entry = self._state.find(kind, namespace, name)
        current = conversion.shown(kind, entry.obj)
        patched = self.patched(kind, current, body, style)
        patched = bodies.accepted(kind, patched, call)
        bodies.at_name(kind, namespace, name, patched)
        return self.replace(kind, entry, patched, call, subresource)

    def patched(self, kind: Kind, current: Obj, body: Any, style: PatchStyle) -> Obj:
        """`current` after the patch, not checked."""
        if style == "json":
            return patching.json_patch(current, body)
        if style == "merge":
            return bodies.mapping(patching.merge_patch(current, body))
        return strategic.strategic_merge(current, body, schema.of(kind.api_version, kind.kind))

    def apply(self, kind: Kind, namespace: str, name: str, config: Obj, call: Call, subresource: str = "") -> Answer:
        """Server-side apply: `call.manager` owns exactly the fields in `config`; Conflict with what others own."""
        call.check("PatchOptions")
        bodies.applicable(kind, config, call)
        config = {**config, "metadata": {"name": name, **(config.get("metadata") or {})}}
        # Read for its mistakes alone: what reading fills in, nobody applied.
        bodies.at_name(kind, namespace, name, bodies.accepted(kind, config, call))
        entry = self._state.store.get(conversion.storage(kind), namespace if kind.namespaced else "", name)
        if entry is None:
            return self._apply_new(kind, namespace, config, call, subresource)
        applied = self._applied(kind, conversion.shown(kind, entry.obj), config, call, subresource)
        return self.replace(kind, entry, applied, call, subresource, owned=False)

    def _apply_new(self, kind: Kind, namespace: str, config: Obj, call: Call, subresource: str) -> Answer:
        meta = config["metadata"]
        if subresource:
            raise errors.not_found(kind.resource, meta["name"])
        if meta.get("uid") or meta.get("resourceVersion"):
            why = f"uid mismatch: the provided object specified uid {meta.get('uid', '')}, and no existing object was found"
            raise errors.conflict(kind.resource, meta["name"], why)
        applied = self._applied(kind, None, config, call, subresource)
        return self.create(kind, namespace, applied, Call(call.user, "", call.dry_run, warnings=call.warnings))

    def _applied(self, kind: Kind, live: Obj | None, config: Obj, call: Call, subresource: str) -> Obj:
        """The live object with what the config wants, read like a body."""
        node, now = schema.of(kind.api_version, kind.kind), self._state.now()
        applied = ownership.apply(live, config, call.manager, call.force, now, node, subresource)
        return bodies.accepted(kind, applied, Call(call.user, validation="Ignore", outside=True))

    def _fresh(self, kind: Kind, namespace: str, obj: Obj, call: Call) -> Obj:
        """The object with what the server says about a new one."""
        given = obj.get("metadata") or {}
        if given.get("resourceVersion") and not call.dry_run:
            raise errors.InternalError("resourceVersion should not be set on objects to be created")
        meta: Obj = {"name": given.get("name") or ""}
        if given.get("generateName"):
            meta["generateName"] = given["generateName"]
        if kind.namespaced:
            meta["namespace"] = namespace
        meta["uid"] = self._state.streams.uid()
        if given.get("resourceVersion"):
            meta["resourceVersion"] = given["resourceVersion"]
        meta["creationTimestamp"] = self._state.stamp()
        for name in ("labels", "annotations", "ownerReferences", "finalizers", "managedFields"):
            if given.get(name):
                meta[name] = given[name]
        return {**obj, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}

    def _checked(self, asked: Kind, kind: Kind, namespace: str, obj: Obj, call: Call) -> Obj:
        """The object after defaulting, admission and validation."""
        obj = defaults.defaulted(kind, obj)
        if call.manager and "managedFields" not in obj["metadata"]:
            told = strategies.for_create(kind, obj) if kind.resource in _TOLD_EARLY else obj
            obj = self._managed(asked, {k: v for k, v in told.items() if k != "status"}, None, call, "", obj)
        obj = self._admission.admit(kind, namespace, obj, call)
        meta = obj["metadata"]
        if not meta["name"] and meta.get("generateName"):
            obj = metadata(obj, name=self._free_name(kind, meta))
        obj = strategies.for_create(kind, obj, self._state.stamp())
        if not obj["metadata"]["name"]:
            missing = Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
            raise errors.invalid(kind.group, kind.kind, "", [missing])
        causes = self._admission.invalid(kind, obj, None) or validation.validate(kind, obj)
        if causes:
            raise errors.invalid(kind.group, kind.kind, obj["metadata"]["name"], causes)
        return obj

    def _named(self, kind: Kind, obj: Obj) -> Obj:
        """The object under a name that is free."""
        meta = obj["metadata"]
        if not meta["name"]:
            meta["name"] = self._free_name(kind, meta)
        elif self._state.store.get(conversion.storage(kind), meta.get("namespace", ""), meta["name"]) is not None:
            raise errors.already_exists(kind.resource, meta["name"])
        return obj

    def _free_name(self, kind: Kind, meta: Obj) -> str:
        """A generated name that is free; AlreadyExists after several tries."""
        base: str = meta["generateName"][:_BASE]
        name = ""
        for _ in range(_TRIES):
            name = base + self._state.streams.suffix()
            if self._state.store.get(conversion.storage(kind), meta.get("namespace", ""), name) is None:
                return name
        raise errors.already_exists(kind.resource, name)

    def _owned(self, asked: Kind, new: Obj, old: Obj, call: Call, subresource: str, owned: bool) -> Obj:
        """The new version with its managedFields: brought up to date for a manager, as they were for everybody else."""
        if not owned:
            return new
        if call.manager:
            return self._managed(asked, new, old, call, subresource, new)
        before = old["metadata"].get("managedFields")
        return new if before is new["metadata"].get("managedFields") else metadata(new, managedFields=before)

    def _managed(self, kind: Kind, new: Obj, old: Obj | None, call: Call, subresource: str, obj: Obj) -> Obj:
        """`obj` with the managedFields that follow from `new` and `old`, told in the version that was asked for."""
        before = conversion.shown(kind, old) if old is not None else None
        node = schema.of(kind.api_version, kind.kind)
        told = ownership.updated(before, conversion.shown(kind, new), call.manager, self._state.now(), node, subresource)
        return metadata(obj, managedFields=told["metadata"].get("managedFields"))

    def _validated(self, kind: Kind, new: Obj, old: Obj, call: Call) -> None:
        causes: list[Cause] = []
        if call.manager or call.outside or new.get("spec") is not old.get("spec"):
            causes += validation.validate_update(kind, new, old)
        if new["metadata"].get("finalizers") is not old["metadata"].get("finalizers"):
            causes += versions.finalizer_causes(new, old)
        causes = causes or self._admission.invalid(kind, new, old)
        if causes:
            raise errors.invalid(kind.group, kind.kind, new["metadata"]["name"], causes)

    def preconditions(self, kind: Kind, entry: Entry, meta: Obj) -> None:
        """Conflict if the request is about another version, or another object of that name."""
        version, uid = meta.get("resourceVersion"), meta.get("uid")
        old = entry.obj["metadata"]
        if uid and uid != old["uid"]:
            key = f"/registry/{kind.plural}/" + (f"{old['namespace']}/" if "namespace" in old else "") + old["name"]
            why = (
                f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['uid']}"
            )
            raise errors.conflict(kind.resource, old["name"], why)
        if version and version != "0" and version != old["resourceVersion"]:
            raise errors.conflict(kind.resource, old["name"])

    def _unconditional(self, kind: Kind, obj: Obj) -> None:
        if obj["metadata"].get("resourceVersion"):
            return
        if kind.resource in _CONDITIONAL or kind.group in _CONDITIONAL_GROUPS:
            cause = Cause("FieldValueInvalid", 'Invalid value: "": must be specified for an update', "metadata.resourceVersion")
            raise errors.invalid(kind.group, kind.kind, obj["metadata"]["name"], [cause])

    def _answer(self, kind: Kind, obj: Obj, revision: int | None, encoded: bytes | None, code: int = 200) -> Answer:
        convert = conversion.from_storage(kind)
        if convert is not None:
            return Answer(convert(obj), code, revision)
        return Answer(obj, code, revision, encoded)
