"""What `why` and the policies say around the decision itself: by whose profile, about which pods, and about mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import k8s_notebook as kn
from k8s_notebook.session.current import Cluster
from k8s_notebook.session.problems import K8sError
from tests.unit.session import world


def pod(spec: str = "", name: str = "a") -> str:
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{{spec}containers: [{{name: c, image: nginx}}]}}\n"


def imports(node: Any, pod: Any) -> float:
    import math

    return math.sqrt(node.free_cpu)


TWO = {
    "apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
    "profiles": [{"schedulerName": "a"}, {"schedulerName": "b"}],
}  # fmt: skip


@pytest.fixture
def cluster() -> Cluster:
    return world.cluster(2)


def applied(cluster: Cluster, manifest: str) -> Cluster:
    cluster.apply(manifest)
    world.plane_of(cluster).run(5)
    return cluster


@pytest.mark.parametrize(("spec", "options", "said"), [
    pytest.param("", {}, "", id="the default profile goes without saying"),
    pytest.param("schedulerName: other, ", {}, "The pod is left to the scheduler other; this is what default-scheduler would decide.",
                 id="another scheduler"),
    pytest.param("", {"profile": kn.scheduler.profile(name="mine")}, "Decided by the profile mine.", id="a profile"),
])  # fmt: skip
def test_by_which_profile(cluster: Cluster, spec: str, options: dict[str, Any], said: str) -> None:
    why = applied(cluster, pod(spec)).why("a", **options)
    assert why.note == said
    assert str(why).endswith(said)
    assert said in why._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(("words", "said"), [
    pytest.param("node/node-1", "only pods are placed: name a pod, as pod/NAME", id="a node"),
    pytest.param("deploy/web", "only pods are placed: name one of the pods of deployment.apps/web, for example pod/web-…", id="an owner"),
])  # fmt: skip
def test_only_pods_are_placed(cluster: Cluster, words: str, said: str) -> None:
    with pytest.raises(K8sError) as found:
        cluster.why(words)
    assert str(found.value) == f"error: {said}"


def test_what_is_the_matter_with_the_pod_is_said_once(cluster: Cluster) -> None:
    claiming = "volumes: [{name: v, persistentVolumeClaim: {claimName: data}}], "
    assert applied(cluster, pod(claiming)).why("a").sentence == 'Pending: persistentvolumeclaim "data" not found'


def test_the_reason_of_a_filter_of_ones_own(cluster: Cluster) -> None:
    @kn.scheduler.filter(reason="no window seat")
    def never(node: Any, pod: Any) -> bool:
        return node.pods < 0

    why = applied(cluster, pod("nodeName: node-1, ")).why("a", profile=kn.scheduler.profile(filter=[never]))
    assert why.explanation.refusals()[0][1] == "no window seat"
    assert "no window seat" in why.sentence


@pytest.mark.parametrize(("call", "said"), [
    pytest.param(lambda _: kn.scheduler.profile(ties="any"), 'ties must be "v1.36", "first" or "random"', id="ties"),  # type: ignore[arg-type]
    pytest.param(lambda _: kn.scheduler.profile(weights={"ImageLocality": 0}), "that of ImageLocality must be a whole number from 1", id="weight"),
    pytest.param(lambda c: kn.scheduler.try_out(c, pods="pendin"), 'pods are "pending", "all", or', id="which pods"),
    pytest.param(lambda c: kn.scheduler.try_out(c, pods="kind: Pod"), "pod without a name: spec: Required value", id="half a pod"),
    pytest.param(lambda c: kn.scheduler.try_out(c, pods=pod("hostname: A_B, ")), "pod a: spec.hostname: Invalid value", id="a wrong pod"),
    pytest.param(lambda _: kn.scheduler.try_out("lab"), "try_out takes a cluster of", id="no cluster"),
    pytest.param(lambda _: kn.scheduler.profile(TWO), "there are several profiles; choose one by name: a, b", id="several profiles"),
    pytest.param(lambda _: kn.scheduler.profile(score=lambda node, pod: 1), "a policy needs a name", id="a lambda"),
    pytest.param(lambda _: kn.scheduler.score(imports), "write the import above the function", id="an import within"),
    pytest.param(lambda c: applied(c, pod()).why("a", profile="mine"), "profile is one of kn.scheduler.profile", id="a name for a profile"),  # type: ignore[arg-type]
])  # fmt: skip
def test_mistakes(cluster: Cluster, call: Callable[[Cluster], Any], said: str) -> None:
    with pytest.raises(K8sError, match=said):
        call(cluster)


def test_a_trial_shows_a_table(cluster: Cluster) -> None:
    world.plane_of(cluster).run(5)
    trial = kn.scheduler.try_out(cluster, pods=pod())
    assert "1 of 1 pods finds a node with profile default-scheduler; nothing was changed." in str(trial)
    shown = trial._repr_mimebundle_()["text/html"]
    assert "<h1>1 of 1 pods finds a node.</h1>" in shown
    assert ">Now on</th>" in shown


def test_a_profile_and_a_configuration_in_short() -> None:
    assert repr(kn.scheduler.profile(name="mine")).startswith(
        "<profile mine: 14 filters; scores TaintToleration 3, NodeAffinity 2,"
    )
    both = kn.scheduler.load(TWO)
    assert [line.partition(":")[0] for line in repr(both).splitlines()] == ["<profile a", "<profile b"]
