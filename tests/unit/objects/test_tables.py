"""Tables: the server's columns for every kind, and the cells of objects of a real cluster."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable
from typing import Any

import pytest

from k8s_notebook.objects import kinds, tables
from k8s_notebook.objects.errors import BadRequest

NOW = 1_000_000_000.0
CREATED = "2001-09-09T01:45:50Z"
"""50 seconds before NOW."""


def path_kind(path: str) -> kinds.Kind | None:
    parts = path.removeprefix("/apis/").removeprefix("/api/").split("/")
    group, version, plural = parts if len(parts) == 3 else ("", *parts)
    return kinds.BUILTIN.at(group, version, plural)


def test_columns_are_those_of_a_real_server(shared: pathlib.Path) -> None:
    golden = json.loads((shared / "data/kubernetes-golden/table_columns.json").read_text())
    for row, expected in golden.items():
        group_version, plural = row.split(" ")
        group, _, version = group_version.rpartition("/")
        kind = kinds.BUILTIN.at(group, version, plural)
        if kind is not None:
            found = [[c["name"], c["type"], c["format"], c["priority"]] for c in tables.columns(kind)]
            assert found == expected, row


def shown(answer: dict[str, Any]) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """The objects that are both in the list and in the table, and their cells."""
    uid = lambda obj: tuple(obj["metadata"].get(name) for name in ("namespace", "name", "resourceVersion"))  # noqa: E731
    rows = {uid(row["object"]): row["cells"] for row in answer["table"]["rows"] or ()}
    objects = [obj for obj in answer["list"]["items"] if uid(obj) in rows]
    return objects, [rows[uid(obj)] for obj in objects]


def printed_at(kind: kinds.Kind, answer: dict[str, Any], moments: Iterable[float]) -> float | None:
    """The time at which the server printed these cells."""
    objects, expected = shown(answer)
    return next((now for now in moments if [tables.cells(kind, obj, now) for obj in objects] == expected), None)


def test_cells_are_those_of_a_real_server(shared: pathlib.Path) -> None:
    golden = json.loads((shared / "data/kubernetes-golden/tables_with_rows.json").read_text())
    pods = golden["/api/v1/pods"]
    newest = max(tables.moment(obj["metadata"]["creationTimestamp"]) for obj in pods["list"]["items"])
    about = printed_at(kinds.of("pods"), pods, [newest + second for second in range(600)])
    assert about is not None
    compared = 0
    for path, answer in golden.items():
        kind = path_kind(path)
        if kind is not None:
            near = [about + step / 50 for step in range(-250, 250)]
            objects, expected = shown(answer)
            hint = ([tables.cells(kind, obj, about) for obj in objects][:3], expected[:3])
            assert printed_at(kind, answer, near) is not None, (path, hint)
            compared += len(objects)
    assert compared > 350


def pod(*containers: dict[str, Any], init: list[dict[str, Any]] | None = None, **status: Any) -> dict[str, Any]:
    inits = [{"name": s["name"], **({"restartPolicy": "Always"} if s.pop("sidecar", False) else {})} for s in init or ()]
    spec = {"containers": [{"name": "c"}] * max(len(containers), 1), **({"initContainers": inits} if inits else {})}
    found = {"phase": "Running", **status, "containerStatuses": list(containers), "initContainerStatuses": init or []}
    return {"metadata": {"name": "p", "creationTimestamp": CREATED}, "spec": spec, "status": found}


def state(name: str = "c", ready: bool = False, restarts: int = 0, **kind: Any) -> dict[str, Any]:
    return {"name": name, "ready": ready, "restartCount": restarts, "state": kind}


UP = state(ready=True, running={})
DONE = {"exitCode": 0, "reason": "Completed"}
READY = [{"type": "Ready", "status": "True"}]
DELETED = {"name": "p", "creationTimestamp": CREATED, "deletionTimestamp": CREATED}
POD_ROWS: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "running": (pod(UP), ("1/1", "Running", "0")),
    "pending": (pod(phase="Pending"), ("0/1", "Pending", "0")),
    "evicted": (pod(phase="Failed", reason="Evicted"), ("0/1", "Evicted", "0")),
    "gated": (
        pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}], phase="Pending"),
        ("0/1", "SchedulingGated", "0"),
    ),
    "waiting": (pod(state(waiting={"reason": "ImagePullBackOff"}), UP), ("1/2", "ImagePullBackOff", "0")),
    "crash": (
        pod({**state(restarts=5, waiting={"reason": "CrashLoopBackOff"}), "lastState": {"terminated": {"finishedAt": CREATED}}}),
        ("0/1", "CrashLoopBackOff", "5 (50s ago)"),
    ),
    "completed": (pod(state(terminated=DONE), phase="Succeeded"), ("0/1", "Completed", "0")),
    "one of two completed, ready": (pod(state(terminated=DONE), UP, conditions=READY), ("1/2", "Running", "0")),
    "one of two completed, not ready": (pod(state(terminated=DONE), UP), ("1/2", "NotReady", "0")),
    "first completed, second failed": (
        pod(state(terminated=DONE), state(terminated={"exitCode": 1, "reason": "Error"})),
        ("0/2", "Error", "0"),
    ),
    "exit code": (pod(state(terminated={"exitCode": 3})), ("0/1", "ExitCode:3", "0")),
    "signal": (pod(state(terminated={"exitCode": 137, "signal": 9})), ("0/1", "Signal:9", "0")),
    "initializing": (
        pod(init=[state("a", terminated=DONE), state("b", running={})], phase="Pending"),
        ("0/1", "Init:1/2", "0"),
    ),
    "init failed": (pod(init=[state("a", terminated={"exitCode": 1, "reason": "Error"})]), ("0/1", "Init:Error", "0")),
    "init exit code": (pod(init=[state("a", terminated={"exitCode": 2})]), ("0/1", "Init:ExitCode:2", "0")),
    "init signal": (pod(init=[state("a", terminated={"exitCode": 2, "signal": 9})]), ("0/1", "Init:Signal:9", "0")),
    "init waits": (pod(init=[state("a", waiting={"reason": "CrashLoopBackOff"})]), ("0/1", "Init:CrashLoopBackOff", "0")),
    "init not begun": (pod(init=[state("a", waiting={"reason": "PodInitializing"})]), ("0/1", "Init:0/1", "0")),
    "init restarts count while initializing": (pod(init=[state("a", restarts=2, running={})]), ("0/1", "Init:0/1", "2")),
    "init restarts are forgotten": (pod(UP, init=[state("a", restarts=2, terminated=DONE)]), ("1/1", "Running", "0")),
    "sidecar": (
        pod(UP, init=[{**state("a", ready=True, restarts=1, running={}), "started": True, "sidecar": True}]),
        ("2/2", "Running", "1"),
    ),
    "terminating": ({**pod(UP), "metadata": DELETED}, ("1/1", "Terminating", "0")),
    "finished ones do not terminate": (
        {**pod(state(terminated=DONE), phase="Succeeded"), "metadata": DELETED},
        ("0/1", "Completed", "0"),
    ),
    "node lost": ({**pod(UP, reason="NodeLost"), "metadata": DELETED}, ("1/1", "Unknown", "0")),
}


@pytest.mark.parametrize(("obj", "expected"), POD_ROWS.values(), ids=POD_ROWS)
def test_rows_of_pods(obj: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert tuple(tables.cells(kinds.of("pods"), obj, NOW)[1:4]) == expected


def meta(**fields: Any) -> dict[str, Any]:
    return {"name": "x", "creationTimestamp": CREATED, **fields}


LOAD_BALANCED = {"loadBalancer": {"ingress": [{"ip": "2.2.2.2"}, {"hostname": "a.b"}]}}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}
CPU_NOW = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 20}}}
QUEUE = {"type": "External", "external": {"target": {"value": "30"}}}
PODS = {"type": "Pods", "pods": {"target": {"averageValue": "5"}}}
CELLS: dict[str, tuple[str, dict[str, Any], str, Any]] = {
    "service, pending": ("services", {"spec": {"type": "LoadBalancer"}}, "External-IP", "<pending>"),
    "service, balanced": ("services", {"spec": {"type": "LoadBalancer"}, "status": LOAD_BALANCED}, "External-IP", "2.2.2.2,a.b"),
    "service, name": ("services", {"spec": {"type": "ExternalName", "externalName": "a.b"}}, "External-IP", "a.b"),
    "service, headless": ("services", {"spec": {"type": "ClusterIP", "clusterIPs": ["None"]}}, "Cluster-IP", "None"),
    "service, ports": (
        "services",
        {"spec": {"ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 53, "protocol": "UDP"}]}},
        "Port(s)",
        "80:30080/TCP,53/UDP",
    ),
    "ingress, many hosts": (
        "ingresses.networking.k8s.io",
        {"spec": {"rules": [{"host": h} for h in "abcde"]}},
        "Hosts",
        "a,b,c + 2 more...",
    ),
    "ingress, any host": ("ingresses.networking.k8s.io", {"spec": {"rules": [{}]}}, "Hosts", "*"),
    "ingress, secured": ("ingresses.networking.k8s.io", {"spec": {"tls": [{}]}}, "Ports", "80, 443"),
    "node, cordoned": (
        "nodes",
        {"spec": {"unschedulable": True}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}},
        "Status",
        "NotReady,SchedulingDisabled",
    ),
    "node, nothing known": ("nodes", {}, "Status", "Unknown"),
    "node, roles": (
        "nodes",
        {"metadata": meta(labels={"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/a": ""})},
        "Roles",
        "a,worker",
    ),
    "job, failed": ("jobs.batch", {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}, "Status", "Failed"),
    "job, deleted": ("jobs.batch", {"metadata": meta(deletionTimestamp=CREATED)}, "Status", "Terminating"),
    "job, in parallel": ("jobs.batch", {"spec": {"parallelism": 3}, "status": {"succeeded": 2}}, "Completions", "2/1 of 3"),
    "job, running since": ("jobs.batch", {"status": {"startTime": CREATED}}, "Duration", "50s"),
    "autoscaler": (
        "horizontalpodautoscalers.autoscaling",
        {"spec": {"metrics": [CPU, QUEUE, PODS]}, "status": {"currentMetrics": [CPU_NOW]}},
        "Targets",
        "cpu: 20%/80%, <unknown>/30 + 1 more...",
    ),
    "autoscaler of version 1": (
        "horizontalpodautoscalers.autoscaling",
        {"spec": {"targetCPUUtilizationPercentage": 80}, "status": {"currentCPUUtilizationPercentage": 5}},
        "Targets",
        "cpu: 5%/80%",
    ),
    "autoscaler without metrics": ("horizontalpodautoscalers.autoscaling", {"spec": {"metrics": []}}, "Targets", "<none>"),
    "claim, modes": (
        "persistentvolumeclaims",
        {"spec": {"volumeName": "v"}, "status": {"accessModes": ["ReadWriteMany", "ReadWriteOnce"]}},
        "Access Modes",
        "RWO,RWX",
    ),
    "default class": (
        "storageclasses.storage.k8s.io",
        {"metadata": meta(annotations={"storageclass.kubernetes.io/is-default-class": "true"})},
        "Name",
        "x (default)",
    ),
    "event, repeated": (
        "events",
        {"series": {"count": 7, "lastObservedTime": "2001-09-09T01:46:30.000000Z"}},
        "Last Seen",
        "10s",
    ),
    "event without times": ("events", {}, "Last Seen", "<unknown>"),
    "fault": ("faults.k8s-notebook.io", {"spec": {"target": {"kind": "Node", "name": "n"}}}, "Target", "Node/n"),
    "a kind without printer": ("limitranges", {}, "Created At", CREATED),
}


@pytest.mark.parametrize(("resource", "obj", "column", "expected"), CELLS.values(), ids=CELLS)
def test_cells(resource: str, obj: dict[str, Any], column: str, expected: Any) -> None:
    kind = kinds.EMBEDDED.of(resource)
    names = [c["name"] for c in tables.columns(kind)]
    found = tables.cells(kind, {"metadata": meta(), **obj}, NOW)
    assert dict(zip(names, found, strict=False))[column] == expected


def test_every_kind_can_be_printed_without_spec_and_status() -> None:
    for kind in kinds.EMBEDDED:
        assert len(tables.cells(kind, {"metadata": {"name": "x"}}, NOW)) >= len(tables.columns(kind))


def test_the_table_of_finished_pods() -> None:
    pods = [pod(UP), pod(state(terminated=DONE), phase="Succeeded")]
    found = tables.table(kinds.of("pods"), pods, NOW, list_metadata={"resourceVersion": "7", "selfLink": ""})
    assert (found["kind"], found["apiVersion"], found["metadata"]) == ("Table", "meta.k8s.io/v1", {"resourceVersion": "7"})
    assert found["rows"][0] == {
        "cells": ["p", "1/1", "Running", "0", "50s", "<none>", "<none>", "<none>", "<none>"],
        "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": pods[0]["metadata"]},
    }
    assert found["rows"][1]["conditions"] == [
        {"type": "Completed", "status": "True", "reason": "Succeeded", "message": "The pod has completed successfully."}
    ]
    assert [c["name"] for c in found["columnDefinitions"]][:2] == ["Name", "Ready"]


def test_what_rows_carry() -> None:
    kind, objects = kinds.of("configmaps"), [{"metadata": meta(), "data": {"a": "b"}}]
    assert tables.table(kind, objects, NOW, include="Object")["rows"][0]["object"] is objects[0]
    assert tables.table(kind, objects, NOW, include="None")["rows"][0]["object"] is None
    assert tables.table(kind, objects, NOW, columns=False)["columnDefinitions"] is None
    with pytest.raises(BadRequest, match="includeObject"):
        tables.table(kind, objects, NOW, include="All")


def test_custom_kinds_show_their_age() -> None:
    kind = kinds.Kind("example.com", "v1", "shirts", "Shirt")
    assert [c["name"] for c in tables.columns(kind)] == ["Name", "Age"]
    assert tables.cells(kind, {"metadata": meta()}, NOW) == ["x", "50s"]


DURATIONS = {
    -5: "<invalid>", -1.5: "0s", 0: "0s", 119: "119s", 120: "2m", 311: "5m11s", 600: "10m", 4440: "74m", 10800: "3h",
    10920: "3h2m", 28800: "8h", 172799: "47h", 172800: "2d", 183600: "2d3h", 691200: "8d", 63072000: "2y",
    63936000: "2y10d", 315360000: "10y",
}  # fmt: skip


@pytest.mark.parametrize(("seconds", "text"), DURATIONS.items())
def test_human_duration(seconds: float, text: str) -> None:
    assert tables.human_duration(seconds) == text
