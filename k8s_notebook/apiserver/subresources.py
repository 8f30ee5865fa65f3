"""The verbs on parts of objects: scale, binding, eviction, finalize, approval, ephemeral containers, resize, tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_notebook.apiserver import bodies, disruption
from k8s_notebook.apiserver.admission import Admission
from k8s_notebook.apiserver.calls import Answer, Call, DeleteOptions, delete_options, success
from k8s_notebook.apiserver.deletion import Deletion
from k8s_notebook.apiserver.state import State
from k8s_notebook.apiserver.writing import PatchStyle, Writing
from k8s_notebook.objects import Obj, defaults, errors, kinds, selectors, validation
from k8s_notebook.objects.errors import Cause
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.store.watches import Entry

Change = Callable[[Obj], Obj]
"""What a PUT or PATCH makes of the shown part."""


class Subresources:
    """Everything that is asked of `<object>/<part>`."""

    def __init__(self, state: State, admission: Admission, writing: Writing, deletion: Deletion) -> None:
        self._state = state
        self._admission = admission
        self._writing = writing
        self._deletion = deletion

    def get(self, kind: Kind, namespace: str, name: str, subresource: str) -> Answer:
        """The part of the object that the subresource shows."""
        entry = self._state.find(kind, namespace, name)
        obj = scale_of(kind, entry.obj) if subresource == "scale" else entry.obj
        return Answer(obj, revision=entry.revision)

    def update(self, kind: Kind, namespace: str, name: str, subresource: str, body: Obj, call: Call) -> Answer:
        """Replace a part of an object."""
        if subresource == "status":
            return self._writing.update(kind, namespace, name, body, call, "status")
        return self._change(kind, namespace, name, subresource, lambda shown: body, call)

    def patch(self, kind: Kind, namespace: str, name: str, subresource: str, body: Any, style: PatchStyle, call: Call) -> Answer:
        """Change a part of an object by a patch."""
        if subresource == "status":
            return self._writing.patch(kind, namespace, name, body, style, call, "status")
        about = _SCALE if subresource == "scale" else kind
        return self._change(
            kind, namespace, name, subresource, lambda shown: self._writing.patched(about, shown, body, style), call
        )

    def apply(self, kind: Kind, namespace: str, name: str, subresource: str, config: Obj, call: Call) -> Answer:
        """Server-side apply to a part of an object; a Scale owns the replicas."""
        if subresource != "scale":
            return self._writing.apply(kind, namespace, name, config, call, subresource)
        bodies.applicable(_SCALE, config, call)
        replicas = {k: v for k, v in (config.get("spec") or {}).items() if k == "replicas"}
        whole = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": config.get("metadata") or {}, "spec": replicas}
        trusted = Call(call.user, call.manager, call.dry_run, force=call.force)
        answer = self._writing.apply(kind, namespace, name, whole, trusted, subresource)
        return Answer(scale_of(kind, answer.obj), answer.code, answer.revision)

    def create(self, kind: Kind, namespace: str, name: str, subresource: str, body: Obj, call: Call) -> Answer:
        """Post to a subresource: a binding, an eviction, a token request."""
        if subresource == "binding":
            body = bodies.accepted(kinds.of("bindings"), body, call)
            target = body.get("target") or {}
            return self.bind(namespace, name, target.get("name") or "", body.get("metadata") or {}, call)
        if subresource == "eviction":
            return self._evict(namespace, name, body, call)
        if subresource == "token":
            return self._token(kind, namespace, name, body)
        raise errors.MethodNotAllowed("the server does not allow this method on the requested resource")

    def bind(self, namespace: str, name: str, node: str, meta: Obj, call: Call) -> Answer:
        """Put a pod on a node; Conflict if it is on one, is going, or is gated."""
        entry = self._state.find(kinds.of("pods"), namespace, name)
        pod = entry.obj
        why = _unbindable(pod, node, meta.get("uid") or "")
        if why:
            raise errors.conflict("pods/binding", name, why)
        pod = _bound(pod, node, meta, self._state.stamp())
        pod = self._admission.bound(pod, node)
        if call.dry_run:
            return Answer(success(), 201)
        written = self._state.store.put("pods", pod)
        return Answer(success(), 201, written.revision)

    def _evict(self, namespace: str, name: str, body: Obj, call: Call) -> Answer:
        """Delete a pod unless a disruption budget forbids it: 429."""
        kind = kinds.of("pods")
        entry = self._state.find(kind, namespace, name)
        options = delete_options(body.get("deleteOptions") or {})
        dry = call.dry_run or "All" in ((body.get("deleteOptions") or {}).get("dryRun") or ())
        budget = disruption.check(self._state.objects("poddisruptionbudgets.policy", namespace), entry.obj)
        if budget is not None and not dry:
            self._state.store.put("poddisruptionbudgets.policy", disruption.spent(budget, name, self._state.stamp()))
        options = DeleteOptions(options.grace, options.propagation, options.uid, options.version, options.orphan)
        answer = self._deletion.delete(kind, namespace, name, options, Call(call.user, dry_run=dry))
        return Answer(success(), 201, answer.revision)

    def _token(self, kind: Kind, namespace: str, name: str, body: Obj) -> Answer:
        account = self._state.find(kind, namespace, name).obj
        issuer = self._state.token_issuer
        if issuer is None:
            raise errors.NotFound("the server could not find the requested resource")
        reference = (body.get("spec") or {}).get("boundObjectRef")
        bound = self._bound_object(namespace, reference) if reference else None
        return Answer(issuer(account, body, bound), 201)

    def _bound_object(self, namespace: str, reference: Obj) -> Obj:
        kind = self._state.kinds.for_object(reference.get("apiVersion") or "v1", reference.get("kind") or "")
        if kind is None or kind.resource not in ("pods", "secrets", "nodes"):
            raise errors.BadRequest(f"cannot bind token for serviceaccount to object of type {reference.get('kind')}")
        obj = self._state.find(kind, namespace, reference.get("name") or "").obj
        if reference.get("uid") and reference["uid"] != obj["metadata"]["uid"]:
            why = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
            raise errors.conflict(kind.resource, reference["name"], why + "The object might have been deleted and then recreated")
        return obj

    def _change(self, kind: Kind, namespace: str, name: str, subresource: str, change: Change, call: Call) -> Answer:
        entry = self._state.find(kind, namespace, name)
        if subresource == "scale":
            return self._rescale(kind, entry, change, call)
        merge = _PARTS.get(subresource)
        if merge is None:
            raise errors.MethodNotAllowed("the server does not allow this method on the requested resource")
        body = bodies.accepted(kind, change(entry.obj), call)
        bodies.at_name(kind, namespace, name, body)
        self._writing.preconditions(kind, entry, body["metadata"])
        new = merge(defaults.defaulted(kind, body), entry.obj)
        causes = _POD_CAUSES[subresource](kind, new) if subresource in _POD_CAUSES else []
        return self._writing.write_part(kind, entry, new, call, subresource, causes)

    def _rescale(self, kind: Kind, entry: Entry, change: Change, call: Call) -> Answer:
        shown = scale_of(kind, entry.obj)
        scale = bodies.accepted(_SCALE, change(shown), call)
        meta = scale["metadata"]
        name = entry.obj["metadata"]["name"]
        if meta.get("name") and meta["name"] != name:
            raise errors.BadRequest(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
        replicas = (scale.get("spec") or {}).get("replicas") or 0
        if not isinstance(replicas, int) or replicas < 0:
            cause = Cause("FieldValueInvalid", f"Invalid value: {replicas}: must be greater than or equal to 0", "spec.replicas")
            raise errors.invalid("autoscaling", "Scale", name, [cause])
        self._writing.preconditions(kind, entry, meta)
        old = entry.obj
        new = {**old, "spec": {**(old.get("spec") or {}), "replicas": replicas}}
        kept = {k: v for k, v in old["metadata"].items() if k != "resourceVersion"}
        answer = self._writing.replace(kind, entry, {**new, "metadata": kept}, call, "scale")
        return Answer(scale_of(kind, answer.obj), 200, answer.revision)


_SCALE = Kind("autoscaling", "v1", "scale", "Scale")
_REPLICAS_STATUS = "replicas"


def scale_of(kind: Kind, obj: Obj) -> Obj:
    """The autoscaling/v1 Scale of an object."""
    meta = obj["metadata"]
    shown = {k: meta[k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp") if k in meta}
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    selector = spec.get("selector")
    if kind.resource == "replicationcontrollers":
        text = str(selectors.from_map(selector)) if selector else ""
    else:
        text = str(selectors.from_spec(selector)) if selector else ""
    scale: Obj = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": shown}
    scale["spec"] = {"replicas": spec["replicas"]} if spec.get("replicas") else {}
    scale["status"] = {"replicas": status.get(_REPLICAS_STATUS) or 0, **({"selector": text} if text else {})}
    return scale


def _unbindable(pod: Obj, node: str, uid: str) -> str:
    """Why a pod cannot be put on a node, or nothing."""
    name, spec = pod["metadata"]["name"], pod.get("spec") or {}
    if uid and uid != pod["metadata"]["uid"]:
        return f"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod['metadata']['uid']}"
    if "deletionTimestamp" in pod["metadata"]:
        return f"pod {name} is being deleted, cannot be assigned to a host"
    if spec.get("nodeName"):
        return f'pod {name} is already assigned to node "{spec["nodeName"]}"'
    if spec.get("schedulingGates"):
        return f"pod {name} has non-empty .spec.schedulingGates"
    return ""


def _bound(pod: Obj, node: str, meta: Obj, now: str) -> Obj:
    if not node:
        raise errors.invalid(
            "", "Binding", pod["metadata"]["name"], [Cause("FieldValueRequired", "Required value", "target.name")]
        )
    status = {k: v for k, v in (pod.get("status") or {}).items() if k != "nominatedNodeName"}
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    conditions = [c for c in status.get("conditions") or () if c.get("type") != "PodScheduled"]
    changed = {**pod, "spec": {**pod["spec"], "nodeName": node}, "status": {**status, "conditions": [*conditions, scheduled]}}
    added = {f: {**(pod["metadata"].get(f) or {}), **meta[f]} for f in ("annotations", "labels") if meta.get(f)}
    return {**changed, "metadata": {**pod["metadata"], **added}} if added else changed


def _finalized(new: Obj, old: Obj) -> Obj:
    """/finalize: only the namespace's own finalizers change."""
    spec = {k: v for k, v in (old.get("spec") or {}).items() if k != "finalizers"}
    finalizers = (new.get("spec") or {}).get("finalizers")
    return {**old, "spec": {**spec, **({"finalizers": finalizers} if finalizers else {})}}


def _approved(new: Obj, old: Obj) -> Obj:
    """/approval: only the conditions change."""
    conditions = (new.get("status") or {}).get("conditions") or []
    return {**old, "status": {**(old.get("status") or {}), "conditions": conditions}}


def _with_ephemeral(new: Obj, old: Obj) -> Obj:
    """/ephemeralcontainers: only they change, and none goes."""
    before = (old.get("spec") or {}).get("ephemeralContainers") or []
    after = (new.get("spec") or {}).get("ephemeralContainers") or []
    if any(c not in after for c in before):
        why = "Forbidden: existing ephemeral containers may not be removed or changed"
        cause = Cause("FieldValueForbidden", why, "spec.ephemeralContainers")
        raise errors.invalid("", "Pod", old["metadata"]["name"], [cause])
    return {**old, "spec": {**old["spec"], "ephemeralContainers": after}} if after else old


def _resized(new: Obj, old: Obj) -> Obj:
    """/resize: only the resources of containers change."""
    wanted = new.get("spec") or {}
    spec = dict(old["spec"])
    for field in ("containers", "initContainers"):
        if field in spec:
            resources = {c["name"]: c for c in wanted.get(field) or ()}
            spec[field] = [_with_resources(c, resources.get(c["name"], c)) for c in spec[field]]
    return {**old, "spec": spec}


def _with_resources(container: Obj, wanted: Obj) -> Obj:
    found = {**container, "resources": wanted.get("resources") or {}}
    if "resizePolicy" in wanted:
        found["resizePolicy"] = wanted["resizePolicy"]
    return found


def _ephemeral_causes(kind: Kind, pod: Obj) -> list[Cause]:
    """What is wrong with ephemeral containers: the rules of other containers hold for them."""
    spec = pod["spec"]
    added = [{k: v for k, v in c.items() if k != "targetContainerName"} for c in spec.get("ephemeralContainers") or ()]
    rest = {k: v for k, v in spec.items() if k != "ephemeralContainers"}
    trial = {**pod, "spec": {**rest, "containers": [*spec["containers"], *added]}}
    places = {f"spec.containers[{len(spec['containers']) + at}]": f"spec.ephemeralContainers[{at}]" for at in range(len(added))}
    return [Cause(c.reason, c.message, _moved(c.field, places)) for c in validation.validate(kind, trial)]


def _moved(field: str, places: dict[str, str]) -> str:
    start = next((p for p in places if field.startswith(p)), "")
    return places[start] + field.removeprefix(start) if start else field


def _resize_causes(kind: Kind, pod: Obj) -> list[Cause]:
    rest = {k: v for k, v in pod["spec"].items() if k != "ephemeralContainers"}
    return validation.validate(kind, {**pod, "spec": rest})


_POD_CAUSES = {"ephemeralcontainers": _ephemeral_causes, "resize": _resize_causes}
_PARTS: dict[str, Callable[[Obj, Obj], Obj]] = {
    "finalize": _finalized,
    "approval": _approved,
    "ephemeralcontainers": _with_ephemeral,
    "resize": _resized,
}
"""subresource -> (body, stored object) -> the object with only that part changed."""
