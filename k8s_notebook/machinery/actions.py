"""What can be asked of a cluster, as values: every verb is an action, and a reconciler returns a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from k8s_notebook.objects import Obj

PatchStyle = Literal["json", "merge", "strategic"]


@dataclass(frozen=True, slots=True)
class Get:
    """Read one object (or its subresource); with `table`, the row that kubectl prints."""

    resource: str
    name: str
    namespace: str = ""
    subresource: str = ""
    table: bool = False


@dataclass(frozen=True, slots=True)
class List:
    """Read a list object; with `table`, the Table that kubectl prints (rows carry metadata, or the whole object)."""

    resource: str
    namespace: str = ""
    labels: str = ""
    fields: str = ""
    limit: int = 0
    continue_: str = ""
    version: str = ""
    table: bool = False
    whole_objects: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object, or post one to the subresource `subresource` of object `name`. `resource` defaults to the object's."""

    obj: Obj
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    manager: str = ""
    dry_run: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Replace an object, or only its `status` / `scale` / ... subresource. A resourceVersion in it is a precondition."""

    obj: Obj
    resource: str = ""
    subresource: str = ""
    manager: str = ""
    dry_run: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Patch:
    """Change an object by a JSON patch, a merge patch or a strategic merge patch."""

    resource: str
    name: str
    namespace: str
    body: Any
    style: PatchStyle = "merge"
    subresource: str = ""
    manager: str = ""
    dry_run: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply: own exactly the fields in `obj`."""

    obj: Obj
    manager: str
    force: bool = False
    subresource: str = ""
    dry_run: bool = False
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete one object; `grace` in seconds (None: the object's own), `uid` is a precondition."""

    resource: str
    name: str
    namespace: str = ""
    grace: int | None = None
    propagation: str = ""
    uid: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Bind:
    """Put a pod on a node."""

    namespace: str
    name: str
    uid: str
    node: str


@dataclass(frozen=True, slots=True)
class Raw:
    """GET a path that is no object: "/version", "/openapi/v3/api/v1"; the answer is JSON or {"text": …}."""

    path: str
    query: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Emit:
    """Record an event about an object; the loop's recorder counts repetitions and drops floods, as client-go does."""

    regarding: Obj
    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"
    field_path: str = ""


@dataclass(frozen=True, slots=True)
class RequeueAfter:
    """Look at this key again after `seconds`; only a reconcile loop understands it."""

    seconds: float


Write = Create | Update | Patch | Apply | Delete | Bind
Request = Get | List | Raw | Write
Action = Write | Emit | RequeueAfter
