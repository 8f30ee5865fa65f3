"""Write `k8s_notebook/objects/data/protobuf.json.xz`: how each kind that the API serves looks in protobuf.

Reads the struct tags of the Go modules k8s.io/api, apimachinery, apiextensions-apiserver and kube-aggregator from the
Go module cache (fetched with `go mod download` if they are not there). Run it when the Kubernetes version changes:

    python .ci/generate_protobuf.py

A field is [number, JSON name, type, rule]. The type is a scalar name or `@message`, behind `*` for a Go pointer, `[]` for a
list, `{}` for a map, `<>` for a list that is a message of its own. The rule says when Go's encoder leaves the field out:
`e` when it is empty, `z` when it is zero, `-` never; `i` means that the fields of the message stand in its parent.
"""

from __future__ import annotations

import json
import lzma
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from k8s_notebook.objects import kinds  # noqa: E402

VERSION = "v0.36.3"
TARGET = ROOT / "k8s_notebook" / "objects" / "data" / "protobuf.json.xz"
META = "k8s.io/apimachinery/pkg/apis/meta/v1"
MODULES = {
    "k8s.io/api": "*/v*",
    "k8s.io/apimachinery": "pkg/apis/meta/v1",
    "k8s.io/apiextensions-apiserver": "pkg/apis/apiextensions/v1",
    "k8s.io/kube-aggregator": "pkg/apis/apiregistration/v1",
}
SCALARS = {
    **{go: go for go in ("string", "bool")},
    **dict.fromkeys(("int", "int32", "int64", "uint32", "uint64", "byte"), "int"),
    "float64": "float",
    "k8s.io/apimachinery/pkg/types.UID": "string",
    "k8s.io/apimachinery/pkg/types.NodeName": "string",
    "k8s.io/apimachinery/pkg/api/resource.Quantity": "quantity",
    "k8s.io/apimachinery/pkg/util/intstr.IntOrString": "intstr",
    "k8s.io/apimachinery/pkg/runtime.RawExtension": "raw",
    f"{META}.Time": "time",
    f"{META}.MicroTime": "micro",
    f"{META}.FieldsV1": "raw",
    **{
        f"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.{name}": special
        for name, special in {
            "JSON": "raw",
            "JSONSchemaPropsOrBool": "schema_or_bool",
            "JSONSchemaPropsOrArray": "schema_or_array",
            "JSONSchemaPropsOrStringArray": "schema_or_strings",
        }.items()
    },
}
EXTRA_KINDS = {
    "v1 Binding": ("k8s.io/api/core/v1", "Binding"),
    "policy/v1 Eviction": ("k8s.io/api/policy/v1", "Eviction"),
    "autoscaling/v1 Scale": ("k8s.io/api/autoscaling/v1", "Scale"),
    "authentication.k8s.io/v1 TokenRequest": ("k8s.io/api/authentication/v1", "TokenRequest"),
    " DeleteOptions": (META, "DeleteOptions"),
}
STRUCT = re.compile(r"^type (\w+) struct ?\{(?:\n(.*?)^)?\}", re.M | re.S)
NAMED = re.compile(r"((?:^//.*\n)*)^type (\w+) =? ?((?:\[\]|map\[[\w.]+\])?[\w.*]+)$", re.M)
FIELD = re.compile(r"^\t(?:(\w+)[ \t]+)?([\w.*\[\]]+)[ \t]+`(.*?)`", re.M)
IMPORT = re.compile(r'^(?:import)?\s+(?:(\w+) )?"((?:k8s\.io|sigs\.k8s\.io)/[^"]*)"', re.M)


@dataclass
class Definition:
    """A Go type: the text of a struct, or what a named type stands for; with the package that it is in."""

    package: str
    imports: dict[str, str]
    body: str
    wrapped: bool = False


def module_folder(module: str) -> pathlib.Path:
    """Where the Go module lies, after fetching it if need be."""
    cache = pathlib.Path(subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout.strip())
    folder = cache / f"{module}@{VERSION}"
    if not folder.is_dir():
        subprocess.run(["go", "mod", "download", f"{module}@{VERSION}"], check=True)
    return folder


def read_all() -> tuple[dict[str, Definition], dict[str, Definition], dict[str, str]]:
    """Structs by full name, named types by full name, and package by API group-version."""
    structs: dict[str, Definition] = {}
    named: dict[str, Definition] = {}
    packages: dict[str, str] = {}
    for module, pattern in MODULES.items():
        folder = module_folder(module)
        for path in sorted(folder.glob(f"{pattern}/*.go")):
            if path.name.endswith("_test.go") or "generated" in path.name:
                continue
            package = f"{module}/{path.parent.relative_to(folder)}"
            text = path.read_text()
            imports = {alias or full.rsplit("/", 1)[-1]: full for alias, full in IMPORT.findall(text)}
            for name, body in STRUCT.findall(text):
                structs[f"{package}.{name}"] = Definition(package, imports, body)
            for comment, name, target in NAMED.findall(text):
                named[f"{package}.{name}"] = Definition(package, imports, target, "+protobuf.nullable=true" in comment)
            if group := re.search(r'GroupName += "(.*)"', text) or re.search(r"^const GroupName = (.*)$", text, re.M):
                version = path.parent.name
                packages[f"{group.group(1)}/{version}".lstrip("/")] = package
    return structs, named, packages


class Table:
    """The messages reachable from the kinds, named by the last two parts of their package."""

    def __init__(self, structs: dict[str, Definition], named: dict[str, Definition]) -> None:
        self.structs, self.named = structs, named
        self.messages: dict[str, list[list[object]]] = {}

    def add(self, full: str) -> str:
        """Put a message and all that it holds into the table; its short name."""
        package, _, name = full.rpartition(".")
        short = "/".join(package.split("/")[-2:]) + "." + name
        if short not in self.messages:
            self.messages[short] = []
            self.messages[short] = self.fields(self.structs[full])
        return short

    def fields(self, struct: Definition) -> list[list[object]]:
        """The rows of a struct."""
        rows: list[list[object]] = []
        for _, go_type, tags in FIELD.findall(struct.body):
            protobuf, tagged = re.search(r'protobuf:"(\w+),(\d+)', tags), re.search(r'json:"([^"]*)"', tags)
            if protobuf is None or tagged is None:
                continue
            name, *options = tagged.group(1).split(",")
            rule = "i" if not name else ("e" if "omitempty" in options else "") + ("z" if "omitzero" in options else "") or "-"
            rows.append([int(protobuf.group(2)), name, self.type(go_type, struct), rule])
        return rows

    def type(self, go_type: str, where: Definition) -> str:
        """The type of a field."""
        if go_type.startswith("*"):
            return "*" + self.type(go_type[1:], where)
        if go_type == "[]byte":
            return "bytes"
        if go_type.startswith("[]"):
            return "[]" + self.type(go_type[2:], where)
        if go_type.startswith("map["):
            return "{}" + self.type(go_type[go_type.index("]") + 1 :], where)
        full = go_type if go_type in SCALARS else self.full(go_type, where)
        if full in SCALARS:
            special = SCALARS[full]
            if special.startswith("schema_"):
                self.add("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps")
            return special
        if full in self.structs:
            return "@" + self.add(full)
        target = self.named[full]
        inner = self.type(target.body, target)
        return "<>" + inner.removeprefix("[]") if target.wrapped else inner

    @staticmethod
    def full(go_type: str, where: Definition) -> str:
        """The name with its package."""
        alias, _, name = go_type.rpartition(".")
        return f"{where.imports[alias] if alias else where.package}.{name}"


def main() -> None:
    """Write the file."""
    structs, named, packages = read_all()
    table = Table(structs, named)
    roots = {f"{kind.api_version} {kind.kind}": (packages[kind.api_version], kind.kind) for kind in kinds.BUILTIN} | EXTRA_KINDS
    found = {row: table.add(f"{package}.{name}") for row, (package, name) in sorted(roots.items())}
    text = json.dumps({"kinds": found, "messages": dict(sorted(table.messages.items()))}, separators=(",", ":"))
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(lzma.compress(text.encode(), preset=9))
    print(f"{len(found)} kinds, {len(table.messages)} messages, {len(text)} bytes, packed {TARGET.stat().st_size}")


if __name__ == "__main__":
    main()
