"""get, list and watch: selectors, pages, versions."""

from __future__ import annotations

import orjson
import pytest

from k8s_notebook.apiserver.calls import ListOptions, WatchOptions
from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.machinery.actions import Delete, Get, List, Update
from k8s_notebook.objects.errors import ApiError, Expired
from tests.unit.apiserver.world import config, put, refused, running, service


@pytest.fixture
def cluster() -> Simulation:
    made = Simulation()
    for at in range(7):
        put(made, config(f"c{at}", labels={"parity": "odd" if at % 2 else "even"}))
    made.run()
    return made


def names(found: dict) -> list[str]:
    return [o["metadata"]["name"] for o in found["items"]]


def test_lists_by_selectors(cluster: Simulation) -> None:
    assert names(cluster.do(List("configmaps", "default"))) == [f"c{at}" for at in range(7)]
    assert names(cluster.do(List("configmaps", "default", labels="parity=odd"))) == ["c1", "c3", "c5"]
    assert names(cluster.do(List("configmaps", fields="metadata.name=c4"))) == ["c4"]
    assert names(cluster.do(List("configmaps", labels="parity!=odd", fields="metadata.name!=c0"))) == ["c2", "c4", "c6"]
    assert names(cluster.do(List("configmaps", "kube-system"))) == []
    listed = cluster.do(List("configmaps"))
    assert (listed["kind"], listed["metadata"]["resourceVersion"]) == ("ConfigMapList", str(cluster.store.revision))


def test_an_encoded_list_is_the_list(cluster: Simulation) -> None:
    kind = cluster.server.kinds.of("configmaps")
    for options in (ListOptions("default"), ListOptions("default", limit=2), ListOptions("kube-system")):
        page = cluster.server.list(kind, options)
        assert orjson.loads(page.encoded()) == page.to_dict()


def test_pages_are_of_one_state(cluster: Simulation) -> None:
    first = cluster.do(List("configmaps", "default", limit=3))
    assert (names(first), first["metadata"]["remainingItemCount"]) == (["c0", "c1", "c2"], 4)
    cluster.do(Delete("configmaps", "c4", "default"), Update(config("c5", "changed")))
    put(cluster, config("c3b"))
    second = cluster.do(List("configmaps", "default", limit=3, continue_=first["metadata"]["continue"]))
    assert names(second) == ["c3", "c4", "c5"]
    assert second["items"][2]["data"] == {"k": "1"}
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    last = cluster.do(List("configmaps", "default", limit=3, continue_=second["metadata"]["continue"]))
    assert names(last) == ["c6"]
    assert "continue" not in last["metadata"]


def test_pages_of_a_selection_count_nothing(cluster: Simulation) -> None:
    first = cluster.do(List("configmaps", labels="parity=even", limit=2))
    assert names(first) == ["c0", "c2"]
    assert "remainingItemCount" not in first["metadata"]
    second = cluster.do(List("configmaps", labels="parity=even", limit=2, continue_=first["metadata"]["continue"]))
    assert (names(second), second["metadata"].get("continue")) == (["c4", "c6"], None)


def test_pages_across_namespaces_follow_one_order() -> None:
    cluster = Simulation()
    for namespace in ("a", "a-b", "b"):
        put(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for name in ("x", "y"):
            put(cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}})
    seen, token = [], ""
    for _ in range(6):
        page = cluster.do(List("configmaps", limit=1, continue_=token))
        seen += [(o["metadata"]["namespace"], o["metadata"]["name"]) for o in page["items"]]
        token = page["metadata"].get("continue", "")
    assert seen == [(n, x) for n in ("a", "a-b", "b") for x in ("x", "y")]
    assert token == ""


def test_a_page_from_before_the_window_comes_with_a_way_on(cluster: Simulation) -> None:
    first = cluster.do(List("configmaps", "default", limit=3))
    cluster.store._window = 2
    for at in range(5):
        cluster.do(Update(config("c6", f"new {at}")))
        cluster.run()
    error = refused(cluster, List("configmaps", "default", limit=3, continue_=first["metadata"]["continue"]))
    assert isinstance(error, Expired)
    assert error.message.startswith("The provided continue parameter is too old to display a consistent list result.")
    on = cluster.do(List("configmaps", "default", limit=9, continue_=error.status()["metadata"]["continue"]))
    assert names(on) == ["c3", "c4", "c5", "c6"]


REFUSED_LISTS = [
    (ListOptions(continue_="bogus"), 400,
     "invalid continue token: continue key is not valid: illegal base64 data at input byte 4"),
    (ListOptions(version="abc"), 400,
     'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'),
    (ListOptions(continue_="e30", version="5"), 400, "specifying resource version is not allowed when using continue"),
    (ListOptions(labels="a b"), 400, "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    (ListOptions(fields="foo=bar"), 400,
     '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"'),
]  # fmt: skip


@pytest.mark.parametrize(("options", "code", "sentence"), REFUSED_LISTS, ids=[c[2][:40] for c in REFUSED_LISTS])
def test_refused_lists(cluster: Simulation, options: ListOptions, code: int, sentence: str) -> None:
    with pytest.raises(ApiError) as caught:
        cluster.server.list(cluster.server.kinds.of("configmaps"), options)
    assert (caught.value.code, caught.value.message) == (code, sentence)


def test_versions_of_lists(cluster: Simulation) -> None:
    kind, server, now = cluster.server.kinds.of("configmaps"), cluster.server, cluster.store.revision
    assert len(server.list(kind, ListOptions(version="0")).entries) == 7
    assert len(server.list(kind, ListOptions(version=str(now - 3), match="Exact")).entries) == 4
    assert len(server.list(kind, ListOptions(version=str(now - 3), match="NotOlderThan")).entries) == 7
    with pytest.raises(ApiError) as caught:
        server.list(kind, ListOptions(version=str(now + 5)))
    assert caught.value.status()["details"] == {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (WatchOptions(), ["ADDED"] * 7),
        (WatchOptions(version="0"), ["ADDED"] * 7),
        (WatchOptions(match="NotOlderThan", initial=True, bookmarks=True), [*["ADDED"] * 7, "BOOKMARK"]),
        (WatchOptions(match="NotOlderThan", initial=True), ["ADDED"] * 7),
        (WatchOptions(match="NotOlderThan", initial=False), []),
        (WatchOptions(labels="parity=odd"), ["ADDED"] * 3),
    ],
)
def test_what_a_watch_begins_with(cluster: Simulation, options: WatchOptions, expected: list[str]) -> None:
    events = cluster.server.watch(cluster.server.kinds.of("configmaps"), options).take()
    assert [e.type for e in events] == expected
    for event in events:
        assert orjson.loads(event.encoded) == event.object
        if event.type == "BOOKMARK":
            assert event.object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            assert (event.object["kind"], event.object["apiVersion"]) == ("ConfigMap", "v1")


def test_a_watch_follows_a_pod_out_of_its_selector(cluster: Simulation) -> None:
    found = running(cluster, "a")
    watch = cluster.api().watch("pods", fields="status.phase!=Succeeded,status.phase!=Failed")
    assert [e.type for e in watch.take()] == ["ADDED", "BOOKMARK"]
    cluster.do(Update({**found, "status": {**found["status"], "phase": "Succeeded"}}, "pods", subresource="status"))
    cluster.run()
    (event,) = watch.take()
    assert (event.type, event.object["metadata"]["resourceVersion"]) == ("DELETED", str(event.revision))


def test_events_are_the_same_in_both_groups(cluster: Simulation) -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reason": "R",
        "message": "m",
        "type": "Normal",
        "source": {"component": "x"},
        "count": 2,
    }
    put(cluster, event)
    cluster.run()
    shown = cluster.do(Get("events.events.k8s.io", "e", "default"))
    assert (shown["apiVersion"], shown["note"], shown["regarding"]["name"], shown["deprecatedCount"]) == (
        "events.k8s.io/v1",
        "m",
        "p",
        2,
    )
    assert "message" not in shown
    listed = cluster.do(List("events.events.k8s.io", "default", fields="regarding.name=p"))
    assert (listed["kind"], listed["apiVersion"], len(listed["items"])) == ("EventList", "events.k8s.io/v1", 1)
    added, _ = cluster.api().watch("events.events.k8s.io").take()
    assert added.object["note"] == "m"
    cluster.do(Update({**shown, "note": "new"}))
    stored = cluster.get("events", "default", "e")
    assert stored is not None
    assert (stored["apiVersion"], stored["message"]) == ("v1", "new")


def test_autoscalers_are_the_same_in_both_versions(cluster: Simulation) -> None:
    scaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "namespace": "default"},
        "spec": {
            "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "targetCPUUtilizationPercentage": 70,
        },
    }
    made = put(cluster, scaler)
    assert (made["apiVersion"], made["spec"]["targetCPUUtilizationPercentage"]) == ("autoscaling/v1", 70)
    shown = cluster.do(Get("horizontalpodautoscalers.autoscaling", "h", "default"))
    assert shown["apiVersion"] == "autoscaling/v2"
    assert shown["spec"]["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
    ]


def test_events_live_for_an_hour(cluster: Simulation) -> None:
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"},
             "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}, "reason": "R", "type": "Normal"}  # fmt: skip
    put(cluster, event)
    cluster.run(1800)
    cluster.do(Update({**event, "count": 2}))
    cluster.run(2400)
    assert cluster.get("events", "default", "e") is not None
    cluster.run(1300)
    assert cluster.get("events", "default", "e") is None


def test_tables_are_printed_by_the_server(cluster: Simulation) -> None:
    put(cluster, service("s"))
    table = cluster.do(List("services", "default", table=True))
    assert (table["kind"], [r["cells"][0] for r in table["rows"]]) == ("Table", ["kubernetes", "s"])
    assert [c["name"] for c in table["columnDefinitions"]][:3] == ["Name", "Type", "Cluster-IP"]
