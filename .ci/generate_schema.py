"""Write `k8s_notebook/objects/data/schema.json.xz`: the field facts of every kind we serve, from the Kubernetes sources.

    go mod download k8s.io/kubernetes@v1.36.3 && python .ci/generate_schema.py

Two sources, both in the Go module cache: the OpenAPI v3 documents (fields, types, list and patch rules) and the Go structs
(which fields are pointers, which are omitted when empty: that decides what a server writes back). Descriptions are left out.

The file: {"version", "types": [{"n": OpenAPI name, "g": [[group, version, kind]], "m": map type, "r": [required],
"f": {field: spec}}]}. A spec is a type or [type, extras].
Types: s string, b boolean, i32 i64 f numbers, y bytes, q quantity, t time, u microseconds time, d duration, x int-or-string,
a anything, #3 another type, []… list, {}… map. At the end `?` is a pointer (kept when zero), `!` is always written, `~` is left
out when it is all zero. Extras: s k patch strategy and merge key, l L list type and keys, m map type, d default, g the Go type
if it is not the obvious one, e the embedded Go struct that holds the field.
"""

from __future__ import annotations

import json
import lzma
import pathlib
import re
import subprocess
import sys
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from k8s_notebook.objects import kinds  # noqa: E402

KUBERNETES, LIBRARIES = "v1.36.3", "v0.36.3"
TARGET = ROOT / "k8s_notebook" / "objects" / "data" / "schema.json.xz"
PACKAGES = {
    "io.k8s.api.": "api@{v}/",
    "io.k8s.apimachinery.": "apimachinery@{v}/",
    "io.k8s.apiextensions-apiserver.": "apiextensions-apiserver@{v}/",
    "io.k8s.kube-aggregator.": "kube-aggregator@{v}/",
}
SPECIAL = {
    "Quantity": "q", "IntOrString": "x", "Time": "t", "MicroTime": "u", "RawExtension": "a", "FieldsV1": "a", "JSON": "a",
    "JSONSchemaPropsOrArray": "a", "JSONSchemaPropsOrBool": "a", "JSONSchemaPropsOrStringArray": "a", "Patch": "a",
}  # fmt: skip
EXTRA_ROOTS = ("DeleteOptions", "Status", "Scale")
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(?:(\w+)\s+)?([*\w.\[\]{}]+)\s+`([^`]*)`", re.MULTILINE)
GO_SCALARS = {"string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64"}


def modules() -> pathlib.Path:
    """The folder of the Go module cache that holds k8s.io."""
    found = subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout.strip()
    return pathlib.Path(found) / "k8s.io"


def documents(root: pathlib.Path) -> dict[str, Any]:
    """Every OpenAPI v3 schema of the group-versions we serve, by name."""
    folder = root / f"kubernetes@{KUBERNETES}" / "api" / "openapi-spec" / "v3"
    wanted = {(k.group, k.version) for k in kinds.BUILTIN} | {("autoscaling", "v1"), ("policy", "v1")}
    found: dict[str, Any] = {}
    for group, version in sorted(wanted):
        name = f"apis__{group}__{version}_openapi.json" if group else f"api__{version}_openapi.json"
        found |= json.loads((folder / name).read_text())["components"]["schemas"]
    return found


class GoTypes:
    """The structs of the Go packages, read when first asked for."""

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self._packages: dict[str, dict[str, str]] = {}

    def package(self, path: str) -> dict[str, str]:
        """struct name -> body, of one package folder."""
        if path not in self._packages:
            files = (f for f in sorted((self._root / path).glob("*.go")) if "_test" not in f.name)
            text = "\n".join(f.read_text() for f in files if not f.name.startswith(("zz_", "generated")))
            self._packages[path] = dict(STRUCT.findall(text))
        return self._packages[path]

    def folder(self, name: str) -> str:
        """The package folder of an OpenAPI name."""
        for prefix, template in PACKAGES.items():
            if name.startswith(prefix):
                path = name[len(prefix) :].rsplit(".", 1)[0].replace(".", "/")
                return template.format(v=LIBRARIES) + path
        raise SystemExit(f"no Go package for {name}")

    def fields(self, name: str) -> dict[str, tuple[str, set[str], str]]:
        """JSON field -> (Go type, options of its json tag, embedded struct that holds it)."""
        folder = self.folder(name)
        return self._of(folder, name.rsplit(".", 1)[1])

    def _of(self, folder: str, struct: str) -> dict[str, tuple[str, set[str], str]]:
        found: dict[str, tuple[str, set[str], str]] = {}
        for _, kind, tags in FIELD.findall(self.package(folder)[struct]):
            tag = re.search(r'json:"([^"]*)"', tags)
            if tag is None or tag.group(1) == "-":
                continue
            name, *options = tag.group(1).split(",")
            if name:
                found[name] = (kind, set(options), "")
            else:
                found |= self._embedded(folder, kind)
        return found

    def _embedded(self, folder: str, kind: str) -> dict[str, tuple[str, set[str], str]]:
        package, _, struct = kind.lstrip("*").rpartition(".")
        if package in ("metav1", "v1") and "meta" not in folder and struct not in self.package(folder):
            folder = f"apimachinery@{LIBRARIES}/pkg/apis/meta/v1"
        inner = self._of(folder, struct)
        return {name: (go, options, f"{struct}.{deeper}" if deeper else struct) for name, (go, options, deeper) in inner.items()}


class Packer:
    """Turns schemas into the compact table, types reachable from the served kinds first come first numbered."""

    def __init__(self, schemas: dict[str, Any], go: GoTypes) -> None:
        self.schemas, self.go = schemas, go
        self.numbers: dict[str, int] = {}
        self.types: list[Any] = []

    def number(self, name: str) -> int:
        """The index of a type; packs it if it is new."""
        if name not in self.numbers:
            self.numbers[name] = len(self.types)
            self.types.append(None)
            self.types[self.numbers[name]] = self._type(name)
        return self.numbers[name]

    def _type(self, name: str) -> dict[str, Any]:
        schema = self.schemas[name]
        packed: dict[str, Any] = {"n": name}
        gvks = schema.get("x-kubernetes-group-version-kind", [])
        short = name.rsplit(".", 1)[1]
        if short == "DeleteOptions":
            gvks = [{"group": "", "version": "v1", "kind": short}]
        if gvks:
            packed["g"] = [[g["group"], g["version"], g["kind"]] for g in gvks]
        if schema.get("x-kubernetes-map-type"):
            packed["m"] = schema["x-kubernetes-map-type"]
        if schema.get("required"):
            packed["r"] = sorted(schema["required"])
        properties = schema.get("properties", {})
        go = self.go.fields(name) if properties else {}
        packed["f"] = {field: self._field(properties[field], go[field]) for field in go if field in properties}
        missing = set(properties) - set(go)
        if missing:
            raise SystemExit(f"{name}: no Go field for {sorted(missing)}")
        return packed

    def _field(self, schema: dict[str, Any], go: tuple[str, set[str], str]) -> Any:
        kind, options, embedded = go
        expression = self._expression(schema, kind)
        extras = self._extras(schema)
        shown = go_type(kind)
        if shown != obvious(expression, self.types, self.numbers):
            extras["g"] = shown
        if embedded and embedded != "TypeMeta":
            extras["e"] = embedded
        spec = expression + mode(expression, kind, options)
        return [spec, extras] if extras else spec

    def _expression(self, schema: dict[str, Any], kind: str = "") -> str:
        reference = schema.get("$ref") or next((r["$ref"] for r in schema.get("allOf", [])), "")
        if reference:
            name = reference.rsplit("/", 1)[1]
            return SPECIAL.get(name.rsplit(".", 1)[1]) or f"#{self.number(name)}"
        if kind.endswith("metav1.Duration"):
            return "d"
        match schema.get("type"), schema.get("format"):
            case "array", _:
                return "[]" + self._expression(schema["items"])
            case "object", _:
                return "{}" + self._expression(schema["additionalProperties"]) if "additionalProperties" in schema else "a"
            case "string", "byte":
                return "y"
            case "string", _:
                return "s"
            case "boolean", _:
                return "b"
            case "integer", size:
                return "i32" if size == "int32" else "i64"
            case "number", _:
                return "f"
        raise SystemExit(f"what is {schema}?")

    @staticmethod
    def _extras(schema: dict[str, Any]) -> dict[str, Any]:
        found = {
            "s": schema.get("x-kubernetes-patch-strategy"),
            "k": schema.get("x-kubernetes-patch-merge-key"),
            "l": schema.get("x-kubernetes-list-type"),
            "L": schema.get("x-kubernetes-list-map-keys"),
            "m": schema.get("x-kubernetes-map-type"),
            "d": schema.get("default"),
        }
        if found["l"] == "atomic" and schema.get("type") == "array":
            found["l"] = None
        return {k: v for k, v in found.items() if v}


def mode(expression: str, kind: str, options: set[str]) -> str:
    """`?` pointer, `!` always written, `~` omitted when all zero, empty: omitted when zero."""
    if kind.startswith("*"):
        return "?" if "omitempty" in options or "omitzero" in options else "!?"
    if "omitzero" in options:
        return "~"
    if expression[0] in "#tuqxa" and expression[1:2] != "]" and "[]" not in kind and "map" not in kind:
        return "!"
    return "" if "omitempty" in options else "!"


def go_type(kind: str) -> str:
    """As Go's reflection prints it: pointers dereferenced, local names with their package."""
    kind = kind.lstrip("*")
    names = {"metav1": "v1", "corev1": "v1", "rbacv1": "v1", "authenticationv1": "v1"}

    def qualify(found: re.Match[str]) -> str:
        package, name = found.group(1), found.group(2)
        if package:
            return f"{names.get(package[:-1], package[:-1])}.{name}"
        if name == "byte":
            return "uint8"
        return name if name in GO_SCALARS or name == "map" else f"v1.{name}"

    return re.sub(r"(\w+\.)?(\w+)", qualify, kind)


def obvious(expression: str, types: list[Any], numbers: dict[str, int]) -> str:
    """The Go type that a reader of the table assumes."""
    names = {number: name for name, number in numbers.items()}
    simple = {"s": "string", "b": "bool", "i32": "int32", "i64": "int64", "f": "float64", "y": "[]uint8",
              "q": "resource.Quantity", "t": "v1.Time", "u": "v1.MicroTime", "x": "intstr.IntOrString", "d": "v1.Duration",
              "a": "any"}  # fmt: skip
    if expression.startswith("[]"):
        return "[]" + obvious(expression[2:], types, numbers)
    if expression.startswith("{}"):
        return "map[string]" + obvious(expression[2:], types, numbers)
    if expression.startswith("#"):
        return "v1." + names[int(expression[1:])].rsplit(".", 1)[1]
    return simple[expression]


def wanted(schemas: dict[str, Any]) -> list[str]:
    """The names of the types that requests carry, in order."""
    served = {(k.group, k.version, k.kind) for k in kinds.BUILTIN}
    served |= {(s.group, s.version, s.kind) for k in kinds.BUILTIN for s in k.subresources if s.kind}
    found = []
    for name in sorted(schemas):
        gvks = schemas[name].get("x-kubernetes-group-version-kind", [])
        mine = any((g["group"], g["version"], g["kind"]) in served for g in gvks)
        if mine or (gvks and name.rsplit(".", 1)[1] in EXTRA_ROOTS):
            found.append(name)
    return found


def main() -> None:
    """Write the file and say how large it is."""
    root = modules()
    schemas = documents(root)
    packer = Packer(schemas, GoTypes(root))
    for name in wanted(schemas):
        packer.number(name)
    text = json.dumps({"version": KUBERNETES, "types": packer.types}, separators=(",", ":")).encode()
    TARGET.write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
    print(f"{len(packer.types)} types, {len(text)} bytes, {TARGET.stat().st_size} compressed")


if __name__ == "__main__":
    main()
