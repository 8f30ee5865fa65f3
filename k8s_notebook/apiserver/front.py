"""From a request to its answer: who asks, what for, whether it is allowed, and what comes back. No HTTP library in here."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Sequence

from k8s_notebook.apiserver import answers, rbac, routing
from k8s_notebook.apiserver.answers import Request, Result
from k8s_notebook.apiserver.auth import ANONYMOUS, Authenticator, User, impersonation
from k8s_notebook.apiserver.paths import Paths, not_found, wrong_method
from k8s_notebook.apiserver.rbac import Attributes, Policy
from k8s_notebook.apiserver.resources import Resources
from k8s_notebook.apiserver.routing import PageNotFound, Plain, Route
from k8s_notebook.objects.errors import ApiError, Forbidden, InternalError
from k8s_notebook.objects.kinds import Kinds
from k8s_notebook.store.revisions import Store

log = logging.getLogger(__name__)


class Front:
    """Answers every request of the outside world."""

    def __init__(
        self, store: Store, kinds: Kinds, authenticator: Authenticator, policy: Policy, resources: Resources, paths: Paths
    ) -> None:
        self.requests = 0
        self._store = store
        self._kinds = kinds
        self._authenticator = authenticator
        self._policy = policy
        self._resources = resources
        self._paths = paths

    def answer(self, request: Request) -> Result:
        """The answer; a refusal is one too, and so is a mistake of ours."""
        self.requests += 1
        try:
            return self._answer(request)
        except PageNotFound:
            return not_found()
        except ApiError as error:
            return answers.refusal(error)
        except Exception:
            log.error("%s %s failed:\n%s", request.method, request.path, traceback.format_exc())
            return answers.refusal(InternalError(f"{request.method} {request.path} failed in the server; its log says why"))

    async def committed(self) -> ApiError | None:
        """Wait until everything written so far is durable; the error if it was undone."""
        if not self._store.dirty:
            return None
        done: asyncio.Future[ApiError | None] = asyncio.get_running_loop().create_future()
        self._store.on_commit(lambda error: None if done.done() else done.set_result(error))
        return await done

    def _answer(self, request: Request) -> Result:
        user = self._user(request)
        try:
            target = routing.route(request.method, request.path, request.query, self._kinds)
        except ApiError:
            if user is ANONYMOUS:
                raise rbac.refusal(Attributes(user, request.method.lower(), path=request.path)) from None
            raise
        self._allow(attributes(user, target, request))
        if isinstance(target, Route):
            return self._resources.answer(target, request, user)
        if request.method not in ("GET", "HEAD"):
            return wrong_method() if target.path != "/" else not_found()
        return self._paths.answer(request, target.path)

    def _user(self, request: Request) -> User:
        user = self._authenticator.who(request.header("authorization"))
        wish = impersonation(request.headers)
        if wish is None:
            return user
        if not wish.user.name:
            raise Forbidden("requested an impersonation without a user name to impersonate")
        for group, resource, namespace, name in wish.needs():
            self._allow(Attributes(user, "impersonate", group, resource, "", namespace, name))
        return wish.becomes()

    def _allow(self, asked: Attributes) -> None:
        decision = rbac.decide(self._policy, asked)
        if not decision.allowed:
            raise rbac.refusal(asked, decision.errors)


def attributes(user: User, target: Route | Plain, request: Request) -> Attributes:
    """The question that a request is to the rules."""
    if isinstance(target, Plain):
        return Attributes(user, target.verb, path=request.path)
    name = target.name or (_selected(request.query.get("fieldSelector", "")) if target.verb != "create" else "")
    kind = target.kind
    namespace = target.namespace
    if kind.group == "" and kind.plural == "namespaces":
        namespace = target.name
    return Attributes(user, target.verb, kind.group, kind.plural, target.subresource, namespace, name)


def _selected(selector: str) -> str:
    """The one name that a field selector asks for, or ""."""
    terms: Sequence[str] = selector.split(",")
    names = [t.partition("=")[2].lstrip("=") for t in terms if t.startswith("metadata.name=")]
    return names[0] if len(names) == 1 else ""
