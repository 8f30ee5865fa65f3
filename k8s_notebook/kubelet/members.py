"""The simulated nodes as their kubelets see them: a record each, and how it registers, keeps its lease and posts its status."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from k8s_notebook.kubelet import addresses, images, nodes
from k8s_notebook.machinery.actions import Create, Emit, Get, Patch, Update
from k8s_notebook.machinery.api import Api
from k8s_notebook.machinery.recorder import Recorder
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import AlreadyExists, ApiError
from k8s_notebook.sim.loop import Handle, Loop

STATUS_EVERY = 300.0
"""Seconds between two posts of a status that has not changed."""


@dataclass(slots=True)
class Member:
    """One simulated node. `present`: image -> when it is on the node; `reported`: how many of them its status lists."""

    name: str
    number: int
    api: Api
    recorder: Recorder
    obj: Obj
    pool: addresses.Pool
    present: dict[str, float] = field(default_factory=dict)
    reported: int = 0
    lease: Obj | None = None
    status_due: float = 0.0
    stopped: bool = False

    @property
    def address(self) -> str:
        """Its internal address."""
        return nodes.internal_address(self.obj) or addresses.node_address(self.number)

    def arrived(self, now: float) -> list[str]:
        """The images that are on the node now."""
        return [name for name, when in self.present.items() if when <= now]


class Registrar:
    """Makes members of nodes and speaks for them: `api_for(user)` gives the Api that acts as `system:node:<name>`."""

    def __init__(self, api_for: Callable[[str], Api], loop: Loop, recorder_for: Callable[[str, Api], Recorder]) -> None:
        self._api_for = api_for
        self._loop = loop
        self._recorder_for = recorder_for
        self._numbers: set[int] = set()

    def api(self, node: str) -> Api:
        """The Api of a node's kubelet."""
        return self._api_for(f"system:node:{node}")

    def register(self, number: int, shape: nodes.Shape) -> Obj | None:
        """Create the Node object of node `number`, unless there is one: the object, or None."""
        node = nodes.new_node(number, shape, self._loop.now())
        ticket = self.api(node["metadata"]["name"]).submit(Create(node, "nodes"))
        if ticket.done and ticket.error is not None and not isinstance(ticket.error, AlreadyExists):
            raise ticket.error
        return ticket.result() if ticket.done and ticket.error is None else None

    def member(self, node: Obj) -> Member:
        """The record of a node, with a network for its pods."""
        name = node["metadata"]["name"]
        api = self.api(name)
        network = (node.get("spec") or {}).get("podCIDR") or ""
        number = (addresses.number_of(network) if network else None) or self._free_number()
        self._numbers.add(number)
        if not network:
            network = addresses.pod_network(number)
            body = {"spec": {"podCIDR": network, "podCIDRs": [network]}}
            api.submit(Patch("nodes", name, "", body))
        member = Member(name, number, api, self._recorder_for(name, api), node, addresses.Pool(network))
        member.present = {images.image(known).name: 0.0 for known in nodes.images_on(node) if "@" not in known}
        member.reported = len(member.present)
        return member

    def start(self, member: Member) -> bool:
        """What a kubelet does when it starts: lease, status, events; whether the status was taken."""
        now = self._loop.now()
        self.renew(member, now)
        if not self.post(member, now):
            return False
        for reason in nodes.STARTED:
            self._say(member, reason)
        self._say(member, "NodeReady")
        return True

    def beat(self, member: Member, now: float) -> None:
        """What a kubelet does every ten seconds: renew the lease; post the status if it changed or is old."""
        self.renew(member, now)
        changed = len(member.arrived(now)) != member.reported or not nodes.is_well(member.obj)
        if changed or now >= member.status_due:
            was_ready = nodes.is_ready(member.obj)
            if self.post(member, now) and not was_ready:
                self._say(member, "NodeReady")

    def renew(self, member: Member, now: float) -> None:
        """Renew the node's lease, or make it."""
        if member.lease is None:
            lease = nodes.new_lease(member.obj, now)
            member.lease = self._answer(member, Create(lease, "leases.coordination.k8s.io", nodes.LEASES))
            if member.lease is not None:
                return
            found = self._answer(member, Get("leases.coordination.k8s.io", member.name, nodes.LEASES))
            if found is None:
                return
            member.lease = found
        member.lease = self._answer(member, Update(nodes.renewed(member.lease, now), "leases.coordination.k8s.io"))

    def post(self, member: Member, now: float) -> bool:
        """Post the node's status, unless it says the same already; whether the cluster now has it."""
        arrived = member.arrived(now)
        status = nodes.ready_status(member.obj, addresses.node_address(member.number), arrived, now)
        member.status_due = now + STATUS_EVERY
        if status == member.obj.get("status"):
            return True
        answer = self._answer(member, Update({**member.obj, "status": status}, "nodes", "status"))
        if answer is None:
            member.status_due = now
            return False
        member.obj, member.reported = answer, len(arrived)
        return True

    def _say(self, member: Member, reason: str) -> None:
        about = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": member.name}}
        member.recorder.record(Emit(about, reason, nodes.start_sentence(reason, member.name)))

    def _answer(self, member: Member, request: Create | Get | Update) -> Obj | None:
        ticket = member.api.submit(request)
        if not ticket.done or ticket.error is not None:
            if ticket.error is not None and not isinstance(ticket.error, ApiError):
                raise ticket.error
            return None
        return ticket.result()

    def _free_number(self) -> int:
        number = 1
        while number in self._numbers:
            number += 1
        return number

    def forget(self, member: Member) -> None:
        """Give the member's number back."""
        self._numbers.discard(member.number)


class Heartbeats:
    """Calls `beat(node, now)` for every node each `every` seconds: one plan on the loop, the nodes spread over the time."""

    def __init__(self, loop: Loop, beat: Callable[[str, float], None], every: float = 10.0) -> None:
        self._loop = loop
        self._beat = beat
        self._every = every
        self._due: list[tuple[float, str]] = []
        self._nodes: dict[str, float] = {}
        self._added = 0
        self._handle: Handle | None = None

    def add(self, node: str) -> None:
        """Begin with a node: its first beat comes within `every` seconds, at a time of its own."""
        self._added += 1
        share = (self._added * GOLDEN) % 1.0
        self._put(node, self._loop.now() + self._every * (0.1 + 0.9 * share))
        self._plan()

    def remove(self, node: str) -> None:
        """No more beats for a node."""
        self._nodes.pop(node, None)

    def _put(self, node: str, when: float) -> None:
        self._nodes[node] = when
        heapq.heappush(self._due, (when, node))

    def _plan(self) -> None:
        if not self._due:
            return
        when = math.ceil(self._due[0][0] / GRAIN) * GRAIN
        if self._handle is not None:
            if self._handle.callback is not None and self._handle.when <= when:
                return
            self._handle.cancel()
        self._handle = self._loop.at(when, self._turn)

    def _turn(self) -> None:
        now = self._loop.now()
        while self._due and self._due[0][0] <= now:
            due, node = heapq.heappop(self._due)
            if self._nodes.get(node) == due:
                self._put(node, due + self._every * (1 + int((now - due) / self._every)))
                self._beat(node, now)
        self._handle = None
        self._plan()


GRAIN = 0.1
"""Heartbeats are done at multiples of so many seconds: those of several nodes in one turn of the loop."""
GOLDEN = 0.6180339887
"""Its multiples, modulo 1, are spread evenly however many there are."""
