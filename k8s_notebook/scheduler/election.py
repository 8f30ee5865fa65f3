"""Which of several processes works: who holds a Lease (as in client-go/tools/leaderelection).

Nobody trusts another's clock: a lease is over when it was not seen to change for as long as it says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from k8s_notebook.machinery.actions import Create, Emit, Get, Update, Write
from k8s_notebook.machinery.api import Api, Ticket
from k8s_notebook.machinery.recorder import Recorder
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, Conflict, NotFound
from k8s_notebook.sim import clock
from k8s_notebook.sim.loop import Handle, Loop
from k8s_notebook.sim.streams import Streams

LEASES = "leases.coordination.k8s.io"
JITTER = 1.2
"""Who waits for a lease asks again after one to 2.2 retry periods."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Which lease, and its times in seconds; the defaults are kube-scheduler's."""

    name: str
    namespace: str = "kube-system"
    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    def problem(self) -> str:
        """Why these times cannot work, or ""."""
        if self.lease_duration <= self.renew_deadline:
            return "leaseDuration must be greater than renewDeadline"
        if self.renew_deadline <= JITTER * self.retry_period:
            return "renewDeadline must be greater than retryPeriod*JitterFactor"
        return ""


class Election:
    """One candidate. `began` is called when it gets the lease, `ended` with a sentence when it lost it; both at most once.

    `refused` hears why the lease cannot even be asked for (no right to), each time that it is tried.
    """

    def __init__(
        self, api: Api, loop: Loop, streams: Streams, terms: Terms, identity: str, *,
        began: Callable[[], None], ended: Callable[[str], None], refused: Callable[[ApiError], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.leader = False
        self.holder = ""
        """Who holds the lease, as far as was seen."""
        self.terms = terms
        self.identity = identity
        self._api = api
        self._loop = loop
        self._chance = streams.stream("election")
        self._began, self._ended, self._refused = began, ended, refused
        self._recorder = Recorder(api, loop, terms.name)
        self._lease: Obj = {}
        self._seen_at = -math.inf
        self._deadline: Handle | None = None
        self._next: Handle | None = None
        self._round = 0
        self._over = False

    def start(self) -> None:
        """Begin to ask for the lease."""
        self._try()

    def stop(self) -> Ticket[Obj] | None:
        """Ask no more and give the lease back; the receipt of that, None if there was nothing to give."""
        was, self._over, self.leader = self.leader, True, False
        self._cancel()
        if not was:
            return None
        now = self._loop.now()
        given = {"holderIdentity": "", "leaseDurationSeconds": 1, "acquireTime": _stamp(now), "renewTime": _stamp(now)}
        self._say("stopped leading")
        return self._api.submit(Update(self._with(given), LEASES))

    def _cancel(self) -> None:
        self._round += 1
        for planned in (self._deadline, self._next):
            if planned is not None:
                planned.cancel()
        self._deadline = self._next = None

    def _try(self) -> None:
        """Renew what is held, else look at the lease first."""
        self._next = None
        if self.leader and self._valid():
            self._write(Update(self._with(self._claim()), LEASES), self._missed)
        else:
            self._look()

    def _missed(self, _: ApiError) -> None:
        """A renewal without looking went wrong: perhaps somebody else wrote the lease."""
        self._look()

    def _look(self) -> None:
        asked = self._api.submit(Get(LEASES, self.terms.name, self.terms.namespace))
        self._answered(asked, self._found, self._not_found)

    def _not_found(self, error: ApiError) -> None:
        if not isinstance(error, NotFound):
            self._failed(error)
            return
        self._lease = {}
        metadata = {"name": self.terms.name, "namespace": self.terms.namespace}
        made = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": self._claim()}
        self._write(Create(made, LEASES, self.terms.namespace), self._failed)

    def _found(self, lease: Obj) -> None:
        if lease.get("spec") != self._lease.get("spec"):
            self._see(lease)
        self._lease = lease
        if self.holder not in ("", self.identity) and self._valid():
            if self.leader:
                self._lost(f"{self.holder} took the lease {self.terms.namespace}/{self.terms.name}")
            else:
                self._failed(None)
        else:
            self._write(Update(self._with(self._claim()), LEASES), self._failed)

    def _see(self, lease: Obj) -> None:
        """Note a lease that is new or was changed."""
        self._lease, self._seen_at = lease, self._loop.now()
        self.holder = (lease.get("spec") or {}).get("holderIdentity") or ""

    def _write(self, request: Write, failed: Callable[[ApiError], None]) -> None:
        self._answered(self._api.submit(request), self._got, failed)

    def _got(self, lease: Obj) -> None:
        self._see(lease)
        first, self.leader = not self.leader, True
        self._again(self.terms.retry_period)
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.after(self.terms.retry_period + self.terms.renew_deadline, self._late)
        if first:
            self._say("became leader")
            self._began()

    def _failed(self, error: ApiError | None) -> None:
        """Try again in a while: a leader soon, others when it is their turn."""
        if error is not None and not isinstance(error, Conflict):
            self._refused(error)
        period = self.terms.retry_period
        self._again(period if self.leader else period * (1 + JITTER * self._chance.random()))

    def _again(self, delay: float) -> None:
        if not self._over and self._next is None:
            self._next = self._loop.after(delay, self._try)

    def _late(self) -> None:
        self._lost(f"the lease {self.terms.namespace}/{self.terms.name} could not be renewed")

    def _lost(self, why: str) -> None:
        self._cancel()
        self._over, self.leader = True, False
        self._say("stopped leading")
        self._ended(why)

    def _answered(
        self, ticket: Ticket[Obj], well: Callable[[Obj], None], ill: Callable[[ApiError], None]
    ) -> None:  # fmt: skip
        """Go on with the answer, unless the candidate has stopped meanwhile."""
        current = self._round

        def now(done: Ticket[Obj]) -> None:
            if self._over or current != self._round:
                return
            if done.error is None:
                well(done.result())
            elif isinstance(done.error, ApiError):
                ill(done.error)
            else:
                raise done.error

        ticket.on_done(now)

    def _valid(self) -> bool:
        """Whether the lease, as it was last seen to change, is not over."""
        return self._seen_at + float((self._lease.get("spec") or {}).get("leaseDurationSeconds") or 0) > self._loop.now()

    def _claim(self) -> dict[str, Any]:
        """The lease's content that says: mine, from now on."""
        now, before = _stamp(self._loop.now()), self._lease.get("spec") or {}
        claim: dict[str, Any] = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(self.terms.lease_duration),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": before.get("leaseTransitions") or 0,
        }
        if self.holder == self.identity:
            return {**claim, "acquireTime": before.get("acquireTime") or now}
        return {**claim, "leaseTransitions": claim["leaseTransitions"] + 1} if before else claim

    def _with(self, spec: dict[str, Any]) -> Obj:
        """The lease as it was last seen, with other content; its version is a precondition."""
        return {**self._lease, "spec": {**(self._lease.get("spec") or {}), **spec}}

    def _say(self, what: str) -> None:
        if self._lease:
            lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", **self._lease}
            self._recorder.record(Emit(lease, "LeaderElection", f"{self.identity} {what}"))


def held_by(lease: Obj, now: float) -> str:
    """Who holds a lease by its own times, "" if nobody does: for a first glance, since clocks differ."""
    spec = lease.get("spec") or {}
    if not spec.get("holderIdentity") or not spec.get("renewTime"):
        return ""
    over = clock.seconds(spec["renewTime"]) + float(spec.get("leaseDurationSeconds") or 0)
    return str(spec["holderIdentity"]) if over > now else ""


def _stamp(now: float) -> str:
    return clock.micro_timestamp(now)
