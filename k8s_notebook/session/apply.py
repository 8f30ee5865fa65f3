"""`apply` as kubectl does it on the client's side, but checked as a whole before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from k8s_notebook.client import waiting
from k8s_notebook.machinery.actions import Create, Get, Patch, PatchStyle, Request
from k8s_notebook.objects import Obj, errors, schema
from k8s_notebook.objects.kinds import OWN_GROUP, Kind
from k8s_notebook.session import output, targets, threeway
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError, error, from_api
from k8s_notebook.session.results import Result
from k8s_notebook.session.sources import Source, read
from k8s_notebook.session.yamltext import Document
from k8s_notebook.sim import clock

MANAGER = "kubectl-client-side-apply"
STAND_IN = "default"
"""The namespace in which objects are checked whose own namespace is made by the same text."""
DISCOVERY_SECONDS = 15.0
_RANKS = (
    ("Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "RuntimeClass"),
    ("ServiceAccount", "ConfigMap", "Secret", "LimitRange", "ResourceQuota", "PersistentVolume", "PersistentVolumeClaim"),
    ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Service"),
)
_FIRST = {kind: rank for rank, kinds in enumerate(_RANKS) for kind in kinds}
_LAST = len(_RANKS)
_FIELD = re.compile(r'(?:unknown|duplicate) field "([^"]+)"|Go struct field \w+\.(\S+) of type')


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a text, ready to be written."""

    document: Document
    kind: Kind | None
    obj: Obj

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.obj["metadata"].get("name", ""))

    @property
    def namespace(self) -> str:
        """The object's namespace, "" for kinds that have none."""
        return str(self.obj["metadata"].get("namespace", ""))

    def said(self, what: str) -> str:
        """kubectl's line about it: `deployment.apps/web created`."""
        kind = targets.spelled(self.kind) if self.kind is not None else str(self.obj.get("kind")).lower()
        return f"{kind}/{self.name} {what}"


_Write = Callable[[Door, Item, bool], tuple[str, Obj]]


def apply(door: Door, source: Source, namespace: str | None = None, *, dry_run: bool = False) -> Result:
    """What kubectl apply prints. If anything in the source is wrong nothing is written and K8sError names it."""
    items = prepare(door, read(source), namespace, "apply")
    check(door, items, creating=False)
    return _write_all(door, items, dry_run, _apply)


def create(door: Door, source: Source, namespace: str | None = None, *, dry_run: bool = False) -> Result:
    """What kubectl create -f prints; checked as a whole first, like `apply`."""
    items = prepare(door, read(source), namespace, "create")
    check(door, items, creating=True)
    return _write_all(door, items, dry_run, _create)


def prepare(door: Door, documents: Sequence[Document], namespace: str | None, verb: str) -> list[Item]:
    """The objects with kinds and namespaces, in the order in which they can be written."""
    if not documents:
        raise error(f"no objects passed to {verb}")
    kinds_made = {_defined(d.obj) for d in documents if d.obj.get("kind") == "CustomResourceDefinition"}
    items = [_item(door, d, namespace, kinds_made) for d in documents]
    return sorted(items, key=lambda i: _FIRST.get(i.obj["kind"], _LAST))


def _defined(crd: Obj) -> tuple[str, str]:
    spec = crd.get("spec") or {}
    return str(spec.get("group", "")), str((spec.get("names") or {}).get("kind", ""))


def _item(door: Door, document: Document, namespace: str | None, kinds_made: set[tuple[str, str]]) -> Item:
    obj = document.obj
    missing = [f for f in ("apiVersion", "kind") if not isinstance(obj.get(f), str) or not obj[f]]
    if missing:
        said = ", ".join(f"{f} isn't string type" if obj.get(f) else f"{f} not set" for f in missing)
        raise error(f'error validating "{document.source}": {said}{document.where()}')
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        raise error(f'error validating "{document.source}": metadata.name is not set{document.where("metadata")}')
    kind = door.kind_of(obj)
    if kind is None:
        if (obj["apiVersion"].rpartition("/")[0], obj["kind"]) in kinds_made:
            return Item(document, None, obj)
        raise error(
            f'resource mapping not found for name: "{metadata.get("name", "")}" namespace: "{metadata.get("namespace") or ""}" '
            f'from "{document.source}": no matches for kind "{obj["kind"]}" in version "{obj["apiVersion"]}"'
            f"{document.where('kind')}; ensure CRDs are installed first",
            reason="NotFound",
        )
    return Item(document, kind, _placed(door, obj, kind, namespace))


def _placed(door: Door, obj: Obj, kind: Kind, namespace: str | None) -> Obj:
    metadata = obj["metadata"]
    own = metadata.get("namespace")
    if not kind.namespaced:
        return {**obj, "metadata": {k: v for k, v in metadata.items() if k != "namespace"}}
    if own and namespace and own != namespace:
        raise error(
            f'the namespace from the provided object "{own}" does not match the namespace "{namespace}". '
            f"You must pass '--namespace={own}' to perform this operation."
        )
    return {**obj, "metadata": {**metadata, "namespace": own or namespace or door.namespace}}


def check(door: Door, items: Sequence[Item], *, creating: bool) -> None:
    """Let the server look at everything without writing; K8sError about the first thing that is wrong."""
    made = {i.name for i in items if i.obj["kind"] == "Namespace"}
    known = [i for i in items if i.kind is not None]
    if creating:
        _once_each(known)
    present = [None] * len(known) if creating else _present(door, known)
    trials = [
        _trial(door, i, STAND_IN if i.namespace in made else i.namespace) if live is None else _patch(door, i, live, dry_run=True)
        for i, live in zip(known, present, strict=True)
    ]
    tried = [(i, t) for i, t in zip(known, trials, strict=True) if t is not None]
    for (item, trial), answer in zip(tried, door.ask_all([t for _, t in tried]), strict=True):
        if not isinstance(answer, errors.ApiError) or _forgiven(answer, item, items, made, creating=creating):
            continue
        raise _refused(item, answer, "patching" if isinstance(trial, Patch) else "creating")


def _once_each(items: Sequence[Item]) -> None:
    """K8sError if one text would create an object twice."""
    seen: set[tuple[str, str, str]] = set()
    for item in items:
        assert item.kind is not None
        key = (item.kind.resource, item.namespace, item.name)
        if item.name and key in seen:
            raise _refused(item, errors.already_exists(item.kind.resource, item.name), "creating")
        seen.add(key)


def _present(door: Door, items: Sequence[Item]) -> list[Obj | None]:
    """Each object as the cluster has it, None for what it does not have."""
    for item in items:
        if not item.name:
            raise error(f"from {item.obj['metadata']['generateName']}: cannot use generate name with apply")
    requests = [Get(door.resource(i.kind), i.name, i.namespace) for i in items if i.kind is not None]
    found: list[Obj | None] = []
    for item, answer in zip(items, door.ask_all(requests), strict=True):
        if isinstance(answer, errors.ApiError) and not isinstance(answer, errors.NotFound):
            raise _refused(item, answer, "retrieving")
        found.append(None if isinstance(answer, errors.ApiError) else answer)
    return found


def _trial(door: Door, item: Item, namespace: str) -> Request:
    assert item.kind is not None
    metadata = {**item.obj["metadata"], **({"namespace": namespace} if item.kind.namespaced else {})}
    obj = {**item.obj, "metadata": metadata}
    return Create(obj, door.resource(item.kind), namespace, manager=MANAGER, dry_run=True, strict=True)


def _forgiven(found: errors.ApiError, item: Item, items: Sequence[Item], made: set[str], *, creating: bool) -> bool:
    """Whether a refusal of the trial says nothing about the object itself."""
    if isinstance(found, errors.AlreadyExists):
        return not creating or item.namespace in made
    if item.namespace in made and isinstance(found, errors.Forbidden):
        return True
    if "already allocated" in found.message or "already exists" in found.message:
        return not creating
    if "service account" in found.message or "serviceaccount" in found.message:
        return any(i.obj["kind"] == "ServiceAccount" for i in items)
    return (
        isinstance(found, errors.Forbidden)
        and "no PriorityClass" in found.message
        and any(i.obj["kind"] == "PriorityClass" for i in items)
    )


def _refused(item: Item, found: errors.ApiError, doing: str) -> K8sError:
    document = item.document
    if isinstance(found, (errors.Unreachable, errors.Unauthorized)):
        return from_api(found)
    if isinstance(found, errors.Invalid):
        causes = found.details.get("causes") or ()
        said = found.listed([f"{c.get('field', '')}: {c.get('message', '')}{_at(document, c.get('field'))}" for c in causes])
    else:
        doing = f'error when {doing} "{document.source}": ' if document.text else ""
        said = f"Error from server ({found.reason}): {doing}{found.message}{_at(document, _blamed(found))}"
    return K8sError(said, reason=found.reason, code=found.code, status=found.status())


def _at(document: Document, path: str | None) -> str:
    return document.where(path) if path else ""


def _blamed(found: errors.ApiError) -> str:
    """The field that a refusal is about, "" if it names none."""
    field = _FIELD.search(found.message)
    if field:
        return field[1] or field[2]
    if isinstance(found, errors.NotFound) and found.details.get("kind") == "namespaces":
        return "metadata.namespace"
    return ""


def _write_all(door: Door, items: Sequence[Item], dry_run: bool, write: _Write) -> Result:
    lines: dict[int, str] = {}
    written: list[Obj] = []
    suffix = " (dry run)" if dry_run else ""
    for item in items:
        try:
            ready = item if item.kind is not None else _now_known(door, item)
            what, obj = write(door, ready, dry_run)
        except errors.ApiError as refused:
            problem = _refused(item, refused, "applying")
            done = "\n".join(lines[k] for k in sorted(lines))
            raise K8sError(
                f"{done}\n{problem}" if done else str(problem), reason=problem.reason, code=problem.code, status=problem.status
            ) from None
        lines[_position(items, item)] = ready.said(what) + suffix
        written.append(output.shown(obj))
    return Result("\n".join(lines[k] for k in sorted(lines)), tuple(written), label="apply")


def _position(items: Sequence[Item], item: Item) -> int:
    return next(i for i, other in enumerate(items) if other is item)


def _now_known(door: Door, item: Item) -> Item:
    """The item with its kind, which the same text has just defined: discovery shows it soon."""
    deadline = clock.monotonic() + DISCOVERY_SECONDS
    while clock.monotonic() < deadline:
        kind = door.kind_of(item.obj)
        if kind is not None:
            return Item(item.document, kind, _placed(door, item.obj, kind, None))
        waiting.pause(0.2)
    raise error(f'the new kind "{item.obj["kind"]}" is not served after {DISCOVERY_SECONDS:g} s')


def _create(door: Door, item: Item, dry_run: bool) -> tuple[str, Obj]:
    kind = item.kind
    assert kind is not None
    request = Create(item.obj, door.resource(kind), item.namespace, manager="kubectl-create", dry_run=dry_run, strict=True)
    return "created", door.ask(request)


def _apply(door: Door, item: Item, dry_run: bool) -> tuple[str, Obj]:
    """One object as `kubectl apply` writes it: create, or the difference as a patch, or nothing."""
    kind = item.kind
    assert kind is not None
    resource = door.resource(kind)
    try:
        live = door.ask(Get(resource, item.name, item.namespace))
    except errors.NotFound:
        wanted = threeway.annotated(item.obj)
        made = door.ask(Create(wanted, resource, item.namespace, manager=MANAGER, dry_run=dry_run, strict=True))
        return "created", made
    patch = _patch(door, item, live, dry_run=dry_run)
    return ("unchanged", live) if patch is None else ("configured", door.ask(patch))


def _patch(door: Door, item: Item, live: Obj, *, dry_run: bool) -> Patch | None:
    """What changes an object into what the text says; None if nothing does."""
    kind = item.kind
    assert kind is not None
    node = schema.of(kind.api_version, kind.kind) if kind.group != OWN_GROUP else None
    change = threeway.patch(threeway.last_applied(live), threeway.annotated(item.obj), live, node)
    if not change:
        return None
    style: PatchStyle = "strategic" if node is not None else "merge"
    return Patch(door.resource(kind), item.name, item.namespace, change, style, manager=MANAGER, dry_run=dry_run, strict=True)
