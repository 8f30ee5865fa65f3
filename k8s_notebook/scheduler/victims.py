"""What preemption does to the pods that must make room (as in pkg/scheduler/framework/preemption/executor.go)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from k8s_notebook.machinery.actions import Delete, Patch
from k8s_notebook.machinery.api import Api, Ticket
from k8s_notebook.machinery.cache import Informers
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, NotFound
from k8s_notebook.scheduler import conditions
from k8s_notebook.scheduler.announce import Announcer
from k8s_notebook.scheduler.arrays import Incoming
from k8s_notebook.sim.loop import Loop


@dataclass(slots=True)
class Eviction:
    """One pod's making room for itself on a node."""

    preemptor: Incoming
    node: str
    says: Announcer
    left: int
    last: Obj
    """The victim that is asked to go when all others have been: the preemptor is tried again once it is gone."""
    last_begun: bool = False
    failed: bool = False


class Victims:
    """Asks victims to leave. `cancel(uid)` ends the binding of a pod that is not bound yet and says whether it could;
    `failed(uid)` is called when the victims of a preemptor could not be asked to leave.
    """

    def __init__(
        self, api: Api, loop: Loop, informers: Informers, cancel: Callable[[str], bool], failed: Callable[[str], None]
    ) -> None:
        self._api = api
        self._loop = loop
        self._informers = informers
        self._cancel = cancel
        self._failed = failed
        self._running: dict[str, Eviction] = {}

    def running(self, uid: str) -> bool:
        """Whether victims of this preemptor have not been asked to leave yet."""
        found = self._running.get(uid)
        if found is None:
            return False
        if not found.last_begun:
            return True
        metadata = found.last["metadata"]
        now = self._informers.get("pods", metadata["namespace"], metadata["name"])
        return now is not None and not now["metadata"].get("deletionTimestamp")

    def begin(
        self, preemptor: Incoming, node: str, victims: Iterable[Obj], nominees: Iterable[Incoming], says: Announcer
    ) -> None:
        """Ask the victims to leave: all but one at once, then the last; lower pods lose their nomination to the node."""
        staying = [v for v in map(self._newest, victims) if v is not None and not v["metadata"].get("deletionTimestamp")]
        if not staying:
            return
        for nominee in nominees:
            if nominee.priority < preemptor.priority:
                self._submit(conditions.patch(nominee.pod, self._loop.now(), nominated=""))
        *others, last = staying
        eviction = self._running[preemptor.uid] = Eviction(preemptor, node, says, len(others), last)
        for victim in others:
            self._evict(eviction, victim)
        self._finish(eviction)

    def _newest(self, pod: Obj) -> Obj | None:
        metadata = pod["metadata"]
        return self._informers.get("pods", metadata.get("namespace") or "", metadata["name"])

    def _submit(self, request: Patch | None) -> None:
        if request is not None:
            self._api.submit(request)

    def _finish(self, eviction: Eviction) -> None:
        """When the others have been asked: the last, unless something went wrong."""
        if eviction.left:
            return
        if not eviction.last_begun and not eviction.failed:
            eviction.last_begun, eviction.left = True, 1
            self._evict(eviction, eviction.last)
            return
        uid = eviction.preemptor.uid
        if self._running.get(uid) is eviction:
            del self._running[uid]
        if eviction.failed:
            self._failed(uid)

    def _evict(self, eviction: Eviction, victim: Obj) -> None:
        """Say it in the victim's status, then delete it, then tell."""
        metadata = victim["metadata"]
        if self._cancel(metadata["uid"]):
            self._evicted(eviction, victim, " (in kube-scheduler memory).")
            return
        gone = Delete("pods", metadata["name"], metadata["namespace"], uid=metadata["uid"])

        def delete() -> None:
            self._then(self._api.submit(gone), lambda: self._evicted(eviction, victim), lambda e: self._missed(eviction, e))

        told = conditions.patch(victim, self._loop.now(), conditions.disrupted(eviction.says.component))
        if told is None:
            delete()
        else:
            self._then(self._api.submit(told), delete, lambda e: self._missed(eviction, e))

    def _evicted(self, eviction: Eviction, victim: Obj, where: str = "") -> None:
        note = f"Preempted by pod {eviction.preemptor.uid} on node {eviction.node}{where}"
        eviction.says.say(victim, "Normal", "Preempted", "Preempting", note, related=eviction.preemptor.pod)
        self._one_less(eviction)

    def _missed(self, eviction: Eviction, error: ApiError) -> None:
        """A victim that is gone already is as good as evicted; anything else lets the preemptor try again."""
        eviction.failed |= not isinstance(error, NotFound)
        self._one_less(eviction)

    def _one_less(self, eviction: Eviction) -> None:
        eviction.left -= 1
        self._finish(eviction)

    def _then(self, ticket: Ticket[Obj], well: Callable[[], None], ill: Callable[[ApiError], None]) -> None:
        """Go on once a request is answered; in memory it is so at once."""

        def answered() -> None:
            if ticket.error is None:
                well()
            elif isinstance(ticket.error, ApiError):
                ill(ticket.error)
            else:
                raise ticket.error

        def later() -> None:
            self._loop.soon(answered)

        if ticket.done:
            answered()
        else:
            ticket.on_done(lambda _: later())
