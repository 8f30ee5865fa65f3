"""Claims for devices: which nodes can meet them, what is written, what is said."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.machinery.actions import Action, Patch, Update
from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.claims import selectors, wishes
from k8s_notebook.scheduler.plugins import dynamic_resources
from tests.builders import Builder, ClusterBuilder, PodBuilder, anything, cluster_wide, node, pod
from tests.unit.scheduler.storage import cluster_of, verdicts

CLAIMS = "resourceclaims.resource.k8s.io"
DRIVER = "gpu.example.com"
FITS = {"n1": [], "n2": []}
NOT_ENOUGH = [dynamic_resources.NOT_ENOUGH]
NOWHERE = {"n1": NOT_ENOUGH, "n2": NOT_ENOUGH}
FIRST = {"n1": [], "n2": NOT_ENOUGH}


def devices(on: str, *names: str, pool: str = "", **fields: Any) -> ClusterBuilder:
    """A ResourceSlice of a node with devices of these names."""
    made = cluster_wide("resource.k8s.io/v1", "ResourceSlice", f"slice-{on or pool}-{pool or on}").set("spec.driver", DRIVER)
    made.set("spec.pool", {"name": pool or on, "generation": 1, "resourceSliceCount": 1})
    if on:
        made.set("spec.nodeName", on)
    return made.set("spec.devices", [{"name": name, **fields} for name in names])


def device_class(name: str = "gpu", *expressions: str) -> ClusterBuilder:
    """A DeviceClass."""
    made = cluster_wide("resource.k8s.io/v1", "DeviceClass", name).set("spec", {})
    return made.set("spec.selectors", [{"cel": {"expression": e}} for e in expressions]) if expressions else made


def request(name: str = "r", count: int = 1, **fields: Any) -> Obj:
    """A request for devices of class gpu."""
    wanted = {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": count, **fields}
    return {"name": name, "exactly": {k: v for k, v in wanted.items() if v is not None}}


EVERYTHING = request(allocationMode="All", count=None)


def claim(*requests: Obj, name: str = "c", **fields: Any) -> Builder:
    """A ResourceClaim."""
    return anything("resource.k8s.io/v1", "ResourceClaim", name).set("spec.devices", {"requests": list(requests), **fields})


def allocated(*ids: str, name: str = "c", **fields: Any) -> Builder:
    """A claim that has devices `pool/device`."""
    results = [{"request": "r", "driver": DRIVER, "pool": i.split("/")[0], "device": i.split("/")[1], **fields} for i in ids]
    return claim(request(), name=name).status(allocation={"devices": {"results": results}})


def with_claims(*names: str) -> PodBuilder:
    """A pod that uses claims."""
    made = pod()
    for name in names:
        made.add("spec.resourceClaims", {"name": name, "resourceClaimName": name})
    return made


GPU = device_class()
ON_N1 = {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}
TAINT = [{"key": "broken", "effect": "NoSchedule"}]
MODEL = {"attributes": {"model": {"string": "a"}}}


def either(*subs: Obj) -> Obj:
    """A request with alternatives."""
    return {"name": "r", "firstAvailable": [{"deviceClassName": "gpu", "allocationMode": "ExactCount", **s} for s in subs]}


TWO_OR_ONE = either({"name": "two", "count": 2}, {"name": "one", "count": 1})


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        pytest.param([claim(request()), devices("n1", "a")], FIRST, id="a device of one node"),
        pytest.param([claim(request(count=2)), devices("n1", "a", "b")], FIRST, id="two devices"),
        pytest.param([claim(request(count=2)), devices("n1", "a")], NOWHERE, id="one too few"),
        pytest.param([claim(request("r"), request("s")), devices("n1", "a")], NOWHERE, id="two requests, one device"),
        pytest.param([claim(request()), devices("", "a", pool="p").set("spec.allNodes", True)], FITS, id="a device for all"),
        pytest.param([claim(request()), devices("", "a", pool="p").set("spec.nodeSelector", ON_N1)], FIRST, id="a device for some"),
        pytest.param(
            [claim(request()), devices("", pool="p").set("spec.perDeviceNodeSelection", True).set("spec.devices", [
                {"name": "a", "nodeName": "n1"}])], FIRST, id="each device for a node",
        ),
        pytest.param([claim(request()), devices("n1", "a"), allocated("n1/a", name="x")], NOWHERE, id="somebody has it"),
        pytest.param(
            [claim(request()), devices("n1", "a"), allocated("n1/a", name="x", adminAccess=True)], FIRST, id="somebody looks at it"
        ),
        pytest.param(
            [claim(request(adminAccess=True)), devices("n1", "a"), allocated("n1/a", name="x")], FIRST, id="looking at a device in use"
        ),
        pytest.param([claim(EVERYTHING), devices("n1", "a", "b")], FIRST, id="all that there are, but some"),
        pytest.param([claim(EVERYTHING), devices("n1", "a", "b"), allocated("n1/a", name="x")], NOWHERE, id="all, but one is taken"),
        pytest.param([claim(request()), devices("n1", "a", taints=TAINT)], NOWHERE, id="tainted"),
        pytest.param([claim(request()), devices("n1", "a", taints=[{"key": "x", "effect": "None"}])], FIRST, id="a taint to no effect"),
        pytest.param(
            [claim(request(tolerations=[{"key": "broken", "operator": "Exists"}])), devices("n1", "a", taints=TAINT)], FIRST, id="tolerated"
        ),
        pytest.param([claim(TWO_OR_ONE), devices("n1", "a")], FIRST, id="the second alternative"),
        pytest.param(
            [claim(request(count=2), constraints=[{"matchAttribute": f"{DRIVER}/model"}]), devices("n1", "a", "b", **MODEL)], FIRST,
            id="two of one model",
        ),
        pytest.param(
            [claim(request("r"), request("s"), constraints=[{"distinctAttribute": f"{DRIVER}/model"}]), devices("n1", "a", "b", **MODEL)],
            NOWHERE, id="two of different models",
        ),
        pytest.param(
            [claim(request(count=2), constraints=[{"matchAttribute": f"{DRIVER}/x", "requests": ["y"]}]), devices("n1", "a", "b")], FIRST,
            id="a constraint of another request",
        ),
        pytest.param([allocated("n1/a")], FITS, id="devices for anywhere"),
        pytest.param(
            [allocated("n1/a").set("status.allocation.nodeSelector", ON_N1)], {"n1": [], "n2": [dynamic_resources.NOT_HERE]}, id="of a node"
        ),
        pytest.param([], 'could not find ResourceClaim "default/c"', id="no claim"),
        pytest.param([claim(request()).deleted()], 'resourceclaim "c" is being deleted', id="on its way out"),
        pytest.param(
            [claim(request(deviceClassName="x"))], "request r: device class x does not exist", id="no class"
        ),
        pytest.param(
            [claim(either({"name": "s", "deviceClassName": "x"}))], "request r/s: device class x does not exist", id="no class, alternative"
        ),
        pytest.param([claim({"name": "r"})], "resource claim default/c, request r: unknown request type", id="neither form"),
        pytest.param(
            [claim(EVERYTHING), devices("n1", "a").set("spec.pool.resourceSliceCount", 2)],
            {"n1": ["claim default/c, request r: asks for all devices, but resource pool gpu.example.com/n1 is currently being updated"],
             "n2": NOT_ENOUGH}, id="all of a pool that is being written",
        ),
        pytest.param([claim(request()), devices("n1", "a", "a")], {"n1": ["invalid resource pools were encountered"], "n2": NOT_ENOUGH},
                     id="two devices of one name"),
        pytest.param([claim(request(count=33)), devices("n1", *map(str, range(40)))],
                     {n: ["claim default/c: number of requested devices 33 exceeds the claim limit of 32"] for n in FITS}, id="too many"),
    ],
)  # fmt: skip
def test_where_claims_can_be_met(things: list[Builder], expected: object) -> None:
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster_of(GPU, *things)) == expected


COUNTED = [{"name": "s", "counters": {"mem": {"value": "10Gi"}}}]
PART = [{"counterSet": "s", "counters": {"mem": {"value": "6Gi"}}}]


def counted(*names: str) -> list[Builder]:
    """Devices of n1 that share counters."""
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 2}
    sets = devices("n1", pool="sets").set("spec.pool", pool).set("spec.sharedCounters", COUNTED)
    return [sets, devices("n1", *names, consumesCounters=PART).set("spec.pool", pool)]


MEMORY = {
    "memory": {"value": "10Gi", "requestPolicy": {"default": "1Gi", "validRange": {"min": "1Gi", "step": "2Gi", "max": "9Gi"}}}
}
SHARED = devices("n1", "a", allowMultipleAllocations=True, capacity=MEMORY)


def share(size: str, name: str = "r") -> Obj:
    """A request for a share of a device's memory."""
    return request(name, capacity={"requests": {"memory": size}})


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        pytest.param([claim(request()), *counted("a", "b")], FIRST, id="one of two that share counters"),
        pytest.param([claim(request(count=2)), *counted("a", "b")], NOWHERE, id="both take too much"),
        pytest.param([claim(request()), *counted("a", "b"), allocated("p/a", name="x")], NOWHERE, id="a claim has taken too much"),
        pytest.param(
            [claim(request()), counted("a")[1].set("spec.pool.resourceSliceCount", 1)],
            {"n1": ["invalid resource pools were encountered"], "n2": NOT_ENOUGH}, id="no such counters",
        ),
        pytest.param([claim(share("4Gi")), SHARED], FIRST, id="a share"),
        pytest.param([claim(share("9500Mi")), SHARED], NOWHERE, id="too large"),
        pytest.param([claim(share("1Gi")), devices("n1", "a", allowMultipleAllocations=True)], NOWHERE, id="no such capacity"),
        pytest.param([claim(share("6Gi"), share("1Gi", "s")), SHARED], FIRST, id="two shares"),
        pytest.param([claim(share("6Gi"), share("4Gi", "s")), SHARED], NOWHERE, id="rounded up they are too much"),
        pytest.param(
            [claim(share("6Gi")), SHARED, allocated("n1/a", name="x", shareID="u", consumedCapacity={"memory": "5Gi"})], NOWHERE,
            id="a claim has too large a share",
        ),
    ],
)  # fmt: skip
def test_parts_of_devices(things: list[Builder], expected: object) -> None:
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster_of(GPU, *things)) == expected


def test_a_share_is_written_with_its_size() -> None:
    (result,) = allocation(cluster_of(GPU, claim(share("6Gi")), SHARED))["results"]
    assert result.pop("shareID")
    assert result == {"request": "r", "driver": DRIVER, "pool": "n1", "device": "a", "consumedCapacity": {"memory": "7Gi"}}


def attached(**conditions: str) -> Builder:
    """A claim with a device that must be attached, and what its driver says."""
    told = [{"type": name, "status": status, "reason": "R", "message": "m"} for name, status in conditions.items()]
    made = allocated("n1/a", bindingConditions=["Attached"], bindingFailureConditions=["Failed"])
    return made.status(devices=[{"driver": DRIVER, "pool": "n1", "device": "a", "conditions": told}])


@pytest.mark.parametrize(
    ("held", "ready", "expected"),
    [
        pytest.param(attached(), False, FITS, id="not yet"),
        pytest.param(attached(Attached="True"), True, FITS, id="ready"),
        pytest.param(attached(Attached="False", Failed="False"), False, FITS, id="neither"),
        pytest.param(
            attached(Failed="True"), 'device binding failed: claim=c, reason=R, message="m"',
            {"n1": [dynamic_resources.NOT_HERE], "n2": [dynamic_resources.NOT_HERE]}, id="failed",
        ),
    ],
)  # fmt: skip
def test_devices_that_are_attached_first(held: Builder, ready: bool | str, expected: object) -> None:
    cluster = cluster_of(held)
    assert dynamic_resources.prebound(with_claims("c").stored(), "n1", cluster, []) == ready
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster) == expected


def test_a_pod_that_is_rejected_is_refused_everywhere_too() -> None:
    cluster = cluster_of(claim(request()))
    pod_class = cluster.incoming(with_claims("c").stored()).pod_class
    refused = dynamic_resources.fails(pod_class, cluster, cluster.order)
    assert refused is not None
    assert refused.all()
    assert dynamic_resources.fails(pod_class, cluster_of(), cluster.order) is None


def test_a_pod_without_claims_is_not_judged() -> None:
    cluster = cluster_of()
    assert verdicts(dynamic_resources.PLUGIN, pod(), cluster) == FITS
    assert dynamic_resources.afterwards(pod().stored(), cluster, cluster.order) == ("no new claims to deallocate", [])


def test_an_older_generation_of_a_pool_does_not_count() -> None:
    newer = devices("n2", "b", pool="n1").set("spec.pool.generation", 2)
    cluster = cluster_of(GPU, claim(request()), devices("n1", "a"), newer)
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster) == {"n1": [], "n2": []}
    split = devices("n1", "a").set("spec.pool.resourceSliceCount", 2)
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster_of(GPU, claim(request()), split, newer)) == {
        "n1": NOT_ENOUGH, "n2": [],
    }  # fmt: skip


def test_requests_are_undone_where_they_lead_nowhere() -> None:
    """The first request would take what only the second one can use."""
    tolerant = [{"key": "broken", "operator": "Exists"}]
    mixed = devices("n1").set("spec.devices", [{"name": "a"}, {"name": "b", "taints": TAINT}])
    cluster = cluster_of(GPU, claim(request("r", tolerations=tolerant), request("s")), mixed)
    assert allocation(cluster)["results"] == [
        {"request": "r", "driver": DRIVER, "pool": "n1", "device": "b", "tolerations": tolerant},
        {"request": "s", "driver": DRIVER, "pool": "n1", "device": "a"},
    ]


def allocation(cluster: Cluster, at: str = "n1") -> Any:
    """What is written of the devices of claim `c`."""
    last = dynamic_resources.prebind(with_claims("c").stored(), at, cluster)[-1]
    assert isinstance(last, Patch)
    return last.body["status"]["allocation"]["devices"]


def test_what_is_written() -> None:
    cluster = cluster_of(GPU, claim(request()), devices("n1", "a", "b"))
    finalizer, status = dynamic_resources.prebind(with_claims("c").stored(), "n1", cluster, 60.0)
    assert isinstance(finalizer, Update)
    assert finalizer.obj["metadata"]["finalizers"] == ["resource.kubernetes.io/delete-protection"]
    results = {"results": [{"request": "r", "driver": DRIVER, "pool": "n1", "device": "a"}]}
    assert status == Patch(CLAIMS, "c", "default", {
        "metadata": {"uid": "uid-c"},
        "status": {
            "reservedFor": [{"resource": "pods", "name": "pod", "uid": "uid-pod"}],
            "allocation": {"devices": results, "nodeSelector": ON_N1, "allocationTimestamp": "1970-01-01T00:01:00Z"},
        },
    }, "strategic", "status")  # fmt: skip


def test_a_claim_that_has_its_devices_is_only_reserved() -> None:
    cluster = cluster_of(allocated("n1/a").status(reservedFor=[{"resource": "pods", "name": "x", "uid": "uid-x"}]))
    (status,) = dynamic_resources.prebind(with_claims("c").stored(), "n1", cluster)
    assert isinstance(status, Patch)
    assert [user["name"] for user in status.body["status"]["reservedFor"]] == ["x", "pod"]
    assert "allocation" not in status.body["status"]


def test_settings_go_with_the_devices() -> None:
    """Those of a class once with all its requests, those of the claim once per request they name."""
    opaque, other = {"opaque": {"driver": DRIVER, "parameters": {"a": 1}}}, {"opaque": {"driver": DRIVER, "parameters": {}}}
    wanted = claim(request("r"), request("s"), config=[{"requests": ["s"], **other}, other])
    cluster = cluster_of(device_class().set("spec.config", [opaque]), wanted, devices("n1", "a", "b"))
    assert allocation(cluster)["config"] == [
        {"source": "FromClass", "requests": ["r", "s"], **opaque},
        {"source": "FromClaim", "requests": ["s"], **other},
        {"source": "FromClaim", **other},
    ]


def test_devices_that_are_spoken_for_are_not_given_twice() -> None:
    cluster = cluster_of(GPU, claim(request()), claim(request(), name="d"), devices("n1", "a"))
    actions = dynamic_resources.prebind(with_claims("c").stored(), "n1", cluster)
    cluster.beside.assume(actions)
    assert verdicts(dynamic_resources.PLUGIN, with_claims("d"), cluster) == NOWHERE
    pending = "resource claim default/c is in the process of being allocated"
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster) == pending
    kept = cluster.beside.stored(CLAIMS, "default", "c")
    assert kept is not None
    cluster.beside.put(CLAIMS, {**kept, "metadata": {**kept["metadata"], "resourceVersion": "2", "finalizers": ["f"]}})
    assert verdicts(dynamic_resources.PLUGIN, with_claims("d"), cluster) == NOWHERE
    cluster.beside.forget(actions)
    assert verdicts(dynamic_resources.PLUGIN, with_claims("d"), cluster) == FIRST


def test_what_is_assumed_of_a_claim_ends_when_the_cluster_shows_it() -> None:
    cluster = cluster_of(GPU, claim(request()), devices("n1", "a"))
    actions: list[Action] = dynamic_resources.prebind(with_claims("c").stored(), "n1", cluster)
    cluster.beside.assume(actions)
    seen = cluster.beside.get(CLAIMS, "default", "c")
    assert seen is not None
    users = [*seen["status"]["reservedFor"], {"resource": "pods", "name": "y", "uid": "uid-y"}]
    shown = {**seen, "status": {**seen["status"], "reservedFor": users}}
    cluster.beside.put(CLAIMS, shown)
    assert cluster.beside.get(CLAIMS, "default", "c") is shown
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster) == {"n1": [], "n2": [dynamic_resources.NOT_HERE]}


def test_better_alternatives_score_higher() -> None:
    cluster = cluster_of(GPU, claim(TWO_OR_ONE), devices("n1", "a"), devices("n2", "a", "b"))
    pod_class = cluster.incoming(with_claims("c").stored()).pod_class
    scored = dynamic_resources.score(pod_class, cluster, cluster.order)
    assert scored is not None
    assert dict(zip((cluster.names[s] for s in cluster.order), scored.tolist(), strict=True)) == {"n1": 7, "n2": 8}


def made_for(owner: str, entry: str = "gpu") -> Builder:
    """A claim that was made from a template."""
    made = claim(request(), name="pod-gpu-x").annotation("resource.kubernetes.io/pod-claim-name", entry)
    return made.owned_by(pod(owner).stored())


FROM_TEMPLATE = {"name": "gpu", "resourceClaimTemplateName": "t"}


@pytest.mark.parametrize(
    ("things", "status", "waits", "expected"),
    [
        pytest.param([], [], 'pod "default/pod": ResourceClaim not created yet', None, id="not made yet"),
        pytest.param([made_for("pod")], [{"name": "gpu", "resourceClaimName": "pod-gpu-x"}], "", FIRST, id="made"),
        pytest.param(
            [made_for("other")], [{"name": "gpu", "resourceClaimName": "pod-gpu-x"}],
            "ResourceClaim default/pod-gpu-x was not created for Pod default/pod (Pod is not owner)",
            'pod "default/pod": ResourceClaim not created yet', id="made for another pod",
        ),
    ],
)  # fmt: skip
def test_claims_from_templates(things: list[Builder], status: list[Obj], waits: str, expected: object) -> None:
    cluster = cluster_of(GPU, devices("n1", "a"), *things)
    pending = pod().set("spec.resourceClaims", [FROM_TEMPLATE]).status(resourceClaimStatuses=status)
    assert dynamic_resources.waits(pending.stored(), cluster.beside) == waits
    assert verdicts(dynamic_resources.PLUGIN, pending, cluster) == (waits if expected is None else expected)


@pytest.mark.parametrize(
    ("users", "said", "writes"),
    [
        pytest.param([], "deallocation of ResourceClaim completed", 1, id="nobody"),
        pytest.param(["uid-pod"], "deallocation of ResourceClaim completed", 1, id="the pod itself"),
        pytest.param(["uid-x"], "still not schedulable", 0, id="somebody else"),
    ],
)
def test_devices_elsewhere_are_given_back_if_nobody_uses_them(users: list[str], said: str, writes: int) -> None:
    held = allocated("n1/a").set("status.allocation.nodeSelector", ON_N1)
    held.status(reservedFor=[{"resource": "pods", "name": u, "uid": u} for u in users])
    cluster = cluster_of(held)
    found, actions = dynamic_resources.afterwards(with_claims("c").stored(), cluster, cluster.order)
    assert (found, len(actions)) == (said, writes)
    for action in actions:
        assert isinstance(action, Update)
        assert action.obj["status"] == {}


def test_a_pod_that_could_not_be_bound_gives_its_reservation_back() -> None:
    held = allocated("n1/a").status(reservedFor=[{"resource": "pods", "name": "pod", "uid": "uid-pod"}])
    (action,) = dynamic_resources.unreserve(with_claims("c").stored(), cluster_of(held))
    assert isinstance(action, Patch)
    assert action.body["status"] == {"reservedFor": [{"$patch": "delete", "uid": "uid-pod"}]}


def test_extended_resources_of_a_class_are_named() -> None:
    stands = device_class().set("spec.extendedResourceName", "example.com/gpu")
    wanted = pod().requests(**{"example.com/gpu": "1"})
    said = "extended resource example.com/gpu stands for devices of class gpu: not supported here"
    assert verdicts(dynamic_resources.PLUGIN, wanted, cluster_of(stands)) == said
    plugged = cluster_of(stands, node("n1").capacity(**{"example.com/gpu": "1"}), nodes=())
    assert verdicts(dynamic_resources.PLUGIN, wanted, plugged) == {"n1": []}


def test_without_the_package_for_cel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(selectors.importlib, "import_module", missing)
    selectors._environment.cache_clear()
    cluster = cluster_of(device_class("gpu", "device.driver == 'never seen'"), claim(request()), devices("n1", "a"))
    said = f"class gpu: selector #0: {selectors.MISSING}"
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster) == {"n1": [said], "n2": NOT_ENOUGH}


DEVICE = {
    "attributes": {"model": {"string": "a100"}, "slots": {"int": 7}, "ecc": {"bool": True}, "fw": {"version": "1.10.0"},
                   "other.example.com/x": {"int": 1}},
    "capacity": {"memory": {"value": "40Gi"}},
}  # fmt: skip
A, C = f'device.attributes["{DRIVER}"]', f'device.capacity["{DRIVER}"]'


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f'device.driver == "{DRIVER}"', True),
        (f'{A}.model == "a100" && {A}.slots > 6', True),
        (f"{A}.ecc", True),
        (f'{A}.fw.isGreaterThan(semver("1.9.0"))', True),
        (f'{A}.fw.compareTo(semver("v1.10", true)) == 0', True),
        (f"{A}.fw.minor() == 10", True),
        (f'{A}.fw.isLessThan(semver("1.10.0-rc.1"))', False),
        (f'{C}.memory.isGreaterThan(quantity("32Gi"))', True),
        (f'{C}.memory == quantity("40960Mi")', True),
        (f'{C}.memory.sub(quantity("39Gi")).asInteger() == 1073741824', True),
        ('device.attributes["other.example.com"].x == 1', True),
        ('has(device.attributes["unknown.example.com"].x)', False),
        (f"cel.bind(a, {A}, a.ecc && a.slots == 7)", True),
        (f'{A}.model.lowerAscii().startsWith("a")', True),
        (f'{A}.model in ["h100", "a100"]', True),
        ("device.allowMultipleAllocations", False),
        ('isQuantity("x") || isSemver("1")', False),
        (f"{A}.nothing == 1", "CEL runtime error: no such key: nothing"),
        (f"{A}.slots", "CEL runtime error: CEL result of type int could not be converted to bool"),
    ],
)
def test_cel(expression: str, expected: bool | str) -> None:
    pytest.importorskip("cel_expr_python")
    try:
        found: bool | str = selectors.Selector(expression).matches(DEVICE, DRIVER)
    except selectors.Broken as trouble:
        found = str(trouble)
    assert found == expected


def test_an_expression_that_cannot_be_read() -> None:
    pytest.importorskip("cel_expr_python")
    with pytest.raises(selectors.Broken, match="CEL compile error: compilation failed: "):
        selectors.Selector("device.driver ==")


def test_selectors_choose_devices() -> None:
    pytest.importorskip("cel_expr_python")
    wanted = request(selectors=[{"cel": {"expression": f'{C}.memory.isGreaterThan(quantity("30Gi"))'}}])
    small, large = {"value": "10Gi"}, {"value": "40Gi"}
    mixed = devices("n1").set(
        "spec.devices", [{"name": "a", "capacity": {"memory": small}}, {"name": "b", "capacity": {"memory": large}}]
    )
    cluster = cluster_of(device_class("gpu", f'device.driver == "{DRIVER}"'), claim(wanted), mixed, devices("n2", "a"))
    assert allocation(cluster)["results"][0]["device"] == "b"
    broken = "claim default/c: selector #0: CEL runtime error: no such key: memory"
    assert verdicts(dynamic_resources.PLUGIN, with_claims("c"), cluster) == {"n1": [], "n2": [broken]}


def test_attributes_are_found_by_their_full_name() -> None:
    assert wishes.attribute({"attributes": {"a": {"int": 1}}}, "d", "d/a") == ("int", 1)
    assert wishes.attribute({"attributes": {"e/a": {"bool": False}}}, "d", "e/a") == ("bool", False)
    assert wishes.attribute({"attributes": {"a": {"int": 1}}}, "d", "e/a") is None
