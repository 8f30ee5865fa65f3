"""Who asks: the admin token, tokens of ServiceAccounts, impersonation; tokens are made here too."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from k8s_notebook.apiserver import tls
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import Unauthorized
from k8s_notebook.sim import clock

ISSUER = "https://kubernetes.default.svc.cluster.local"
AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"
_ACCOUNT = "system:serviceaccount:"
_EXTRA_POD = "authentication.kubernetes.io/pod-name"
_EXTRA_POD_UID = "authentication.kubernetes.io/pod-uid"
_EXTRA_NODE = "authentication.kubernetes.io/node-name"
_EXTRA_ID = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class User:
    """The one who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def info(self) -> Obj:
        """The UserInfo of reviews."""
        found: Obj = {"username": self.name, "uid": self.uid, "groups": list(self.groups)}
        if self.extra:
            found["extra"] = {k: list(v) for k, v in self.extra.items()}
        return {k: v for k, v in found.items() if v}


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ADMIN = User("admin", (MASTERS, AUTHENTICATED))

Lookup = Callable[[str, str, str], Obj | None]
"""(resource, namespace, name) -> the object, or None."""


class Authenticator:
    """Knows the admin token and checks tokens of ServiceAccounts."""

    def __init__(self, token: str, signer: tls.Signer, lookup: Lookup, now: Callable[[], float]) -> None:
        self._token = token.encode()
        self._signer = signer
        self._lookup = lookup
        self._now = now
        self._checked: dict[str, Obj] = {}

    def who(self, authorization: str | None) -> User:
        """The user of an Authorization header; anonymous without one; Unauthorized for a wrong token."""
        if not authorization:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return ANONYMOUS
        user = self.check(token.strip())
        if user is None:
            raise Unauthorized("Unauthorized")
        return user

    def check(self, token: str, audiences: Sequence[str] = ()) -> User | None:
        """The user of a bearer token, or None if it is good for nobody."""
        if hmac.compare_digest(token.encode(), self._token):
            return ADMIN
        claims = self._claims(token)
        if claims is None or not self._current(claims, audiences):
            return None
        return self._account(claims)

    def issue(self, account: Obj, request: Obj, bound: Obj | None = None) -> Obj:
        """The TokenRequest with its status: a signed token for a ServiceAccount, bound to a pod, node or secret if asked."""
        spec = request.get("spec") or {}
        now = int(self._now())
        until = now + int(spec.get("expirationSeconds") or 3600)
        audiences = list(spec.get("audiences") or (ISSUER,))
        token = self._sign(self._payload(account, spec.get("boundObjectRef"), bound, audiences, now, until))
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {k: account["metadata"][k] for k in ("name", "namespace")},
            "spec": {"audiences": audiences, "expirationSeconds": until - now, "boundObjectRef": spec.get("boundObjectRef")},
            "status": {"token": token, "expirationTimestamp": clock.timestamp(until)},
        }

    def keys(self) -> Obj:
        """The JSON Web Key Set of /openid/v1/jwks."""
        key = {"use": "sig", "kty": "EC", "kid": self._signer.key_id, "crv": "P-256", "alg": "ES256"}
        return {"keys": [{**key, "x": _encode(self._signer.x), "y": _encode(self._signer.y)}]}

    def _payload(self, account: Obj, reference: Obj | None, bound: Obj | None, audiences: list[str], now: int, until: int) -> Obj:
        metadata = account["metadata"]
        about: Obj = {"namespace": metadata["namespace"]}
        if reference and bound is not None:
            about[reference["kind"].lower()] = {"name": bound["metadata"]["name"], "uid": bound["metadata"]["uid"]}
            node = (bound.get("spec") or {}).get("nodeName")
            if node:
                about["node"] = {"name": node}
        about["serviceaccount"] = {"name": metadata["name"], "uid": metadata["uid"]}
        return {
            "aud": audiences,
            "exp": until,
            "iat": now,
            "iss": ISSUER,
            "jti": secrets.token_hex(16),
            "kubernetes.io": about,
            "nbf": now,
            "sub": f"{_ACCOUNT}{metadata['namespace']}:{metadata['name']}",
        }

    def _sign(self, payload: Obj) -> str:
        head = _encode(json.dumps({"alg": "ES256", "kid": self._signer.key_id, "typ": "JWT"}).encode())
        body = f"{head}.{_encode(json.dumps(payload).encode())}"
        return f"{body}.{_encode(self._signer.sign(body.encode()))}"

    def _claims(self, token: str) -> Obj | None:
        known = self._checked.get(token)
        if known is not None:
            return known
        parts = token.split(".")
        try:
            head, claims, signature = json.loads(_decode(parts[0])), json.loads(_decode(parts[1])), _decode(parts[2])
        except (ValueError, IndexError, binascii.Error):
            return None
        if len(parts) != 3 or not isinstance(head, dict) or not isinstance(claims, dict) or head.get("alg") != "ES256":
            return None
        if not self._signer.good(f"{parts[0]}.{parts[1]}".encode(), signature):
            return None
        if len(self._checked) >= 1024:
            self._checked.clear()
        self._checked[token] = claims
        return claims

    def _current(self, claims: Obj, audiences: Sequence[str]) -> bool:
        now = self._now()
        meant = set(audiences or (ISSUER,))
        return claims["iss"] == ISSUER and claims["nbf"] <= now + 60 and now < claims["exp"] and bool(meant & set(claims["aud"]))

    def _account(self, claims: Obj) -> User | None:
        about = claims["kubernetes.io"]
        namespace, account = about["namespace"], about["serviceaccount"]
        live = self._lookup("serviceaccounts", namespace, account["name"])
        if live is None or live["metadata"]["uid"] != account["uid"]:
            return None
        extra: dict[str, Sequence[str]] = {_EXTRA_ID: (f"JTI={claims['jti']}",)}
        pod = about.get("pod")
        if pod:
            found = self._lookup("pods", namespace, pod["name"])
            if found is None or found["metadata"]["uid"] != pod["uid"]:
                return None
            extra |= {_EXTRA_POD: (pod["name"],), _EXTRA_POD_UID: (pod["uid"],)}
        if "node" in about:
            extra[_EXTRA_NODE] = (about["node"]["name"],)
        return account_user(namespace, account["name"], account["uid"], extra)


def account_user(namespace: str, name: str, uid: str = "", extra: Mapping[str, Sequence[str]] | None = None) -> User:
    """The user that a ServiceAccount is."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"{_ACCOUNT}{namespace}:{name}", groups, uid, extra or {})


@dataclass(frozen=True, slots=True)
class Impersonation:
    """What the Impersonate- headers ask for."""

    user: User

    def needs(self) -> list[tuple[str, str, str, str]]:
        """(group, resource, namespace, name) of everything that the one who asks must be allowed to impersonate."""
        found: list[tuple[str, str, str, str]] = []
        if self.user.name.startswith(_ACCOUNT):
            namespace, _, name = self.user.name.removeprefix(_ACCOUNT).partition(":")
            found.append(("", "serviceaccounts", namespace, name))
        else:
            found.append(("", "users", "", self.user.name))
        found += [("", "groups", "", g) for g in self.user.groups]
        if self.user.uid:
            found.append(("authentication.k8s.io", "uids", "", self.user.uid))
        return found

    def becomes(self) -> User:
        """The user, with the groups that every such user has."""
        name, groups = self.user.name, self.user.groups
        if name.startswith(_ACCOUNT) and not groups:
            namespace, _, account = name.removeprefix(_ACCOUNT).partition(":")
            return account_user(namespace, account, self.user.uid, self.user.extra)
        group = "system:unauthenticated" if name == ANONYMOUS.name else AUTHENTICATED
        return User(name, groups if group in groups else (*groups, group), self.user.uid, self.user.extra)


def impersonation(headers: Sequence[tuple[str, str]]) -> Impersonation | None:
    """What the headers ask for, or None; header names in any case."""
    user, uid, groups = "", "", []
    extra: dict[str, list[str]] = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered == "impersonate-user":
            user = value
        elif lowered == "impersonate-uid":
            uid = value
        elif lowered == "impersonate-group":
            groups.append(value)
        elif lowered.startswith("impersonate-extra-"):
            extra.setdefault(lowered.removeprefix("impersonate-extra-"), []).append(value)
    if not (user or uid or groups or extra):
        return None
    return Impersonation(User(user, tuple(groups), uid, extra))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
