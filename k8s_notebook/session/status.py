"""`%k8s status`: which cluster this is, what it runs, what may be done there; and the parts of an embedded one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k8s_notebook import release
from k8s_notebook.display import text
from k8s_notebook.machinery.actions import Create, List, Raw
from k8s_notebook.objects import Obj, errors
from k8s_notebook.session import events
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError
from k8s_notebook.session.results import Result
from k8s_notebook.sim import clock

PARTS = "/k8s-notebook/parts"
MANY = 20
"""Parts of one sort that are summed up instead of listed."""
_RIGHTS = (
    ("list", "", "pods"),
    ("create", "apps", "deployments"),
    ("list", "", "nodes"),
    ("list", "", "secrets"),
    ("delete", "", "namespaces"),
)


@dataclass(frozen=True, slots=True)
class Where:
    """How a cluster was found, for the first lines."""

    server: str = ""
    kubeconfig: str = ""
    context: str = ""


def status(door: Door, where: Where) -> Result:
    """Cluster, versions, nodes, pods, and rights in one sentence each."""
    lines = [("cluster", door.title), ("server", where.server), ("kubeconfig", where.kubeconfig), ("context", where.context)]
    lines.append(("namespace", door.namespace))
    version, nodes, pods, who, *rights = door.ask_all(
        [
            Raw("/version"),
            List("nodes"),
            List("pods", door.namespace),
            Create(
                {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
                "selfsubjectreviews.authentication.k8s.io",
            ),
            *(_review(door, verb, group, plural) for verb, group, plural in _RIGHTS),
        ]
    )
    if isinstance(version, errors.Unreachable):
        raise version
    lines.append(("Kubernetes", _or(version, lambda v: str(v.get("gitVersion")))))
    lines.append(("k8s-notebook", release.VERSION))
    lines.append(("user", _or(who, _user)))
    lines.append(("nodes", _or(nodes, _nodes)))
    lines.append(("pods", _or(pods, _pods)))
    lines.append(("rights", _rights(rights)))
    return Result(text.columns([[k + ":", v] for k, v in lines if v]), label="status")


def _or(answer: Obj | errors.ApiError, said: Any) -> str:
    return answer.message if isinstance(answer, errors.ApiError) else str(said(answer))


def _user(answer: Obj) -> str:
    user = (answer.get("status") or {}).get("userInfo") or {}
    return f"{user.get('username', '')} ({', '.join(user.get('groups') or ()) or 'no groups'})"


def _nodes(answer: Obj) -> str:
    items = answer.get("items") or ()
    ready = sum(
        1
        for n in items
        if any(c["type"] == "Ready" and c["status"] == "True" for c in (n.get("status") or {}).get("conditions") or ())
    )
    return f"{ready} of {len(items)} ready"


def _pods(answer: Obj) -> str:
    phases: dict[str, int] = {}
    for pod in answer.get("items") or ():
        phase = (pod.get("status") or {}).get("phase", "Unknown")
        phases[phase] = phases.get(phase, 0) + 1
    return ", ".join(f"{n} {phase}" for phase, n in sorted(phases.items())) or "none in this namespace"


def _review(door: Door, verb: str, group: str, plural: str) -> Create:
    everywhere = plural in {"nodes", "namespaces"}
    attributes = {"verb": verb, "group": group, "resource": plural, **({} if everywhere else {"namespace": door.namespace})}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return Create(review, "selfsubjectaccessreviews.authorization.k8s.io")


def _rights(answers: Sequence[Obj | errors.ApiError]) -> str:
    """What may and what may not be done, in one sentence."""
    may: list[str] = []
    may_not: list[str] = []
    for (verb, _, plural), answer in zip(_RIGHTS, answers, strict=True):
        if isinstance(answer, errors.ApiError):
            continue
        allowed = (answer.get("status") or {}).get("allowed")
        (may if allowed else may_not).append(f"{verb} {plural}")
    if not may and not may_not:
        return "unknown: the cluster does not say"
    said = [f"you may {', '.join(may)}"] if may else []
    return "; ".join([*said, *([f"you may not {', '.join(may_not)}"] if may_not else [])])


def parts(door: Door) -> Result:
    """The parts of an embedded control plane: queues, last reconcile, revision, watchers."""
    if not door.embedded:
        raise K8sError(f"error: {door.name} is not an embedded cluster: only those show the parts of their control plane")
    now = clock.Wall().now()
    rows = [["PART", "STATE"]]
    for name, state in _flat("", door.ask(Raw(PARTS))):
        rows.append([name, ", ".join(f"{k} {_value(k, v, now)}" for k, v in state.items())])
    return Result(text.columns(rows), label="status --parts")


def _flat(prefix: str, tree: Obj) -> list[tuple[str, Obj]]:
    """(path, facts) for every part that has facts of its own."""
    own = {k: v for k, v in tree.items() if not isinstance(v, dict)}
    found = [(prefix, own)] if own and prefix else [(k, {"is": v}) for k, v in own.items()]
    for name, below in tree.items():
        if isinstance(below, dict) and len(below) > MANY and all(isinstance(v, dict) for v in below.values()):
            found.append((f"{prefix}/{name}" if prefix else name, _summed(below)))
        elif isinstance(below, dict):
            found += _flat(f"{prefix}/{name}" if prefix else name, below)
    return found


def _summed(parts: Obj) -> Obj:
    """Many parts of one sort in one line: how many there are, and the sums of their numbers (the highest revision)."""
    facts: Obj = {"watched": len(parts)}
    for state in parts.values():
        for key, value in state.items():
            if isinstance(value, int):
                facts[key] = max(facts.get(key, 0), value) if key == "revision" else facts.get(key, 0) + value
    return facts


def _value(key: str, value: Any, now: float) -> str:
    if key.lower().startswith("last") and isinstance(value, (int, float)) and value:
        return events.ago(clock.timestamp(value), now) + " ago"
    return "never" if value is None else str(value) or "none"
