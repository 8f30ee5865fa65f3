"""DynamicResources beside the real one: verdicts, reasons, scores, what is written, on random clusters with devices."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from k8s_notebook.machinery.actions import Patch, Update
from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.plugins import dynamic_resources
from tests.oracles.random_devices import Devices, Json
from tests.parity.harness import Answer, Harness
from tests.unit.scheduler.storage import RESOURCES

CASES = 60
CLAIMS = "resourceclaims.resource.k8s.io"
pytestmark = pytest.mark.parity


@pytest.mark.parametrize("cel", [False, True], ids=["without selectors", "with selectors"])
def test_devices_are_given_out_as_kube_scheduler_does(kube_scheduler: Harness, cel: bool) -> None:
    if cel and importlib.util.find_spec("cel_expr_python") is None:
        pytest.skip("selectors need the package cel-expr-python")
    decided = 0
    for seed in range(CASES):
        case = Devices(seed, cel=cel).case()
        cluster = _cluster(case)
        for pending, answer in zip(case["pending"], kube_scheduler.decide(case), strict=False):
            where = f"case {seed}, {answer.pod}"
            if answer.gated:
                assert dynamic_resources.waits(pending, cluster.beside), where
                continue
            verdict = _verdict(pending, cluster)
            if answer.error:
                assert any(reason in answer.error for reasons in verdict.values() for reason in reasons), where
                break
            assert verdict == _refused(answer), where
            decided += 1
            _compare_scores(pending, cluster, answer, where)
            _follow(pending, cluster, answer, where)
    assert decided > CASES


def _cluster(case: Json) -> Cluster:
    cluster = Cluster()
    for node in case["nodes"]:
        cluster.set_node(node)
    for obj in case["objects"]:
        cluster.set_beside(RESOURCES[obj["kind"]], obj)
    return cluster


def _verdict(pending: Obj, cluster: Cluster) -> dict[str, tuple[str, ...]]:
    """node -> why it is refused; "" stands for all nodes."""
    pod_class, at = cluster.incoming(pending).pod_class, cluster.order
    rejected = dynamic_resources.rejects(pod_class, cluster)
    if rejected:
        return {"": (rejected,)}
    refused = dynamic_resources.fails(pod_class, cluster, at)
    assert refused is not None
    reasons = dynamic_resources.reasons(pod_class, cluster, at[refused])
    return {
        cluster.names[slot]: tuple(text for text, given in zip(reasons.texts, row, strict=True) if given)
        for slot, row in zip(at[refused], reasons.given, strict=True)
    }


def _refused(answer: Answer) -> dict[str, tuple[str, ...]]:
    if answer.prefilter:
        return {"": (answer.prefilter,)}
    return {name: refusal.reasons for name, refusal in answer.nodes.items()}


def _compare_scores(pending: Obj, cluster: Cluster, answer: Answer, where: str) -> None:
    raw = answer.raw.get("DynamicResources")
    if raw:
        at = np.array([cluster.slots[name] for name in raw], np.int64)
        scored = dynamic_resources.score(cluster.incoming(pending).pod_class, cluster, at)
        assert (scored.tolist() if scored is not None else [0] * len(raw)) == list(raw.values()), where


def _follow(pending: Obj, cluster: Cluster, answer: Answer, where: str) -> None:
    """See that the same is written, and let it happen. Of several claims to be emptied the real one takes any."""
    theirs = {w["metadata"]["name"]: w for w in answer.writes if w["kind"] == "ResourceClaim"}
    if answer.node:
        actions = dynamic_resources.prebind(pending, answer.node, cluster)
        ours = {a.obj["metadata"]["name"] if isinstance(a, Update) else a.name for a in actions if isinstance(a, Update | Patch)}
        assert ours == set(theirs), where
        cluster.beside.assume(actions)
        for name, obj in theirs.items():
            seen = cluster.beside.get(CLAIMS, "default", name)
            assert seen is not None
            assert _status(seen) == _status(obj), where
    elif not answer.prefilter:
        said, actions = dynamic_resources.afterwards(pending, cluster, cluster.order)
        assert said in answer.message, where
        assert len(actions) == len(theirs), where
    for obj in theirs.values():
        cluster.set_beside(CLAIMS, obj)


def _status(claim: Obj) -> Obj:
    """The status without the time, and without the random part of it."""
    status = dict(claim.get("status") or {})
    if "allocation" in status:
        results = [{**r, "shareID": ""} if "shareID" in r else r for r in status["allocation"]["devices"]["results"]]
        status["allocation"] = {k: v for k, v in status["allocation"].items() if k != "allocationTimestamp"}
        status["allocation"]["devices"] = {**status["allocation"]["devices"], "results": results}
    status.pop("devices", None)
    return status
