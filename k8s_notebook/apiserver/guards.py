"""Nobody grants by a role or a binding what he may not do himself (as in pkg/registry/rbac/*/policybased)."""

from __future__ import annotations

from k8s_notebook.apiserver import rbac
from k8s_notebook.apiserver.auth import MASTERS, User
from k8s_notebook.apiserver.rbac import Attributes, Policy
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import NotFound, resource_details
from k8s_notebook.objects.kinds import Kind

_ROLES = ("roles", "clusterroles")
_BINDINGS = ("rolebindings", "clusterrolebindings")


def concerns(kind: Kind, user: User) -> bool:
    """Whether a write of this kind by this user has to be looked at."""
    return kind.group == rbac.GROUP and MASTERS not in user.groups


def check(policy: Policy, user: User, kind: Kind, obj: Obj) -> None:
    """Forbidden when the role or binding gives more than the user has."""
    metadata = obj["metadata"]
    name, namespace = metadata["name"], metadata.get("namespace", "")
    if kind.plural in _ROLES:
        if not _may(policy, user, "escalate", kind.plural, namespace, name):
            _held(policy, user, kind, name, namespace, obj.get("rules") or [])
    elif kind.plural in _BINDINGS:
        ref = obj["roleRef"]
        plural = f"{ref['kind'].lower()}s"
        if _may(policy, user, "bind", plural, namespace, ref["name"]):
            return
        role = policy.role(ref["kind"], namespace, ref["name"])
        if role is None:
            resource = f"{plural}.{rbac.GROUP}"
            raise NotFound(f'{resource} "{ref["name"]}" not found', details=resource_details(resource, ref["name"]))
        _held(policy, user, kind, name, namespace, role.get("rules") or [])


def _may(policy: Policy, user: User, verb: str, plural: str, namespace: str, name: str) -> bool:
    return rbac.decide(policy, Attributes(user, verb, rbac.GROUP, plural, "", namespace, name)).allowed


def _held(policy: Policy, user: User, kind: Kind, name: str, namespace: str, rules: list[Obj]) -> None:
    missing = rbac.not_held(policy, user, namespace, rules)
    if missing:
        raise rbac.escalation(kind.resource, name, user, missing)
