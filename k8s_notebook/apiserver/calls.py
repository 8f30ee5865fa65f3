"""What a request says beside its object, and what is answered: values that the verbs take and return."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8s_notebook.apiserver import refusals
from k8s_notebook.objects import Obj


@dataclass(slots=True)
class Call:
    """Who asks, and how. `warnings` collects what the answer's Warning headers say.

    `outside` is for bodies that came over the wire: they are read against the schema. `manager` is the field manager; without one
    ownership of fields is not tracked (components inside the process). `duplicates` are the paths that the JSON named twice.
    """

    user: str = "system:admin"
    manager: str = ""
    dry_run: bool = False
    validation: str = ""
    outside: bool = False
    force: bool = False
    duplicates: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)

    def check(self, options: str) -> None:
        """Refuse unknown options; `options` is "CreateOptions", "UpdateOptions" or "PatchOptions"."""
        if self.validation not in ("", "Ignore", "Strict", "Warn"):
            message = f'Unsupported value: "{self.validation}": supported values: "", "Ignore", "Strict", "Warn"'
            raise refusals.bad_option(options, "fieldValidation", "FieldValueNotSupported", message)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which objects. `version` and `match` are resourceVersion and resourceVersionMatch as they were sent."""

    namespace: str = ""
    labels: str = ""
    fields: str = ""
    limit: int = 0
    continue_: str = ""
    version: str = ""
    match: str = ""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Which changes. `initial` is sendInitialEvents (None: not sent)."""

    namespace: str = ""
    labels: str = ""
    fields: str = ""
    version: str = ""
    match: str = ""
    initial: bool | None = None
    bookmarks: bool = False


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete; `uid` and `version` are preconditions, `orphan` is the old orphanDependents."""

    grace: int | None = None
    propagation: str = ""
    uid: str = ""
    version: str = ""
    orphan: bool | None = None


@dataclass(slots=True)
class Answer:
    """What a verb answers: the object (or Status), the HTTP code, the revision of the write that a watch will show.

    `encoded` is the JSON of `obj` where it exists already.
    """

    obj: Obj
    code: int = 200
    revision: int | None = None
    encoded: bytes | None = None


def success(code: int = 201) -> Obj:
    """The Status that binding and eviction answer."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}


def delete_options(body: Obj) -> DeleteOptions:
    """The options in a DeleteOptions body."""
    conditions = body.get("preconditions") or {}
    return DeleteOptions(
        grace=body.get("gracePeriodSeconds"),
        propagation=body.get("propagationPolicy") or "",
        uid=conditions.get("uid") or "",
        version=conditions.get("resourceVersion") or "",
        orphan=body.get("orphanDependents"),
    )
