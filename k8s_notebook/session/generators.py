"""`create namespace | configmap | secret generic | deployment | service …` without a manifest."""

from __future__ import annotations

import argparse
import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from k8s_notebook.objects import Obj
from k8s_notebook.session.arguments import Parser
from k8s_notebook.session.problems import UsageError, error


def options(parser: Parser) -> None:
    """The options of all generators."""
    parser.add_argument("--from-literal", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--from-file", action="append", default=[], metavar="[KEY=]FILE")
    parser.add_argument("--image", action="append", default=[])
    parser.add_argument("-r", "--replicas", type=int, default=1)
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--tcp", action="append", default=[], metavar="PORT[:TARGET]")


def make(given: argparse.Namespace) -> Obj:
    """The object that the words and options describe."""
    words = list(given.words)
    if not words:
        raise UsageError("error: must specify -f FILE, or what to create, for example namespace NAME")
    kind = words.pop(0)
    between = {"secret": ("generic",), "service": ("clusterip", "nodeport", "loadbalancer")}
    alias = {"ns": "namespace", "cm": "configmap", "deploy": "deployment", "svc": "service", "sa": "serviceaccount"}
    kind = alias.get(kind, kind)
    how = ""
    if kind in between:
        how = words.pop(0) if words else ""
        if how not in between[kind]:
            raise UsageError(f"error: create {kind} needs one of {', '.join(between[kind])}, then a name")
    maker = _MAKERS.get(kind)
    if maker is None:
        raise UsageError(f'error: cannot create "{kind}" without a manifest; known: {", ".join(_MAKERS)}')
    if not words:
        raise UsageError(f"error: exactly one NAME is required for create {kind}")
    return maker(words[0], how, given)


def _namespace(name: str, _: str, __: argparse.Namespace) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _serviceaccount(name: str, _: str, __: argparse.Namespace) -> Obj:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


def _configmap(name: str, _: str, given: argparse.Namespace) -> Obj:
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for key, value in _values(given).items():
        try:
            data[key] = value.decode("utf-8")
        except UnicodeDecodeError:
            binary[key] = base64.b64encode(value).decode()
    body = {k: v for k, v in (("data", data), ("binaryData", binary)) if v}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **body}


def _secret(name: str, _: str, given: argparse.Namespace) -> Obj:
    data = {k: base64.b64encode(v).decode() for k, v in _values(given).items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "Opaque",
        **({"data": data} if data else {}),
    }


def _values(given: argparse.Namespace) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for literal in given.from_literal:
        key, equals, value = literal.partition("=")
        if not equals or not key:
            raise UsageError(f"error: invalid literal source {literal}, expected key=value")
        found[key] = value.encode()
    for entry in given.from_file:
        key, equals, path = entry.partition("=")
        file = Path(path if equals else key)
        try:
            found[key if equals else file.name] = file.expanduser().read_bytes()
        except OSError as problem:
            raise error(f"cannot read {file}: {problem.strerror}") from None
    return found


def _deployment(name: str, _: str, given: argparse.Namespace) -> Obj:
    if not given.image:
        raise UsageError("error: required flag(s) --image not set")
    ports: Obj = {"ports": [{"containerPort": given.port}]} if given.port else {}
    containers = [{"name": _container(image), "image": image, **ports} for image in given.image]
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": given.replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}


def _container(image: str) -> str:
    """The container's name: the last part of the image's, without tag and digest.

    >>> _container("registry.example/team/web:1.2@sha256:0")
    'web'
    """
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].replace("_", "-") or "app"


def _service(name: str, how: str, given: argparse.Namespace) -> Obj:
    if not given.tcp:
        raise UsageError("error: at least one tcp port specifier must be provided: --tcp=80 or --tcp=80:8080")
    types = {"clusterip": "ClusterIP", "nodeport": "NodePort", "loadbalancer": "LoadBalancer"}
    ports = [_port(p) for p in given.tcp]
    spec = {"type": types[how], "selector": {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def _port(text: str) -> Obj:
    port, _, target = text.partition(":")
    try:
        number = int(port)
        to: int | str = int(target) if target.isdigit() else target or number
    except ValueError:
        raise UsageError(f"error: --tcp needs PORT or PORT:TARGET, not {text!r}") from None
    return {"name": text.replace(":", "-"), "port": number, "protocol": "TCP", "targetPort": to}


Maker = Callable[[str, str, argparse.Namespace], Obj]
_MAKERS: Mapping[str, Maker] = {
    "namespace": _namespace,
    "configmap": _configmap,
    "secret": _secret,
    "deployment": _deployment,
    "service": _service,
    "serviceaccount": _serviceaccount,
}

__all__: Sequence[str] = ["make", "options"]
