"""Which pods belong together by default: those of a Service, or of the controller that made them.

As DefaultSelector in plugins/helper/spread.go.
"""

from __future__ import annotations

from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.selectors import LabelSelector, Requirement
from k8s_notebook.scheduler.surroundings import Surroundings

_CONTROLLERS = {
    ("v1", "ReplicationController"): "replicationcontrollers",
    ("apps/v1", "ReplicaSet"): "replicasets.apps",
    ("apps/v1", "StatefulSet"): "statefulsets.apps",
}


class Defaults:
    """The default selectors of pods."""

    def __init__(self, beside: Surroundings) -> None:
        self._beside = beside
        self._services: dict[str, list[dict[str, str]]] = {}
        self._version = -1
        self._known: dict[tuple[object, ...], LabelSelector | None] = {}

    def selector(self, pod: Obj) -> LabelSelector | None:
        """What selects the pods that belong to a pod's Services and controller; None if there is nothing."""
        metadata = pod["metadata"]
        namespace, labels = metadata.get("namespace") or "", metadata.get("labels") or {}
        wanted: dict[str, str] = {}
        for each in self._of_services(namespace):
            if all(labels.get(key) == value for key, value in each.items()):
                wanted.update(each)
        stated = self._of_controller(metadata, namespace)
        key = (tuple(sorted(wanted.items())), stated)
        if key not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            more = stated.requirements if stated is not None else ()
            both = (*(Requirement(k, "=", (v,)) for k, v in wanted.items()), *more)
            self._known[key] = LabelSelector(both) if both else None
        return self._known[key]

    def _of_services(self, namespace: str) -> list[dict[str, str]]:
        version = self._beside.version("services")
        if version != self._version:
            self._version = version
            self._services.clear()
        found = self._services.get(namespace)
        if found is None:
            specs = (service.get("spec") or {} for service in self._beside.list("services", namespace))
            found = self._services[namespace] = [spec["selector"] for spec in specs if spec.get("selector") is not None]
        return found

    def _of_controller(self, metadata: Obj, namespace: str) -> LabelSelector | None:
        for owner in metadata.get("ownerReferences") or ():
            resource = _CONTROLLERS.get((owner.get("apiVersion", ""), owner.get("kind", ""))) if owner.get("controller") else None
            if resource is None:
                continue
            found = self._beside.get(resource, namespace, owner["name"])
            stated = ((found or {}).get("spec") or {}).get("selector")
            if found is None or stated is None:
                return None
            return selectors.from_map(stated) if resource == "replicationcontrollers" else selectors.from_spec(stated)
        return None
