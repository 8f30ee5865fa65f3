"""The scheduler at work: several profiles, gates, objects beside, and what is written before a pod is bound."""

from __future__ import annotations

import dataclasses

from k8s_notebook.machinery.actions import Bind, Delete, Patch, Update
from k8s_notebook.objects import Obj, errors
from k8s_notebook.scheduler import profiles
from tests.builders import Builder, PodBuilder, anything, cluster_wide, node, pod
from tests.unit.scheduler.memory import World

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"


def claiming(name: str = "p", claim: str = "data") -> PodBuilder:
    return pod(name).set("spec.volumes", [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}])


def claim(name: str = "data") -> Builder:
    built = (
        anything("v1", "PersistentVolumeClaim", name)
        .set("spec.storageClassName", "late")
        .set("spec.accessModes", ["ReadWriteOnce"])
    )
    return built.set("spec.resources", {"requests": {"storage": "1Gi"}}).set("status.phase", "Pending")


def volume(name: str = "disk") -> Builder:
    built = cluster_wide("v1", "PersistentVolume", name).set("spec.storageClassName", "late").set("status.phase", "Available")
    return (
        built.set("spec.accessModes", ["ReadWriteOnce"])
        .set("spec.capacity", {"storage": "1Gi"})
        .set("spec.hostPath", {"path": "/x"})
    )


def late() -> Obj:
    built = cluster_wide("storage.k8s.io/v1", "StorageClass", "late").set("volumeBindingMode", "WaitForFirstConsumer")
    return built.set("provisioner", "kubernetes.io/no-provisioner").stored()


def storage(*objects: Builder) -> World:
    world = World(node("a"))
    world.api.put("storageclasses.storage.k8s.io", late())
    for each in objects:
        world.api.put(CLAIMS if each.obj()["kind"] == "PersistentVolumeClaim" else VOLUMES, each.stored())
    return world


def bound(world: World, name: str = "data", disk: str = "disk") -> None:
    """What the volume controller does."""
    world.api.put(VOLUMES, {**world.api.objects[VOLUMES, "", disk], "status": {"phase": "Bound"}})
    stored = world.api.objects[CLAIMS, "default", name]
    annotations = {"pv.kubernetes.io/bind-completed": "yes"}
    stored = {**stored, "metadata": {**stored["metadata"], "annotations": annotations}, "status": {"phase": "Bound"}}
    world.api.put(CLAIMS, {**stored, "spec": {**stored["spec"], "volumeName": disk}})


def test_a_volume_is_bound_before_its_pod() -> None:
    world = storage(claim(), volume()).run()
    world.add(claiming()).run()
    assert [r.obj["spec"]["claimRef"]["name"] for r in world.api.requests if isinstance(r, Update)] == ["data"]
    assert world.api.binds() == []
    assert world.nominated("p") == "a"
    assert world.scheduler.status()["binding"] == 1
    bound(world)
    assert world.run(1).where("p") == "a"
    assert world.scheduler.status()["binding"] == 0


def test_a_volume_that_is_promised_to_one_pod_is_not_given_to_another() -> None:
    world = storage(claim(), claim("more"), volume()).run()
    world.add(claiming()).run()
    world.add(claiming("q", "more")).run()
    assert "didn't find available persistent volumes to bind" in world.condition("q")["message"]


def test_a_volume_that_cannot_be_written_lets_the_pod_try_again() -> None:
    world = storage(claim(), volume()).run()
    world.api.slow = (Update,)
    world.add(claiming()).run()
    world.api.refuse_update = errors.Conflict("the volume was modified")
    world.api.answer()
    world.run()
    assert world.condition("p")["message"] == 'running PreBind plugin "VolumeBinding": the volume was modified'
    assert (world.nominated("p"), world.scheduler.cluster.placed) == ("", {})
    world.api.refuse_update, world.api.slow = None, ()
    world.run(2)
    bound(world)
    assert world.run(1).where("p") == "a"


def test_a_volume_that_is_not_bound_in_time_lets_the_pod_try_again() -> None:
    world = storage(claim(), volume()).run()
    world.add(claiming()).run(599)
    assert world.scheduler.status()["binding"] == 1
    world.run(1.5)
    assert world.condition("p")["reason"] == "SchedulerError"
    assert world.condition("p")["message"].startswith('running PreBind plugin "VolumeBinding": binding volumes: ')


def test_a_pod_that_goes_while_its_volume_is_bound_is_forgotten() -> None:
    world = storage(claim(), volume()).run()
    world.add(claiming()).run()
    world.api.delete("pods", "default", "p")
    world.run()
    bound(world)
    assert world.run(5).api.binds() == []
    assert world.scheduler.status()["binding"] == 0
    assert world.scheduler.cluster.placed == {}


def test_a_claim_that_appears_wakes_its_pod_and_no_other() -> None:
    world = storage(volume()).run()
    world.add(claiming(), pod("big").requests(cpu="99")).run(20)
    assert 'persistentvolumeclaim "data" not found' in world.condition("p")["message"]
    attempts = world.scheduler.attempts
    world.api.put(CLAIMS, claim().stored())
    world.run(2)
    assert world.scheduler.attempts == attempts + 1
    bound(world)
    assert world.run(1).where("p") == "a"


def test_profiles_share_the_cluster_and_speak_with_their_own_name() -> None:
    served = [dataclasses.replace(profiles.DEFAULT, name=n) for n in ("red", "blue")]
    world = World(node("a").capacity(cpu="2"), served=served)
    for name, scheduler in (("r", "red"), ("b", "blue"), ("d", "default-scheduler")):
        world.add(pod(name).requests(cpu="1").set("spec.schedulerName", scheduler))
    world.run().add(pod("late").requests(cpu="1").set("spec.schedulerName", "red")).run()
    assert world.api.binds() == [("r", "a"), ("b", "a")]
    speakers = {e["involvedObject"]["name"]: e["reportingComponent"] for e in world.api.events()}
    assert speakers == {"r": "red", "b": "blue", "late": "red"}


def test_who_stands_by_watches_and_places_nothing() -> None:
    world = World(node("a"), begin=False).add(pod("p")).run(30)
    assert world.api.binds() == []
    world.scheduler.begin()
    assert world.run().where("p") == "a"
    world.scheduler.halt()
    assert world.add(pod("q")).run(30).where("q") == ""


def test_what_may_not_be_seen_is_not_watched() -> None:
    world = World(node("a"), without=("services", "poddisruptionbudgets.policy"))
    assert "services" not in world.informers
    assert "replicasets.apps" in world.informers
    assert world.add(pod("p")).run().where("p") == "a"


def test_a_pod_waits_for_claims_of_devices_that_are_not_made_yet() -> None:
    wanting = pod("p").set("spec.resourceClaims", [{"name": "gpu", "resourceClaimTemplateName": "t"}])
    world = World(node("a")).add(wanting).run(30)
    assert (world.scheduler.attempts, world.scheduler.status()["waiting"]) == (0, 1)


def test_decisions_are_told_before_they_are_acted_on() -> None:
    world = World(node("a"))
    heard: list[tuple[str, str, int, int]] = []
    world.scheduler.decided.append(
        lambda incoming, _, start, decision, at: heard.append((incoming.name, decision.node, start, len(world.api.binds())))
    )
    world.add(pod("p")).run()
    assert heard == [("p", "a", 0, 0)]


def test_a_pod_whose_binding_is_under_way_is_not_counted_twice_and_gives_its_room_back_when_deleted() -> None:
    world = World(node("a").capacity(cpu="1"))
    world.api.slow = (Bind,)
    world.add(pod("p").requests(cpu="1")).run()
    world.add(pod("q").requests(cpu="1")).run()
    assert world.where("q") == ""
    stored = world.api.pod("p")
    world.api.put("pods", {**stored, "metadata": {**stored["metadata"], "deletionTimestamp": "1970-01-01T00:17:00Z"}})
    world.run(3)
    assert len(world.api.open) == 2
    assert [r for r in world.api.requests if isinstance(r, Patch) and r.name == "p"] == []


def test_a_pod_that_waits_for_its_volume_makes_room_without_being_deleted() -> None:
    world = World(node("a").capacity(cpu="1"))
    world.api.put("storageclasses.storage.k8s.io", late())
    world.api.put(CLAIMS, claim().stored())
    world.api.put(VOLUMES, volume().stored())
    world.add(claiming("low").requests(cpu="1")).run()
    assert world.scheduler.status()["binding"] == 1
    world.add(pod("high").requests(cpu="1").set("spec.priority", 9)).run(0.5)
    assert world.where("high") == "a"
    assert [r for r in world.api.requests if isinstance(r, Delete)] == []
    event = world.api.events("Preempted")[0]
    assert event["message"] == "Preempted by pod uid-high on node a (in kube-scheduler memory)."
    assert world.condition("low")["message"] == "preempted by DefaultPreemption"


def devices(world: World) -> World:
    """A node with one device, and a claim for one."""
    group = "resource.k8s.io"
    made = cluster_wide(f"{group}/v1", "DeviceClass", "gpu").set("spec", {})
    world.api.put(f"deviceclasses.{group}", made.stored())
    pool = {"name": "a", "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": "gpu.example.com", "nodeName": "a", "pool": pool, "devices": [{"name": "gpu-0"}]}
    world.api.put(f"resourceslices.{group}", cluster_wide(f"{group}/v1", "ResourceSlice", "s").set("spec", spec).stored())
    request = {"name": "one", "exactly": {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1}}
    claimed = anything(f"{group}/v1", "ResourceClaim", "mine").set("spec.devices.requests", [request])
    world.api.put(f"resourceclaims.{group}", claimed.stored())
    return world


def test_devices_are_given_before_the_pod_is_bound_in_order() -> None:
    world = devices(World(node("a"), node("b"))).run()
    world.api.slow = (Update, Patch)
    world.add(pod("p").set("spec.resourceClaims", [{"name": "gpu", "resourceClaimName": "mine"}])).run()
    for _ in range(4):
        world.api.answer()
        world.run()
    written = [
        r for r in world.api.requests if getattr(r, "resource", "") == "resourceclaims.resource.k8s.io" or isinstance(r, Bind)
    ]
    assert [type(r) for r in written] == [Update, Patch, Bind]
    assert written[1].body["status"]["allocation"]["devices"]["results"][0]["device"] == "gpu-0"
    assert world.where("p") == "a"
