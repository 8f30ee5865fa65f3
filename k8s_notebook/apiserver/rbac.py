"""Who may do what: the rules of roles and bindings, evaluated without side effects (as in plugin/pkg/auth/authorizer/rbac)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from k8s_notebook.apiserver.auth import MASTERS, User
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import Forbidden, resource_details

GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Attributes:
    """One question: may `user` do `verb` to this resource, or (with `path`) to this path?"""

    user: User
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """The resource with its subresource, as rules name it: "pods", "pods/log"."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer; `reason` names the binding that allows it, `errors` what could not be looked up."""

    allowed: bool
    reason: str = ""
    errors: tuple[str, ...] = ()


class Policy(Protocol):
    """Where roles and bindings are found."""

    def cluster_bindings(self) -> Sequence[Obj]:
        """All ClusterRoleBindings."""
        ...

    def bindings(self, namespace: str) -> Sequence[Obj]:
        """The RoleBindings of a namespace."""
        ...

    def role(self, kind: str, namespace: str, name: str) -> Obj | None:
        """A Role or ClusterRole, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule that a user has, and the binding that gives it."""

    rule: Obj
    by: str
    namespace: str = ""


def decide(policy: Policy, asked: Attributes) -> Decision:
    """Whether the request is allowed."""
    if MASTERS in asked.user.groups:
        return Decision(True)
    errors: list[str] = []
    for grant in grants(policy, asked.user, asked.namespace, errors):
        if matches(grant.rule, asked):
            return Decision(True, f"RBAC: allowed by {grant.by}")
    return Decision(False, errors=tuple(errors))


def grants(policy: Policy, user: User, namespace: str, errors: list[str] | None = None) -> Iterator[Grant]:
    """Every rule of the user that counts in a namespace ("" for cluster scope); missing roles are noted in `errors`."""
    scopes: list[tuple[str, Sequence[Obj]]] = [("", policy.cluster_bindings())]
    if namespace:
        scopes.append((namespace, policy.bindings(namespace)))
    for scope, bindings in scopes:
        for binding in bindings:
            subject = next((s for s in binding.get("subjects") or () if is_subject(s, user, scope)), None)
            if subject is not None:
                yield from _granted(policy, binding, subject, scope, errors)


def _granted(policy: Policy, binding: Obj, subject: Obj, scope: str, errors: list[str] | None) -> Iterator[Grant]:
    ref = binding["roleRef"]
    role = policy.role(ref["kind"], scope, ref["name"])
    if role is None:
        if errors is not None:
            errors.append(f'{ref["kind"].lower()}.{GROUP} "{ref["name"]}" not found')
        return
    by = _described(binding, subject, scope)
    for rule in role.get("rules") or ():
        yield Grant(rule, by, scope)


def _described(binding: Obj, subject: Obj, scope: str) -> str:
    ref, name = binding["roleRef"], binding["metadata"]["name"]
    kind, shown = ("RoleBinding", f"{name}/{scope}") if scope else ("ClusterRoleBinding", name)
    whom = subject["name"]
    if subject["kind"] == "ServiceAccount":
        whom = f"{whom}/{subject.get('namespace') or scope}"
    return f'{kind} "{shown}" of {ref["kind"]} "{ref["name"]}" to {subject["kind"]} "{whom}"'


def is_subject(subject: Obj, user: User, scope: str) -> bool:
    """Whether a binding's subject is this user."""
    kind, name = subject.get("kind"), subject.get("name")
    if kind == "User":
        return name == user.name
    if kind == "Group":
        return name in user.groups
    namespace = subject.get("namespace") or scope
    return kind == "ServiceAccount" and user.name == f"system:serviceaccount:{namespace}:{name}"


def matches(rule: Obj, asked: Attributes) -> bool:
    """Whether a rule allows what is asked."""
    if not _has(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(_path_matches(p, asked.path) for p in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames") or ()
    return (
        _has(rule.get("apiGroups"), asked.group)
        and _resource_matches(rule.get("resources") or (), asked)
        and (not names or asked.name in names)
    )


def _has(values: Iterable[str] | None, value: str) -> bool:
    return any(v in ("*", value) for v in values or ())


def _resource_matches(resources: Iterable[str], asked: Attributes) -> bool:
    full = asked.full_resource
    return any(r in ("*", full) or bool(asked.subresource and r == f"*/{asked.subresource}") for r in resources)


def _path_matches(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def refusal(asked: Attributes, errors: Sequence[str] = ()) -> Forbidden:
    """The Forbidden answer, in Kubernetes' words."""
    if asked.path:
        return Forbidden(f'forbidden: User "{asked.user.name}" cannot {asked.verb} path "{asked.path}"')
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    why = f'User "{asked.user.name}" cannot {asked.verb} resource "{asked.full_resource}" in API group "{asked.group}" {where}'
    if errors:
        why += ": RBAC: " + (errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
    resource = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    subject = f'{resource} "{asked.name}"' if asked.name else resource
    return Forbidden(f"{subject} is forbidden: {why}", details=resource_details(resource, asked.name))


def not_held(policy: Policy, user: User, namespace: str, rules: Sequence[Obj]) -> list[Obj]:
    """Those of `rules` (one verb, group and resource each) that the user has not: nobody may grant them."""
    if MASTERS in user.groups:
        return []
    own = [g.rule for g in grants(policy, user, namespace)]
    return [rule for wanted in rules for rule in broken_down(wanted) if not any(_covers(o, rule) for o in own)]


def broken_down(rule: Obj) -> Iterator[Obj]:
    """The rule as rules of one verb and one resource (or path) each."""
    for verb in rule.get("verbs") or ():
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                part: Obj = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                for name in rule.get("resourceNames") or ():
                    yield {**part, "resourceNames": [name]}
                if not rule.get("resourceNames"):
                    yield part
        for path in rule.get("nonResourceURLs") or ():
            yield {"nonResourceURLs": [path], "verbs": [verb]}


def _covers(own: Obj, wanted: Obj) -> bool:
    if not _has(own.get("verbs"), wanted["verbs"][0]):
        return False
    if "nonResourceURLs" in wanted:
        return any(_path_matches(p, wanted["nonResourceURLs"][0]) for p in own.get("nonResourceURLs") or ())
    if not _has(own.get("apiGroups"), wanted["apiGroups"][0]):
        return False
    resource, _, subresource = wanted["resources"][0].partition("/")
    asked = Attributes(User(""), "", resource=resource, subresource=subresource)
    names = own.get("resourceNames") or ()
    return _resource_matches(own.get("resources") or (), asked) and (
        not names or bool(set(wanted.get("resourceNames") or ("",)) <= set(names))
    )


def escalation(resource: str, name: str, user: User, missing: Sequence[Obj]) -> Forbidden:
    """The refusal to grant what one does not hold."""
    groups = json.dumps(list(user.groups), separators=(",", ":")).replace('","', '" "')
    listed = "\n".join(_compact(rule) for rule in missing)
    why = f'user "{user.name}" (groups={groups}) is attempting to grant RBAC permissions not currently held:\n{listed}'
    return Forbidden(f'{resource} "{name}" is forbidden: {why}', details=resource_details(resource, name))


def _compact(rule: Obj) -> str:
    shown = (("APIGroups", "apiGroups"), ("Resources", "resources"), ("ResourceNames", "resourceNames"),
             ("NonResourceURLs", "nonResourceURLs"), ("Verbs", "verbs"))  # fmt: skip
    return "{" + ", ".join(f"{title}:{json.dumps(rule[key])}" for title, key in shown if key in rule) + "}"
