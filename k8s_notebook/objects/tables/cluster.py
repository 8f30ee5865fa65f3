"""The rows of nodes, namespaces, events and the other kinds that every cluster has."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.objects.tables import ages
from k8s_notebook.objects.tables.getters import (
    NONE,
    Cell,
    age,
    at,
    condition,
    count,
    flag,
    name,
    number,
    printer,
    text,
    value,
)

_ROLE, _OLD_ROLE = "node-role.kubernetes.io/", "kubernetes.io/role"
_EVENT_COLUMNS = "Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count*|Name*"


def _node_status(node: Obj, now: float) -> Cell:
    ready = condition(node, "Ready").get("status")
    word = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return f"{word},SchedulingDisabled" if at(node, "spec.unschedulable") else word


def _roles(node: Obj, now: float) -> Cell:
    labels = node["metadata"].get("labels") or {}
    roles = {key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)} | {labels.get(_OLD_ROLE, "")}
    return ",".join(sorted(roles - {""})) or NONE


def _address(node: Obj, kind: str) -> str:
    return next((a.get("address", "") for a in at(node, "status.addresses") or () if a.get("type") == kind), NONE)


def _internal_ip(node: Obj, now: float) -> Cell:
    return _address(node, "InternalIP")


def _external_ip(node: Obj, now: float) -> Cell:
    return _address(node, "ExternalIP")


def _kernel(node: Obj, now: float) -> Cell:
    architecture = at(node, "status.nodeInfo.architecture")
    version = at(node, "status.nodeInfo.kernelVersion") or ages.UNKNOWN
    return f"{version} ({architecture})" if architecture else str(version)


def _component(obj: Obj) -> Obj:
    return next((c for c in obj.get("conditions") or () if c.get("type") == "Healthy"), {})


def _health(obj: Obj, now: float) -> Cell:
    return {None: "Unknown", "True": "Healthy"}.get(_component(obj).get("status"), "Unhealthy")


def _health_message(obj: Obj, now: float) -> Cell:
    return str(_component(obj).get("message", ""))


def _health_error(obj: Obj, now: float) -> Cell:
    return str(_component(obj).get("error", ""))


def _requests(quota: Obj, now: float) -> Cell:
    return _used(quota, limits=False)


def _limits(quota: Obj, now: float) -> Cell:
    return _used(quota, limits=True)


def _used(quota: Obj, *, limits: bool) -> str:
    """`pods: 20/100` of the resources that are, or are not, limits."""
    hard, used = at(quota, "status.hard") or {}, at(quota, "status.used") or {}
    named = sorted(resource for resource in hard if resource.startswith("limits.") is limits)
    return ", ".join(f"{resource}: {used.get(resource, '0')}/{hard[resource]}" for resource in named)


def _either(obj: Obj, *paths: str) -> str:
    """The first of several values that is there: the two versions of events name them differently."""
    return next((str(found) for path in paths if (found := at(obj, path))), "")


def _first_seen(event: Obj, now: float) -> Cell:
    return ages.since(_either(event, "firstTimestamp", "deprecatedFirstTimestamp", "eventTime"), now)


def _last_seen(event: Obj, now: float) -> Cell:
    if event.get("series"):
        return ages.since(event["series"].get("lastObservedTime"), now)
    last = _either(event, "lastTimestamp", "deprecatedLastTimestamp")
    return ages.since(last, now) if last else _first_seen(event, now)


def _times(event: Obj, now: float) -> Cell:
    if event.get("series"):
        return int(event["series"].get("count", 0))
    return int(event.get("count") or event.get("deprecatedCount") or 1)


def _regarding(event: Obj, now: float) -> Cell:
    kind = _either(event, "involvedObject.kind", "regarding.kind").lower()
    target = _either(event, "involvedObject.name", "regarding.name")
    return f"{kind}/{target}" if target else kind


def _subobject(event: Obj, now: float) -> Cell:
    return _either(event, "involvedObject.fieldPath", "regarding.fieldPath")


def _source(event: Obj, now: float) -> Cell:
    component = _either(event, "source.component", "deprecatedSource.component", "reportingComponent", "reportingController")
    instance = _either(event, "source.host", "deprecatedSource.host", "reportingInstance")
    return f"{component}, {instance}" if instance else component


def _message(event: Obj, now: float) -> Cell:
    return _either(event, "message", "note").strip()


_EVENTS = printer(
    _EVENT_COLUMNS,
    _last_seen,
    text("type"),
    text("reason"),
    _regarding,
    _subobject,
    _source,
    _message,
    _first_seen,
    _times,
    name,
)


def _service(service: Obj, now: float) -> Cell:
    found = at(service, "spec.service")
    return f"{found.get('namespace', '')}/{found.get('name', '')}" if found else "Local"


def _available(service: Obj, now: float) -> Cell:
    found = condition(service, "Available")
    status, reason = found.get("status", "Unknown"), found.get("reason")
    return f"{status} ({reason})" if reason and status != "True" else str(status)


def _fault_target(fault: Obj, now: float) -> Cell:
    return f"{at(fault, 'spec.target.kind') or ''}/{at(fault, 'spec.target.name') or ''}"


PRINTERS = {
    "componentstatuses": printer("Name|Status|Message|Error", name, _health, _health_message, _health_error),
    "configmaps": printer("Name|Data|Age", name, count("data", "binaryData"), age),
    "events": _EVENTS,
    "events.events.k8s.io": _EVENTS,
    "namespaces": printer("Name|Status|Age", name, text("status.phase"), age),
    "nodes": printer(
        "Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-Runtime*",
        name,
        _node_status,
        _roles,
        age,
        text("status.nodeInfo.kubeletVersion"),
        _internal_ip,
        _external_ip,
        text("status.nodeInfo.osImage", ages.UNKNOWN),
        _kernel,
        text("status.nodeInfo.containerRuntimeVersion", ages.UNKNOWN),
    ),
    "resourcequotas": printer("Name|Request|Limit|Age", name, _requests, _limits, age),
    "secrets": printer("Name|Type|Data|Age", name, text("type"), count("data"), age),
    "serviceaccounts": printer("Name|Age", name, age),
    "apiservices.apiregistration.k8s.io": printer("Name|Service|Available|Age", name, _service, _available, age),
    "leases.coordination.k8s.io": printer("Name|Holder|Age", name, text("spec.holderIdentity"), age),
    "priorityclasses.scheduling.k8s.io": printer(
        "Name|Value:integer|Global-Default:boolean|Age|PreemptionPolicy",
        name,
        number("value"),
        flag("globalDefault"),
        age,
        value("preemptionPolicy"),
    ),
    "runtimeclasses.node.k8s.io": printer("Name|Handler|Age", name, text("handler"), age),
    "decisions.k8s-notebook.io": printer(
        "Name|Node|Feasible:integer|Evaluated:integer|Age|Message",
        name,
        text("status.node", NONE),
        number("status.feasible"),
        number("status.evaluated"),
        age,
        text("status.message"),
    ),
    "faults.k8s-notebook.io": printer("Name|Target|Action|Age", name, _fault_target, text("spec.action"), age),
}
