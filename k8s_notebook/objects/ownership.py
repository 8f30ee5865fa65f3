"""Server-side apply: objects whose fields have owners.

`apply` merges what a manager wants with what is there and refuses to take fields of others; `updated` notes who changed what by
any other write. As in apimachinery/pkg/util/managedfields and structured-merge-diff/merge.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from k8s_notebook.objects import Obj, configfaults, decoding, fieldsv1, managers, resetfields, structure
from k8s_notebook.objects.errors import BadRequest, Conflict, InternalError
from k8s_notebook.objects.fieldsv1 import Fields
from k8s_notebook.objects.managers import Entry, Identity, Managers
from k8s_notebook.objects.structure import MISSING, Difference

BEFORE_FIRST_APPLY = "before-first-apply"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"
_UNKNOWN = "unknown"
_MOST_ANNOTATIONS = 256 * 1024

_NOBODYS = fieldsv1.of_paths(
    [
        ("apiVersion",),
        ("kind",),
        ("metadata",),
        *(
            ("metadata", name)
            for name in (
                "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
                "resourceVersion",
            )
        ),
    ]
)  # fmt: skip
"""The fields that the server sets and no manager owns."""


@dataclass(frozen=True, slots=True)
class _Write:
    """One write: by whom, when, to which endpoint of which kind."""

    manager: str
    now: float
    schema: Any
    api_version: str
    kind: str
    subresource: str

    def entry(self, operation: str, fields: Fields = fieldsv1.NONE, manager: str = "") -> Entry:
        """An entry for this write."""
        manager = manager or self.manager or _UNKNOWN
        return Entry(manager, operation, self.api_version, self.subresource, self.time(), fields)

    def time(self) -> str | None:
        """The time stamp of this write; a change of scale leaves none, as the real server's scale handler does."""
        if self.subresource == "scale":
            return None
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(self.now)))

    def kept(self, fields: Fields) -> Fields:
        """What of a set can be owned through this endpoint."""
        return resetfields.kept(self.api_version, self.kind, self.subresource)(fields)

    def difference(self, old: Obj, new: Obj) -> Difference:
        """What changed, as far as it can be owned."""
        return structure.compare(old, new, self.schema).filtered(self.kept)

    def blank(self) -> Obj:
        """The object that has nothing yet, with the fields that are always there."""
        return (decoding.zero(self.schema) if self.schema is not None else None) or {}


def updated(
    old: Obj | None, new: Obj, manager: str, now: float, schema: Any, subresource: str = "", *, from_request: bool = True
) -> Obj:
    """`new` with `managedFields` that say who changed what: a create (old None), an update or a patch by `manager`.

    Both objects are as decoding leaves them. `managedFields` in `new` are the client's own account and replace the old one
    (an empty list or `[{}]` clears it); without `from_request` they are ignored. An object that nobody is tracked on stays so.
    """
    write = _Write(manager, now, schema, new.get("apiVersion", ""), new.get("kind", ""), subresource)
    known = _known(old, new, from_request and not subresource)
    if not known and old is not None:
        return _with_managers(new, {})
    before, after = _bare(old) if old is not None else write.blank(), _bare(new)
    return _with_managers(new, managers.capped(_after_update(write, before, after, known)))


def apply(live: Obj | None, config: Obj, manager: str, force: bool, now: float, schema: Any, subresource: str = "") -> Obj:
    """The live object (None: there is none yet) with what `manager` wants, and with `managedFields` that say so.

    Fields that the manager applied before and no longer wants are removed unless others own them too. Conflict if the config
    changes a field of another manager and `force` is not set. The result still needs decoding and defaulting; if nothing but
    times changed, `settled` says so.
    """
    write = _Write(manager, now, schema, config.get("apiVersion", ""), config.get("kind", ""), subresource)
    _check(config, write)
    try:
        merged, known = _applied(write, live, config, force)
    except _Conflicts as error:
        merged, known = _applied_by_kubectl(write, live or {}, config, error)
    return _with_managers(_with_last_applied(merged, config, manager), known)


def settled(live: Obj, new: Obj) -> Obj:
    """`live` if `new` differs from it by nothing but the times in `managedFields`, otherwise `new`."""
    if _bare(live) != _bare(new):
        return new
    times = [[{**e, "time": None} for e in obj["metadata"].get("managedFields") or ()] for obj in (live, new)]
    return live if times[0] == times[1] else new


class _Conflicts(Exception):
    """Fields that a config would take from their owners, by owner."""

    def __init__(self, owners: Mapping[Identity, tuple[Entry, Fields]]) -> None:
        super().__init__(f"{len(owners)} owners")
        self.owners = owners

    def status(self) -> Conflict:
        """`Apply failed with 1 conflict: conflict with "m1": .data.a`."""
        listed = [(entry.said(), path) for _, (entry, fields) in sorted(self.owners.items()) for path in fieldsv1.paths(fields)]
        causes = [{"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path} for who, path in listed]
        if len(listed) == 1:
            said = f"1 conflict: conflict with {listed[0][0]}: {listed[0][1]}"
        else:
            lines: dict[str, list[str]] = {}
            for who, path in listed:
                lines.setdefault(f"conflicts with {who}:", []).append(f"- {path}")
            said = f"{len(listed)} conflicts: " + "\n".join(line for who, below in lines.items() for line in (who, *below))
        return Conflict(f"Apply failed with {said}", details={"causes": causes})


def _bare(obj: Obj) -> Obj:
    """The object without its managedFields."""
    metadata = obj.get("metadata") or {}
    if "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


def _with_managers(obj: Obj, known: Managers) -> Obj:
    """The object with these managers as its managedFields."""
    bare = _bare(obj)
    if not known:
        return bare
    return {**bare, "metadata": {**(bare.get("metadata") or {}), "managedFields": managers.encode(known)}}


def _known(old: Obj | None, new: Obj, from_request: bool) -> Managers:
    """The managers before a write: the client's account if it gives one, otherwise the live object's."""
    said = (new.get("metadata") or {}).get("managedFields") if from_request else None
    if said is not None:
        if said in ([], [{}]):
            return {}
        found = managers.decode(said)
        if found:
            return found
    return managers.decode((old.get("metadata") or {}).get("managedFields")) or {} if old is not None else {}


def _after_update(write: _Write, old: Obj, new: Obj, known: Managers) -> Managers:
    """The managers after a write that takes whatever it changes."""
    difference = write.difference(old, new)
    left = dict(_taken(known, difference))
    mine = fieldsv1.difference(write.kept(difference.written), _NOBODYS)
    if mine:
        entry = write.entry("Update", mine)
        before = left.get(entry.identity)
        left[entry.identity] = replace(entry, fields=fieldsv1.union(mine, before.fields)) if before else entry
    return left


def _taken(known: Managers, difference: Difference) -> Managers:
    """The managers without the fields that were changed or removed; those with nothing left go."""
    gone = fieldsv1.union(difference.written, difference.removed)
    left = {identity: replace(entry, fields=fieldsv1.difference(entry.fields, gone)) for identity, entry in known.items()}
    return {identity: entry for identity, entry in left.items() if entry.fields}


def _check(config: Obj, write: _Write) -> None:
    """Refuse a config that cannot be applied."""
    if (config.get("metadata") or {}).get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    wrong = list(configfaults.faults(config, write.schema))
    if wrong:
        metadata = config.get("metadata") or {}
        subject = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {_version(write.api_version)}, Kind={write.kind}"
        said = wrong[0] if len(wrong) == 1 else "errors:\n" + "".join(f"  {fault}\n" for fault in wrong)
        sentence = f"failed to create typed patch object ({subject}): {said}"
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": sentence, "code": 500}
        raise InternalError(sentence, status=status)


def _version(api_version: str) -> str:
    return api_version if "/" in api_version else f"/{api_version}"


def _applied(write: _Write, live: Obj | None, config: Obj, force: bool) -> tuple[Obj, Managers]:
    """The merged object and its managers; _Conflicts if fields would be taken without force."""
    before = _bare(live) if live is not None else {}
    known = dict(managers.decode((live.get("metadata") or {}).get("managedFields")) or {}) if live is not None else {}
    if live is not None and not known:
        unowned = fieldsv1.difference(write.difference(write.blank(), before).written, _NOBODYS)
        if unowned:
            entry = write.entry("Update", unowned, BEFORE_FIRST_APPLY)
            known[entry.identity] = entry
    mine = write.entry("Apply", write.kept(structure.field_set(config, write.schema)))
    last = known.get(mine.identity)
    known[mine.identity] = mine
    merged = structure.merge(before or MISSING, config, write.schema)
    if last is not None:
        merged = _pruned(merged, known, last, write.schema)
    difference = write.difference(before if live is not None else write.blank(), merged)
    known = dict(_shared(known, mine.identity, difference, force))
    owned = fieldsv1.difference(mine.fields, _NOBODYS)
    unchanged = live is not None and merged == before
    if owned:
        known[mine.identity] = replace(mine, fields=owned, time=last.time if unchanged and last else mine.time)
    else:
        known.pop(mine.identity, None)
    return merged, known


def _shared(known: Managers, mine: Identity, difference: Difference, force: bool) -> Managers:
    """The managers after an apply: others lose what changed, which is a conflict without force."""
    others = {identity: entry for identity, entry in known.items() if identity != mine}
    taken = {i: (entry, fieldsv1.intersection(entry.fields, difference.written)) for i, entry in others.items()}
    conflicts = {identity: found for identity, found in taken.items() if found[1]}
    if conflicts and not force:
        raise _Conflicts(conflicts)
    return {mine: known[mine], **_taken(others, difference)}


def _pruned(merged: Obj, known: Managers, last: Entry, schema: Any) -> Obj:
    """The merged object without what the manager no longer wants, unless another manager owns it or something below it."""
    wanted = structure.named(last.fields, schema)
    pruned = structure.remove(merged, wanted, schema)
    owned: Fields = fieldsv1.NONE
    for entry in known.values():
        owned = fieldsv1.union(owned, entry.fields)
    everything = structure.named(structure.field_set(merged, schema), schema)
    keep = fieldsv1.union(_fields(pruned, schema), structure.named(owned, schema))
    pruned = structure.remove(merged, fieldsv1.difference(everything, keep), schema)
    gone = fieldsv1.intersection(fieldsv1.difference(everything, _fields(pruned, schema)), wanted)
    left: Obj = structure.remove(merged, gone, schema)
    return left


def _fields(value: Any, schema: Any) -> Fields:
    return fieldsv1.NONE if value is MISSING else structure.named(structure.field_set(value, schema), schema)


def _applied_by_kubectl(write: _Write, live: Obj, config: Obj, error: _Conflicts) -> tuple[Obj, Managers]:
    """kubectl may take the fields that it set itself by client-side apply, as its annotation tells; others stay conflicts."""
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    if write.manager != _KUBECTL or not text:
        raise error.status() from None
    allowed = _last_applied_fields(write, live, text)
    left = {i: (entry, fieldsv1.difference(fields, allowed)) for i, (entry, fields) in error.owners.items()}
    left = {identity: found for identity, found in left.items() if found[1]}
    if left:
        raise _Conflicts(left).status() from None
    return _applied(write, live, config, True)


def _last_applied_fields(write: _Write, live: Obj, text: str) -> Fields:
    """The fields of the annotation that are still as it says."""
    try:
        last = json.loads(text)
    except ValueError:
        return fieldsv1.NONE
    if not isinstance(last, dict) or last.get("apiVersion") != write.api_version:
        return fieldsv1.NONE
    changed = structure.compare(last, _bare(live), write.schema)
    return fieldsv1.difference(structure.field_set(last, write.schema), fieldsv1.union(changed.written, changed.removed))


def _with_last_applied(obj: Obj, config: Obj, manager: str) -> Obj:
    """The object with kubectl's annotation brought up to date, if kubectl applies and the object has one."""
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if manager != _KUBECTL or not annotations.get(LAST_APPLIED):
        return obj
    said = config.get("metadata") or {}
    own = {name: value for name, value in (said.get("annotations") or {}).items() if name != LAST_APPLIED}
    shown = {
        **config,
        "metadata": {**{n: v for n, v in said.items() if n != "annotations"}, **({"annotations": own} if own else {})},
    }
    text = json.dumps(shown, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    renewed = {**annotations, LAST_APPLIED: text}
    if sum(len(name) + len(value) for name, value in renewed.items()) > _MOST_ANNOTATIONS:
        del renewed[LAST_APPLIED]
    return {**obj, "metadata": {**metadata, "annotations": renewed}}
