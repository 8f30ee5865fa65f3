"""Reviews: questions that are posted like objects and answered at once, never kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8s_notebook.apiserver import rbac
from k8s_notebook.apiserver.auth import Authenticator, User
from k8s_notebook.apiserver.rbac import Attributes, Policy
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import BadRequest, Cause, invalid
from k8s_notebook.objects.kinds import Kind

Review = Callable[["Reviewer", User, Obj, str], Obj]
"""(reviewer, the one who asks, the body, the namespace of the URL) -> the status."""


class Reviewer:
    """Answers reviews."""

    def __init__(self, authenticator: Authenticator, policy: Policy) -> None:
        self._authenticator = authenticator
        self._policy = policy

    def answer(self, kind: Kind, user: User, body: Obj, namespace: str) -> Obj:
        """The review with its status."""
        status = _REVIEWS[kind.kind](self, user, body, namespace)
        found: Obj = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": body.get("metadata") or {}}
        if "spec" in body:
            found["spec"] = body["spec"]
        return {**found, "status": status}

    def token(self, user: User, body: Obj, namespace: str) -> Obj:
        """Whose token it is."""
        spec = body.get("spec") or {}
        if not spec.get("token"):
            raise BadRequest("token is required for TokenReview in authentication")
        audiences = spec.get("audiences") or ()
        found = self._authenticator.check(spec["token"], audiences)
        if found is None:
            return {"user": {}, "error": "[invalid bearer token, token lookup failed]"}
        return {"authenticated": True, "user": found.info(), **({"audiences": list(audiences)} if audiences else {})}

    def self_subject(self, user: User, body: Obj, namespace: str) -> Obj:
        """Who asks."""
        return {"userInfo": user.info()}

    def self_access(self, user: User, body: Obj, namespace: str) -> Obj:
        """Whether the one who asks may do something."""
        return self._access("SelfSubjectAccessReview", user, body.get("spec") or {})

    def access(self, user: User, body: Obj, namespace: str) -> Obj:
        """Whether somebody may do something."""
        return self._access("SubjectAccessReview", _somebody("SubjectAccessReview", body), body["spec"])

    def local_access(self, user: User, body: Obj, namespace: str) -> Obj:
        """Whether somebody may do something in the namespace of the URL."""
        kind, spec = "LocalSubjectAccessReview", body.get("spec") or {}
        inside = (spec.get("resourceAttributes") or {}).get("namespace", "")
        if inside != namespace:
            said = f'Invalid value: "{inside}": must match metadata.namespace'
            raise _invalid(kind, "spec.resourceAttributes.namespace", said)
        return self._access(kind, _somebody(kind, body), spec)

    def self_rules(self, user: User, body: Obj, namespace: str) -> Obj:
        """All that the one who asks may do in a namespace."""
        inside = (body.get("spec") or {}).get("namespace")
        if not inside:
            raise BadRequest("no namespace on request")
        resources: list[Obj] = []
        paths: list[Obj] = []
        errors: list[str] = []
        for grant in rbac.grants(self._policy, user, inside, errors):
            if grant.rule.get("resources"):
                resources.append(_shown(grant.rule, ("verbs", "apiGroups", "resources", "resourceNames")))
            if grant.rule.get("nonResourceURLs"):
                paths.append(_shown(grant.rule, ("verbs", "nonResourceURLs")))
        status: Obj = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": bool(errors)}
        return {**status, "evaluationError": ", ".join(errors)} if errors else status

    def _access(self, kind: str, user: User, spec: Obj) -> Obj:
        decision = rbac.decide(self._policy, _asked(kind, user, spec))
        status: Obj = {"allowed": decision.allowed}
        if decision.reason:
            status["reason"] = decision.reason
        if decision.errors:
            status["reason"] = "RBAC: " + ", ".join(decision.errors)
            status["evaluationError"] = ", ".join(decision.errors)
        return status


_REVIEWS: Mapping[str, Review] = {
    "TokenReview": Reviewer.token,
    "SelfSubjectReview": Reviewer.self_subject,
    "SelfSubjectAccessReview": Reviewer.self_access,
    "SubjectAccessReview": Reviewer.access,
    "LocalSubjectAccessReview": Reviewer.local_access,
    "SelfSubjectRulesReview": Reviewer.self_rules,
}
KINDS = frozenset(_REVIEWS)
"""The kinds that are reviews."""


def _shown(rule: Obj, keys: tuple[str, ...]) -> Obj:
    return {k: rule[k] for k in keys if rule.get(k)}


def _asked(kind: str, user: User, spec: Obj) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        said = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise _invalid(kind, "spec.resourceAttributes", said)
    if path is not None:
        return Attributes(user, path.get("verb", ""), path=path.get("path", ""))
    asked = resource or {}
    return Attributes(
        user,
        asked.get("verb", ""),
        asked.get("group", ""),
        asked.get("resource", ""),
        asked.get("subresource", ""),
        asked.get("namespace", ""),
        asked.get("name", ""),
    )


def _somebody(kind: str, body: Obj) -> User:
    spec = body.get("spec") or {}
    if not spec.get("user") and not spec.get("groups"):
        raise _invalid(kind, "spec.user", 'Invalid value: "": at least one of user or group must be specified')
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), spec.get("extra") or {})


def _invalid(kind: str, field: str, said: str) -> Exception:
    return invalid("authorization.k8s.io", kind, "", [Cause("FieldValueInvalid", said, field)])
