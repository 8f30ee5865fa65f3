"""Recorded decisions: shown exactly as they were made, however much has changed since."""

from __future__ import annotations

import random

import pytest

from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.cycle import Cycle, Decision
from k8s_notebook.scheduler.decisions import Remembered, compared, read
from k8s_notebook.scheduler.evidence import Evidence, of
from k8s_notebook.scheduler.history import History
from tests.builders import NodeBuilder, PodBuilder, node, pod


def some_pod(chance: random.Random, number: int) -> PodBuilder:
    app = chance.choice("abc")
    made = (
        pod(f"p{number}").labels(app=app).requests(cpu=f"{chance.randrange(1, 20) * 100}m", memory=f"{chance.randrange(1, 8)}Gi")
    )
    if chance.random() < 0.3:
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}
        made.set("spec.affinity", {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
    if chance.random() < 0.3:
        rule = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "labelSelector": {"matchLabels": {"app": app}}}
        made.set(
            "spec.topologySpreadConstraints", [{**rule, "whenUnsatisfiable": chance.choice(["DoNotSchedule", "ScheduleAnyway"])}]
        )
    made.image(f"nginx:{chance.randrange(3)}").set("spec.priority", chance.choice([0, 0, 0, 10]))
    return made.tolerates("gpu") if chance.random() < 0.3 else made


def some_node(chance: random.Random, name: str) -> NodeBuilder:
    images = [{"names": [f"nginx:{i}"], "sizeBytes": (50 + 10 * i) * 2**20} for i in range(3) if chance.random() < 0.5]
    made = node(name).zone(f"z{chance.randrange(3)}").capacity(cpu=str(chance.randrange(2, 9))).status(images=images)
    return made.taint("gpu", "NoSchedule") if chance.random() < 0.3 else made


class Story:
    """A scheduler at work while nodes come, go and change; what each decision rested on is noted on the side."""

    def __init__(self, seed: int, most: int) -> None:
        self.chance = random.Random(seed)
        self.cluster = Cluster()
        for i in range(6):
            self.cluster.set_node(some_node(self.chance, f"n{i}").stored())
        self.history = History(self.cluster, most)
        self.cycle = Cycle(self.cluster)
        self.seen: dict[str, tuple[Evidence, Decision]] = {}

    def turn(self, number: int) -> None:
        """One change, one decision, sometimes a bit of tidying."""
        chance, cluster = self.chance, self.cluster
        name = f"n{chance.randrange(8)}"
        what = chance.random()
        if what < 0.1 and name in cluster.slots and len(cluster) > 3:
            cluster.remove_node(name)
        elif what < 0.3:
            cluster.set_node(some_node(chance, name).stored())
        elif what < 0.5 and cluster.placed:
            cluster.lift(chance.choice(sorted(cluster.placed)))
        incoming = cluster.incoming(some_pod(chance, number).stored())
        start = self.cycle.start
        decision = self.cycle.decide(incoming)
        after, self.cycle.start = self.cycle.start, start
        self.seen[incoming.name] = of(self.cycle, incoming, node=decision.node), decision
        self.cycle.start = after
        self.history.decided(incoming, self.cycle.profile, start, decision, float(number))
        if decision.node:
            cluster.place(incoming.uid, incoming.on(decision.node))
        elif decision.nominated and chance.random() < 0.7:
            cluster.nominate(incoming.uid, incoming, decision.nominated)
        if cluster.nominated and chance.random() < 0.3:
            cluster.denominate(min(cluster.nominated))
        if chance.random() < 0.2:
            self.history.tidy()


@pytest.mark.parametrize("seed", range(6))
def test_every_kept_decision_is_shown_as_it_was_made(seed: int) -> None:
    story = Story(seed, most=40)
    for number in range(90):
        story.turn(number)
    while story.history.tidy():
        pass
    assert len(story.history) == 40
    for record in story.history.all():
        shown = story.history.explain(record)
        was, decision = story.seen[record.incoming.name]
        assert (shown.node, shown.message, shown.nominated) == (decision.node, decision.message, decision.nominated)
        assert shown.kind == "recorded"
        for field in ("nodes", "chosen", "texts"):
            assert getattr(shown.evidence, field) == getattr(was, field), (record.incoming.name, field)
        for field in ("fails", "scored", "raw", "normalised", "given"):
            assert (getattr(shown.evidence, field) == getattr(was, field)).all(), (record.incoming.name, field)


def test_what_is_forgotten_is_gone() -> None:
    story = Story(1, most=3)
    for number in range(10):
        story.turn(number)
    story.history.tidy()
    assert story.history.newest("default", "p0") is None
    assert [r.incoming.name for r in story.history.all()] == ["p7", "p8", "p9"]
    assert Remembered(story.history).get("default", "p0") is None


def test_the_last_attempt_counts() -> None:
    story = Story(2, most=10)
    wanted = story.cluster.incoming(pod("w").stored())
    for at in (1.0, 2.0):
        story.history.decided(wanted, story.cycle.profile, 0, story.cycle.decide(wanted), at)
    newest = story.history.newest("default", "w")
    assert newest is not None
    assert newest.at == 2.0
    assert [r.at for r in story.history.about("default", "w")] == [1.0, 2.0]


def test_a_decision_is_read_back_from_the_api() -> None:
    story = Story(3, most=10)
    wanted = pod("w").requests(cpu="1")
    incoming = story.cluster.incoming(wanted.stored())
    decision = story.cycle.decide(incoming)
    story.history.decided(incoming, story.cycle.profile, 0, decision, 60.0)
    served = Remembered(story.history)
    (listed,) = served.list()
    assert listed["status"]["node"] == decision.node
    assert "columns" not in listed["status"]
    assert served.list("elsewhere") == []
    got = served.get("default", "w")
    assert got is not None
    back = read(got, wanted.on(decision.node).stored())
    assert (back.node, back.bound_to, back.at, back.kind) == (decision.node, decision.node, 60.0, "recorded")
    assert back.evidence.nodes == story.history.explain(story.history.all()[0]).evidence.nodes


def test_what_it_would_be_today_is_said_only_if_it_differs() -> None:
    story = Story(4, most=10)
    wanted = story.cluster.incoming(pod("w").requests(cpu="1").stored())
    decision = story.cycle.decide(wanted)
    story.history.decided(wanted, story.cycle.profile, 0, decision, 60.0)
    record = story.history.all()[0]
    then = story.history.explain(record)
    assert compared(then, then).today == ""
    story.cluster.remove_node(decision.node)
    late = story.cycle.decide(wanted)
    story.history.decided(wanted, story.cycle.profile, 0, late, 61.0)
    now = story.history.explain(story.history.all()[0])
    assert compared(then, now).today == f"{decision.node} is gone, it would be {late.node}"
    assert compared(then, now).sentence.endswith(f"; today: {decision.node} is gone, it would be {late.node}")
