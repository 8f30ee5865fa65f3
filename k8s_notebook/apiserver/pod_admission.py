"""What admission adds to pods: account and token volume, priority, tolerations, runtime overhead, topology labels."""

from __future__ import annotations

import functools
from typing import Any

from k8s_notebook.apiserver.state import State, metadata
from k8s_notebook.objects import Obj, errors

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_MIRROR = "kubernetes.io/config.mirror"
_TOPOLOGY = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
EVICTED_AFTER = 300
"""Seconds that a pod stays on a node that is gone, unless the cluster says otherwise."""
_COMPUTED = (
    "the {what} ({given}) must not be provided in pod spec; priority admission controller computed {value} from the given "
    "PriorityClass name"
)


@functools.cache
def _toleration(key: str, seconds: int) -> Obj:
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}


_GONE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def with_account(state: State, pod: Obj) -> Obj:
    """ServiceAccount: the pod's account, and the volume that holds its token."""
    if _MIRROR in (pod["metadata"].get("annotations") or {}):
        return pod
    spec = pod["spec"]
    namespace = pod["metadata"]["namespace"]
    name = spec.get("serviceAccountName") or "default"
    account = state.object("serviceaccounts", namespace, name)
    if account is None:
        subject = pod["metadata"].get("name") or pod["metadata"].get("generateName") or ""
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise errors.forbidden("pods", subject, why)
    spec = {**spec, "serviceAccountName": name, "serviceAccount": name}
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    mounts = spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True))
    return {**pod, "spec": _with_token(state, spec) if mounts else spec}


def _with_token(state: State, spec: Obj) -> Obj:
    volumes = spec.get("volumes") or []
    known = next((v["name"] for v in volumes if v["name"].startswith("kube-api-access-")), None)
    name = known or f"kube-api-access-{state.streams.suffix()}"
    mount = {"name": name, "readOnly": True, "mountPath": TOKEN_PATH}
    changed = {f: [_mounted(c, mount) for c in spec[f]] for f in ("initContainers", "containers") if spec.get(f)}
    used = any(mount in c.get("volumeMounts", ()) for f in changed for c in changed[f])
    if known is None and used:
        changed["volumes"] = [*volumes, _token_volume(name)]
    return {**spec, **changed}


def _mounted(container: Obj, mount: Obj) -> Obj:
    mounts = container.get("volumeMounts") or []
    if any(m.get("mountPath") == TOKEN_PATH for m in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, mount]}


_SOURCES: list[Any] = [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
]


def _token_volume(name: str) -> Obj:
    return {"name": name, "projected": {"sources": _SOURCES, "defaultMode": 420}}


def with_priority(state: State, pod: Obj) -> Obj:
    """Priority: the number and the preemption policy of the pod's class."""
    spec = pod["spec"]
    name, found = _priority_class(state, pod)
    value = int(found.get("value") or 0)
    policy = found.get("preemptionPolicy") or "PreemptLowerPriority"
    if spec.get("priority") is not None and spec["priority"] != value:
        _refuse(pod, _COMPUTED.format(what="integer value of priority", given=spec["priority"], value=value))
    if spec.get("preemptionPolicy") and spec["preemptionPolicy"] != policy and found:
        _refuse(pod, _COMPUTED.format(what="string value of PreemptionPolicy", given=spec["preemptionPolicy"], value=policy))
    added: Obj = {"priority": value, "preemptionPolicy": spec.get("preemptionPolicy") or policy}
    if name:
        added["priorityClassName"] = name
    return {**pod, "spec": {**spec, **added}}


def _priority_class(state: State, pod: Obj) -> tuple[str, Obj]:
    name = pod["spec"].get("priorityClassName") or ""
    if name:
        found = state.object("priorityclasses.scheduling.k8s.io", "", name)
        if found is None:
            _refuse(pod, f"no PriorityClass with name {name} was found")
        return name, found or {}
    chosen = [c for c in state.objects("priorityclasses.scheduling.k8s.io") if c.get("globalDefault")]
    chosen.sort(key=lambda c: int(c.get("value") or 0))
    return (str(chosen[0]["metadata"]["name"]), chosen[0]) if chosen else ("", {})


def _refuse(pod: Obj, why: str) -> None:
    raise errors.forbidden("pods", pod["metadata"].get("name") or pod["metadata"].get("generateName") or "", why)


def with_tolerations(pod: Obj, seconds: int = EVICTED_AFTER) -> Obj:
    """DefaultTolerationSeconds: how long a pod stays on a node that is gone."""
    tolerations = pod["spec"].get("tolerations") or []
    added = [_toleration(k, seconds) for k in _GONE if not any(_covers(given, k) for given in tolerations)]
    return {**pod, "spec": {**pod["spec"], "tolerations": [*tolerations, *added]}} if added else pod


def _covers(toleration: Obj, key: str) -> bool:
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in ("", "NoExecute")


def with_runtime(state: State, pod: Obj) -> Obj:
    """RuntimeClass: its overhead and its nodes."""
    name = pod["spec"].get("runtimeClassName")
    if not name:
        return pod
    found = state.object("runtimeclasses.node.k8s.io", "", name)
    if found is None:
        _refuse(pod, f'pod rejected: RuntimeClass "{name}" not found')
        return pod
    spec = dict(pod["spec"])
    fixed = (found.get("overhead") or {}).get("podFixed")
    if fixed:
        spec["overhead"] = fixed
    scheduling = found.get("scheduling") or {}
    if scheduling.get("nodeSelector"):
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), **scheduling["nodeSelector"]}
    if scheduling.get("tolerations"):
        spec["tolerations"] = [*(spec.get("tolerations") or []), *scheduling["tolerations"]]
    return {**pod, "spec": spec}


def readmitted(new: Obj, old: Obj) -> Obj:
    """A changed pod keeps what admission once gave it."""
    spec, before = new.get("spec"), old.get("spec")
    if spec is before or not isinstance(spec, dict) or not isinstance(before, dict):
        return new
    missing = {f: before[f] for f in ("priority", "preemptionPolicy", "serviceAccountName") if f in before and f not in spec}
    if "serviceAccountName" in spec and "serviceAccount" not in spec and "serviceAccount" in before:
        missing["serviceAccount"] = spec["serviceAccountName"]
    if not missing:
        return new
    return {**new, "spec": {**spec, **missing}}


def with_topology(pod: Obj, node: Obj) -> Obj:
    """PodTopologyLabels: the pod with the zone and region of its node."""
    labels = node["metadata"].get("labels") or {}
    found = {k: labels[k] for k in _TOPOLOGY if k in labels}
    return metadata(pod, labels={**(pod["metadata"].get("labels") or {}), **found}) if found else pod
