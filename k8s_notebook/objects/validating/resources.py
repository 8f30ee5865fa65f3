"""Rules for amounts of resources: names, signs, requests against limits, quotas.

As in pkg/apis/core/validation: ValidateResourceRequirements, ValidateResourceQuota, ValidateLimitRange.
"""

from __future__ import annotations

from typing import Final

from k8s_notebook.objects import Obj, quantity
from k8s_notebook.objects.validating import names
from k8s_notebook.objects.validating.findings import Findings

_OF_CONTAINERS: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_WHOLE: Final = frozenset(
    [
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ]
)
_STANDARD: Final = (
    _OF_CONTAINERS | _WHOLE | frozenset({"storage", "requests.storage"})
    | {f"{side}.{name}" for side in ("requests", "limits") for name in _OF_CONTAINERS}
)  # fmt: skip
_OF_QUOTAS: Final = _STANDARD - {"storage"}


def is_native(name: str) -> bool:
    """Whether Kubernetes itself knows the resource."""
    return "/" not in name or name.partition("/")[0].endswith("kubernetes.io")


def _huge(name: str) -> bool:
    return name.startswith("hugepages-")


def overcommits(name: str) -> bool:
    """Whether limits may exceed requests."""
    return is_native(name) and not _huge(name)


def _name(found: Findings, name: str, path: str) -> None:
    """The name of a resource of a container."""
    wrong = names.qualified(name)
    found.each(path, name, wrong)
    if "/" not in name:
        if not wrong and name not in _STANDARD and not _huge(name):
            found.invalid(path, name, "must be a standard resource type or fully qualified")
        if name not in _OF_CONTAINERS and not _huge(name):
            found.invalid(path, name, "must be a standard resource for containers")
    elif not is_native(name) and (name.startswith("requests.") or names.qualified(f"requests.{name}")):
        found.invalid(path, name, "doesn't follow extended resource name standard")


def amount(found: Findings, name: str, given: str, path: str) -> None:
    """Not negative; whole for what is counted."""
    exact = quantity.parse(given)
    if exact < 0:
        found.invalid(path, given, "must be greater than or equal to 0")
    if exact.denominator != 1 and (name in _WHOLE or not is_native(name)):
        found.invalid(path, given, "must be an integer")


def requirements(found: Findings, given: Obj, path: str, claims: frozenset[str]) -> None:
    """Requests and limits of a container."""
    limits, requests = given.get("limits") or {}, given.get("requests") or {}
    for name, limit in limits.items():
        if name not in _OF_CONTAINERS:
            _name(found, name, f"{path}.limits[{name}]")
        if not _plainly_positive(limit):
            amount(found, name, limit, f"{path}.limits[{name}]")
    for name, request in requests.items():
        if name not in _OF_CONTAINERS:
            _name(found, name, f"{path}.requests[{name}]")
        if not _plainly_positive(request):
            amount(found, name, request, f"{path}.requests[{name}]")
        if request is not limits.get(name):
            _within(found, name, request, limits.get(name), path)
    if any(map(_huge, (*limits, *requests))) and not {"cpu", "memory"} & {*limits, *requests}:
        found.forbidden(path, "HugePages require cpu or memory")
    for i, claim in enumerate(given.get("claims") or ()):
        name = claim.get("name") or ""
        if not name:
            found.required(f"{path}.claims[{i}].name")
        elif name not in claims:
            found.not_found(f"{path}.claims[{i}]", name)


def _plainly_positive(given: str) -> bool:
    """Whether the amount is a whole number of something, as nearly all are."""
    return given.isascii() and given.isdigit()


def _within(found: Findings, name: str, request: str, limit: str | None, path: str) -> None:
    """A request against its limit."""
    if limit is None:
        if not overcommits(name):
            found.required(f"{path}.limits", "Limit must be set for non overcommitable resources")
        return
    wanted, most = quantity.parse(request), quantity.parse(limit)
    if wanted != most and not overcommits(name):
        found.invalid(f"{path}.requests", request, f"must be equal to {name} limit of {limit}")
    elif wanted > most:
        found.invalid(f"{path}.requests", request, f"must be less than or equal to {name} limit of {limit}")


def quota(found: Findings, obj: Obj) -> None:
    """A ResourceQuota: known names, amounts that are not negative."""
    for name, given in ((obj.get("spec") or {}).get("hard") or {}).items():
        path = f"spec.hard[{name}]"
        wrong = names.qualified(name)
        found.each(path, name, wrong)
        plain = "/" not in name
        if plain and not wrong and name not in _STANDARD and not _huge(name.removeprefix("requests.")):
            found.invalid(path, name, "must be a standard resource type or fully qualified")
        if plain and name not in _OF_QUOTAS and not _huge(name.removeprefix("requests.")):
            found.invalid(path, name, "must be a standard resource for quota")
        amount(found, name, given, path)


def limit_range(found: Findings, obj: Obj) -> None:
    """A LimitRange: each minimum, default and maximum in order."""
    taken: set[str] = set()
    for i, item in enumerate((obj.get("spec") or {}).get("limits") or ()):
        path, kind = f"spec.limits[{i}]", item.get("type") or ""
        if kind in taken:
            found.duplicate(f"{path}.type", kind)
        taken.add(kind)
        if kind == "Pod":
            for field in ("default", "defaultRequest"):
                if item.get(field):
                    found.forbidden(f"{path}.{field}", "may not be specified when `type` is 'Pod'")
        _ordered(found, item, path)


_ORDER: Final = (
    ("min", "max", "min value {0} is greater than max value {1}", "min", "min"),
    ("min", "defaultRequest", "min value {0} is greater than default request value {1}", "defaultRequest", "defaultRequest"),
    ("defaultRequest", "max", "default request value {0} is greater than max value {1}", "defaultRequest", "defaultRequest"),
    (
        "defaultRequest",
        "default",
        "default request value {0} is greater than default limit value {1}",
        "defaultRequest",
        "defaultRequest",
    ),
    ("min", "default", "min value {0} is greater than default value {1}", "default", "min"),
    ("default", "max", "default value {0} is greater than max value {1}", "default", "max"),
)


def _ordered(found: Findings, item: Obj, path: str) -> None:
    for low, high, sentence, blamed, shown in _ORDER:
        lows, highs = item.get(low) or {}, item.get(high) or {}
        for name in lows:
            if name in highs and quantity.parse(lows[name]) > quantity.parse(highs[name]):
                found.invalid(f"{path}.{blamed}[{name}]", item[shown][name], sentence.format(lows[name], highs[name]))
