"""All controllers on one control plane in memory, on a virtual clock; the tests play scheduler and kubelets."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from k8s_notebook import controllers
from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.controllers import node_lifecycle, pods, taints
from k8s_notebook.machinery.actions import Bind, Create, Delete, Patch, Update
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import micro_timestamp, timestamp
from tests import builders as b

NODES = ("node-1", "node-2", "node-3")


class Cluster:
    """A simulation with three nodes that a simple stand-in plays: pods are bound in turn and run as long as their node does."""

    def __init__(self, *, ready: bool = True) -> None:
        self.simulation = Simulation(controllers.all(ca="PEM"))
        self.running = ready
        self.stopped: set[str] = set()
        self.counts: list[tuple[int, int]] = []
        self._places = itertools.cycle(NODES)
        self._addresses = itertools.count(1)
        for name in NODES:
            self.do(Create(b.node(name).zone(name).obj(), "nodes"))
        self.simulation.informers.listen("pods", self._pod_changed)
        self._beat()
        self.run(0)

    def do(self, *actions: Create | Update | Patch | Delete | Bind) -> Obj:
        return self.simulation.do(*actions)

    def run(self, seconds: float) -> None:
        self.simulation.run(seconds)

    def until(self, condition: Callable[[], bool], within: float = 60.0) -> None:
        assert self.simulation.until(condition, within)

    def get(self, resource: str, name: str, namespace: str = "default") -> Obj:
        found = self.simulation.get(resource, namespace, name)
        assert found is not None, name
        return found

    def named(self, resource: str, namespace: str = "default") -> list[str]:
        return [o["metadata"]["name"] for o in self.simulation.all(resource, namespace)]

    def events(self, kind: str) -> list[tuple[str, str]]:
        found = self.simulation.all("events")
        return [(e["reason"], e["message"]) for e in found if e["involvedObject"]["kind"] == kind]

    def condition(self, resource: str, name: str, kind: str, namespace: str = "default") -> str:
        found = (self.get(resource, name, namespace).get("status") or {}).get("conditions") or ()
        return next((c["status"] for c in found if c["type"] == kind), "")

    def _beat(self) -> None:
        """Every node renews its lease, and says that it is ready if it is not known."""
        now = self.simulation.now()
        for name in NODES:
            if name in self.stopped:
                continue
            lease = b.anything("coordination.k8s.io/v1", "Lease", name).namespace("kube-node-lease")
            lease.set("spec.renewTime", micro_timestamp(now)).set("spec.holderIdentity", name)
            there = self.simulation.get("leases.coordination.k8s.io", "kube-node-lease", name)
            if there is None:
                self.do(Create(lease.obj(), "leases.coordination.k8s.io", "kube-node-lease"))
            else:
                spec = {**there["spec"], "renewTime": micro_timestamp(now)}
                self.do(Update({**there, "spec": spec}, "leases.coordination.k8s.io"))
            node = self.get("nodes", name, "")
            if self.condition("nodes", name, "Ready", "") != "True":
                ready = {
                    "type": "Ready",
                    "status": "True",
                    "lastHeartbeatTime": timestamp(now),
                    "lastTransitionTime": timestamp(now),
                }
                status = {**node["status"], "conditions": [ready]}
                self.do(Update({**node, "status": status}, "nodes", "status"))
        self.simulation.loop.after(10.0, self._beat)

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self.simulation.loop.after(0.5, lambda: self._advance(new["metadata"]["namespace"], new["metadata"]["name"]))
        everyone = [p for p in self.simulation.all("pods") if pods.active(p)]
        self.counts.append((len(everyone), sum(map(pods.ready, everyone))))

    def _advance(self, namespace: str, name: str) -> None:
        pod = self.simulation.get("pods", namespace, name)
        if pod is None:
            return
        node = pod["spec"].get("nodeName")
        if node is None:
            self.do(Bind(namespace, name, pod["metadata"]["uid"], next(self._places)))
        elif node in self.stopped:
            return
        elif "deletionTimestamp" in pod["metadata"]:
            self.do(Delete("pods", name, namespace, grace=0))
        elif self.running and not (pod.get("status") or {}).get("podIP"):
            ip = f"10.244.0.{next(self._addresses)}"
            ready = {"type": "Ready", "status": "True", "lastTransitionTime": timestamp(self.simulation.now())}
            status = {**pod["status"], "phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}
            self.do(Update({**pod, "status": {**status, "conditions": [*status.get("conditions", ()), ready]}}, "pods", "status"))


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def available(cluster: Cluster, name: str = "web", image: str = "") -> bool:
    deployment = cluster.get("deployments.apps", name)
    status = deployment.get("status") or {}
    wanted = deployment["spec"]["replicas"]
    counts = (status.get(f, 0) for f in ("replicas", "updatedReplicas", "availableReplicas"))
    return all(n == wanted for n in counts) and status.get("observedGeneration") == deployment["metadata"]["generation"]


def apply(cluster: Cluster, made: b.Builder) -> None:
    cluster.do(Create(made.obj(), "deployments.apps", "default"))
    cluster.until(lambda: available(cluster, made.obj()["metadata"]["name"]))


def test_a_deployment_becomes_available() -> None:
    cluster = Cluster(ready=False)
    cluster.do(Create(b.deployment("web").replicas(3).obj(), "deployments.apps", "default"))
    cluster.run(5)
    assert len(cluster.named("pods")) == 3
    assert cluster.condition("deployments.apps", "web", "Available") == "False"
    cluster.running = True
    for name in cluster.named("pods"):
        cluster._advance("default", name)
    cluster.run(1)
    (replicaset,) = cluster.named("replicasets.apps")
    status = cluster.get("deployments.apps", "web")["status"]
    assert {k: v for k, v in status.items() if k != "conditions"} == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "terminatingReplicas": 0,
    }
    assert [(c["type"], c["status"], c["reason"], c["message"]) for c in status["conditions"]] == [
        ("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        ("Progressing", "True", "NewReplicaSetAvailable", f'ReplicaSet "{replicaset}" has successfully progressed.'),
    ]
    assert cluster.events("Deployment") == [("ScalingReplicaSet", f"Scaled up replica set {replicaset} from 0 to 3")]
    created = [message for reason, message in cluster.events("ReplicaSet") if reason == "SuccessfulCreate"]
    assert sorted(created) == [f"Created pod: {name}" for name in sorted(cluster.named("pods"))]


@pytest.mark.parametrize(("surge", "unavailable"), [("25%", "25%"), (1, 0), (0, 1), ("100%", 0), (0, "50%")])
def test_a_rolling_update_stays_within_its_limits(cluster: Cluster, surge: int | str, unavailable: int | str) -> None:
    apply(cluster, b.deployment("web").replicas(6).rolling(surge, unavailable))
    cluster.counts.clear()
    most, fewest = {("25%", "25%"): (8, 5), (1, 0): (7, 6), (0, 1): (6, 5), ("100%", 0): (12, 6), (0, "50%"): (6, 3)}[
        (surge, unavailable)
    ]
    body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.16.1"}]}}}}
    cluster.do(Patch("deployments.apps", "web", "default", body, "strategic"))
    cluster.run(0.1)
    cluster.until(lambda: available(cluster), within=120)
    assert max(all_ for all_, _ in cluster.counts) <= most
    assert min(ready for _, ready in cluster.counts) >= fewest
    assert {p["spec"]["containers"][0]["image"] for p in cluster.simulation.all("pods") if pods.active(p)} == {"nginx:1.16.1"}
    sizes = sorted(s["spec"]["replicas"] for s in cluster.simulation.all("replicasets.apps"))
    assert sizes == [0, 6]
    assert cluster.get("deployments.apps", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_scaling_down_and_away(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(4))
    cluster.do(Patch("deployments.apps", "web", "default", {"spec": {"replicas": 1}}))
    cluster.run(5)
    assert len(cluster.named("pods")) == 1
    cluster.do(Delete("deployments.apps", "web", "default", propagation="Background"))
    cluster.run(5)
    assert (cluster.named("replicasets.apps"), cluster.named("pods")) == ([], [])


def test_a_pod_that_is_deleted_comes_back(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(3))
    gone = cluster.named("pods")[0]
    cluster.do(Delete("pods", gone, "default"))
    cluster.run(5)
    assert gone not in cluster.named("pods")
    assert len(cluster.named("pods")) == 3


def test_foreground_deletion_takes_the_owner_last(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(2))
    cluster.stopped.update(NODES)
    cluster.do(Delete("deployments.apps", "web", "default", propagation="Foreground"))
    cluster.run(2)
    assert cluster.named("deployments.apps") == ["web"]
    assert cluster.get("deployments.apps", "web")["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert all("deletionTimestamp" in p["metadata"] for p in cluster.simulation.all("pods"))
    for name in cluster.named("pods"):
        cluster.do(Delete("pods", name, "default", grace=0))
    cluster.run(2)
    assert (cluster.named("deployments.apps"), cluster.named("replicasets.apps")) == ([], [])


def test_orphans_stay_and_are_adopted_again(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(2))
    before = cluster.named("pods"), cluster.named("replicasets.apps")
    cluster.do(Delete("deployments.apps", "web", "default", propagation="Orphan"))
    cluster.run(2)
    assert cluster.named("deployments.apps") == []
    assert (cluster.named("pods"), cluster.named("replicasets.apps")) == before
    assert "ownerReferences" not in cluster.simulation.all("replicasets.apps")[0]["metadata"]
    apply(cluster, b.deployment("web").replicas(2))
    assert (cluster.named("pods"), cluster.named("replicasets.apps")) == before


def test_a_namespace_is_born_with_its_things_and_ends_empty(cluster: Cluster) -> None:
    cluster.do(Create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, "namespaces"))
    cluster.run(1)
    assert cluster.named("serviceaccounts", "shop") == ["default"]
    assert cluster.named("configmaps", "shop") == ["kube-root-ca.crt"]
    cluster.do(Create(b.deployment("web").namespace("shop").replicas(3).obj(), "deployments.apps", "shop"))
    cluster.do(Create(b.service("web").namespace("shop").selects(app="web").port(80).obj(), "services", "shop"))
    cluster.run(5)
    assert len(cluster.named("pods", "shop")) == 3
    cluster.do(Delete("namespaces", "shop"))
    cluster.until(lambda: cluster.simulation.get("namespaces", "", "shop") is None)
    for resource in ("pods", "services", "endpoints", "endpointslices.discovery.k8s.io", "replicasets.apps", "events"):
        assert cluster.named(resource, "shop") == [], resource


def test_the_endpoints_of_a_service_follow_its_pods(cluster: Cluster) -> None:
    cluster.do(Create(b.service("web").selects(app="web").port(80).obj(), "services", "default"))
    apply(cluster, b.deployment("web").replicas(3))

    def addresses() -> set[str]:
        slices = cluster.simulation.all("endpointslices.discovery.k8s.io", "default")
        found = (e for s in slices if s["metadata"]["name"] != "kubernetes" for e in s["endpoints"])
        return {e["addresses"][0] for e in found if e["conditions"]["ready"]}

    running = {p["status"]["podIP"] for p in cluster.simulation.all("pods")}
    assert addresses() == running
    (subset,) = cluster.get("endpoints", "web")["subsets"]
    assert {a["ip"] for a in subset["addresses"]} == running
    cluster.do(Patch("deployments.apps", "web", "default", {"spec": {"replicas": 1}}))
    cluster.run(5)
    assert len(addresses()) == 1
    cluster.do(Delete("services", "web", "default"))
    cluster.run(1)
    assert addresses() == set()
    assert "web" not in cluster.named("endpoints")


def lost(cluster: Cluster, name: str) -> bool:
    return cluster.condition("nodes", name, "Ready", "") == "Unknown"


def keys(cluster: Cluster, name: str) -> list[tuple[str, str]]:
    return [(t["key"], t["effect"]) for t in taints.of(cluster.get("nodes", name, ""))]


def test_a_node_that_stops_loses_its_pods_after_their_tolerance(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(3))
    stopped = cluster.simulation.now()
    cluster.stopped.add("node-2")
    cluster.until(lambda: lost(cluster, "node-2"), within=70)
    silence = cluster.simulation.now() - stopped
    assert 40.0 <= silence <= 55.0
    cluster.run(1)
    assert keys(cluster, "node-2") == [(taints.UNREACHABLE, "NoSchedule"), (taints.UNREACHABLE, "NoExecute")]
    (victim,) = (p for p in cluster.simulation.all("pods") if p["spec"]["nodeName"] == "node-2")
    assert not pods.ready(victim)
    assert ("NodeNotReady", "Node is not ready") in cluster.events("Pod")
    assert ("NodeNotReady", "Node node-2 status is now: NodeNotReady") in cluster.events("Node")
    name = victim["metadata"]["name"]
    cluster.run(298)
    assert "deletionTimestamp" not in cluster.get("pods", name)["metadata"]
    cluster.run(3)
    victim = cluster.get("pods", name)
    assert "deletionTimestamp" in victim["metadata"]
    assert ("TaintManagerEviction", f"Marking for deletion Pod default/{name}") in cluster.events("Pod")
    assert {c["type"] for c in victim["status"]["conditions"]} >= {"DisruptionTarget"}
    cluster.run(5)
    assert sum(map(pods.ready, cluster.simulation.all("pods"))) == 3


def test_a_node_that_comes_back_in_time_keeps_its_pods(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(3))
    before = cluster.named("pods")
    cluster.stopped.add("node-2")
    cluster.until(lambda: lost(cluster, "node-2"), within=70)
    cluster.run(100)
    cluster.stopped.clear()
    cluster.run(15)
    assert keys(cluster, "node-2") == []
    assert [m for r, m in cluster.events("Pod") if m.startswith("Cancelling deletion of Pod default/")]
    cluster.run(400)
    assert cluster.named("pods") == before


def test_when_all_nodes_stop_nobody_is_evicted(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(3))
    cluster.stopped.update(NODES)
    cluster.run(70)
    assert all(lost(cluster, name) for name in NODES)
    assert {effect for name in NODES for _, effect in keys(cluster, name)} == {"NoSchedule"}
    cluster.run(600)
    assert all("deletionTimestamp" not in p["metadata"] for p in cluster.simulation.all("pods"))


def test_pods_of_a_node_that_is_removed_go(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(3))
    cluster.stopped.add("node-3")
    cluster.do(Delete("nodes", "node-3"))
    cluster.run(30)
    assert len([p for p in cluster.simulation.all("pods") if p["spec"]["nodeName"] == "node-3"]) == 1
    cluster._places = itertools.cycle(("node-1", "node-2"))
    cluster.run(20)
    assert {p["spec"]["nodeName"] for p in cluster.simulation.all("pods")} == {"node-1", "node-2"}
    assert ("RemovingNode", "Node node-3 event: Removing Node node-3 from Controller") in cluster.events("Node")
    assert ("RegisteredNode", "Node node-1 event: Registered Node node-1 in Controller") in cluster.events("Node")


def test_a_budget_counts_the_pods_of_its_deployment(cluster: Cluster) -> None:
    budget = b.anything("policy/v1", "PodDisruptionBudget", "web").set("spec.minAvailable", 2)
    cluster.do(
        Create(budget.set("spec.selector", {"matchLabels": {"app": "web"}}).obj(), "poddisruptionbudgets.policy", "default")
    )
    apply(cluster, b.deployment("web").replicas(3))
    status = cluster.get("poddisruptionbudgets.policy", "web")["status"]
    assert (status["disruptionsAllowed"], status["currentHealthy"], status["expectedPods"]) == (1, 3, 3)


def test_a_refused_pod_is_told_and_tried_again(cluster: Cluster) -> None:
    quota = (
        b.anything("v1", "ResourceQuota", "none").set("spec.hard", {"pods": "0"}).status(hard={"pods": "0"}, used={"pods": "0"})
    )
    cluster.do(Create(quota.obj(), "resourcequotas", "default"))
    cluster.do(Create(b.deployment("web").replicas(1).obj(), "deployments.apps", "default"))
    cluster.run(5)
    assert any(r == "FailedCreate" and m.startswith("Error creating: pods ") for r, m in cluster.events("ReplicaSet"))
    assert cluster.condition("deployments.apps", "web", "ReplicaFailure") == "True"
    cluster.do(Delete("resourcequotas", "none", "default"))
    cluster.until(lambda: available(cluster), within=600)
    assert cluster.condition("deployments.apps", "web", "ReplicaFailure") == ""


def test_everything_comes_to_rest(cluster: Cluster) -> None:
    apply(cluster, b.deployment("web").replicas(3))
    cluster.do(Create(b.service("web").selects(app="web").port(80).obj(), "services", "default"))
    cluster.run(20)
    before = {n: c.reconciled for n, c in cluster.simulation.controllers.items()}
    cluster.run(60)
    still = {n: c.reconciled - before[n] for n, c in cluster.simulation.controllers.items()}
    assert still.pop(node_lifecycle.NodeLifecycle.name) < 40
    assert set(still.values()) == {0}
    assert not [c.last_error for c in cluster.simulation.controllers.values() if c.last_error]
