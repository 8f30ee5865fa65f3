"""The API server without HTTP: every verb over a store, and the Api that components inside the process use."""

from __future__ import annotations

from typing import Any

from k8s_notebook.apiserver import logs, reading, refusals, subresources
from k8s_notebook.apiserver.admission import Admission
from k8s_notebook.apiserver.calls import Answer, Call, DeleteOptions, ListOptions, WatchOptions
from k8s_notebook.apiserver.deletion import Deletion
from k8s_notebook.apiserver.expiry import EventExpiry
from k8s_notebook.apiserver.local import LocalApi
from k8s_notebook.apiserver.state import State, TokenIssuer
from k8s_notebook.apiserver.writing import PatchStyle, Writing
from k8s_notebook.machinery.api import LogRequest
from k8s_notebook.machinery.decisions import Decisions
from k8s_notebook.machinery.nodes import Runtimes
from k8s_notebook.objects import Obj, kinds
from k8s_notebook.objects.kinds import Kind, Kinds
from k8s_notebook.sim.loop import Loop
from k8s_notebook.sim.streams import Streams
from k8s_notebook.store.revisions import Store
from k8s_notebook.store.watches import Subscription

COMMIT = -2
"""The priority of commits on the loop: before anybody looks at what changed."""


class Server:
    """A Kubernetes API server in this process.

    All verbs act on the head of `store` at once; an HTTP server waits with its answer for `store.on_commit`.
    `runtimes` gives the nodes' logs, `token_issuer` signs ServiceAccount tokens; both may be set later.
    """

    def __init__(
        self,
        store: Store,
        loop: Loop,
        streams: Streams,
        kinds: Kinds = kinds.EMBEDDED,
        *,
        runtimes: Runtimes | None = None,
        token_issuer: TokenIssuer | None = None,
    ) -> None:
        self.store = store
        self.loop = loop
        self.streams = streams
        self.runtimes = runtimes
        self.state = State(store, loop, streams, kinds)
        self.state.token_issuer = token_issuer
        self.admission = Admission(self.state)
        self._writing = Writing(self.state, self.admission)
        self._deletion = Deletion(self.state, self.admission)
        self._subresources = subresources.Subresources(self.state, self.admission, self._writing, self._deletion)
        self._expiry = EventExpiry(self.state)
        if store.on_dirty is None:
            store.on_dirty = self._plan_commit

    @property
    def kinds(self) -> Kinds:
        """The kinds that are served."""
        return self.state.kinds

    @kinds.setter
    def kinds(self, served: Kinds) -> None:
        self.state.kinds = served

    @property
    def token_issuer(self) -> TokenIssuer | None:
        """Who signs ServiceAccount tokens."""
        return self.state.token_issuer

    @token_issuer.setter
    def token_issuer(self, issuer: TokenIssuer | None) -> None:
        self.state.token_issuer = issuer

    @property
    def decisions(self) -> Decisions | None:
        """The scheduler's decisions, which are served from its memory."""
        return self.state.decisions

    @decisions.setter
    def decisions(self, offered: Decisions | None) -> None:
        self.state.decisions = offered

    def api(self, user: str = "system:admin", manager: str = "") -> LocalApi:
        """The door for a component inside the process; its tickets are done when they are handed out.

        With a `manager` bodies are read as if they came from outside, and ownership of fields is tracked.
        """
        return LocalApi(self, user, manager)

    def get(self, kind: Kind, namespace: str, name: str, subresource: str = "", *, version: str = "") -> Answer:
        """One object, or a part of it."""
        if subresource and subresource != "status":
            return self._subresources.get(kind, namespace, name, subresource)
        return reading.get(self.state, kind, namespace, name, version=version)

    def list(self, kind: Kind, options: ListOptions) -> reading.Page:
        """Objects of one state: `.encoded()` is the list as JSON, `.objects()` its items, `.to_dict()` the list object."""
        return reading.listed(self.state, kind, options)

    def watch(self, kind: Kind, options: WatchOptions) -> Subscription:
        """Changes; events carry `encoded`, the JSON of their object. `progress()` queues a bookmark."""
        return reading.watch(self.state, kind, options)

    def create(self, kind: Kind, namespace: str, obj: Obj, call: Call) -> Answer:
        """A new object; 201."""
        _check_verb(kind, "create")
        return self._writing.create(kind, namespace, obj, call)

    def update(self, kind: Kind, namespace: str, name: str, obj: Obj, call: Call, subresource: str = "") -> Answer:
        """An object (or a part of it) replaced."""
        if subresource:
            return self._subresources.update(kind, namespace, name, subresource, obj, call)
        _check_verb(kind, "update")
        return self._writing.update(kind, namespace, name, obj, call)

    def patch(
        self, kind: Kind, namespace: str, name: str, body: Any, style: PatchStyle, call: Call, subresource: str = ""
    ) -> Answer:
        """An object (or a part of it) changed by a patch of style "json", "merge" or "strategic"."""
        if subresource:
            return self._subresources.patch(kind, namespace, name, subresource, body, style, call)
        _check_verb(kind, "patch")
        return self._writing.patch(kind, namespace, name, body, style, call)

    def apply(self, kind: Kind, namespace: str, name: str, config: Obj, call: Call, subresource: str = "") -> Answer:
        """Server-side apply; `call.manager` and `call.force` count. 201 if the object is new."""
        if subresource:
            return self._subresources.apply(kind, namespace, name, subresource, config, call)
        _check_verb(kind, "patch")
        return self._writing.apply(kind, namespace, name, config, call)

    def delete(self, kind: Kind, namespace: str, name: str, options: DeleteOptions, call: Call) -> Answer:
        """An object deleted or marked; the answer is the object or a Status, as the kind has it."""
        _check_verb(kind, "delete")
        return self._deletion.delete(kind, namespace, name, options, call)

    def delete_collection(self, kind: Kind, wanted: ListOptions, options: DeleteOptions, call: Call) -> Answer:
        """All objects of a list deleted; the answer is that list."""
        _check_verb(kind, "deletecollection")
        return self._deletion.collection(kind, wanted, options, call)

    def post(self, kind: Kind, namespace: str, name: str, subresource: str, body: Obj, call: Call) -> Answer:
        """A POST to a subresource: binding, eviction, token."""
        return self._subresources.create(kind, namespace, name, subresource, body, call)

    def bind(self, namespace: str, name: str, node: str, uid: str, call: Call) -> Answer:
        """A pod put on a node."""
        return self._subresources.bind(namespace, name, node, {"uid": uid} if uid else {}, call)

    def _plan_commit(self) -> None:
        self.loop.soon(self.store.commit, priority=COMMIT)

    def log(self, request: LogRequest) -> logs.Logs:
        """The lines of a container's log."""
        return logs.opened(self.state, self.runtimes, request)


def _check_verb(kind: Kind, verb: str) -> None:
    """MethodNotAllowed for what a kind does not offer."""
    if verb not in kind.verbs:
        raise refusals.wrong_method()
