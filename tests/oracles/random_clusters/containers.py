"""Random containers: images, requests and host ports."""

from __future__ import annotations

from tests.oracles.kube_scheduler import amounts
from tests.oracles.random_clusters.dice import Dice, Json

IMAGES = ["nginx:1.27", "registry:5000/app", "busybox@sha256:12", "big/model:v2", "alpine", "unknown:1"]
OVERHEAD = {"cpu": "50m", "memory": "64Mi"}
DEFAULTS = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": "IfNotPresent",
    "resources": {},
}
Ports = set[tuple[str, str, int]]


def stanza(dice: Dice, modest: bool) -> Json:
    """The part of a pod's spec that is about its containers."""
    taken: Ports = set()
    found: Json = {"containers": [_container(dice, f"c{i}", modest, taken) for i in range(dice.choice([1, 1, 1, 2, 3]))]}
    if dice.uses("resources", 0.2):
        found["initContainers"] = [_container(dice, f"i{i}", modest, taken) for i in range(dice.randint(1, 3))]
        for container in found["initContainers"]:
            if dice.often(0.5):
                container["restartPolicy"] = "Always"
    if dice.uses("resources", 0.1):
        found["overhead"] = dict(OVERHEAD)
        found["runtimeClassName"] = "sandbox"
    if dice.uses("ports", 0.1):
        _host_network(found)
    if dice.uses("declared", 0.2):
        _needs_features(dice, found)
    if dice.uses("podlevel", 0.3):
        found["resources"] = {"requests": _whole_pod(dice, found)}
    return found


def _container(dice: Dice, name: str, modest: bool, taken: Ports) -> Json:
    requests = _requests(dice, modest)
    made: Json = {"name": name, "image": dice.choice(IMAGES), **DEFAULTS}
    if requests:
        whole = {r: a for r, a in requests.items() if "/" in r or r.startswith("hugepages-")}
        made["resources"] = {"requests": requests, **({"limits": whole} if whole else {})}
    if dice.uses("ports", 0.3):
        made["ports"] = _ports(dice, taken)
    return made


def _requests(dice: Dice, modest: bool) -> dict[str, str]:
    requests = {}
    if dice.often(0.7):
        requests["cpu"] = dice.choice(
            ["0", "1u", "100m", "250m", "500m"] if modest else ["0", "100m", "333m", "500m", "1", "2500m"]
        )
    if dice.crowded and dice.often(0.7):
        requests["cpu"] = dice.choice(["100m", "200m", "350m"] if modest else ["400m", "700m", "1"])
    if dice.often(0.7):
        sizes = ["0", "64Mi", "500M", "256Mi", "1e8"] if modest else ["0", "64Mi", "500M", "1Gi", "3Gi", "1500000k"]
        requests["memory"] = dice.choice(sizes)
    if dice.uses("resources", 0.1):
        requests["ephemeral-storage"] = dice.choice(["100Mi", "600Mi"])
    if dice.uses("resources", 0.15):
        requests["example.com/gpu"] = dice.choice(["0", "1", "2"])
    if dice.uses("resources", 0.02):
        requests["other.example/widget"] = "1"
    if dice.uses("resources", 0.04):
        requests |= {"cpu": "100m", "hugepages-2Mi": dice.choice(["32Mi", "64Mi"])}
    return requests


def _ports(dice: Dice, taken: Ports) -> list[Json]:
    """Host ports that the pod does not hold yet."""
    found = []
    for number in dice.some([80, 443, 8080], 2):
        protocol = dice.choice(["TCP", "TCP", "UDP"])
        address = dice.choice(["", "", "127.0.0.1", "10.0.0.1", "0.0.0.0", "::"])
        if (protocol, address, number) in taken or (protocol, "", number) in taken:
            continue
        taken.add((protocol, address, number))
        port: Json = {"containerPort": number, "hostPort": number, "protocol": protocol}
        found.append({**port, **({"hostIP": address} if address else {})})
    return found


def _host_network(found: Json) -> None:
    """The pod uses the node's network: each port is a host port."""
    found["hostNetwork"] = True
    for container in found["containers"]:
        container.setdefault("ports", []).append({"containerPort": 9100, "hostPort": 9100, "protocol": "TCP"})
        return


def _needs_features(dice: Dice, found: Json) -> None:
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    container = dice.choice(found["containers"])
    container |= {"restartPolicy": "Never", "restartPolicyRules": [rule]}


def _whole_pod(dice: Dice, found: Json) -> dict[str, str]:
    """Requests of the whole pod, at least what its containers ask for together."""
    requests = {}
    bare = {"spec": {key: found[key] for key in ("containers", "initContainers") if key in found}}
    for resource, unit in dice.some([("cpu", "m"), ("memory", "")], 2):
        least = amounts.pod_request(bare, resource)
        more = dice.choice([0, 0, 250]) if resource == "cpu" else dice.choice([0, 2**28])
        requests[resource] = f"{least + more}{unit}"
    if amounts.pod_request(bare, "hugepages-2Mi"):
        requests["hugepages-2Mi"] = str(amounts.pod_request(bare, "hugepages-2Mi"))
    return requests


def resize(dice: Dice, pod: Json) -> None:
    """A resize is under way: what is in force and what was promised differ from what is wanted."""
    amounts_of = [{"cpu": c, "memory": m} for c in ("50m", "400m") for m in ("32Mi", "600Mi")]
    statuses = [
        {"name": c["name"], "resources": {"requests": dice.choice(amounts_of)}, "allocatedResources": dice.choice(amounts_of)}
        for c in pod["spec"]["containers"]
    ]
    pod["status"]["containerStatuses"] = statuses
    if "resources" in pod["spec"] and dice.often(0.5):
        pod["status"]["resources"] = {"requests": dice.choice(amounts_of)}
        pod["status"]["allocatedResources"] = dice.choice(amounts_of)
    if dice.often(0.5):
        reason = dice.choice(["Infeasible", "Deferred"])
        pod["status"]["conditions"] = [{"type": "PodResizePending", "status": "True", "reason": reason}]
