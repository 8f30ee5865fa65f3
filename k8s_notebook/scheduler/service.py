"""A scheduler at work on a cluster: it watches pods and nodes, decides, and binds (as in pkg/scheduler/schedule_one.go)."""

from __future__ import annotations

import math

from k8s_notebook.machinery.actions import Bind, Patch
from k8s_notebook.machinery.api import Api, Ticket
from k8s_notebook.machinery.cache import Informers
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, NotFound
from k8s_notebook.scheduler import plugins, pods, profiles
from k8s_notebook.scheduler.announce import Announcer
from k8s_notebook.scheduler.arrays import Cluster, Placed
from k8s_notebook.scheduler.cycle import Cycle, Decision
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.queue import Entry, Queue
from k8s_notebook.sim import clock
from k8s_notebook.sim.loop import Handle, Loop

PER_TURN = 32
"""Pods per turn of the loop. On a virtual clock nothing else limits a turn, so that runs are repeatable."""
TURN_SECONDS = 0.005
"""On a wall clock a turn ends after this time too."""


class Scheduler:
    """Places the pods whose `schedulerName` is `name`."""

    def __init__(
        self, api: Api, loop: Loop, informers: Informers, name: str = "default-scheduler", *,
        profile: Profile = profiles.DEFAULT, host: str = "k8s-notebook",
    ) -> None:  # fmt: skip
        self.name = name
        self.scheduled = 0
        self.cluster = Cluster()
        self.cycle = Cycle(self.cluster, profile)
        self.queue = Queue({p.name: p.helped_by for p in plugins.REGISTRY.values()})
        self._api = api
        self._loop = loop
        self._informers = informers
        self._announcer = Announcer(api, loop, name, host)
        self._assumed: dict[str, Entry] = {}
        self._planned: Handle | None = None
        informers.listen("nodes", self._node_changed)
        informers.listen("pods", self._pod_changed)

    def status(self) -> dict[str, int]:
        """How many pods were scheduled, and how many are where in the queue."""
        return {"scheduled": self.scheduled, "binding": len(self._assumed), **self.queue.counts()}

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None:
            name = old["metadata"]["name"] if old else ""
            if name in self.cluster.slots:
                self.cluster.remove_node(name)
            return
        for what in sorted(self.cluster.set_node(new)):
            self.queue.happened(what, self._loop.now())
        self._plan()

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"] or pods.ended(new)):
            self._gone(old["metadata"]["uid"])
        if new is None or pods.ended(new):
            return
        if new["spec"].get("nodeName"):
            self._assigned(old, new)
        elif (new["spec"].get("schedulerName") or "default-scheduler") == self.name:
            self._pending(old, new)

    def _gone(self, uid: str) -> None:
        self.queue.remove(uid)
        self._assumed.pop(uid, None)
        if self.cluster.lift(uid) is not None:
            self.queue.happened(plugin.POD_GONE, self._loop.now())
            self._plan()

    def _assigned(self, old: Obj | None, new: Obj) -> None:
        uid = new["metadata"]["uid"]
        known = self.cluster.placed.get(uid)
        confirmed = self._assumed.pop(uid, None) is not None
        self.queue.remove(uid)
        same_node = known is not None and known.node == new["spec"]["nodeName"]
        if same_node and old is not None and (_sizes(new) == [] if confirmed else _counts_alike(old, new)):
            return
        read = self.cluster.read(new)
        if read != known:
            self.cluster.place(uid, read)
            if known is not None:
                self.queue.happened(plugin.POD_GONE, self._loop.now())
                self._plan()

    def _pending(self, old: Obj | None, new: Obj) -> None:
        uid = new["metadata"]["uid"]
        if uid in self._assumed:
            return
        if new["spec"].get("schedulingGates"):
            self.queue.remove(uid)
            return
        now = self._loop.now()
        entry = self.queue.get(uid)
        if entry is None:
            entry = Entry(uid, new, self.cluster.pod_class(new["spec"]), new["spec"].get("priority") or 0)
            self.queue.add(entry, now)
        else:
            entry.pod = new
            if old is None or old["spec"] != new["spec"] or old["metadata"].get("labels") != new["metadata"].get("labels"):
                entry.pod_class = self.cluster.pod_class(new["spec"])
                self.queue.retry(entry, now)
        self._plan()

    def _plan(self) -> None:
        """See to it that a turn comes when there is something to do."""
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
            entry = self.queue.pop(self._loop.now())
            if entry is None:
                break
            self._schedule(entry)
            if clock.monotonic() > ends:
                break
        self._plan()

    def _schedule(self, entry: Entry) -> None:
        metadata = entry.pod["metadata"]
        if metadata.get("deletionTimestamp"):
            note = f"skip schedule deleting pod: {metadata['namespace']}/{metadata['name']}"
            self._announcer.say(entry.pod, "Warning", "FailedScheduling", "Scheduling", note)
            return
        preempts = entry.pod["spec"].get("preemptionPolicy") != "Never"
        decision = self.cycle.decide(entry.pod_class, priority=entry.priority, preempts=preempts)
        if not decision.node:
            self._unschedulable(entry, decision)
            return
        self._assumed[entry.uid] = entry
        name, wanted = (metadata["namespace"], metadata["name"]), entry.pod_class
        self.cluster.place(entry.uid, Placed(*name, decision.node, wanted, wanted.requests, entry.priority))
        ticket = self._api.submit(Bind(*name, entry.uid, decision.node))
        if ticket.done:
            self._bound(entry, decision.node, ticket)
        else:
            ticket.on_done(lambda answered: self._bound_later(entry, decision.node, answered))

    def _bound_later(self, entry: Entry, node: str, ticket: Ticket[Obj]) -> None:
        self._loop.soon(lambda: self._bound(entry, node, ticket))

    def _bound(self, entry: Entry, node: str, ticket: Ticket[Obj]) -> None:
        metadata = entry.pod["metadata"]
        if ticket.error is None:
            self.scheduled += 1
            note = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
            self._announcer.say(entry.pod, "Normal", "Scheduled", "Binding", note)
            return
        if not isinstance(ticket.error, ApiError):
            raise ticket.error
        current = self._informers.get("pods", metadata["namespace"], metadata["name"])
        if current is not None and current["spec"].get("nodeName"):
            self._assigned(None, current)
            return
        self._assumed.pop(entry.uid, None)
        if self.cluster.lift(entry.uid) is not None:
            self.queue.happened(plugin.POD_GONE, self._loop.now())
        if not isinstance(ticket.error, NotFound) and current is not None and current["metadata"]["uid"] == entry.uid:
            self.queue.erred(entry, self._loop.now())
            self._tell(entry, "SchedulerError", f'running Bind plugin "DefaultBinder": {ticket.error}')
        self._plan()

    def _unschedulable(self, entry: Entry, decision: Decision) -> None:
        self.queue.failed(entry, self._loop.now(), decision.rejectors)
        self._tell(entry, "Unschedulable", decision.message)

    def _tell(self, entry: Entry, reason: str, message: str) -> None:
        """Write the event and, if it is news, the condition."""
        pod, now = entry.pod, self._loop.now()
        self._announcer.say(pod, "Warning", "FailedScheduling", "Scheduling", message)
        conditions = (pod.get("status") or {}).get("conditions") or ()
        old: Obj = next((c for c in conditions if c["type"] == "PodScheduled"), {})
        if (old.get("status"), old.get("reason"), old.get("message")) == ("False", reason, message):
            return
        metadata = pod["metadata"]
        since = old.get("lastTransitionTime") if old.get("status") == "False" else None
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": reason,
            "message": message,
            "lastProbeTime": None,
            "lastTransitionTime": since or clock.timestamp(now),
            "observedGeneration": metadata.get("generation"),
        }
        body = {"status": {"conditions": [{k: v for k, v in condition.items() if v is not None or k == "lastProbeTime"}]}}
        self._api.submit(Patch("pods", metadata["name"], metadata["namespace"], body, "strategic", "status"))


def _counts_alike(old: Obj, new: Obj) -> bool:
    """Whether a change of an assigned pod left what it occupies as it was."""
    if old["spec"] is not new["spec"] and old["spec"] != new["spec"]:
        return False
    return _sizes(old) == _sizes(new)


def _sizes(pod: Obj) -> list[object]:
    """What the status says about resources; nothing for most pods."""
    status = pod.get("status") or {}
    said = [
        (s["name"], s["resources"], s.get("allocatedResources"))
        for field in ("containerStatuses", "initContainerStatuses")
        for s in status.get(field) or ()
        if s.get("resources") is not None
    ]
    return [*said, status.get("resources")] if said or status.get("resources") else []
