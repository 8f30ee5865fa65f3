"""Leader election: candidates on one virtual clock, and a lease in memory."""

from __future__ import annotations

import pytest

from k8s_notebook.machinery.actions import Create, Get, Request, Update
from k8s_notebook.machinery.api import Ticket
from k8s_notebook.objects import Obj, errors
from k8s_notebook.scheduler import election
from k8s_notebook.scheduler.election import Election, Terms
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.sim.loop import Loop
from k8s_notebook.sim.streams import Streams


class Leases:
    """An Api that keeps one lease. `down` answers nothing; `refuse` refuses everything."""

    def __init__(self) -> None:
        self.lease: Obj | None = None
        self.down = False
        self.refuse: errors.ApiError | None = None
        self.revision = 0

    def submit(self, request: Request) -> Ticket[Obj]:
        if isinstance(request, Create) and request.resource == "events":
            return Ticket.of({})
        if self.down:
            return Ticket()
        if self.refuse is not None:
            return Ticket.failed(self.refuse)
        if isinstance(request, Get):
            return Ticket.failed(errors.not_found("leases", "x")) if self.lease is None else Ticket.of(self.lease)
        assert isinstance(request, (Create, Update))
        if isinstance(request, Update):
            assert self.lease is not None
            if request.obj["metadata"].get("resourceVersion") != self.lease["metadata"]["resourceVersion"]:
                return Ticket.failed(errors.Conflict("the object has been modified"))
        self.revision += 1
        self.lease = {**request.obj, "metadata": {**request.obj["metadata"], "resourceVersion": str(self.revision), "uid": "u"}}
        return Ticket.of(self.lease)

    @property
    def spec(self) -> Obj:
        assert self.lease is not None
        return self.lease["spec"]


class Candidate(Election):
    """A candidate that remembers what happened to it; it may have a door of its own."""

    def __init__(self, api: Leases, loop: Loop, name: str) -> None:
        self.said: list[str] = []
        self.api = api
        super().__init__(
            api, loop, Streams(1), Terms("mine"), name, began=lambda: self.said.append("began"),
            ended=self.said.append, refused=lambda e: self.said.append(e.reason),
        )  # fmt: skip
        self.start()


@pytest.fixture
def loop() -> Loop:
    return Loop(Virtual(1000.0))


def test_the_first_one_gets_the_lease_and_renews_it(loop: Loop) -> None:
    api = Leases()
    first = Candidate(api, loop, "first")
    assert (first.leader, first.said) == (True, ["began"])
    assert api.spec == {
        "holderIdentity": "first", "leaseDurationSeconds": 15, "acquireTime": "1970-01-01T00:16:40.000000Z",
        "renewTime": "1970-01-01T00:16:40.000000Z", "leaseTransitions": 0,
    }  # fmt: skip
    loop.run(1100)
    assert api.spec["renewTime"] == "1970-01-01T00:18:20.000000Z"
    assert api.spec["acquireTime"] == "1970-01-01T00:16:40.000000Z"
    assert first.said == ["began"]


def test_the_second_waits_until_the_first_has_been_silent_for_the_leases_duration(loop: Loop) -> None:
    api = Leases()
    first = Candidate(api, loop, "first")
    second = Candidate(api, loop, "second")
    loop.run(1100)
    assert (second.leader, second.holder) == (False, "first")
    first._cancel()  # it died
    loop.run(1113)
    assert not second.leader
    loop.run(1122)
    assert second.leader
    assert (api.spec["holderIdentity"], api.spec["leaseTransitions"]) == ("second", 1)


def test_who_goes_gives_the_lease_back(loop: Loop) -> None:
    api = Leases()
    first = Candidate(api, loop, "first")
    second = Candidate(api, loop, "second")
    loop.run(1003)
    assert first.stop() is not None
    assert (api.spec["holderIdentity"], api.spec["leaseDurationSeconds"]) == ("", 1)
    loop.run(1008)
    assert second.leader
    assert not first.leader
    assert first.said == ["began"]


@pytest.mark.parametrize("trouble", ["down", "refuse"])
def test_a_leader_that_cannot_renew_gives_up_before_the_lease_is_over(loop: Loop, trouble: str) -> None:
    api = Leases()
    first = Candidate(api, loop, "first")
    setattr(api, trouble, True if trouble == "down" else errors.ServiceUnavailable("etcd is away"))
    loop.run(1011.9)
    assert first.leader
    loop.run(1012)
    assert not first.leader
    assert first.said[-1] == "the lease kube-system/mine could not be renewed"
    loop.run(1100)
    assert api.spec["renewTime"] == "1970-01-01T00:16:40.000000Z"


def test_a_short_outage_does_no_harm(loop: Loop) -> None:
    api = Leases()
    first = Candidate(api, loop, "first")
    api.refuse = errors.ServiceUnavailable("etcd is away")
    loop.run(1009)
    api.refuse = None
    loop.run(1100)
    assert first.leader


def test_a_lease_that_somebody_else_wrote_is_renewed_on_top_of_it(loop: Loop) -> None:
    api = Leases()
    first = Candidate(api, loop, "first")
    assert api.lease is not None
    api.lease = {**api.lease, "metadata": {**api.lease["metadata"], "resourceVersion": "77", "labels": {"a": "b"}}}
    loop.run(1003)
    assert first.leader
    assert api.lease["metadata"]["labels"] == {"a": "b"}


def test_a_lease_that_was_taken_away_is_lost(loop: Loop) -> None:
    api = Leases()
    first = Candidate(api, loop, "first")
    assert api.lease is not None
    spec = {**api.spec, "holderIdentity": "thief", "leaseDurationSeconds": 3600}
    api.lease = {**api.lease, "metadata": {**api.lease["metadata"], "resourceVersion": "77"}, "spec": spec}
    loop.run(1002)
    assert (first.leader, first.said[-1]) == (False, "thief took the lease kube-system/mine")
    assert api.spec["holderIdentity"] == "thief"


def test_who_may_not_ask_says_so_and_goes_on_asking(loop: Loop) -> None:
    api = Leases()
    api.refuse = errors.Forbidden("leases is forbidden")
    first = Candidate(api, loop, "first")
    loop.run(1010)
    assert set(first.said) == {"Forbidden"}
    assert 2 <= len(first.said) <= 6
    api.refuse = None
    loop.run(1020)
    assert first.leader


@pytest.mark.parametrize(("spec", "holder"), [
    ({"holderIdentity": "x", "renewTime": "1970-01-01T00:16:40.000000Z", "leaseDurationSeconds": 15}, "x"),
    ({"holderIdentity": "x", "renewTime": "1970-01-01T00:16:00.000000Z", "leaseDurationSeconds": 15}, ""),
    ({"holderIdentity": "", "renewTime": "1970-01-01T00:16:40.000000Z", "leaseDurationSeconds": 1}, ""),
    ({}, ""),
])  # fmt: skip
def test_a_first_glance(spec: Obj, holder: str) -> None:
    assert election.held_by({"spec": spec}, 1001) == holder


@pytest.mark.parametrize(("terms", "problem"), [
    (Terms("x"), ""),
    (Terms("x", lease_duration=10), "leaseDuration must be greater than renewDeadline"),
    (Terms("x", renew_deadline=2), "renewDeadline must be greater than retryPeriod*JitterFactor"),
])  # fmt: skip
def test_times_that_cannot_work(terms: Terms, problem: str) -> None:
    assert terms.problem() == problem
