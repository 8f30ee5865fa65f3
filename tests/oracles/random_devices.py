"""Random clusters with devices: ResourceSlices, DeviceClasses, ResourceClaims and pods that use them."""

from __future__ import annotations

import random
from typing import Any

Json = dict[str, Any]
GPU, NIC = "gpu.example.com", "nic.example.com"
ZONE_A = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}
NOT_A = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}]}
EXPRESSIONS = (
    'device.driver == "{0}"', '{1}.model == "a"', '{1}.?model.orValue("a") == "a"', "has({1}.n) && {1}.n > 2", "{1}.n > 1",
    '{2}.memory.isGreaterThan(quantity("8Gi"))', '{2}.memory.compareTo(quantity("10Gi")) >= 0', "!({1}.ecc)",
    '{1}.fw.isLessThan(semver("1.10.0"))', "cel.bind(a, {1}, a.n in [1, 3])", '{1}.model.matches("^[ab]$")',
    'has(device.attributes["other.org"].x)', "device.allowMultipleAllocations || {1}.ecc", "{2}.memory.asInteger() > 10000000000",
    '"{0}" in device.attributes && {1}.n != 2',
)  # fmt: skip
"""Of a driver, its attributes, its capacity."""


class Devices(random.Random):
    """One random case; with `cel`, classes and requests have selectors."""

    def __init__(self, seed: int, *, cel: bool) -> None:
        super().__init__(seed)
        self._cel = cel
        self._nodes = [f"n{i}" for i in range(self.randint(2, 4))]

    def case(self, pods: int = 3) -> Json:
        """Nodes, other objects, and pods to be decided one after the other."""
        labels = {name: {"kubernetes.io/hostname": name, "zone": self.choice("ab")} for name in self._nodes}
        status = {"allocatable": {"cpu": "10", "memory": "10Gi", "pods": "110"}}
        nodes = [_object("v1", "Node", n, "", labels=labels[n]) | {"status": status} for n in self._nodes]
        slices = [made for driver in (GPU, NIC) for made in (*self._local(driver), *self._shared(driver), *self._counted(driver))]
        classes = [self._class(name, driver) for name, driver in (("gpu", GPU), ("nic", NIC), ("any", "")) if self._often(0.96)]
        claims = [self._claim(f"c{i}") for i in range(self.randint(1, 5))]
        names = [claim["metadata"]["name"] for claim in claims]
        pending = [self._pod(f"p{i}", names) for i in range(pods)]
        return {"nodes": nodes, "pending": pending, "objects": [*slices, *classes, *claims]}

    def _often(self, probability: float) -> bool:
        return self.random() < probability

    def _device(self, number: int) -> Json:
        attributes: Json = {
            "model": {"string": self.choice("ab")}, "n": {"int": self.randint(1, 3)}, "ecc": {"bool": self._often(0.5)},
            "fw": {"version": self.choice(["1.9.0", "1.10.0", "1.10.0-rc.1", "2.0.0"])}, "other.org/x": {"string": self.choice("yz")},
        }  # fmt: skip
        made: Json = {"name": f"d{number}", "attributes": {k: v for k, v in attributes.items() if self._often(0.9)}}
        if self._often(0.9):
            made["capacity"] = {"memory": {"value": self.choice(["4Gi", "10Gi", "16Gi"])}}
        if self._often(0.15):
            value = {"value": "v"} if self._often(0.5) else {}
            made["taints"] = [{"key": self.choice("xy"), "effect": self.choice(["NoSchedule", "NoExecute", "None"]), **value}]
        return made

    def _local(self, driver: str) -> list[Json]:
        """The devices of each node."""
        made = []
        for node in self._nodes if self._often(0.9) else ():
            parts, generation, number = self.choice([1, 1, 2]), self.choice([1, 2]), 0
            said = parts + self._often(0.07)
            for part in range(parts):
                devices = []
                for _ in range(self.randint(0, 3)):
                    devices.append(self._device(number))
                    number += self._often(0.97)
                pool = {"name": node, "generation": generation + self._often(0.07), "resourceSliceCount": said}
                made.append(
                    _slice(f"{driver[:3]}-{node}-{self.choice('abc')}{part}", driver, pool, devices=devices, nodeName=node)
                )
        return made

    def _shared(self, driver: str) -> list[Json]:
        """Devices of several nodes."""
        if self._often(0.5):
            return []
        pool = {"name": self.choice(["aa", "zz"]), "generation": 1, "resourceSliceCount": 1}
        devices = [self._device(number) for number in range(self.randint(1, 2))]
        places: list[Json] = [{"allNodes": True}, {"nodeSelector": ZONE_A}, {"perDeviceNodeSelection": True}]
        place = self.choice(places)
        for device in devices if place is places[2] else ():
            device.update(self.choice([{"nodeName": self.choice(self._nodes)}, {"allNodes": True}, {"nodeSelector": NOT_A}]))
        return [_slice(f"{driver[:3]}-shared", driver, pool, devices=devices, **place)]

    def _counted(self, driver: str) -> list[Json]:
        """Devices that share counters."""
        if self._often(0.6):
            return []
        pool = {"name": f"counted-{driver[0]}", "generation": 1, "resourceSliceCount": 2}
        counters = {"mem": {"value": self.choice(["10Gi", "20Gi"])}, "cores": {"value": str(self.randint(2, 6))}}
        devices = [self._device(number) for number in range(self.randint(1, 4))]
        for device in devices:
            taken = {"mem": {"value": self.choice(["4Gi", "5Gi", "10Gi"])}, "cores": {"value": str(self.randint(1, 3))}}
            device["consumesCounters"] = [{"counterSet": "s", "counters": taken}]
            if self._often(0.1):
                device["bindsToNode"] = True
            if self._often(0.4):
                device.update(allowMultipleAllocations=True, capacity={"memory": {"value": "10Gi", **self._policy()}})
        sets = [{"name": "s" if self._often(0.95) else "t", "counters": counters}]
        place: Json = {"allNodes": True} if self._often(0.6) else {"nodeName": self.choice(self._nodes)}
        counted = _slice(f"{driver[:3]}-counters", driver, pool, sharedCounters=sets, allNodes=True)
        return [counted, _slice(f"{driver[:3]}-counted", driver, pool, devices=devices, **place)]

    def _policy(self) -> Json:
        """In which sizes a capacity is given out."""
        limits = [{"min": "1Gi"}, {"min": "1Gi", "step": "2Gi"}, {"min": "1Gi", "step": "1Gi", "max": "5Gi"}]
        kinds: list[Json] = [{"validValues": ["1Gi", "2Gi", "4Gi"]}, *({"validRange": limit} for limit in limits)]
        return {"requestPolicy": {"default": "1Gi", **self.choice(kinds)}} if self._often(0.7) else {}

    def _class(self, name: str, driver: str) -> Json:
        spec: Json = {}
        if driver and self._cel:
            spec["selectors"] = [{"cel": {"expression": f'device.driver == "{driver}"'}}]
        if self._often(0.3):
            spec["config"] = [{"opaque": {"driver": "x.y", "parameters": {"a": 1}}}]
        return _object("resource.k8s.io/v1", "DeviceClass", name, "") | {"spec": spec}

    def _wish(self) -> Json:
        """What a request asks for."""
        name = self.choice(["gpu", "gpu", "nic", "any"])
        made: Json = {"deviceClassName": name, "allocationMode": "All" if self._often(0.2) else "ExactCount"}
        if made["allocationMode"] == "ExactCount":
            made["count"] = self.choice([1, 1, 1, 2, 3])
        if self._often(0.3):
            equal = {"operator": "Equal", "value": "v"} if self._often(0.5) else {"operator": "Exists"}
            made["tolerations"] = [{"key": self.choice("xy"), **equal}]
        if self._often(0.3):
            made["capacity"] = {"requests": {"memory": self.choice(["512Mi", "1Gi", "1500Mi", "3Gi", "6Gi"])}}
        if self._cel and self._often(0.6):
            driver = NIC if name == "nic" else GPU
            read = f'device.attributes["{driver}"]', f'device.capacity["{driver}"]'
            made["selectors"] = [{"cel": {"expression": self.choice(EXPRESSIONS).format(driver, *read)}}]
        return made

    def _request(self, name: str) -> Json:
        if self._often(0.3):
            return {"name": name, "firstAvailable": [{"name": f"s{i}", **self._wish()} for i in range(self.randint(1, 3))]}
        return {"name": name, "exactly": self._wish() | ({"adminAccess": True} if self._often(0.1) else {})}

    def _claim(self, name: str) -> Json:
        requests = [self._request(f"r{i}") for i in range(self.choice([1, 1, 2, 3]))]
        one = {"requests": [self.choice(requests)["name"]]} if self._often(0.5) else {}
        devices: Json = {"requests": requests}
        if self._often(0.35):
            kind = self.choice(["matchAttribute", "distinctAttribute"])
            devices["constraints"] = [{kind: self.choice([f"{GPU}/model", f"{GPU}/n", f"{NIC}/ecc", "other.org/x"]), **one}]
        if self._often(0.2):
            devices["config"] = [{"opaque": {"driver": "x.y", "parameters": {"b": 1}}, **one}]
        status = self._status() if self._often(0.25) else {}
        return _object("resource.k8s.io/v1", "ResourceClaim", name, "default") | {"spec": {"devices": devices}, "status": status}

    def _status(self) -> Json:
        """Of a claim that has a device, or a share of one."""
        pool = self.choice([*self._nodes, "counted-g", "counted-n"])
        result: Json = {"request": "r0", "driver": self.choice([GPU, NIC]), "pool": pool, "device": f"d{self.randint(0, 2)}"}
        told: Json = {}
        if self._often(0.2):
            result.update(shareID="3b9d8f6c-0000-4000-8000-000000000000", consumedCapacity={"memory": "2Gi"})
        elif self._often(0.3):
            conditions = [{"type": self.choice(["Attached", "Failed"]), "status": "True", "reason": "R", "message": "m"}]
            device = {k: result[k] for k in ("driver", "pool", "device")}
            told = {"devices": [{**device, "conditions": conditions}]}
            result.update(bindingConditions=["Attached"], bindingFailureConditions=["Failed"])
        place = {
            "nodeSelectorTerms": [
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [self.choice(self._nodes)]}]}
            ]
        }
        where = self.choice([{}, {"nodeSelector": ZONE_A}, {"nodeSelector": place}])
        users = {"reservedFor": [{"resource": "pods", "name": "x", "uid": "ux"}]} if self._often(0.5) else {}
        return {"allocation": {"devices": {"results": [result]}, **where}, **users, **told}

    def _pod(self, name: str, claims: list[str]) -> Json:
        used = ["gone"] if self._often(0.03) else self.sample(claims, min(len(claims), self.choice([1, 1, 2])))
        spec = {
            "containers": [{"name": "c", "image": "i"}],
            "resourceClaims": [{"name": c, "resourceClaimName": c} for c in used],
        }
        return _object("v1", "Pod", name, "default") | {"spec": spec, "status": {}}


def _object(version: str, kind: str, name: str, namespace: str, **metadata: Any) -> Json:
    named = {"name": name, "uid": f"{namespace}/{name}", "resourceVersion": "1", **metadata}
    return {"apiVersion": version, "kind": kind, "metadata": named | ({"namespace": namespace} if namespace else {})}


def _slice(name: str, driver: str, pool: Json, **spec: Any) -> Json:
    return _object("resource.k8s.io/v1", "ResourceSlice", name, "") | {"spec": {"driver": driver, "pool": pool, **spec}}
