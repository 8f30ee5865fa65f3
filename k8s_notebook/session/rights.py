"""What a scheduler may do on a cluster: asked before it starts, so that what is missing is one sentence and not a puzzle."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import NamedTuple

from k8s_notebook.machinery.actions import Create
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError
from k8s_notebook.scheduler import beside
from k8s_notebook.scheduler.election import Terms
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError

DEFAULT = "default-scheduler"
NEEDED = (
    ("list", "nodes", ""), ("watch", "nodes", ""), ("list", "pods", ""), ("watch", "pods", ""), ("create", "pods", "binding"),
)  # fmt: skip
"""(verb, resource, subresource): without these there is nothing to be done."""
WANTED = {
    ("patch", "pods", "status"): "pods are not told why they fit nowhere",
    ("create", "events", ""): "nothing is said in events",
    ("delete", "pods", ""): "no pod is evicted for one of higher priority",
}
"""Without these something is left out."""


class Rights(NamedTuple):
    """What may be done."""

    without: dict[str, str]
    """resource -> what does not see clearly because the resource may not be watched"""
    notes: list[str]
    """what is left out, in sentences"""


def lease_terms(name: str, namespace: str) -> Terms:
    """The lease of a scheduler. One that takes the place of kube-scheduler asks for kube-scheduler's own."""
    return Terms("kube-scheduler", "kube-system") if name == DEFAULT else Terms(name, namespace)


def manifest(name: str, terms: Terms) -> str:
    """The manifest of all rights that a scheduler of this name needs: a service account, roles and their bindings."""
    text = resources.files("k8s_notebook.scheduler").joinpath("rbac.yaml").read_text(encoding="utf-8")
    text = text.partition("\n")[2].replace("LEASE", terms.name).replace("NAMESPACE", terms.namespace).replace("NAME", name)
    return f"# The rights of the scheduler {name}, for kubectl apply -f.\n{text}"


def check(door: Door, name: str, terms: Terms | None) -> Rights:
    """The rights of this user; K8sError with one sentence if the essential ones are missing."""
    lease = [(v, "leases.coordination.k8s.io", "") for v in ("create", "get", "update")] if terms is not None else []
    served = beside.served(door.api.kinds)
    seen = [(verb, resource, "") for resource in served for verb in ("list", "watch")]
    asked = [*NEEDED, *WANTED, *lease, *seen]
    allowed = dict(zip(asked, _allowed(door, asked, terms), strict=True))
    missing = [_said(*right) for right in (*NEEDED, *lease) if not allowed[right]]
    if missing:
        where = f" in namespace {terms.namespace}" if terms is not None and missing[-1].endswith("leases") else ""
        raise K8sError(
            f"error: the scheduler {name} may not {', '.join(missing)}{where} on {door.title}: "
            f"`k8s-notebook schedule --name {name} --rbac | kubectl apply -f -` makes a service account that may"
        )
    without = {r: beside.USED_BY[r] for r in served if not (allowed["list", r, ""] and allowed["watch", r, ""])}
    notes = [f"without the right to {_said(*right)}: {lacks}" for right, lacks in WANTED.items() if not allowed[right]]
    notes += [f"without the right to watch {resource}: not known to {lacks}" for resource, lacks in without.items()]
    return Rights(without, notes)


def _allowed(door: Door, asked: Iterable[tuple[str, str, str]], terms: Terms | None) -> list[bool]:
    """Whether each may be done; a server that does not answer that is tried."""
    answers = door.ask_all([Create(_review(*right, terms), "selfsubjectaccessreviews.authorization.k8s.io") for right in asked])
    return [isinstance(a, ApiError) or bool((a.get("status") or {}).get("allowed")) for a in answers]


def _review(verb: str, resource: str, subresource: str, terms: Terms | None) -> Obj:
    plural, _, group = resource.partition(".")
    attributes = {"verb": verb, "group": group, "resource": plural, "subresource": subresource, "version": "*"}
    if plural == "leases" and terms is not None:
        attributes["namespace"] = terms.namespace
        if verb != "create":
            attributes["name"] = terms.name
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {k: v for k, v in attributes.items() if v}},
    }


def _said(verb: str, resource: str, subresource: str) -> str:
    return f"{verb} {resource.partition('.')[0]}{'/' + subresource if subresource else ''}"
