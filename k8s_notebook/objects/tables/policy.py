"""The rows of roles, certificates, admission, flow control and devices."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.objects.tables import ages
from k8s_notebook.objects.tables.getters import (
    NONE,
    UNSET,
    Cell,
    Getter,
    Printer,
    age,
    at,
    condition,
    count,
    name,
    number,
    printer,
    selector_text,
    text,
    value,
)


def _subjects(kind: str, pattern: str) -> Getter:
    """The subjects of a binding that are of one kind."""

    def get(binding: Obj, now: float) -> Cell:
        subjects = [s for s in binding.get("subjects") or () if s.get("kind") == kind]
        return ", ".join(pattern.format(name=s.get("name", ""), namespace=s.get("namespace", "")) for s in subjects)

    return get


def _role(binding: Obj, now: float) -> Cell:
    return f"{at(binding, 'roleRef.kind') or ''}/{at(binding, 'roleRef.name') or ''}"


_BINDING = printer(
    "Name|Role|Age|Users*|Groups*|ServiceAccounts*",
    name,
    _role,
    age,
    _subjects("User", "{name}"),
    _subjects("Group", "{name}"),
    _subjects("ServiceAccount", "{namespace}/{name}"),
)


def _request_state(request: Obj, now: float) -> Cell:
    """`Approved,Issued` of a certificate signing request."""
    kinds = {c.get("type") for c in at(request, "status.conditions") or ()}
    words = ["Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"]
    words += ["Failed"] if "Failed" in kinds else []
    return ",".join([*words, "Issued"] if at(request, "status.certificate") else words)


def _requested_duration(request: Obj, now: float) -> Cell:
    seconds = at(request, "spec.expirationSeconds")
    return NONE if seconds is None else ages.human_duration(seconds)


def _param_kind(policy: Obj, now: float) -> Cell:
    found = at(policy, "spec.paramKind")
    return UNSET if found is None else f"{found.get('apiVersion', '')}/{found.get('kind', '')}"


def _param_ref(binding: Obj, now: float) -> Cell:
    found = at(binding, "spec.paramRef") or {}
    if found.get("name"):
        return f"{found.get('namespace') or '*'}/{found['name']}"
    return selector_text(found["selector"]) if found.get("selector") is not None else UNSET


def _policy(rules: str, title: str) -> Printer:
    return printer(f"Name|{title}:integer|ParamKind|Age", name, count(f"spec.{rules}"), _param_kind, age)


_POLICY_BINDING = printer("Name|PolicyName|ParamRef|Age", name, text("spec.policyName"), _param_ref, age)
_WEBHOOKS = printer("Name|Webhooks:integer|Age", name, count("webhooks"), age)


def _claim_state(claim: Obj, now: float) -> Cell:
    """`allocated,reserved` of a resource claim."""
    deleted, allocated = bool(claim["metadata"].get("deletionTimestamp")), at(claim, "status.allocation") is not None
    words = {
        "deleted": deleted,
        "pending": not allocated and not deleted,
        "allocated": allocated,
        "reserved": allocated and bool(at(claim, "status.reservedFor")),
    }
    return ",".join(word for word, holds in words.items() if holds)


def _dangling(schema: Obj, now: float) -> Cell:
    return str(condition(schema, "Dangling").get("status", "?"))


_LIMITED = "spec.limited"
_QUEUING = "spec.limited.limitResponse.queuing"

PRINTERS = {
    "rolebindings.rbac.authorization.k8s.io": _BINDING,
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDING,
    "certificatesigningrequests.certificates.k8s.io": printer(
        "Name|Age|SignerName|Requestor|RequestedDuration|Condition",
        name,
        age,
        text("spec.signerName", NONE),
        text("spec.username"),
        _requested_duration,
        _request_state,
    ),
    "validatingadmissionpolicies.admissionregistration.k8s.io": _policy("validations", "Validations"),
    "mutatingadmissionpolicies.admissionregistration.k8s.io": _policy("mutations", "Mutations"),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": _POLICY_BINDING,
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": _POLICY_BINDING,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "flowschemas.flowcontrol.apiserver.k8s.io": printer(
        "Name|PriorityLevel|MatchingPrecedence|DistinguisherMethod|Age|MissingPL",
        name,
        text("spec.priorityLevelConfiguration.name"),
        number("spec.matchingPrecedence"),
        value("spec.distinguisherMethod.type", NONE),
        age,
        _dangling,
    ),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": printer(
        "Name|Type|NominalConcurrencyShares|Queues|HandSize|QueueLengthLimit|Age",
        name,
        text("spec.type"),
        value(f"{_LIMITED}.nominalConcurrencyShares", NONE),
        value(f"{_QUEUING}.queues", NONE),
        value(f"{_QUEUING}.handSize", NONE),
        value(f"{_QUEUING}.queueLengthLimit", NONE),
        age,
    ),
    "deviceclasses.resource.k8s.io": printer("Name|Age", name, age),
    "resourceclaims.resource.k8s.io": printer("Name|State|Age", name, _claim_state, age),
    "resourceclaimtemplates.resource.k8s.io": printer("Name|Age", name, age),
    "resourceslices.resource.k8s.io": printer(
        "Name|Node|Driver|Pool|Age", name, text("spec.nodeName"), text("spec.driver"), text("spec.pool.name"), age
    ),
}
