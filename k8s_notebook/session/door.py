"""One cluster as the verbs see it: an Api, a namespace, a name, and the names of kinds as people write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8s_notebook.client import waiting
from k8s_notebook.client.wire import versioned
from k8s_notebook.machinery.actions import Request
from k8s_notebook.machinery.api import Api
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.session.problems import UsageError


class Door:
    """Everything a verb needs. `refresh` asks the cluster again which kinds it serves, None if that cannot change."""

    def __init__(
        self,
        api: Api,
        name: str,
        namespace: str = "default",
        *,
        embedded: bool = False,
        refresh: Callable[[], None] | None = None,
    ) -> None:
        self.api = api
        self.name = name
        self.namespace = self.home = namespace
        self.embedded = embedded
        self.refresh = refresh

    @property
    def title(self) -> str:
        """The cluster's name as displays show it."""
        return f"{'embedded' if self.embedded else 'real'} {self.name}"

    def ask(self, request: Request) -> Obj:
        """The answer to a request; raises its ApiError."""
        return waiting.result(self.api.submit(request))

    def ask_all(self, requests: Sequence[Request]) -> list[Obj | errors.ApiError]:
        """The answers or errors of several requests that are under way at once."""
        tickets = [self.api.submit(r) for r in requests]
        waiting.results(tickets)
        found: list[Obj | errors.ApiError] = []
        for ticket in tickets:
            if ticket.error is None:
                found.append(ticket.result())
            elif isinstance(ticket.error, errors.ApiError):
                found.append(ticket.error)
            else:
                raise ticket.error
        return found

    def kind(self, word: str) -> Kind:
        """The kind that a person means; UsageError with kubectl's sentence if the cluster has none."""
        found = self.api.kinds.named(word)
        if found is None and self.refresh is not None:
            self.refresh()
            found = self.api.kinds.named(word)
        if found is None:
            raise UsageError(f'error: the server doesn\'t have a resource type "{word}"')
        return found

    def kind_of(self, obj: Obj) -> Kind | None:
        """The kind of an object, or None if the cluster does not serve it."""
        api_version, kind = str(obj.get("apiVersion")), str(obj.get("kind"))
        found = self.api.kinds.for_object(api_version, kind)
        if found is None and self.refresh is not None:
            self.refresh()
            found = self.api.kinds.for_object(api_version, kind)
        return found

    def resource(self, kind: Kind) -> str:
        """The name under which requests ask for a kind: with its version where the cluster prefers another."""
        try:
            preferred = self.api.kinds.of(kind.resource) is kind
        except KeyError:
            preferred = False
        return kind.resource if preferred else versioned(kind)

    def scope(self, kind: Kind, namespace: str | None = None) -> str:
        """The namespace that a request for one object of a kind carries."""
        return (namespace or self.namespace) if kind.namespaced else ""
