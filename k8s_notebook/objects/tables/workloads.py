"""The rows of what runs pods: Deployments, Jobs and the like."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.objects.tables import ages
from k8s_notebook.objects.tables.getters import (
    NONE,
    Cell,
    age,
    ago,
    at,
    containers,
    count,
    is_true,
    labels,
    name,
    number,
    printer,
    ratio,
    selector,
    text,
    value,
)

_TEMPLATE = "spec.template.spec"


def _selector(obj: Obj, now: float) -> Cell:
    """A Deployment's selector, empty where others say <none>."""
    shown = selector("spec.selector")(obj, now)
    return {NONE: "", "<error>": "<invalid>"}.get(str(shown), shown)


_JOB_STATES = (
    ("Complete", "Complete"),
    ("Failed", "Failed"),
    ("", "Terminating"),
    ("Suspended", "Suspended"),
    ("FailureTarget", "FailureTarget"),
    ("SuccessCriteriaMet", "SuccessCriteriaMet"),
)
"""Condition that must be true (none: being deleted) -> the word for it; the first that holds."""


def _job_status(job: Obj, now: float) -> Cell:
    deleted = bool(job["metadata"].get("deletionTimestamp"))
    return next((word for kind, word in _JOB_STATES if (is_true(job, kind) if kind else deleted)), "Running")


def _completions(job: Obj, now: float) -> Cell:
    done, wanted, parallel = at(job, "status.succeeded") or 0, at(job, "spec.completions"), at(job, "spec.parallelism") or 0
    if wanted is not None:
        return f"{done}/{wanted}"
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _job_duration(job: Obj, now: float) -> Cell:
    start, end = at(job, "status.startTime"), at(job, "status.completionTime")
    if not start:
        return ""
    return ages.human_duration((ages.moment(end) if end else now) - ages.moment(start))


def _suspended(job: Obj, now: float) -> Cell:
    suspended = at(job, "spec.suspend")
    return "<unset>" if suspended is None else str(suspended)


def _owner(obj: Obj, now: float) -> Cell:
    """The controller of a revision: `statefulset.apps/web`."""
    owner = next((o for o in obj["metadata"].get("ownerReferences") or () if o.get("controller")), None)
    if owner is None:
        return NONE
    group = owner.get("apiVersion", "").rpartition("/")[0]
    return f"{owner['kind']}.{group}".lower().rstrip(".") + f"/{owner['name']}"


_REPLICAS = "Name|Desired:integer|Current:integer|Ready:integer|Age|Containers*|Images*|Selector*"
_COUNTED = (name, number("spec.replicas"), number("status.replicas"), number("status.readyReplicas"), age)

PRINTERS = {
    "podtemplates": printer(
        "Name|Containers|Images|Pod Labels", name, *containers("template.spec"), labels("template.metadata.labels")
    ),
    "replicationcontrollers": printer(_REPLICAS, *_COUNTED, *containers(_TEMPLATE), labels("spec.selector")),
    "replicasets.apps": printer(_REPLICAS, *_COUNTED, *containers(_TEMPLATE), selector("spec.selector")),
    "deployments.apps": printer(
        "Name|Ready|Up-to-date|Available|Age|Containers*|Images*|Selector*",
        name,
        ratio("status.readyReplicas", "spec.replicas"),
        number("status.updatedReplicas"),
        number("status.availableReplicas"),
        age,
        *containers(_TEMPLATE),
        _selector,
    ),
    "statefulsets.apps": printer(
        "Name|Ready|Age|Containers*|Images*", name, ratio("status.readyReplicas", "spec.replicas"), age, *containers(_TEMPLATE)
    ),
    "daemonsets.apps": printer(
        "Name|Desired:integer|Current:integer|Ready:integer|Up-to-date:integer|Available:integer|Node Selector|Age"
        "|Containers*|Images*|Selector*",
        name,
        number("status.desiredNumberScheduled"),
        number("status.currentNumberScheduled"),
        number("status.numberReady"),
        number("status.updatedNumberScheduled"),
        number("status.numberAvailable"),
        labels(f"{_TEMPLATE}.nodeSelector"),
        age,
        *containers(_TEMPLATE),
        selector("spec.selector"),
    ),
    "controllerrevisions.apps": printer("Name|Controller|Revision|Age", name, _owner, number("revision"), age),
    "jobs.batch": printer(
        "Name|Status|Completions|Duration|Age|Containers*|Images*|Selector*",
        name,
        _job_status,
        _completions,
        _job_duration,
        age,
        *containers(_TEMPLATE),
        selector("spec.selector"),
    ),
    "cronjobs.batch": printer(
        "Name|Schedule|Timezone|Suspend:boolean|Active:integer|Last Schedule|Age|Containers*|Images*|Selector*",
        name,
        text("spec.schedule"),
        value("spec.timeZone", NONE),
        _suspended,
        count("status.active"),
        ago("status.lastScheduleTime", NONE),
        age,
        *containers("spec.jobTemplate.spec.template.spec"),
        selector("spec.jobTemplate.spec.selector"),
    ),
    "poddisruptionbudgets.policy": printer(
        "Name|Min Available|Max Unavailable|Allowed Disruptions:integer|Age",
        name,
        text("spec.minAvailable", "N/A"),
        text("spec.maxUnavailable", "N/A"),
        number("status.disruptionsAllowed"),
        age,
    ),
    "scales.autoscaling": printer(
        "Name|Desired:integer|Available:integer|Age", name, number("spec.replicas"), number("status.replicas"), age
    ),
}
