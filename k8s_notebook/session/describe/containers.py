"""Containers, as pods and pod templates describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.session.describe.lines import Page, when


def describe(page: Page, level: int, title: str, containers: Sequence[Obj], statuses: Sequence[Obj] | None) -> None:
    """All containers of a list, at level 0 of a pod (with statuses) or 1 of a template (indented as oddly as kubectl does)."""
    if not containers:
        return
    by_name = {s.get("name"): s for s in statuses or ()}
    page.add(level, f"{title}:")
    for container in containers:
        page.add(1, f"{' ' * level}{container['name']}:")
        _one(page, 2, container, by_name.get(container["name"]) if statuses is not None else None)


def _one(page: Page, level: int, container: Obj, status: Obj | None) -> None:
    if status is not None:
        page.add(level, "Container ID:", status.get("containerID") or "")
    page.pair(level, "Image", container.get("image"))
    if status is not None:
        page.add(level, "Image ID:", status.get("imageID") or "")
    ports = container.get("ports") or ()
    page.pair(
        level, "Ports" if len(ports) > 1 else "Port", ", ".join(f"{p['containerPort']}/{p.get('protocol', 'TCP')}" for p in ports)
    )
    page.pair(
        level, "Host Ports" if len(ports) > 1 else "Host Port", ", ".join(f"{p.get('hostPort', 0)}/{p.get('protocol', 'TCP')}" for p in ports)
    )  # fmt: skip
    for key in ("command", "args"):
        if container.get(key):
            page.add(level, f"{key.title()}:")
            for word in container[key]:
                for line in str(word).split("\n"):
                    page.add(level + 1, line)
    if status is not None:
        _state(page, level, "State", status.get("state") or {})
        if status.get("lastState"):
            _state(page, level, "Last State", status["lastState"])
        page.pair(level, "Ready", "True" if status.get("ready") else "False")
        page.pair(level, "Restart Count", status.get("restartCount", 0))
    resources = container.get("resources") or {}
    for key in ("limits", "requests"):
        if resources.get(key):
            page.add(level, f"{key.title()}:")
            for name, amount in sorted(resources[key].items()):
                page.pair(level + 1, name, amount)
    for key in ("liveness", "readiness", "startup"):
        if container.get(f"{key}Probe"):
            page.pair(level, key.title(), _probe(container[f"{key}Probe"]))
    _environment(page, level, container)
    mounts = sorted(container.get("volumeMounts") or (), key=lambda m: str(m.get("mountPath")))
    lines = [f"{m.get('mountPath')} from {m.get('name')} ({'ro' if m.get('readOnly') else 'rw'})" for m in mounts]
    if lines:
        page.add(level, "Mounts:")
        for line in lines:
            page.add(level + 1, line)
    else:
        page.pair(level, "Mounts", None)


def _state(page: Page, level: int, title: str, state: Mapping[str, Any]) -> None:
    how = next(iter(state), "waiting")
    facts = state.get(how) or {}
    page.pair(level, title, how.title())
    if facts.get("reason"):
        page.pair(level + 1, "Reason", facts["reason"])
    if facts.get("message"):
        page.pair(level + 1, "Message", facts["message"])
    if how == "terminated":
        page.pair(level + 1, "Exit Code", facts.get("exitCode", 0))
        if facts.get("signal"):
            page.pair(level + 1, "Signal", facts["signal"])
    if how in {"running", "terminated"}:
        page.pair(level + 1, "Started", when(facts.get("startedAt")))
    if how == "terminated":
        page.pair(level + 1, "Finished", when(facts.get("finishedAt")))


def _probe(probe: Obj) -> str:
    times = "delay={}s timeout={}s period={}s #success={} #failure={}".format(
        probe.get("initialDelaySeconds", 0), probe.get("timeoutSeconds", 1), probe.get("periodSeconds", 10),
        probe.get("successThreshold", 1), probe.get("failureThreshold", 3),
    )  # fmt: skip
    if "httpGet" in probe:
        get = probe["httpGet"]
        return (
            f"http-get {get.get('scheme', 'HTTP').lower()}://{get.get('host', '')}:{get.get('port')}{get.get('path', '')} {times}"
        )
    if "tcpSocket" in probe:
        return f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket'].get('port')} {times}"
    if "grpc" in probe:
        return f"grpc <pod>:{probe['grpc'].get('port')} {probe['grpc'].get('service') or ''} {times}"
    return f"exec [{' '.join((probe.get('exec') or {}).get('command') or ())}] {times}"


def _environment(page: Page, level: int, container: Obj) -> None:
    if container.get("envFrom"):
        page.add(level, "Environment Variables from:")
        for source in container["envFrom"]:
            kind = "ConfigMap" if "configMapRef" in source else "Secret"
            found = source.get("configMapRef") or source.get("secretRef") or {}
            optional = "true" if found.get("optional") else "false"
            page.add(level + 1, found.get("name"), kind, f"Optional: {optional}")
    entries = container.get("env") or ()
    if not entries:
        page.pair(level, "Environment", None)
        return
    page.add(level, "Environment:")
    for entry in entries:
        page.add(level + 1, f"{entry['name']}:", _value(entry))


def _value(entry: Obj) -> str:
    source = entry.get("valueFrom")
    if not source:
        return str(entry.get("value") or "")
    for key, kind in (("configMapKeyRef", "config map"), ("secretKeyRef", "secret")):
        if key in source:
            found = source[key]
            optional = "true" if found.get("optional") else "false"
            return f"<set to the key '{found.get('key')}' of {kind} '{found.get('name')}'>  Optional: {optional}"
    if "fieldRef" in source:
        return f" ({source['fieldRef'].get('apiVersion', 'v1')}:{source['fieldRef'].get('fieldPath')})"
    found = source.get("resourceFieldRef") or {}
    return f"{found.get('containerName', '')} ({found.get('resource')})"
