"""PodDisruptionBudgets: the numbers and the condition."""

from __future__ import annotations

import pytest

from k8s_notebook.controllers.disruption import Disruptions
from k8s_notebook.machinery.actions import Action, Emit, RequeueAfter, Update
from k8s_notebook.objects import Obj
from tests import builders as b
from tests.fakes import FakeView

KEY = ("default", "budget")
DEPLOYMENT = b.deployment("web").replicas(5).stored()
REPLICASET = b.replicaset("web-1").replicas(5).owned_by(DEPLOYMENT).stored()


def budget(**limit: int | str) -> b.Builder:
    made = b.anything("policy/v1", "PodDisruptionBudget", "budget").set("spec.selector", {"matchLabels": {"app": "web"}})
    for field, amount in limit.items():
        made.set(f"spec.{field}", amount)
    return made


def member(name: str, ready: bool = True) -> b.PodBuilder:
    pod = b.pod(name).labels(app="web").owned_by(REPLICASET)
    return pod.ready() if ready else pod.phase("Running")


def look(*objects: Obj, now: float = 10.0) -> list[Action]:
    return Disruptions().reconcile(FakeView(DEPLOYMENT, REPLICASET, *objects), KEY, now)


def status_of(actions: list[Action]) -> Obj:
    (update,) = (a for a in actions if isinstance(a, Update))
    found: Obj = update.obj["status"]
    return found


NUMBERS: dict[str, tuple[b.Builder, int, int, tuple[int, int, int, int]]] = {
    "minAvailable 2 of 3 healthy": (budget(minAvailable=2), 3, 0, (1, 3, 2, 3)),
    "minAvailable more than there is": (budget(minAvailable=5), 3, 0, (0, 3, 5, 3)),
    "minAvailable 50 % of the Deployment's 5, rounded up": (budget(minAvailable="50%"), 5, 0, (2, 5, 3, 5)),
    "maxUnavailable 1": (budget(maxUnavailable=1), 5, 0, (1, 5, 4, 5)),
    "maxUnavailable 30 %, rounded up": (budget(maxUnavailable="30%"), 5, 0, (2, 5, 3, 5)),
    "unhealthy pods use it up": (budget(maxUnavailable=1), 4, 1, (0, 4, 4, 5)),
    "nothing expected": (budget(minAvailable=0), 0, 0, (0, 0, 0, 0)),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers(case: str) -> None:
    made, healthy, unhealthy, expected = NUMBERS[case]
    pods = [member(f"p{i}", i < healthy).stored() for i in range(healthy + unhealthy)]
    status = status_of(look(made.stored(), *pods))
    found = tuple(status[f] for f in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"))
    assert found == expected
    (condition,) = status["conditions"]
    words = ("True", "SufficientPods") if expected[0] else ("False", "InsufficientPods")
    assert (condition["status"], condition["reason"]) == words


def test_evicted_pods_do_not_count_until_they_should_be_gone() -> None:
    made = budget(minAvailable=1).status(disruptedPods={"p0": "1970-01-01T00:00:00Z", "gone": "1970-01-01T00:00:00Z"})
    pods = [member("p0").stored(), member("p1").stored()]
    actions = look(made.stored(), *pods, now=10.0)
    assert status_of(actions)["currentHealthy"] == 1
    assert status_of(actions)["disruptedPods"] == {"p0": "1970-01-01T00:00:00Z"}
    assert isinstance(actions[-1], RequeueAfter)
    late = look(made.stored(), *pods, now=130.0)
    assert status_of(late)["currentHealthy"] == 2
    assert [a.reason for a in late if isinstance(a, Emit)] == ["NotDeleted"]


def test_without_pods_it_says_so() -> None:
    (emit, _) = look(budget(minAvailable=1).stored())
    assert isinstance(emit, Emit)
    assert (emit.reason, emit.message) == ("NoPods", "No matching pods found")


def test_pods_without_controller_are_complained_about() -> None:
    actions = look(budget(maxUnavailable=1).stored(), b.pod("a").labels(app="web").ready().stored())
    (emit,) = (a for a in actions if isinstance(a, Emit))
    assert emit.reason == "UnmanagedPods"
    assert "(selector: &LabelSelector{MatchLabels:map[string]string{app: web,}," in emit.message


def test_an_unknown_controller_allows_nothing() -> None:
    job = b.job("j").stored()
    actions = look(budget(maxUnavailable=1).stored(), b.pod("a").labels(app="web").owned_by(job).ready().stored())
    status = status_of(actions)
    assert (status["disruptionsAllowed"], status["conditions"][0]["reason"]) == (0, "SyncFailed")
    assert status["conditions"][0]["message"] == 'found no controllers for pod "a"'


def test_nothing_to_do_is_nothing_done() -> None:
    made, pods = budget(minAvailable=1).stored(), [member("p0").stored()]
    (update,) = look(made, *pods)
    assert isinstance(update, Update)
    assert look(update.obj, *pods) == []
