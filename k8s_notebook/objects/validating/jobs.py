"""Rules for Jobs and CronJobs. As in pkg/apis/batch/validation."""

from __future__ import annotations

import functools
import re
import zoneinfo
from typing import Any, Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import metadata, names, pods, workloads
from k8s_notebook.objects.validating.findings import Findings

_COUNTS: Final = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex",
    "maxFailedIndexes",
)  # fmt: skip
_FINAL: Final = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
_OWN_LABELS: Final = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
_FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_SHORTHANDS: Final = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_MOVABLE: Final = ("nodeSelector", "tolerations", "schedulingGates", "affinity", "containers")
_INDEXED_MOST: Final = 100_000


def job(found: Findings, obj: Obj) -> None:
    """A Job."""
    spec, meta = obj.get("spec") or {}, obj.get("metadata") or {}
    _generated(found, spec, meta)
    _spec(found, spec, "spec")
    if spec.get("selector") is None:
        found.required("spec.selector")
    else:
        metadata.selector(found, spec["selector"], "spec.selector")
    workloads.match(found, spec)
    if spec.get("completionMode") == "Indexed" and (spec.get("completions") or 0) > 0:
        last = f"{meta.get('name')}-{spec['completions'] - 1}"
        if names.label(last):
            found.invalid("metadata.name", meta.get("name"), f"will not able to create pod with invalid DNS label: {last}")


def _generated(found: Findings, spec: Obj, meta: Obj) -> None:
    """A selector that was not generated needs `manualSelector`."""
    if spec.get("manualSelector") or spec.get("selector") is None:
        return
    labels = (((spec.get("template") or {}).get("metadata")) or {}).get("labels") or {}
    expected = dict(zip(_OWN_LABELS, (meta.get("uid"), meta.get("name")) * 2, strict=True))
    for label, value in expected.items():
        if label not in labels:
            found.required(f"spec.template.metadata.labels[{label}]", f"must be '{value}'")
        elif labels[label] != value:
            found.invalid(f"spec.template.metadata.labels[{label}]", labels, f"must be '{value}'")
    if not metadata.matches(spec["selector"], expected):
        found.invalid("spec.selector", spec["selector"], "`selector` not auto-generated")


def _spec(found: Findings, spec: Obj, path: str) -> None:
    for field in _COUNTS:
        found.not_negative(f"{path}.{field}", spec.get(field))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        found.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    _completion(found, spec, path)
    replacement = spec.get("podReplacementPolicy")
    allowed = ("Failed",) if spec.get("podFailurePolicy") is not None else ("Failed", "TerminatingOrFailed")
    if replacement is not None and replacement not in allowed:
        found.unsupported(f"{path}.podReplacementPolicy", replacement, allowed)
    pods.template(found, spec.get("template") or {}, f"{path}.template")
    _restart(found, spec, f"{path}.template.spec.restartPolicy")


def _completion(found: Findings, spec: Obj, path: str) -> None:
    mode = spec.get("completionMode") or "NonIndexed"
    if mode not in ("NonIndexed", "Indexed"):
        found.unsupported(f"{path}.completionMode", mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed":
        if spec.get("completions") is None:
            found.required(f"{path}.completions", "when completion mode is Indexed")
        if (spec.get("parallelism") or 0) > _INDEXED_MOST:
            why = f"must be less than or equal to {_INDEXED_MOST} when completion mode is Indexed"
            found.invalid(f"{path}.parallelism", spec["parallelism"], why)
        return
    for field in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
        if spec.get(field) is not None:
            found.invalid(f"{path}.{field}", spec[field], "requires indexed completion mode")


def _restart(found: Findings, spec: Obj, path: str) -> None:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") or ""
    if policy in ("", "Always"):
        found.required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        found.unsupported(path, policy, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        found.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def job_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed Job: selector, template and the mode of completion stay."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    if now.get("completionMode") != "Indexed":
        found.immutable("spec.completions", now.get("completions"), before.get("completions"))
    elif now.get("completions") != before.get("completions") and now.get("completions") != now.get("parallelism"):
        found.invalid("spec.completions", now.get("completions"), "can only be modified in tandem with spec.parallelism")
    found.immutable("spec.selector", now.get("selector"), before.get("selector"))
    suspended = before.get("suspend") and not (old.get("status") or {}).get("startTime")
    template, was = now.get("template") or {}, before.get("template") or {}
    found.immutable("spec.template", template, _movable(was, template) if suspended else was)
    for field in _FINAL:
        found.immutable(f"spec.{field}", now.get(field), before.get(field))


def _movable(old: Obj, new: Obj) -> Obj:
    """The old template with what a suspended Job may change taken from the new one."""
    spec, fresh = old.get("spec") or {}, new.get("spec") or {}
    taken = {k: fresh[k] for k in _MOVABLE if k in fresh}
    rest = {k: v for k, v in spec.items() if k not in _MOVABLE}
    moved: Obj = {**old, "spec": {**rest, **taken}}
    if "metadata" in new:
        moved["metadata"] = {**(old.get("metadata") or {}), **_labels_of(new["metadata"])}
    return moved


def _labels_of(inner: Obj) -> dict[str, Any]:
    return {k: inner[k] for k in ("labels", "annotations") if k in inner}


def cron_job(found: Findings, obj: Obj) -> None:
    """A CronJob."""
    spec, name = obj.get("spec") or {}, (obj.get("metadata") or {}).get("name") or ""
    schedule = spec.get("schedule")
    if not schedule:
        found.required("spec.schedule")
    else:
        _schedule(found, schedule, "spec.schedule")
    found.not_negative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    if spec.get("timeZone") is not None:
        _zone(found, spec["timeZone"], "spec.timeZone")
    found.one_of("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), ("Allow", "Forbid", "Replace"))
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    _spec(found, inner, "spec.jobTemplate.spec")
    if inner.get("selector") is not None:
        found.invalid("spec.jobTemplate.spec.selector", inner["selector"], "`selector` will be auto-generated")
    if inner.get("manualSelector"):
        found.unsupported("spec.jobTemplate.spec.manualSelector", True, ("nil", "false"))
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        found.not_negative(f"spec.{field}", spec.get(field))
    if len(name) > 52:
        found.invalid("metadata.name", name, "must be no more than 52 characters")


def _zone(found: Findings, zone: str, path: str) -> None:
    if not zone:
        found.invalid(path, zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local":
        found.invalid(path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
    elif not _known_zone(zone):
        found.invalid(path, zone, f"unknown time zone {zone}")


@functools.lru_cache(maxsize=256)
def _known_zone(zone: str) -> bool:
    """Whether there is such a time zone; where no zones are installed every well-formed name is taken for one."""
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", zone):
        return False
    known = zoneinfo.available_timezones()
    return zone in known or not known


def _schedule(found: Findings, schedule: str, path: str) -> None:
    if "TZ" in schedule:
        found.invalid(path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        return
    if schedule.startswith("@"):
        if schedule not in _SHORTHANDS and not schedule.startswith("@every "):
            found.invalid(path, schedule, f"unrecognized descriptor: {schedule}")
        return
    parts = schedule.split()
    if len(parts) != 5:
        found.invalid(path, schedule, f"expected exactly 5 fields, found {len(parts)}: {_listed(parts)}")
        return
    for part, (_, low, high, words) in zip(parts, _FIELDS, strict=True):
        wrong = _part(part, low, high, words)
        if wrong:
            found.invalid(path, schedule, wrong)
            return


def _listed(parts: list[str]) -> str:
    return "[" + " ".join(parts) + "]"


def _part(part: str, low: int, high: int, words: tuple[str, ...]) -> str:
    """What is wrong with one field of a schedule; empty if nothing is."""
    for piece in part.split(","):
        span, slash, step = piece.partition("/")
        if slash and not step.isdigit():
            return f'failed to parse int from {step}: strconv.Atoi: parsing "{step}": invalid syntax'
        if slash and int(step) == 0:
            return f"step of range should be a positive number: {piece}"
        if span in ("*", "?"):
            continue
        start, _, end = span.partition("-")
        ends: list[int] = []
        for text in (start, end or start):
            if text.lower() in words:
                ends.append(words.index(text.lower()) + low)
            elif text.isdigit():
                ends.append(int(text))
            else:
                return f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
        if ends[0] < low:
            return f"beginning of range ({ends[0]}) below minimum ({low}): {piece}"
        if ends[1] > high:
            return f"end of range ({ends[1]}) above maximum ({high}): {piece}"
        if ends[0] > ends[1]:
            return f"beginning of range ({ends[0]}) beyond end of range ({ends[1]}): {piece}"
    return ""
