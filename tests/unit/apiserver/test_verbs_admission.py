"""Admission: what the cluster adds and forbids."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from k8s_notebook.apiserver import boot
from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.machinery.actions import Create, Delete, Patch, Update
from k8s_notebook.objects import Obj
from k8s_notebook.store.journal import Journal
from tests.unit.apiserver.world import config, meta, node, pod, put, refused, running, service


@pytest.fixture
def cluster() -> Simulation:
    return Simulation()


def priority(name: str, value: int, **more: Any) -> Obj:
    """A PriorityClass."""
    return {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value, **more}


def limits(*items: Obj) -> Obj:
    """A LimitRange."""
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": meta("l"), "spec": {"limits": list(items)}}


def quota(hard: Obj, name: str = "q", **spec: Any) -> Obj:
    """A ResourceQuota."""
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta(name), "spec": {"hard": hard, **spec}}


def asking(name: str, **more: Any) -> Obj:
    """A pod whose container has these resources."""
    return pod(name, spec={"containers": [{"name": "c", "image": "a:1", "resources": more}]})


def claim(name: str, storage: str = "1Gi", **spec: Any) -> Obj:
    """A PersistentVolumeClaim."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta(name), "spec": spec}


def test_pods_get_their_account_and_its_token(cluster: Simulation) -> None:
    spec = put(cluster, pod("a"))["spec"]
    (volume,) = spec["volumes"]
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    assert volume["name"] == mount["name"]
    assert mount == {"name": mount["name"], "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    without = put(cluster, pod("b", spec={"automountServiceAccountToken": False}))["spec"]
    assert "volumes" not in without
    error = refused(cluster, Create(pod("c", spec={"serviceAccountName": "nobody"})))
    assert error.code == 403
    assert error.message == (
        'pods "c" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found'
    )


def test_pods_wait_five_minutes_on_a_lost_node_unless_they_say_otherwise(cluster: Simulation) -> None:
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    given = put(cluster, pod("a", spec={"tolerations": [own]}))["spec"]["tolerations"]
    assert [(t["key"], t["tolerationSeconds"]) for t in given] == [
        ("node.kubernetes.io/not-ready", 5), ("node.kubernetes.io/unreachable", 300),
    ]  # fmt: skip
    everything = put(cluster, pod("b", spec={"tolerations": [{"operator": "Exists"}]}))["spec"]["tolerations"]
    assert len(everything) == 1


def test_priorities(cluster: Simulation) -> None:
    put(cluster, priority("high", 1000, preemptionPolicy="Never"))
    high = put(cluster, pod("a", spec={"priorityClassName": "high"}))["spec"]
    assert (high["priority"], high["preemptionPolicy"]) == (1000, "Never")
    plain = put(cluster, pod("b"))["spec"]
    assert (plain["priority"], plain["preemptionPolicy"], plain.get("priorityClassName")) == (0, "PreemptLowerPriority", None)
    assert refused(cluster, Create(pod("c", spec={"priorityClassName": "nope"}))).message == (
        'pods "c" is forbidden: no PriorityClass with name nope was found'
    )
    assert (
        "the integer value of priority (7) must not be provided"
        in refused(cluster, Create(pod("c", spec={"priority": 7}))).message
    )
    put(cluster, priority("usual", 5, globalDefault=True))
    usual = put(cluster, pod("d"))["spec"]
    assert (usual["priority"], usual["priorityClassName"]) == (5, "usual")


def test_runtime_classes_bring_overhead_and_nodes(cluster: Simulation) -> None:
    put(cluster, {
        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "vm"}, "handler": "h",
        "overhead": {"podFixed": {"cpu": "250m"}}, "scheduling": {"nodeSelector": {"vm": "yes"}},
    })  # fmt: skip
    spec = put(cluster, pod("a", spec={"runtimeClassName": "vm"}))["spec"]
    assert (spec["overhead"], spec["nodeSelector"]) == ({"cpu": "250m"}, {"vm": "yes"})
    assert refused(cluster, Create(pod("b", spec={"runtimeClassName": "no"}))).code == 403


def test_new_nodes_are_not_ready(cluster: Simulation) -> None:
    assert put(cluster, node("n"))["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


def test_namespaces_are_labelled(cluster: Simulation) -> None:
    made = put(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    assert (made["spec"], made["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
    bare = cluster.do(Update({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": {"x": "y"}}}))
    assert bare["metadata"]["labels"] == {"x": "y", "kubernetes.io/metadata.name": "n"}
    put(cluster, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": pod("p")["spec"]})


def test_claims_get_the_default_class_and_a_finalizer(cluster: Simulation) -> None:
    assert "storageClassName" not in put(cluster, claim("before"))["spec"]
    put(cluster, {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x", "metadata": {
        "name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}})  # fmt: skip
    made = put(cluster, claim("c"))
    assert made["spec"]["storageClassName"] == "fast"
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert put(cluster, claim("none", storageClassName=""))["spec"]["storageClassName"] == ""


def test_limit_ranges_fill_in_and_forbid(cluster: Simulation) -> None:
    put(cluster, limits({"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m", "memory": "64Mi"},
                         "max": {"cpu": "1"}, "min": {"cpu": "50m"}},
                        {"type": "PersistentVolumeClaim", "max": {"storage": "2Gi"}}))  # fmt: skip
    made = put(cluster, pod("a"))
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "64Mi"},
        "limits": {"cpu": "500m"},
    }
    assert made["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c"
    }
    assert made["status"]["qosClass"] == "Burstable"
    over = refused(cluster, Create(asking("b", limits={"cpu": "2"}, requests={"cpu": "1"})))
    assert over.message == 'pods "b" is forbidden: maximum cpu usage per Container is 1, but limit is 2'
    under = refused(cluster, Create(asking("b", requests={"cpu": "10m"})))
    assert under.message == 'pods "b" is forbidden: minimum cpu usage per Container is 50m, but request is 10m'
    big = refused(cluster, Create(claim("c", "3Gi")))
    assert big.message == (
        'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi'
    )


def test_quotas_count_objects_as_they_come_and_go(cluster: Simulation) -> None:
    put(cluster, config("old"), quota({"configmaps": "2", "count/services": "1", "pods": "1"}), config("a"))
    error = refused(cluster, Create(config("b")))
    assert (error.code, error.message) == (
        403, 'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2'
    )  # fmt: skip
    assert cluster.do(Update(config("a", "new")))["data"] == {"k": "new"}
    cluster.do(Delete("configmaps", "old", "default"), Create(config("b")))
    assert refused(cluster, Create(service("s"))).code == 403
    first = running(cluster, "p")
    assert "used: pods=1" in refused(cluster, Create(pod("p2"))).message
    cluster.do(Update({**first, "status": {**first["status"], "phase": "Succeeded"}}, "pods", subresource="status"))
    put(cluster, pod("p2"))
    assert refused(cluster, Create(pod("p3"), dry_run=True)).code == 403


def test_quotas_add_up_resources(cluster: Simulation) -> None:
    put(cluster, quota({"requests.cpu": "1", "limits.memory": "1Gi"}))
    assert refused(cluster, Create(pod("a"))).message == (
        'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c'
    )
    put(cluster, asking("a", requests={"cpu": "600m"}, limits={"memory": "512Mi"}))
    error = refused(cluster, Create(asking("b", requests={"cpu": "500m"}, limits={"memory": "512Mi"})))
    assert error.message == (
        'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1'
    )
    put(cluster, asking("b", requests={"cpu": "400m"}, limits={"memory": "512Mi"}))


def test_quotas_have_scopes(cluster: Simulation) -> None:
    put(cluster, quota({"pods": "0"}, scopes=["BestEffort"]))
    assert refused(cluster, Create(pod("a"))).code == 403
    put(cluster, asking("b", requests={"cpu": "1"}))


def test_services_get_addresses(cluster: Simulation) -> None:
    made = put(cluster, service("a"))["spec"]
    assert made["clusterIP"].startswith("10.96.")
    assert (made["clusterIPs"], made["ipFamilies"], made["ipFamilyPolicy"]) == ([made["clusterIP"]], ["IPv4"], "SingleStack")
    assert int(made["clusterIP"].split(".")[2]) >= 1
    address = cluster.get("ipaddresses.networking.k8s.io", "", made["clusterIP"])
    assert address is not None
    assert address["spec"]["parentRef"] == {"resource": "services", "namespace": "default", "name": "a"}
    cluster.do(Delete("services", "a", "default"))
    assert cluster.get("ipaddresses.networking.k8s.io", "", made["clusterIP"]) is None
    wanted = put(cluster, service("b", clusterIP=made["clusterIP"]))["spec"]
    assert wanted["clusterIP"] == made["clusterIP"]
    error = refused(cluster, Create(service("c", clusterIP=made["clusterIP"])))
    assert error.message == (
        f'Service "c" is invalid: spec.clusterIPs: Invalid value: ["{made["clusterIP"]}"]: '
        f"failed to allocate IP {made['clusterIP']}: "
        "provided IP is already allocated"
    )
    assert "is not in the valid range" in refused(cluster, Create(service("c", clusterIP="1.2.3.4"))).message
    assert put(cluster, service("h", clusterIP="None"))["spec"]["clusterIPs"] == ["None"]


def test_services_get_node_ports_and_keep_what_they_have(cluster: Simulation) -> None:
    made = put(cluster, service("a", type="NodePort", ports=[{"name": "x", "port": 80}, {"name": "y", "port": 81}]))["spec"]
    ports = [p["nodePort"] for p in made["ports"]]
    assert len(set(ports)) == 2
    assert all(30086 <= p <= 32767 for p in ports)
    bare = service("a", type="NodePort", ports=[{"name": "x", "port": 80}, {"name": "z", "port": 82}])
    changed = cluster.do(Update(bare))["spec"]
    assert (changed["clusterIP"], changed["ports"][0]["nodePort"]) == (made["clusterIP"], ports[0])
    assert changed["ports"][1]["nodePort"] not in (None, ports[0])
    taken = refused(cluster, Create(service("b", type="NodePort", ports=[{"port": 1, "nodePort": ports[0]}])))
    assert taken.message == (
        f'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: {ports[0]}: provided port is already allocated'
    )
    outside = refused(cluster, Create(service("b", type="NodePort", ports=[{"port": 1, "nodePort": 80}])))
    assert "provided port is not in the valid range. The range of valid ports is 30000-32767" in outside.message
    back = cluster.do(Patch("services", "a", "default", {"spec": {"type": "ClusterIP"}}))["spec"]
    assert "nodePort" not in back["ports"][0]
    put(cluster, service("b", type="NodePort", ports=[{"port": 1, "nodePort": ports[0]}]))


def test_a_dry_run_takes_no_address(cluster: Simulation) -> None:
    ip = cluster.do(Create(service("a"), dry_run=True))["spec"]["clusterIP"]
    assert cluster.get("ipaddresses.networking.k8s.io", "", ip) is None
    put(cluster, service("b", clusterIP=ip))


def test_external_names_have_no_address(cluster: Simulation) -> None:
    named = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta("e"),
        "spec": {"type": "ExternalName", "externalName": "x.org"},
    }
    assert "clusterIP" not in put(cluster, named)["spec"]
    back = cluster.do(
        Patch("services", "e", "default", {"spec": {"type": "ClusterIP", "externalName": None, "ports": [{"port": 1}]}})
    )
    assert back["spec"]["clusterIP"].startswith("10.96.")


def test_every_cluster_starts_with_the_same_objects(cluster: Simulation) -> None:
    assert [n["metadata"]["name"] for n in cluster.all("namespaces")] == [
        "default",
        "kube-node-lease",
        "kube-public",
        "kube-system",
    ]
    kubernetes = cluster.get("services", "default", "kubernetes")
    assert kubernetes is not None
    assert kubernetes["spec"]["clusterIP"] == "10.96.0.1"
    assert cluster.get("ipaddresses.networking.k8s.io", "", "10.96.0.1") is not None
    assert [p["metadata"]["name"] for p in cluster.all("priorityclasses.scheduling.k8s.io")] == [
        "system-cluster-critical", "system-node-critical",
    ]  # fmt: skip
    assert {"cluster-admin", "admin", "edit", "view"} <= {
        r["metadata"]["name"] for r in cluster.all("clusterroles.rbac.authorization.k8s.io")
    }
    assert cluster.get("apiservices.apiregistration.k8s.io", "", "v1.apps") is not None
    assert cluster.get("apiservices.apiregistration.k8s.io", "", "v1.") is not None


def test_booting_again_changes_nothing_but_the_port(cluster: Simulation) -> None:
    before = cluster.store.revision
    boot.boot(cluster.server)
    assert cluster.store.revision == before
    boot.boot(cluster.server, address="10.0.0.1", port=1234)
    slices = cluster.get("endpointslices.discovery.k8s.io", "default", "kubernetes")
    assert slices is not None
    assert (slices["endpoints"][0]["addresses"], slices["ports"][0]["port"]) == (["10.0.0.1"], 1234)


def test_a_restart_knows_what_is_taken(tmp_path: pathlib.Path) -> None:
    before = Simulation(journal=Journal(tmp_path / "journal.db"))
    ip = put(before, service("a"))["spec"]["clusterIP"]
    put(before, quota({"configmaps": "1"}), config("x"))
    before.close()
    after = Simulation(journal=Journal(tmp_path / "journal.db"))
    assert after.store.revision == before.store.revision
    assert refused(after, Create(service("b", clusterIP=ip))).code == 422
    assert refused(after, Create(config("y"))).code == 403
    after.close()
