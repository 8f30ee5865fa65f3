"""`kn.scheduler`: files with line and column, profiles made of own policies, and trials."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import k8s_notebook as kn
from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import profiles, trial
from k8s_notebook.session.problems import K8sError
from tests.builders import node, pod, service
from tests.unit.session import world as planes

FILE = """\
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
parallelism: 8
profiles:
- schedulerName: first
  plugins:
    score:
      enabled:
      - name: NodeResourcesFit
        weight: 5
      - {name: ImageLocality, weight: 2}
      disabled:
      - name: NodeAffinity
- schedulerName: second
  percentageOfNodesToScore: 70
"""


@kn.scheduler.score(weight=2)
def prefers_full_nodes(node: Any, pod: Any) -> Any:
    return 100 * node.requested_cpu // node.allocatable_cpu


@kn.scheduler.score(weight=50, labels=["cost"])
def cheap(node: Any, pod: Any) -> Any:
    return 100 - node.cost


@kn.scheduler.filter(reason="node(s) were expensive", labels=["cost"])
def affordable(node: Any, pod: Any) -> Any:
    return node.cost < 2


def names(profile: profiles.Profile) -> list[tuple[str, int]]:
    return [(p.name, w) for p, w in zip(profile.scores, profile.weights, strict=True)]


def test_a_file_a_text_json_and_an_object_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "scheduler.yaml"
    path.write_text(FILE)
    found = kn.scheduler.load(path)
    assert list(found.profiles) == ["first", "second"]
    as_json = json.dumps(found.source)
    assert (
        found.profiles
        == kn.scheduler.load(FILE).profiles
        == kn.scheduler.load(as_json).profiles
        == kn.scheduler.load(found.source).profiles
    )
    assert kn.scheduler.load(str(path)).profiles == found.profiles


PLACES = [
    ("NodeResourcesFit", "NodeResourceFit", "line 9, column 9"),
    ("weight: 5", "weight: five", "line 10, column 9"),
    ("weight: 2", "weigth: 2", "line 11, column 31"),
    ("parallelism: 8", "parallelism: 0", "line 3, column 1"),
    ("name: NodeAffinity", "name: NodeAffinty", "line 13, column 9"),
    ("percentageOfNodesToScore", "percentOfNodesToScore", "line 15, column 3"),
    ("schedulerName: second", "schedulerName: first", "line 14, column 3"),
]


@pytest.mark.parametrize(("old", "new", "where"), PLACES, ids=[new for _, new, _ in PLACES])
def test_a_mistake_has_its_line_and_column(old: str, new: str, where: str) -> None:
    with pytest.raises(K8sError) as raised:
        kn.scheduler.load(FILE.replace(old, new, 1))
    assert str(raised.value).startswith("error: ")
    assert str(raised.value).endswith(f" ({where})")


def test_a_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "scheduler.yaml"
    path.write_text(FILE.replace("parallelism: 8", "parallelism: 0"))
    with pytest.raises(K8sError, match=r"scheduler\.yaml: parallelism: Invalid value: 0"):
        kn.scheduler.load(path)


def test_two_objects_are_no_configuration() -> None:
    with pytest.raises(K8sError, match="2 objects found"):
        kn.scheduler.load(FILE + "---\n" + FILE)


def test_a_file_may_name_own_policies() -> None:
    text = FILE.replace("ImageLocality, weight: 2", "prefers_full_nodes")
    found = kn.scheduler.load(text, own=[prefers_full_nodes]).profiles["first"]
    assert names(found)[-1] == ("prefers_full_nodes", 2)
    with pytest.raises(K8sError, match='there is no plugin "prefers_full_nodes"'):
        kn.scheduler.load(text)


def test_a_profile_of_nothing_is_the_default() -> None:
    assert kn.scheduler.profile() == profiles.DEFAULT


def test_own_policies_are_added_to_the_default_ones() -> None:
    found = kn.scheduler.profile(
        name="mine", score=[prefers_full_nodes], filter=[affordable], percentage=100, ties="random", seed=3
    )
    assert names(found) == [*names(profiles.DEFAULT), ("prefers_full_nodes", 2)]
    assert [p.name for p in found.filters] == [*(p.name for p in profiles.DEFAULT.filters), "affordable"]
    assert (found.name, found.percentage, found.ties, found.seed) == ("mine", 100, "random", 3)


def test_plugins_are_switched_off_and_weighed() -> None:
    found = kn.scheduler.profile(score=[cheap], disable={"score": "*"})
    assert names(found) == [("cheap", 50)]
    found = kn.scheduler.profile(disable=["NodeResourcesFit", "ImageLocality"])
    assert {"NodeResourcesFit", "ImageLocality"}.isdisjoint([p.name for p in (*found.filters, *found.scores)])
    found = kn.scheduler.profile(weights={"NodeAffinity": 9})
    assert dict(names(found))["NodeAffinity"] == 9


def test_a_profile_of_a_file_with_own_policies() -> None:
    found = kn.scheduler.profile(FILE, name="first", score=[cheap], disable=["ImageLocality"])
    chosen = dict(names(found))
    assert (chosen["NodeResourcesFit"], chosen["cheap"], found.name) == (5, 50, "first")
    assert not {"ImageLocality", "NodeAffinity"} & chosen.keys()
    assert kn.scheduler.profile(kn.scheduler.load(FILE), name="second").percentage == 70


REFUSED = [
    ("no such profile", {"base": FILE, "name": "third"}, 'error: there is no profile "third"; choose one by name: first, second'),
    ("no such point", {"disable": {"scores": "*"}}, 'error: disable: there is no extension point "scores"; there are preEnqueue, '),
    ("no such plugin", {"disable": ["NodeResourceFit"]}, 'error: profiles[0].plugins.multiPoint.disabled[0].name: there is no plugin '
     '"NodeResourceFit"; did you mean "NodeResourcesFit"?'),
    ("a filter among the scores", {"score": [affordable]}, "error: affordable is a filter; hand it over as filter=[affordable]"),
    ("a score among the filters", {"filter": [cheap]}, "error: cheap is a score; hand it over as score=[cheap]"),
    ("a weight of a filter", {"weights": {"NodeName": 2}}, 'error: profiles[0].plugins.score.enabled[0].name: plugin "NodeName" has nothing'),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "said"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_no_profile_can_be(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(K8sError) as raised:
        kn.scheduler.profile(**wanted)
    assert str(raised.value).startswith(said)


def test_a_policy_cannot_take_the_name_of_a_plugin() -> None:
    def ImageLocality(node: Any, pod: Any) -> Any:
        return 1

    with pytest.raises(K8sError, match="kube-scheduler has a plugin ImageLocality; give your policy another name"):
        kn.scheduler.profile(score=[ImageLocality])


def test_a_function_that_cannot_be_a_policy_is_one_sentence() -> None:
    with pytest.raises(K8sError) as raised:

        @kn.scheduler.score(weight=2)
        def broken(node: Any, pod: Any) -> Any:
            return node.cpu_free

    assert "\n" not in str(raised.value)
    assert "node has no cpu_free" in str(raised.value)
    assert len(raised.value._render_traceback_()) == 1


def world(nodes: int = 4, pods: int = 6) -> list[Obj]:
    return [
        *(node(f"n{i}").label("cost", str(i)).obj() for i in range(nodes)),
        *(pod(f"p{i}").uid(f"p{i}").requests(cpu="1", memory="1Gi").obj() for i in range(pods)),
    ]


def test_a_trial_follows_the_policy() -> None:
    found = kn.scheduler.try_out(world(), kn.scheduler.profile(score=[cheap], name="mine"))
    assert found.nodes == {"n0": 4, "n1": 2}
    assert list(found.df.columns)[:4] == ["namespace", "name", "node", "was"]
    assert list(found.df["node"]) == ["n0"] * 4 + ["n1"] * 2
    assert str(found).endswith("6 of 6 pods find a node with profile mine; nothing was changed.")


def test_a_trial_of_a_filter_tells_its_reason() -> None:
    found = kn.scheduler.try_out(world(nodes=3, pods=9), kn.scheduler.profile(filter=[affordable]))
    assert found.nodes == {"": 1, "n0": 4, "n1": 4}
    message = found.placements[-1].message
    assert message.startswith("0/3 nodes are available: 1 node(s) were expensive, 2 Insufficient cpu.")


def test_all_pods_are_placed_anew() -> None:
    objects = [
        *world(2, 0),
        *(pod(f"p{i}").uid(f"p{i}").requests(cpu="1").on("n1").obj() for i in range(3)),
        pod("done").phase("Succeeded").obj(),
    ]
    assert kn.scheduler.try_out(objects).placements == ()
    found = kn.scheduler.try_out(objects, kn.scheduler.profile(score=[cheap]), "all")
    assert [(p.name, p.was, p.node) for p in found.placements] == [(f"p{i}", "n1", "n0") for i in range(3)]


def test_pods_that_are_not_there_yet() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: new}\nspec: {containers: [{name: c, image: x}]}\n"
    found = kn.scheduler.try_out(world(pods=0), kn.scheduler.profile(score=[cheap]), text)
    assert [(p.namespace, p.name, p.node) for p in found.placements] == [("default", "new", "n0")]
    with pytest.raises(K8sError, match="only pods are tried out, not Service"):
        kn.scheduler.try_out(world(), None, service().obj())


def test_gated_pods_wait() -> None:
    gated = pod("g").uid("g").add("spec.schedulingGates", {"name": "wait"}).obj()
    found = kn.scheduler.try_out([*world(pods=0), gated])
    assert (found.placements[0].node, found.placements[0].message) == ("", "waiting for scheduling gates: [wait]")


def test_a_policy_that_errs_stops_the_trial_with_one_sentence() -> None:
    @kn.scheduler.score
    def silly(node: Any, pod: Any) -> Any:
        return node.free_cpu

    with pytest.raises(K8sError, match="error: silly returned 4000 for node n0; a score must be a number from 0 to 100"):
        kn.scheduler.try_out(world(), kn.scheduler.profile(score=[silly]))


@pytest.mark.parametrize("seed", range(5))
def test_compiled_and_interpreted_policies_decide_alike(seed: int) -> None:
    chance = random.Random(seed)
    objects = [
        node(f"n{i}").capacity(cpu=str(chance.randint(1, 8))).label("cost", str(chance.randint(0, 3))).obj() for i in range(12)
    ]
    wanted = [pod(f"p{i:02}").uid(f"p{i:02}").requests(cpu=f"{chance.randint(1, 12) * 100}m").obj() for i in range(40)]
    policies = [cheap, prefers_full_nodes]
    made = [
        kn.scheduler.profile(score=policies, filter=[affordable], disable={"score": ["NodeResourcesFit"]}),
        kn.scheduler.profile(score=[p.interpreted() for p in policies], filter=[affordable.interpreted()], disable={"score": ["NodeResourcesFit"]}),
    ]  # fmt: skip
    first, second = (trial.place({"nodes": objects}, wanted, each) for each in made)
    assert first == second
    assert any(p.node for p in first)
    assert all(
        int(next(n for n in objects if n["metadata"]["name"] == p.node)["metadata"]["labels"]["cost"]) < 2
        for p in first
        if p.node
    )


def test_a_trial_on_a_cluster_reads_it_and_changes_nothing() -> None:
    cluster = planes.cluster(2)
    try:
        cluster.apply(pod("held").requests(cpu="1").add("spec.schedulingGates", {"name": "wait"}).obj())
        cluster.apply(pod("huge").requests(cpu="900").obj())
        found = kn.scheduler.try_out(cluster, namespace="default")
        assert [(p.name, p.node) for p in found.placements] == [("held", ""), ("huge", "")]
        assert found.placements[1].message.startswith("0/2 nodes are available: 2 Insufficient cpu.")
        assert "huge" in str(found)
        assert kn.scheduler.try_out(cluster.api, namespace="other").placements == ()
    finally:
        planes.plane_of(cluster).close()
