"""Rules for the controllers of pods: Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController, PodTemplate.

As in pkg/apis/apps/validation.
"""

from __future__ import annotations

from typing import Any, Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import metadata, names, pods
from k8s_notebook.objects.validating.findings import Findings, Struct

_NO_MATCH: Final = "`selector` does not match template `labels`"
_STATEFUL_CHANGES: Final = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)  # fmt: skip
_STATEFUL_WRONG: Final = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy',"
    " 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_RETENTIONS: Final = ("Retain", "Delete")


def _selector(found: Findings, spec: Obj, kind: str) -> bool:
    """Whether the selector can be understood, so that the template can be compared with it."""
    given, before = spec.get("selector"), len(found)
    if given is None:
        found.required("spec.selector")
        return True
    metadata.selector(found, given, "spec.selector")
    understood = len(found) == before
    if not given.get("matchLabels") and not given.get("matchExpressions"):
        found.invalid("spec.selector", given, f"empty selector is invalid for {kind}")
    if not understood:
        found.invalid("spec.selector", given, "" if kind == "statefulset" else "invalid label selector")
    return understood


def _labels(spec: Obj) -> Any:
    return ((spec.get("template") or {}).get("metadata") or {}).get("labels")


def match(found: Findings, spec: Obj) -> None:
    """The selector must select the pods of the template."""
    given = spec.get("selector")
    if given == {} or metadata.matches(given, _labels(spec) or {}):
        return
    found.invalid("spec.template.metadata.labels", _labels(spec), _NO_MATCH)


def always(found: Findings, spec: Obj, kind: str) -> None:
    """The template must restart its containers, and without a deadline."""
    inner = (spec.get("template") or {}).get("spec") or {}
    if inner.get("restartPolicy") != "Always":
        found.unsupported("spec.template.spec.restartPolicy", inner.get("restartPolicy") or "", ("Always",))
    if inner.get("activeDeadlineSeconds") is not None:
        found.forbidden("spec.template.spec.activeDeadlineSeconds", f"activeDeadlineSeconds in {kind} is not Supported")


def deployment(found: Findings, obj: Obj) -> None:
    """A Deployment."""
    spec = obj.get("spec") or {}
    found.not_negative("spec.replicas", spec.get("replicas"))
    if _selector(found, spec, "deployment"):
        match(found, spec)
        pods.template(found, spec.get("template") or {}, "spec.template")
        always(found, spec, "ReplicaSet")
    _strategy(found, spec.get("strategy") or {})
    for field in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        found.not_negative(f"spec.{field}", spec.get(field))
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= (spec.get("minReadySeconds") or 0):
        found.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _strategy(found: Findings, strategy: Obj) -> None:
    kind, rolling = strategy.get("type") or "", strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling is not None:
            found.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    elif kind != "RollingUpdate":
        found.unsupported("spec.strategy", _as_go(strategy), ("Recreate", "RollingUpdate"))
    elif rolling is None:
        found.required("spec.strategy.rollingUpdate", "this should be defaulted and never be nil")
    else:
        _rolling_deployment(found, rolling, "spec.strategy.rollingUpdate")


def _as_go(strategy: Obj) -> Obj:
    """How the server shows a strategy in a message: by the names of its own struct."""
    return {"Type": strategy.get("type") or "", "RollingUpdate": strategy.get("rollingUpdate")}


def _rolling_deployment(found: Findings, rolling: Obj, path: str) -> None:
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    count_or_percent(found, unavailable, f"{path}.maxUnavailable")
    count_or_percent(found, surge, f"{path}.maxSurge")
    if _number(unavailable) == 0 and _number(surge) == 0:
        found.invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    at_most_all(found, unavailable, f"{path}.maxUnavailable")


def count_or_percent(found: Findings, value: int | str, path: str) -> None:
    """A number that is not negative, or a percentage."""
    if isinstance(value, str):
        found.each(path, value, names.percent(value))
    else:
        found.not_negative(path, value)


def at_most_all(found: Findings, value: int | str, path: str) -> None:
    """No more than 100%."""
    if isinstance(value, str) and not names.percent(value) and int(value[:-1]) > 100:
        found.invalid(path, value, "must not be greater than 100%")


def _number(value: int | str) -> int:
    if isinstance(value, int):
        return value
    return 0 if names.percent(value) else int(value[:-1])


def replica_set(found: Findings, obj: Obj) -> None:
    """A ReplicaSet."""
    spec = obj.get("spec") or {}
    found.not_negative("spec.replicas", spec.get("replicas"))
    found.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    if _selector(found, spec, "deployment"):
        match(found, spec)
        pods.template(found, spec.get("template") or {}, "spec.template")
        always(found, spec, "ReplicaSet")


def daemon_set(found: Findings, obj: Obj) -> None:
    """A DaemonSet."""
    spec = obj.get("spec") or {}
    given = spec.get("selector")
    metadata.selector(found, given, "spec.selector")
    if not metadata.matches(given, _labels(spec) or {}):
        found.invalid("spec.template.metadata.labels", _labels(spec), _NO_MATCH)
    if given is not None and not given.get("matchLabels") and not given.get("matchExpressions"):
        found.invalid("spec.selector", given, "empty selector is invalid for daemonset")
    pods.template(found, spec.get("template") or {}, "spec.template")
    always(found, spec, "DaemonSet")
    found.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    _daemon_strategy(found, spec.get("updateStrategy") or {})
    found.not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))


def _daemon_strategy(found: Findings, strategy: Obj) -> None:
    kind, path = strategy.get("type") or "", "spec.updateStrategy"
    if kind == "OnDelete":
        return
    if kind != "RollingUpdate":
        found.unsupported(path, _as_go(strategy), ("RollingUpdate", "OnDelete"))
        return
    rolling = strategy.get("rollingUpdate")
    if rolling is None:
        found.required(f"{path}.rollingUpdate")
        return
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    for field, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        count_or_percent(found, value, f"{path}.rollingUpdate.{field}")
        at_most_all(found, value, f"{path}.rollingUpdate.{field}")
    if _number(unavailable) > 0 and _number(surge) > 0:
        found.invalid(f"{path}.rollingUpdate.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
    if _number(unavailable) == 0 and _number(surge) == 0:
        found.required(f"{path}.rollingUpdate.maxUnavailable", "cannot be 0 when maxSurge is 0")


def stateful_set(found: Findings, obj: Obj) -> None:
    """A StatefulSet."""
    spec = obj.get("spec") or {}
    management = spec.get("podManagementPolicy")
    if management not in ("OrderedReady", "Parallel"):
        found.invalid("spec.podManagementPolicy", management or "", "must be 'OrderedReady' or 'Parallel'")
    _stateful_strategy(found, spec.get("updateStrategy") or {})
    for field, policy in (spec.get("persistentVolumeClaimRetentionPolicy") or {}).items():
        if policy not in _RETENTIONS:
            found.unsupported(f"spec.persistentVolumeClaimRetentionPolicy.{field}", policy, _RETENTIONS)
    found.not_negative("spec.replicas", spec.get("replicas"))
    found.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    if spec.get("ordinals"):
        found.not_negative("spec.ordinals.start", spec["ordinals"].get("start"))
    if spec.get("serviceName"):
        found.each("spec.serviceName", spec["serviceName"], names.label(spec["serviceName"]))
    if _selector(found, spec, "statefulset"):
        match(found, spec)
        pods.template(found, _with_claims(spec), "spec.template")
    always(found, spec, "StatefulSet")


def _with_claims(spec: Obj) -> Obj:
    """The template with the volumes that the claim templates will become, so that mounts find them."""
    claims, template = spec.get("volumeClaimTemplates"), spec.get("template") or {}
    if not claims:
        return template
    named = [(c.get("metadata") or {}).get("name") or "" for c in claims]
    inner = template.get("spec") or {}
    mine = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in named]
    volumes = mine + [v for v in inner.get("volumes") or () if v.get("name") not in named]
    return {**template, "spec": {**inner, "volumes": volumes}}


def _stateful_strategy(found: Findings, strategy: Obj) -> None:
    kind, rolling, path = strategy.get("type") or "", strategy.get("rollingUpdate"), "spec.updateStrategy"
    if not kind:
        found.required(path)
    elif kind == "OnDelete":
        if rolling is not None:
            shown = Struct({"Partition": rolling.get("partition") or 0, "MaxUnavailable": rolling.get("maxUnavailable")})
            found.invalid(f"{path}.rollingUpdate", shown, "only allowed for updateStrategy 'RollingUpdate'")
    elif kind != "RollingUpdate":
        found.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")
    elif rolling is not None:
        found.not_negative(f"{path}.rollingUpdate.partition", rolling.get("partition"))
        if rolling.get("maxUnavailable") is not None:
            _some(found, rolling["maxUnavailable"], f"{path}.rollingUpdate.maxUnavailable")


def _some(found: Findings, value: int | str, path: str) -> None:
    """At least one, at most all."""
    count_or_percent(found, value, path)
    if _number(value) == 0:
        found.invalid(path, value, "cannot be 0")
    at_most_all(found, value, path)


def replication_controller(found: Findings, obj: Obj) -> None:
    """A ReplicationController: its selector is a plain map."""
    spec = obj.get("spec") or {}
    found.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    if not spec.get("selector"):
        found.required("spec.selector")
    if spec.get("replicas") is None:
        found.required("spec.replicas")
    found.not_negative("spec.replicas", spec.get("replicas"))
    if not spec.get("template"):
        found.required("spec.template")
        return
    if any((_labels(spec) or {}).get(k) != v for k, v in (spec.get("selector") or {}).items()):
        found.invalid("spec.template.metadata.labels", _labels(spec), _NO_MATCH)
    pods.template(found, spec["template"], "spec.template")
    always(found, spec, "ReplicationController")


def pod_template(found: Findings, obj: Obj) -> None:
    """A PodTemplate."""
    pods.template(found, obj.get("template") or {}, "template")


def same_selector(found: Findings, new: Obj, old: Obj) -> None:
    """The selector of a workload never changes."""
    found.immutable("spec.selector", (new.get("spec") or {}).get("selector"), (old.get("spec") or {}).get("selector"))


def stateful_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed StatefulSet: only some fields of its spec may be different."""
    now, before = ({k: v for k, v in (o.get("spec") or {}).items() if k not in _STATEFUL_CHANGES} for o in (new, old))
    if now != before:
        found.forbidden("spec", _STATEFUL_WRONG)
