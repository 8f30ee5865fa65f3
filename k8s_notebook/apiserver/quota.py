"""ResourceQuota: what a namespace uses, counted along as its objects change, and what it may use."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from k8s_notebook.apiserver.state import State
from k8s_notebook.objects import Obj, errors, qos, quantity
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.store.watches import Entry

Amounts = dict[str, Fraction]

_PLAIN_COUNTS = frozenset(
    ("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims")
)
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_MUST_SPECIFY = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "cpu", "memory",
                 "requests.ephemeral-storage", "limits.ephemeral-storage")  # fmt: skip
_ONE = Fraction(1)


class _Ledger:
    """What counts against one quota."""

    __slots__ = ("quota", "used")

    def __init__(self, quota: Obj) -> None:
        self.quota = quota
        self.used: Amounts = {name: Fraction(0) for name in _hard(quota)}

    def charge(self, resource: str, obj: Obj, sign: int) -> None:
        """Count an object in or out."""
        for name, amount in charges(resource, obj).items():
            if name in self.used and in_scope(self.quota, resource, obj):
                self.used[name] += sign * amount


class Quotas:
    """The quotas of one cluster. Ledgers are opened when a namespace with quotas is first written to."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ledgers: dict[str, list[_Ledger]] = {}
        self._counted = sorted({k.resource for k in state.kinds if k.namespaced and k.storable and k.plural != "events"})
        for resource in self._counted:
            state.store.listen(resource, lambda old, new, r=resource: self._changed(r, old, new))  # type: ignore[misc]

    def check(self, kind: Kind, obj: Obj, old: Obj | None) -> None:
        """Forbidden if the write would take a namespace over a quota, or leaves open what a quota needs to know."""
        namespace = obj["metadata"].get("namespace", "")
        if not namespace or not self._state.store.count("resourcequotas", namespace) or kind.resource == "resourcequotas":
            return
        if old is not None and charges(kind.resource, obj) == charges(kind.resource, old):
            return
        for ledger in self._open(namespace):
            self._check_one(ledger, kind.resource, obj, old)

    def _check_one(self, ledger: _Ledger, resource: str, obj: Obj, old: Obj | None) -> None:
        quota = ledger.quota
        if not in_scope(quota, resource, obj):
            return
        hard = _hard(quota)
        name, said = obj["metadata"]["name"], quota["metadata"]["name"]
        missing = _unspecified(obj, hard) if resource == "pods" and old is None else []
        if missing:
            raise errors.forbidden(resource, name, f"failed quota: {said}: must specify {'; '.join(missing)}")
        before = charges(resource, old) if old is not None else {}
        asked = {n: a - before.get(n, Fraction(0)) for n, a in charges(resource, obj).items() if n in hard}
        over = sorted(n for n, a in asked.items() if a > 0 and ledger.used[n] + a > quantity.parse(hard[n]))
        if over:
            requested = ",".join(f"{n}={quantity.show(asked[n], str(hard[n]))}" for n in over)
            used = ",".join(f"{n}={quantity.show(ledger.used[n], str(hard[n]))}" for n in over)
            limited = ",".join(f"{n}={hard[n]}" for n in over)
            why = f"exceeded quota: {said}, requested: {requested}, used: {used}, limited: {limited}"
            raise errors.forbidden(resource, name, why)

    def _open(self, namespace: str) -> list[_Ledger]:
        ledgers = self._ledgers.get(namespace)
        if ledgers is None:
            ledgers = self._ledgers[namespace] = [_Ledger(q) for q in self._state.objects("resourcequotas", namespace)]
            for resource in self._counted:
                for obj in self._state.objects(resource, namespace):
                    for ledger in ledgers:
                        ledger.charge(resource, obj, 1)
        return ledgers

    def _changed(self, resource: str, old: Entry | None, new: Entry | None) -> None:
        if not self._ledgers:
            return
        entry = new or old
        namespace = entry.obj["metadata"].get("namespace", "") if entry is not None else ""
        ledgers = self._ledgers.get(namespace)
        if ledgers is None:
            return
        if resource == "resourcequotas":
            del self._ledgers[namespace]
            return
        for ledger in ledgers:
            if old is not None:
                ledger.charge(resource, old.obj, -1)
            if new is not None:
                ledger.charge(resource, new.obj, 1)


def charges(resource: str, obj: Obj) -> Amounts:
    """What an object counts as: quota resource name -> amount."""
    plural, _, group = resource.partition(".")
    found: Amounts = {f"count/{plural}.{group}" if group else f"count/{plural}": _ONE}
    if resource in _PLAIN_COUNTS and resource != "pods":
        found[resource] = _ONE
    special = {"pods": _pod_charges, "services": _service_charges, "persistentvolumeclaims": _claim_charges}.get(resource)
    if special is not None:
        found.update(special(obj))
    return found


def in_scope(quota: Obj, resource: str, obj: Obj) -> bool:
    """Whether a quota looks at an object: scopes are about pods."""
    spec = quota.get("spec") or {}
    terms = [(s, "Exists", ()) for s in spec.get("scopes") or ()]
    selected = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    terms += [(t["scopeName"], t.get("operator", "Exists"), tuple(t.get("values") or ())) for t in selected]
    if not terms:
        return True
    return resource == "pods" and all(_scope(obj, *term) for term in terms)


def _scope(pod: Obj, scope: str, operator: str, values: tuple[str, ...]) -> bool:
    spec = pod.get("spec") or {}
    if scope == "PriorityClass":
        given = spec.get("priorityClassName") or ""
        tests = {"In": given in values, "NotIn": given not in values, "Exists": bool(given), "DoesNotExist": not given}
        return tests.get(operator, False)
    ends = spec.get("activeDeadlineSeconds") is not None
    best_effort = qos.qos_class(pod) == "BestEffort"
    tests = {"Terminating": ends, "NotTerminating": not ends, "BestEffort": best_effort, "NotBestEffort": not best_effort}
    return tests.get(scope, True)


def _hard(quota: Obj) -> Obj:
    return (quota.get("spec") or {}).get("hard") or {}


def _pod_charges(pod: Obj) -> Amounts:
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return {}
    found: Amounts = {"pods": _ONE}
    for field in ("requests", "limits"):
        for name, amount in _pod_total(pod, field).items():
            found[f"{field}.{name}"] = amount
            if field == "requests" and name in _COMPUTE:
                found[name] = amount
    return found


def _pod_total(pod: Obj, field: str) -> Amounts:
    """What a pod asks for: the sum of its containers and sidecars, or its largest init container, and its overhead."""
    spec = pod.get("spec") or {}
    total: Amounts = {}
    for container in spec.get("containers") or ():
        _add(total, _amounts(container, field))
    sidecars: Amounts = {}
    largest: Amounts = {}
    for container in spec.get("initContainers") or ():
        needs = _amounts(container, field)
        if container.get("restartPolicy") == "Always":
            _add(sidecars, needs)
            needs = {}
        _add(needs, sidecars)
        largest = {n: max(largest.get(n, Fraction(0)), needs.get(n, Fraction(0))) for n in {*largest, *needs}}
    _add(total, sidecars)
    total = {n: max(total.get(n, Fraction(0)), largest.get(n, Fraction(0))) for n in sorted({*total, *largest})}
    _add(total, {n: quantity.parse(v) for n, v in (spec.get("overhead") or {}).items()})
    return total


def _amounts(container: Obj, field: str) -> Amounts:
    given = (container.get("resources") or {}).get(field) or {}
    return {name: quantity.parse(value) for name, value in given.items()}


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Fraction(0)) + amount


def _service_charges(service: Obj) -> Amounts:
    spec = service.get("spec") or {}
    ports = spec.get("ports") or []
    found: Amounts = {}
    if spec.get("type") == "LoadBalancer":
        found["services.loadbalancers"] = _ONE
    if spec.get("type") == "NodePort" or (spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)):
        found["services.nodeports"] = Fraction(len(ports))
    return found


def _claim_charges(claim: Obj) -> Amounts:
    spec = claim.get("spec") or {}
    storage = quantity.parse(((spec.get("resources") or {}).get("requests") or {}).get("storage") or "0")
    found: Amounts = {"requests.storage": storage}
    name = spec.get("storageClassName")
    if name:
        found[f"{name}.storageclass.storage.k8s.io/requests.storage"] = storage
        found[f"{name}.storageclass.storage.k8s.io/persistentvolumeclaims"] = _ONE
    return found


def _unspecified(pod: Obj, hard: Iterable[str]) -> list[str]:
    """`limits.cpu for: a,b`: the amounts that a quota limits and containers leave open."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    found = []
    for name in sorted(n for n in hard if n in _MUST_SPECIFY):
        field, _, plain = name.rpartition(".")
        open_ = [c["name"] for c in containers if plain not in ((c.get("resources") or {}).get(field or "requests") or {})]
        if open_:
            found.append(f"{name} for: {','.join(sorted(open_))}")
    return found
