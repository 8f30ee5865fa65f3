"""A scheduler at work on a cluster: it watches pods and nodes, decides, and binds (as in pkg/scheduler/schedule_one.go)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from k8s_notebook.machinery.api import Api
from k8s_notebook.machinery.cache import Informers
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, NotFound
from k8s_notebook.scheduler import beside, binding, conditions, happenings, nominations, occupying, pods, profiles
from k8s_notebook.scheduler.announce import Announcer
from k8s_notebook.scheduler.arrays import Cluster, Incoming
from k8s_notebook.scheduler.binding import Binder, Binding
from k8s_notebook.scheduler.cycle import Cycle, Decision
from k8s_notebook.scheduler.gates import Gates
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.queue import Entry, Queue
from k8s_notebook.scheduler.victims import Victims
from k8s_notebook.sim import clock
from k8s_notebook.sim.loop import Handle, Loop

PER_TURN = 32
"""Pods per turn of the loop. On a virtual clock nothing else limits a turn, so that runs are repeatable."""
TURN_SECONDS = 0.005
"""On a wall clock a turn ends after this time too."""

Decided = Callable[[Incoming, Profile, int, Decision, float], None]
"""Hears of a decision before it is acted on: the pod, the profile, where the search began, the decision, the time in seconds."""


class Scheduler:
    """Places the pods whose `schedulerName` is the name of one of its profiles. All of them share one queue and one cluster.

    `without` names resources beside nodes and pods that are not watched. With `begin=False` it only watches until `begin()`.
    """

    def __init__(
        self, api: Api, loop: Loop, informers: Informers, served: Sequence[Profile] = (profiles.DEFAULT,), *,
        host: str = "k8s-notebook", without: Collection[str] = (), begin: bool = True, backoff: tuple[float, float] = (1.0, 10.0),
    ) -> None:  # fmt: skip
        self.scheduled = 0
        self.attempts = 0
        self.working = begin
        self.cluster = Cluster()
        self.cycles = {profile.name: Cycle(self.cluster, profile) for profile in served}
        self.decided: list[Decided] = []
        self._api = api
        self._loop = loop
        self._informers = informers
        self._announcers = {name: Announcer(api, loop, name, host) for name in self.cycles}
        self._binder = Binder(api, loop, self.cluster, self._bound, self._unbound)
        self._victims = Victims(api, loop, informers, self._binder.cancel, self._again)
        gates = Gates(self.cluster, self._victims.running, claims=any(p.claims for p in served))
        self.queue = Queue(gates.gate, first_backoff=backoff[0], longest_backoff=backoff[1])
        self._planned: Handle | None = None
        beside.watch(informers, api.kinds, self.cluster, without, self._beside_changed)
        informers.listen("nodes", self._node_changed)
        informers.listen("pods", self._pod_changed)

    def begin(self) -> None:
        """Start to place pods."""
        self.working = True
        self._plan()

    def halt(self) -> None:
        """Place no more pods."""
        self.working = False

    def status(self) -> dict[str, int]:
        """How many pods were scheduled, and how many are where in the queue."""
        return {"scheduled": self.scheduled, "binding": len(self._binder), **self.queue.counts()}

    # ------------------------------------------------------------ what happens in the cluster

    def _beside_changed(self, resource: str, old: Obj | None, new: Obj | None) -> None:
        self.queue.happened(happenings.of(resource, old, new), old, new, self._loop.now())
        self._binder.look()
        self._plan()

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        now = self._loop.now()
        if new is None:
            self.queue.happened(happenings.NODE_DELETE, old, None, now)
            name = old["metadata"]["name"] if old else ""
            if name in self.cluster.slots:
                self.cluster.remove_node(name)
        else:
            self.cluster.set_node(new)
            for kind in happenings.of_node(old, new) if old is not None else (happenings.NODE_ADD,):
                self.queue.happened(kind, old, new, now)
        self._plan()

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"] or pods.ended(new)):
            self._gone(old)
            old = None
        if new is None or pods.ended(new):
            return
        if new["spec"].get("nodeName"):
            self._assigned(old, new)
        elif (new["spec"].get("schedulerName") or "default-scheduler") in self.cycles:
            self._pending(old, new)

    def _gone(self, pod: Obj) -> None:
        uid = pod["metadata"]["uid"]
        entry = self.queue.get(uid)
        self.queue.remove(uid)
        self.cluster.denominate(uid)
        self._binder.pop(uid)
        self._lift(uid, pod)
        if entry is not None and nominations.named(pod):
            self._freed(pod, at_most=entry.priority)

    def _lift(self, uid: str, pod: Obj, but: str = "") -> None:
        """A pod's place is free again."""
        if self.cluster.lift(uid) is not None:
            self._freed(pod, but=but)

    def _freed(self, pod: Obj, *, at_most: int | None = None, but: str = "") -> None:
        self.queue.happened(happenings.POD_DELETE, pod, None, self._loop.now(), at_most=at_most, but=but)
        self._plan()

    def _assigned(self, old: Obj | None, new: Obj) -> None:
        uid = new["metadata"]["uid"]
        self._binder.pop(uid)
        self.queue.remove(uid)
        if old is None or not old["spec"].get("nodeName"):
            self.cluster.denominate(uid)
            old = None
        occupying.follow(self.cluster, old, new)
        if self.queue.listens:
            for kind in happenings.of_pod(old, new) if old is not None else (happenings.POD_ADD,):
                self.queue.happened(kind, old, new, self._loop.now())
            self._plan()

    def _pending(self, old: Obj | None, new: Obj) -> None:
        uid, now = new["metadata"]["uid"], self._loop.now()
        if uid in self._binder:
            if new["metadata"].get("deletionTimestamp") and not (old and old["metadata"].get("deletionTimestamp")):
                self._lift(uid, new)
            return
        entry = self.queue.get(uid)
        if entry is None:
            entry = self._entry(new)
            if entry.incoming.nominated:
                self.cluster.nominate(uid, entry.incoming, entry.incoming.nominated)
            self.queue.add(entry, now)
        else:
            self._renewed(entry, old or entry.pod, new)
        self._plan()

    def _entry(self, pod: Obj) -> Entry:
        incoming = self.cluster.incoming(pod)
        return Entry(incoming.uid, pod, incoming.pod_class, incoming.priority, incoming)

    def _renewed(self, entry: Entry, old: Obj, new: Obj) -> None:
        """A pod of the queue changed."""
        now = self._loop.now()
        self._renew(entry, new)
        nominations.update(self.cluster, entry.incoming, old)
        self.queue.updated(entry, list(happenings.of_pod(old, new)), old, new, now)
        if nominations.named(old) not in ("", nominations.named(new)):
            self._freed(old, at_most=entry.priority)

    def _renew(self, entry: Entry, pod: Obj) -> None:
        entry.pod = pod
        entry.incoming = self.cluster.incoming(pod)
        entry.pod_class = entry.incoming.pod_class

    # ------------------------------------------------------------ turns

    def _again(self, uid: str) -> None:
        self.queue.again(uid, self._loop.now())
        self._plan()

    def _plan(self) -> None:
        """See to it that a turn comes when there is something to do."""
        if not self.working:
            return
        due = self._loop.now() if self.queue.ready() else self.queue.due()
        if due is None or (self._planned is not None and self._planned.when <= due):
            return
        if self._planned is not None:
            self._planned.cancel()
        self._planned = self._loop.at(due, self._turn)

    def _turn(self) -> None:
        self._planned = None
        if not self._informers.synced():
            self._planned = self._loop.after(0.01, self._turn)
            return
        ends = math.inf if isinstance(self._loop.clock, clock.Virtual) else clock.monotonic() + TURN_SECONDS
        for _ in range(PER_TURN):
            entry = self.queue.pop(self._loop.now()) if self.working else None
            if entry is None:
                break
            self._try(entry)
            if clock.monotonic() > ends:
                break
        self._plan()

    # ------------------------------------------------------------ one pod

    def _try(self, entry: Entry) -> None:
        """Schedule a pod. A mistake of ours must not cost it: it is tried again, and whoever drives the loop says what it was."""
        try:
            self._schedule(entry)
        except Exception:
            if entry.uid not in self.cluster.placed and entry.uid not in self.queue:
                self.queue.erred(entry, self._loop.now())
            self._plan()
            raise

    def _schedule(self, entry: Entry) -> None:
        metadata = entry.pod["metadata"]
        name = entry.pod["spec"].get("schedulerName") or "default-scheduler"
        if metadata.get("deletionTimestamp"):
            note = f"skip schedule deleting pod: {metadata['namespace']}/{metadata['name']}"
            self._announcers[name].say(entry.pod, "Warning", "FailedScheduling", "Scheduling", note)
            self.queue.done(entry.uid)
            return
        if entry.pod_class.generation != self.cluster.tallies.generation:
            self._renew(entry, entry.pod)
        self.attempts += 1
        cycle = self.cycles[name]
        start = cycle.start
        decision = cycle.decide(entry.incoming)
        for hear in self.decided:
            hear(entry.incoming, cycle.profile, start, decision, self._loop.now())
        if not decision.node:
            self._unschedulable(entry, decision)
            return
        self.queue.done(entry.uid)
        self.cluster.denominate(entry.uid)
        self.cluster.place(entry.uid, entry.incoming.on(decision.node))
        self._binder.begin(entry, decision.node, cycle.profile)

    def _bound(self, done: Binding) -> None:
        self.scheduled += 1
        pod = done.entry.pod
        metadata = pod["metadata"]
        note = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {done.node}"
        self._says(pod).say(pod, "Normal", "Scheduled", "Binding", note)

    def _unbound(self, ended: Binding, why: str, error: ApiError | None) -> None:
        entry = ended.entry
        metadata = entry.pod["metadata"]
        current = self._informers.get("pods", metadata["namespace"], metadata["name"])
        if current is not None and current["spec"].get("nodeName") and current["metadata"]["uid"] == entry.uid:
            self._assigned(None, current)
            return
        self._lift(entry.uid, entry.pod)
        if not isinstance(error, NotFound) and current is not None and current["metadata"]["uid"] == entry.uid:
            self._renew(entry, current)
            self.queue.erred(entry, self._loop.now())
            self._tell(entry, "SchedulerError", why, "")
        self._plan()

    def _unschedulable(self, entry: Entry, decision: Decision) -> None:
        """Put a pod back, and make room for it if that was decided."""
        nominated = nominations.after(decision)
        if decision.victims:
            victims = [self.cluster.placed[uid].pod for uid in decision.victims]
            nominees = self.cluster.nominees(decision.nominated).values()
            self._victims.begin(entry.incoming, decision.nominated, victims, list(nominees), self._says(entry.pod))
        for request in binding.writes(decision.writes):
            self._api.submit(request)
        self.queue.failed(entry, self._loop.now(), decision.rejectors)
        if nominated:
            self.cluster.nominate(entry.uid, entry.incoming, nominated)
        elif nominated is not None:
            self.cluster.denominate(entry.uid)
        self._tell(entry, "Unschedulable", decision.message, nominated)

    def _says(self, pod: Obj) -> Announcer:
        return self._announcers[pod["spec"].get("schedulerName") or "default-scheduler"]

    def _tell(self, entry: Entry, reason: str, message: str, nominated: str | None) -> None:
        """Write the event and, if it is news, the condition and the nomination."""
        self._says(entry.pod).say(entry.pod, "Warning", "FailedScheduling", "Scheduling", message)
        news = conditions.patch(entry.pod, self._loop.now(), conditions.scheduled(reason, message), nominated)
        if news is not None:
            self._api.submit(news)
