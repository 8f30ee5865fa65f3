"""Rules for the containers of a pod: names, ports, environment, mounts, probes, resources.

As in pkg/apis/core/validation: validateContainers and what it calls.
"""

from __future__ import annotations

from typing import Any, Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import names, resources
from k8s_notebook.objects.validating.findings import Findings

_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES: Final = ("File", "FallbackToLogsOnError")
_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_COUNTS: Final = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_NO_SOURCE: Final = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
_RESTARTS: Final = ("Always", "Never", "OnFailure")
_INIT_ONLY: Final = "may not be set for init containers without restartPolicy=Always"
_TWO_HANDLERS: Final = "may not specify more than 1 handler type"
_USERS: Final = (0, 2**31 - 1)


def check(found: Findings, spec: Obj, path: str, volumes: frozenset[str]) -> None:
    """All containers of a pod spec: regular, init, ephemeral."""
    regular = spec.get("containers") or ()
    if not regular:
        found.required(f"{path}.containers")
    claims = frozenset(c.get("name", "") for c in spec.get("resourceClaims") or ())
    taken: set[str] = set()
    for i, container in enumerate(regular):
        where = f"{path}.containers[{i}]"
        _container(found, container, where, volumes, claims)
        _unique(found, container, where, taken)
        _alive(found, container, where)
        if container.get("restartPolicy"):
            _restart(found, container, where)
    _host_ports(found, list(regular), f"{path}.containers")
    for i, container in enumerate(spec.get("initContainers") or ()):
        where = f"{path}.initContainers[{i}]"
        _container(found, container, where, volumes, claims)
        _init(found, container, where)
        _unique(found, container, where, taken)
        _host_ports(found, [container], f"{path}.initContainers")


def _unique(found: Findings, container: Obj, path: str, taken: set[str]) -> None:
    name = container.get("name") or ""
    if name in taken:
        found.duplicate(f"{path}.name", name)
    elif name:
        taken.add(name)


def _container(found: Findings, container: Obj, path: str, volumes: frozenset[str], claims: frozenset[str]) -> None:
    name = container.get("name")
    if not name:
        found.required(f"{path}.name")
    elif wrong := names.label(name):
        found.each(f"{path}.name", name, wrong)
    if not container.get("image"):
        found.required(f"{path}.image")
    found.one_of(f"{path}.terminationMessagePolicy", container.get("terminationMessagePolicy"), _MESSAGE_POLICIES)
    if container.get("ports"):
        _ports(found, container["ports"], f"{path}.ports")
    if container.get("env"):
        _environment(found, container["env"], f"{path}.env")
    if container.get("envFrom"):
        _environment_from(found, container["envFrom"], f"{path}.envFrom")
    if container.get("volumeMounts"):
        _mounts(found, container, f"{path}.volumeMounts", volumes)
    if container.get("volumeDevices"):
        _devices(found, container["volumeDevices"], f"{path}.volumeDevices", volumes)
    found.one_of(f"{path}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES)
    if container.get("resources"):
        resources.requirements(found, container["resources"], f"{path}.resources", claims)
    if container.get("securityContext"):
        _security(found, container["securityContext"], f"{path}.securityContext")


def _ports(found: Findings, ports: list[Obj], path: str) -> None:
    taken: set[str] = set()
    for i, port in enumerate(ports):
        where, name, number = f"{path}[{i}]", port.get("name"), port.get("containerPort") or 0
        if name:
            if wrong := names.port_name(name):
                found.each(f"{where}.name", name, wrong)
            elif name in taken:
                found.duplicate(f"{where}.name", name)
            taken.add(name)
        if not number:
            found.required(f"{where}.containerPort")
        else:
            found.each(f"{where}.containerPort", number, names.port(number))
        if port.get("hostPort"):
            found.each(f"{where}.hostPort", port["hostPort"], names.port(port["hostPort"]))
        found.one_of(f"{where}.protocol", port.get("protocol"), _PROTOCOLS)


def _host_ports(found: Findings, containers: list[Obj], path: str) -> None:
    taken: set[str] = set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            shown = f"{port.get('protocol')}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if shown in taken:
                found.duplicate(f"{path}[{i}].ports[{j}].hostPort", shown)
            taken.add(shown)


def _environment(found: Findings, variables: list[Obj], path: str) -> None:
    for i, variable in enumerate(variables):
        name = variable.get("name")
        if not name:
            found.required(f"{path}[{i}].name")
        else:
            found.each(f"{path}[{i}].name", name, names.environment(name))
        if variable.get("valueFrom") is not None:
            _value_from(found, variable, f"{path}[{i}].valueFrom")


def _value_from(found: Findings, variable: Obj, path: str) -> None:
    source = variable["valueFrom"]
    given = [name for name in _SOURCES if source.get(name) is not None]
    for name in given:
        if name in ("configMapKeyRef", "secretKeyRef"):
            _key_reference(found, source[name], f"{path}.{name}")
        elif name == "fieldRef" and not source[name].get("fieldPath"):
            found.required(f"{path}.fieldRef.fieldPath")
        elif name == "resourceFieldRef" and not source[name].get("resource"):
            found.required(f"{path}.resourceFieldRef.resource")
    if not given:
        found.invalid(path, "", _NO_SOURCE)
    elif variable.get("value"):
        found.invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        found.invalid(path, "", "may not have more than one field specified at a time")


def _key_reference(found: Findings, reference: Obj, path: str) -> None:
    key = reference.get("key")
    if not key:
        found.required(f"{path}.key")
    else:
        found.each(f"{path}.key", key, names.config_key(key))


def _environment_from(found: Findings, sources: list[Obj], path: str) -> None:
    for i, source in enumerate(sources):
        if source.get("prefix"):
            found.each(f"{path}[{i}].prefix", source["prefix"], names.environment(source["prefix"]))
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        for name in given:
            if not source[name].get("name"):
                found.required(f"{path}[{i}].{name}.name")
        if not given:
            found.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            found.invalid(path, "", "may not have more than one field specified at a time")


def _mounts(found: Findings, container: Obj, path: str, volumes: frozenset[str]) -> None:
    taken: set[str] = set()
    for i, mount in enumerate(container["volumeMounts"]):
        where, name, place = f"{path}[{i}]", mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            found.required(f"{where}.name")
        if name not in volumes:
            found.not_found(f"{where}.name", name)
        if not place:
            found.required(f"{where}.mountPath")
        if place in taken:
            found.invalid(f"{where}.mountPath", place, "must be unique")
        taken.add(place)
        for field in ("subPath", "subPathExpr"):
            if mount.get(field):
                descending(found, mount[field], f"{path}.{field}")
        if mount.get("subPath") and mount.get("subPathExpr"):
            found.invalid(f"{where}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive")


def descending(found: Findings, place: str, path: str) -> None:
    """A path that stays below where it starts."""
    if place.startswith("/"):
        found.invalid(path, place, "must be a relative path")
    if ".." in place.split("/"):
        found.invalid(path, place, "must not contain '..'")


def _devices(found: Findings, devices: list[Obj], path: str, volumes: frozenset[str]) -> None:
    for i, device in enumerate(devices):
        if not device.get("name"):
            found.required(f"{path}[{i}].name")
        elif device["name"] not in volumes:
            found.not_found(f"{path}[{i}].name", device["name"])
        if not device.get("devicePath"):
            found.required(f"{path}[{i}].devicePath")


def _alive(found: Findings, container: Obj, path: str) -> None:
    """Life-cycle hooks and probes."""
    if container.get("lifecycle"):
        for hook in ("postStart", "preStop"):
            if container["lifecycle"].get(hook) is not None:
                _handler(found, container["lifecycle"][hook], f"{path}.lifecycle.{hook}")
    for name in _PROBES:
        if container.get(name) is not None:
            _probe(found, container[name], name, f"{path}.{name}")


def _probe(found: Findings, probe: Obj, name: str, path: str) -> None:
    _handler(found, probe, path)
    for field in _COUNTS:
        found.not_negative(f"{path}.{field}", probe.get(field))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        found.invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0")
    if name == "readinessProbe" and grace is not None:
        found.invalid(f"{path}.terminationGracePeriodSeconds", grace, "must not be set for readinessProbes")
    threshold = probe.get("successThreshold", 1)
    if name != "readinessProbe" and threshold != 1:
        found.invalid(f"{path}.successThreshold", threshold, "must be 1")


def _handler(found: Findings, handler: Obj, path: str) -> None:
    given = [name for name in _HANDLERS if handler.get(name) is not None]
    if not given:
        found.required(path, "must specify a handler type")
        return
    _HANDLER_RULES[given[0]](found, handler[given[0]], f"{path}.{given[0]}")
    for name in given[1:]:
        found.forbidden(f"{path}.{name}", _TWO_HANDLERS)


def _exec(found: Findings, action: Obj, path: str) -> None:
    if not action.get("command"):
        found.required(f"{path}.command")


def _http(found: Findings, action: Obj, path: str) -> None:
    if not action.get("path"):
        found.required(f"{path}.path")
    port_or_name(found, action.get("port") or 0, f"{path}.port")
    if action.get("scheme") not in ("HTTP", "HTTPS"):
        found.unsupported(f"{path}.scheme", action.get("scheme") or "", ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or ():
        found.each(f"{path}.httpHeaders", header.get("name") or "", names.header(header.get("name") or ""))


def _tcp(found: Findings, action: Obj, path: str) -> None:
    port_or_name(found, action.get("port") or 0, f"{path}.port")


def _grpc(found: Findings, action: Obj, path: str) -> None:
    port_or_name(found, action.get("port") or 0, f"{path}.port")


def _sleep(found: Findings, action: Obj, path: str) -> None:
    if (action.get("seconds") or 0) < 0:
        found.invalid(f"{path}", action["seconds"], "must be non-negative")


_HANDLER_RULES: Final = {"exec": _exec, "httpGet": _http, "tcpSocket": _tcp, "grpc": _grpc, "sleep": _sleep}


def port_or_name(found: Findings, port: Any, path: str) -> None:
    """A port number or the name of a port."""
    found.each(path, port, names.port_name(port) if isinstance(port, str) else names.port(port))


def _init(found: Findings, container: Obj, path: str) -> None:
    """Init containers: hooks and probes only for sidecars."""
    sidecar = container.get("restartPolicy") == "Always"
    if container.get("restartPolicy"):
        _restart(found, container, path)
    if sidecar:
        _alive(found, container, path)
        return
    for field in ("lifecycle", *_PROBES):
        if container.get(field) is not None:
            found.forbidden(f"{path}.{field}", _INIT_ONLY)


def _restart(found: Findings, container: Obj, path: str) -> None:
    if container["restartPolicy"] not in _RESTARTS:
        found.unsupported(f"{path}.restartPolicy", container["restartPolicy"], _RESTARTS)


def _security(found: Findings, context: Obj, path: str) -> None:
    for field in ("runAsUser", "runAsGroup"):
        if context.get(field) is not None:
            found.each(f"{path}.{field}", context[field], names.in_range(context[field], *_USERS))
    if context.get("allowPrivilegeEscalation") is False and context.get("privileged"):
        found.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
