"""Field selectors: which fields of a kind a query may name, parsing, and matching.

The fields are those of Kubernetes' AddFieldLabelConversionFunc and ToSelectableFields, written as a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import BadRequest
from k8s_notebook.objects.kinds import Kind

Getter = Callable[[Obj], str]

_META = ("metadata.name", "metadata.namespace")
_UNKNOWN = '"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
_UNSUPPORTED = "field label not supported: {field}"


def _text(value: object) -> str:
    """A field's value as selectors compare it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def path(dotted: str, missing: str = "") -> Getter:
    """A function that reads a dotted path from an object as text; `missing` where there is nothing."""
    *parents, last = dotted.split(".")

    def get(obj: Obj) -> str:
        inner: Any = obj
        for name in parents:
            inner = inner.get(name)
            if not isinstance(inner, dict):
                return missing
        value = inner.get(last)
        return value if isinstance(value, str) else missing if value is None else _text(value)

    return get


def _first(*paths: str) -> Getter:
    """A function that reads the first of several paths that is not empty."""
    getters = [path(p) for p in paths]
    return lambda obj: next((value for get in getters if (value := get(obj))), "")


def _pod_ip(obj: Obj) -> str:
    status = obj.get("status") or {}
    addresses = status.get("podIPs")
    return _text(addresses[0].get("ip")) if addresses else _text(status.get("podIP"))


@dataclass(frozen=True, slots=True)
class Fields:
    """What may be asked of one kind: field -> how to read it; `sentence` is the answer for any other field."""

    getters: Mapping[str, Getter]
    sentence: str = _UNSUPPORTED

    def getter(self, field: str) -> Getter:
        """How to read a field; BadRequest if it may not be asked for."""
        found = self.getters.get(field)
        if found is None:
            raise BadRequest(self.sentence.format(field=field))
        return found


def _fields(
    *plain: str, special: Mapping[str, Getter] | None = None, sentence: str = _UNSUPPORTED, cluster: bool = False
) -> Fields:
    """A row of the table: `plain` fields are read where their name says, `special` ones in their own way."""
    named = {p: path(p) for p in (*_META[: 1 if cluster else 2], *plain)}
    return Fields({**named, **(special or {})}, sentence)


_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

_ANY_KIND = _fields(sentence=_UNKNOWN)
_BY_RESOURCE: dict[str, Fields] = {
    "pods": _fields(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.nominatedNodeName",
        special={
            "spec.host": path("spec.nodeName"),
            "spec.hostNetwork": path("spec.hostNetwork", "false"),
            "status.podIP": _pod_ip,
            "status.podIPs": lambda obj: "",
        },
    ),
    "events": _fields(
        "type",
        "reason",
        special={
            "reportingComponent": _first("reportingComponent", "reportingController"),
            "source": _first("source.component", "deprecatedSource.component", "reportingComponent", "reportingController"),
            **{f"involvedObject.{name}": _first(f"involvedObject.{name}", f"regarding.{name}") for name in _INVOLVED},
        },
    ),
    "events.events.k8s.io": _fields(
        "type",
        "reason",
        special={
            "reportingController": _first("reportingController", "reportingComponent"),
            **{f"regarding.{name}": _first(f"regarding.{name}", f"involvedObject.{name}") for name in _INVOLVED},
        },
    ),
    "namespaces": _fields("status.phase", cluster=True),
    "nodes": _fields(special={"spec.unschedulable": path("spec.unschedulable", "false")}, cluster=True),
    "secrets": _fields("type"),
    "services": _fields("spec.clusterIP", "spec.type"),
    "replicationcontrollers": _fields(special={"status.replicas": path("status.replicas", "0")}),
    "jobs.batch": _fields(
        special={"status.successful": path("status.succeeded", "0")}, sentence='field label "{field}" not supported for Job'
    ),
    "certificatesigningrequests.certificates.k8s.io": _fields("spec.signerName", cluster=True),
    "resourceslices.resource.k8s.io": _fields(
        "spec.nodeName",
        "spec.driver",
        sentence="field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {field}",
        cluster=True,
    ),
}


class FieldSelector:
    """Conditions on fields that must all hold; `str()` gives the text that a query carries."""

    __slots__ = ("_tests", "terms")

    def __init__(self, terms: Collection[tuple[str, bool, str]], getters: Mapping[str, Getter]) -> None:
        self.terms = tuple(terms)
        self._tests = tuple((getters[field], equal, value) for field, equal, value in self.terms)

    def matches(self, obj: Obj) -> bool:
        """Whether the object is selected."""
        return all((get(obj) == value) is equal for get, equal, value in self._tests)

    @property
    def empty(self) -> bool:
        """Whether everything is selected."""
        return not self.terms

    def exact(self, field: str) -> str | None:
        """The one value that `field` must have, or None if several are possible."""
        return next((value for name, equal, value in self.terms if equal and name == field), None)

    def __str__(self) -> str:
        return ",".join(f"{field}{'=' if equal else '!='}{escaped(value)}" for field, equal, value in self.terms)

    def __repr__(self) -> str:
        return f"FieldSelector({str(self)!r})"


def fields(text: str, kind: Kind | None = None, selectable: Collection[str] | None = None) -> FieldSelector:
    """The selector that a query's `fieldSelector` means for a kind; BadRequest with the server's sentence.

    `selectable` lists the paths that a custom resource declares (without the leading dot) beside name and namespace.
    Without a kind any path may be named.

    >>> selector = fields("status.phase!=Succeeded,spec.nodeName=")
    >>> selector.matches({"status": {"phase": "Pending"}})
    True
    """
    terms = [_term(text, part) for part in sorted(_parts(text)) if part]
    if kind is None:
        return FieldSelector(terms, {field: path(field) for field, _, _ in terms})
    known = supported(kind, selectable)
    getters = {field: known.getter(field) for field, _, _ in terms}
    return FieldSelector(terms, getters)


def supported(kind: Kind, selectable: Collection[str] | None = None) -> Fields:
    """The fields that a query may name for a kind."""
    if selectable is not None:
        return _fields(*(p.lstrip(".") for p in selectable), cluster=not kind.namespaced)
    return _BY_RESOURCE.get(kind.resource, _ANY_KIND)


def escaped(value: str) -> str:
    r"""A value as it stands in a selector.

    >>> escaped("a,b")
    'a\\,b'
    """
    return re.sub(r"[\\,=]", r"\\\g<0>", value)


def _parts(text: str) -> list[str]:
    """The text cut at commas that no backslash precedes."""
    found, start, skip = [], 0, False
    for at, letter in enumerate(text):
        if skip:
            skip = False
        elif letter == "\\":
            skip = True
        elif letter == ",":
            found.append(text[start:at])
            start = at + 1
    return [*found, text[start:]] if text else []


def _term(text: str, part: str) -> tuple[str, bool, str]:
    """(field, whether equal, value) of one term."""
    found = re.search("!=|==|=", part)
    if found is None:
        raise BadRequest(f"invalid selector: '{text}'; can't understand '{part}'")
    return part[: found.start()], found.group() != "!=", _unescaped(part[found.end() :])


def _unescaped(value: str) -> str:
    """The value without escapes; BadRequest for a stray `,`, `=` or backslash."""
    letters: list[str] = []
    rest = iter(value)
    for letter in rest:
        if letter == "\\":
            letter = next(rest, "")
            if letter not in ("\\", ",", "="):
                raise BadRequest(f"invalid field selector: invalid escape sequence: \\{letter}")
        elif letter in ",=":
            raise BadRequest(f"invalid field selector: unescaped character in value: {ord(letter)}")
        letters.append(letter)
    return "".join(letters)
