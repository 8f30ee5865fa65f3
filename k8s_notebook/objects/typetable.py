"""What the fields of a kind are: a tree of nodes over the packed type table, read when first asked for.

The table (`data/schema.json.xz`, written by `.ci/generate_schema.py`) holds every kind that Kubernetes serves. Kinds described by
an OpenAPI schema of their own (custom resources, our own group) become the same nodes through `from_openapi`.
"""

from __future__ import annotations

import functools
import json
import lzma
import pathlib
from collections.abc import Mapping
from typing import Any, Final

_FILE: Final = pathlib.Path(__file__).with_name("data") / "schema.json.xz"

_SCALARS: Final[dict[str, tuple[str, str, str]]] = {
    "s": ("string", "", "string"),
    "b": ("boolean", "", "bool"),
    "i32": ("integer", "int32", "int32"),
    "i64": ("integer", "int64", "int64"),
    "f": ("number", "double", "float64"),
    "y": ("string", "byte", "[]uint8"),
    "q": ("string", "quantity", "resource.Quantity"),
    "t": ("string", "date-time", "v1.Time"),
    "u": ("string", "date-time", "v1.MicroTime"),
    "d": ("string", "duration", "v1.Duration"),
    "x": ("string", "int-or-string", "intstr.IntOrString"),
    "a": ("object", "", "runtime.RawExtension"),
}
"""code -> JSON type, format, Go type; the codes are explained in `.ci/generate_schema.py`."""


class Node:
    """One field (or element, or value) of a kind: its type, and the rules for merging it.

    `code` is the type in the table's notation ("[]" a list, "{}" a map, "#" a struct, otherwise a scalar such as "i32").
    """

    __slots__ = ("_fields", "_struct", "_table", "code", "default", "embedded", "format", "go", "items", "list_keys", "list_type",
                 "map_type", "merge_key", "mode", "patch_strategy", "preserve", "type", "values")  # fmt: skip

    def __init__(self, code: str, kind: str, form: str = "", go: str = "", mode: str = "?") -> None:
        self.code = code
        self.type = kind
        """"object", "array", "string", "integer", "number" or "boolean"."""
        self.format = form
        self.go = go
        """The Go type, as error sentences name it."""
        self.mode = mode
        """When a server writes the field: "" unless zero, "?" if given, "!" always, "~" unless all zero, "!?" even as null."""
        self.items: Node | None = None
        self.values: Node | None = None
        self.patch_strategy = ""
        self.merge_key = ""
        self.list_type = "atomic" if kind == "array" else ""
        self.list_keys: tuple[str, ...] = ()
        self.map_type = "granular" if kind == "object" else ""
        self.default: Any = None
        """The value of an absent key field of a map-list (`protocol: TCP`); not a general default."""
        self.embedded = ""
        """The embedded Go struct that holds the field, as error sentences name it."""
        self.preserve = code == "a"
        """Whether anything may be inside."""
        self._table: Table | None = None
        self._struct: Mapping[str, Any] = {}
        self._fields: dict[str, Node] = {}

    @property
    def int_or_string(self) -> bool:
        """Whether both a number and a text are allowed."""
        return self.code == "x"

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the fields that must be there."""
        return tuple(self._struct.get("r", ()))

    @property
    def name(self) -> str:
        """The OpenAPI name of a struct, such as "io.k8s.api.core.v1.Pod"; "" for everything else."""
        return str(self._struct.get("n", ""))

    @property
    def fields(self) -> Mapping[str, Node]:
        """The fields of an object with fixed fields, by name; empty for maps and scalars."""
        if self._table is not None:
            self._fields = self._table.fields(int(self.code[1:]))
            self._table = None
        return self._fields

    def field(self, name: str) -> Node | None:
        """The node of a field, or of a map's value; None if there is no such field."""
        return self.fields.get(name) or self.values

    def __repr__(self) -> str:
        """For people: the Go type says it all."""
        return f"Node({self.go or self.type})"


class Table:
    """The packed table: numbers to structs, kinds to numbers."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.version: str = data["version"]
        self._types: list[dict[str, Any]] = data["types"]
        self._fields: dict[int, dict[str, Node]] = {}
        self._by_gvk = {(g, v, k): number for number, t in enumerate(self._types) for g, v, k in t.get("g", ())}
        self._roots: dict[tuple[str, str, str], Node] = {}

    def root(self, group: str, version: str, kind: str) -> Node | None:
        """The node of a whole object."""
        key = (group, version, kind)
        if key not in self._roots and key in self._by_gvk:
            self._roots[key] = self._node(f"#{self._by_gvk[key]}")
        return self._roots.get(key)

    def fields(self, number: int) -> dict[str, Node]:
        """The fields of one struct, the same nodes for every use of it."""
        if number not in self._fields:
            self._fields[number] = {name: self._spec(spec) for name, spec in self._types[number]["f"].items()}
        return self._fields[number]

    def _spec(self, spec: str | list[Any]) -> Node:
        expression, extras = (spec, {}) if isinstance(spec, str) else (spec[0], spec[1])
        bare = expression.rstrip("?!~")
        node = self._node(bare, expression[len(bare) :])
        node.go = extras.get("g") or node.go
        node.patch_strategy = extras.get("s", "")
        node.merge_key = extras.get("k", "")
        node.list_type = extras.get("l", node.list_type)
        node.list_keys = tuple(extras.get("L", ()))
        node.map_type = extras.get("m", node.map_type)
        node.default = extras.get("d")
        node.embedded = extras.get("e", "")
        return node

    def _node(self, code: str, mode: str = "?") -> Node:
        if code.startswith("[]"):
            node = Node("[]", "array", mode=mode)
            node.items = self._node(code[2:])
            node.go = "[]" + node.items.go
            return node
        if code.startswith("{}"):
            node = Node("{}", "object", mode=mode)
            node.values = self._node(code[2:])
            node.go = "map[string]" + node.values.go
            return node
        return self._struct(code, mode) if code.startswith("#") else Node(code, *_SCALARS[code], mode=mode)

    def _struct(self, code: str, mode: str) -> Node:
        struct = self._types[int(code[1:])]
        node = Node(code, "object", go="v1." + struct["n"].rsplit(".", 1)[1], mode=mode)
        node._struct, node._table = struct, self
        node.map_type = struct.get("m", "granular")
        return node


@functools.cache
def load() -> Table:
    """The table, read once (about 5 ms)."""
    return Table(json.loads(lzma.decompress(_FILE.read_bytes())))


def from_openapi(schema: Mapping[str, Any], *, root: bool = False) -> Node:
    """The node of an OpenAPI v3 schema as a CustomResourceDefinition carries it.

    With `root` the object also gets `apiVersion`, `kind` and `metadata` as every object has them.

    >>> from_openapi({"type": "object", "properties": {"size": {"type": "integer"}}}).field("size").type
    'integer'
    """
    node = _openapi_shape(schema)
    node.list_type = schema.get("x-kubernetes-list-type", node.list_type)
    node.list_keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
    node.map_type = schema.get("x-kubernetes-map-type", node.map_type)
    node.default = schema.get("default")
    node.preserve = node.preserve or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    if root:
        pod = load().root("", "v1", "Pod")
        assert pod is not None
        node._fields = {**node._fields, **{name: pod.fields[name] for name in ("apiVersion", "kind", "metadata")}}
    return node


def _openapi_shape(schema: Mapping[str, Any]) -> Node:
    kind = schema.get("type", "")
    if schema.get("x-kubernetes-int-or-string"):
        return Node("x", *_SCALARS["x"])
    if kind == "array":
        node = Node("[]", "array", go="[]")
        node.items = from_openapi(schema.get("items") or {})
        return node
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        node = Node("{}", "object", go="map[string]")
        node.values = from_openapi(schema["additionalProperties"])
        return node
    if kind == "object" and (schema.get("properties") or not schema.get("additionalProperties")):
        node = Node("#", "object", go="object")
        node._struct = {"r": schema.get("required", ())}
        node._fields = {name: from_openapi(field) for name, field in (schema.get("properties") or {}).items()}
        return node
    codes = {"string": "s", "boolean": "b", "integer": "i64", "number": "f"}
    code = codes.get(kind, "a")
    return Node(code, *_SCALARS[code])
