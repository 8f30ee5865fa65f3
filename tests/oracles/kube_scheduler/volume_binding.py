"""VolumeBinding: every claim is bound to a volume that the node reaches, or can be."""

from __future__ import annotations

from fractions import Fraction

from tests.oracles.kube_scheduler import labels
from tests.oracles.kube_scheduler.amounts import amount
from tests.oracles.kube_scheduler.cluster import Verdict
from tests.oracles.kube_scheduler.plugin import Plugin, name_of, namespace_of
from tests.oracles.kube_scheduler.volumes import claim_name, class_of, volumes_of

CHOSEN = "volume.kubernetes.io/selected-node"
BOUND = "pv.kubernetes.io/bind-completed"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


class VolumeBinding(Plugin):
    """Sorts the pod's claims into bound ones and waiting ones, and looks for volumes."""

    name = "VolumeBinding"

    def begin(self) -> str:
        self.bound: list[dict] = []
        self.waiting: list[dict] = []
        claims = []
        for volume in volumes_of(self.pod):
            if claim_name(self.pod, volume):
                claim = self.cluster.get("PersistentVolumeClaim", claim_name(self.pod, volume), namespace_of(self.pod))
                reason = self._wrong(volume, claim)
                if reason or claim is None:
                    return reason
                claims.append(claim)
        self.skips = not claims
        return "" if all(self._sort_in(claim) for claim in claims) else "pod has unbound immediate PersistentVolumeClaims"

    def _wrong(self, volume: dict, claim: dict | None) -> str:
        """What is wrong with the claim of a volume."""
        name = claim_name(self.pod, volume)
        if claim is None:
            waiting = "waiting for ephemeral volume controller to create the " if "ephemeral" in volume else ""
            return f'{waiting}persistentvolumeclaim "{name}"' + ("" if waiting else " not found")
        if claim.get("status", {}).get("phase") == "Lost":
            gone = claim["spec"].get("volumeName", "")
            return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{gone}"'
        if claim["metadata"].get("deletionTimestamp"):
            return f'persistentvolumeclaim "{name}" is being deleted'
        owners = [o["uid"] for o in claim["metadata"].get("ownerReferences", []) if o.get("controller")]
        if "ephemeral" in volume and self.pod["metadata"].get("uid") not in owners:
            space, pod = namespace_of(self.pod), name_of(self.pod)
            return f"PVC {space}/{name} was not created for pod {space}/{pod} (pod is not owner)"
        return ""

    def _sort_in(self, claim: dict) -> bool:
        """Whether a claim is bound or may wait until the pod has a node."""
        bound_to = claim["spec"].get("volumeName")
        if bound_to and BOUND in (claim["metadata"].get("annotations") or {}):
            self.bound.append(claim)
            return True
        found = self.cluster.get("StorageClass", class_of(claim))
        if bound_to or found is None or found.get("volumeBindingMode") != "WaitForFirstConsumer":
            return False
        self.waiting.append(claim)
        return True

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        reasons = []
        bound = self._bound_problem(node)
        waiting, _, _ = self._plan(node)
        if bound == "elsewhere":
            reasons.append("node(s) didn't match PersistentVolume's node affinity")
        if waiting == "none":
            reasons.append("node(s) didn't find available persistent volumes to bind")
        if waiting == "full":
            reasons.append("node(s) did not have enough free storage")
        if bound == "gone":
            reasons.append("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")
        return self.no(*reasons, final=True) if reasons else None

    def _bound_problem(self, node: dict) -> str:
        for claim in self.bound:
            volume = self.cluster.get("PersistentVolume", claim["spec"]["volumeName"])
            if volume is None:
                return "gone"
            if not reaches(volume, node):
                return "elsewhere"
        return ""

    def _plan(self, node: dict) -> tuple[str, list[tuple[dict, dict]], list[dict]]:
        """What becomes of the waiting claims: (problem, pairs of claim and volume, claims for which volumes are made).

        The problem is "none" if there is no volume for a claim, "full" if there is no room to make one, "" if all is well.
        """
        to_make: list[dict] = []
        to_find: list[dict] = []
        for claim in self.waiting:
            chosen = (claim["metadata"].get("annotations") or {}).get(CHOSEN)
            if chosen is not None and chosen != name_of(node):
                return "none", [], []
            (to_find if chosen is None else to_make).append(claim)
        pairs: list[tuple[dict, dict]] = []
        for claim in sorted(to_find, key=size):
            volume = self._smallest(claim, node, [name_of(taken) for _, taken in pairs])
            if volume is None:
                to_make.append(claim)
            else:
                pairs.append((claim, volume))
        problems = [self._making_problem(claim, node) for claim in to_make]
        return next((problem for problem in problems if problem), ""), pairs, to_make

    def reserved(self, node: dict) -> list[dict]:
        """Volumes and claims as they are once the pod has the node: volumes are kept for claims, other claims know the node."""
        found = []
        _, pairs, to_make = self._plan(node)
        for claim, volume in pairs:
            reference = {key: claim["metadata"][key] for key in ("name", "namespace", "uid")}
            found.append({**volume, "spec": {**volume["spec"], "claimRef": reference}})
        for claim in to_make:
            annotations = {**(claim["metadata"].get("annotations") or {}), CHOSEN: name_of(node)}
            found.append({**claim, "metadata": {**claim["metadata"], "annotations": annotations}})
        return found

    def _smallest(self, claim: dict, node: dict, taken: list[str]) -> dict | None:
        """The volume that is kept for a claim, or else the smallest free one that will do."""
        best = None
        for volume in self.cluster.kind("PersistentVolume"):
            if name_of(volume) in taken or class_of(volume) != class_of(claim) or room(volume) < size(claim):
                continue
            if volume["metadata"].get("deletionTimestamp") or mode(volume) != mode(claim):
                continue
            reference = volume["spec"].get("claimRef")
            if reference is not None:
                if is_for(reference, claim):
                    return volume if reaches(volume, node) else None
                continue
            selector = claim["spec"].get("selector")
            fits = volume.get("status", {}).get("phase") == "Available" and reaches(volume, node)
            fits = fits and set(claim["spec"].get("accessModes", [])) <= set(volume["spec"].get("accessModes", []))
            fits = fits and (selector is None or labels.selects(selector, labels.labels_of(volume)))
            if fits and (best is None or room(volume) < room(best)):
                best = volume
        return best

    def _making_problem(self, claim: dict, node: dict) -> str:
        """Why a volume cannot be made for a claim on a node."""
        found = self.cluster.get("StorageClass", class_of(claim))
        assert found is not None  # or else the claim would not be waiting
        if found["provisioner"] in ("", NO_PROVISIONER):
            return "none"
        terms = found.get("allowedTopologies") or []
        if terms and not any(allows(term, node) for term in terms):
            return "none"
        driver = self.cluster.get("CSIDriver", found["provisioner"])
        if driver is None or not driver["spec"].get("storageCapacity"):
            return ""
        for capacity in self.cluster.kind("CSIStorageCapacity"):
            limit = capacity.get("maximumVolumeSize") or capacity.get("capacity")
            near = labels.selects(capacity.get("nodeTopology"), labels.labels_of(node))
            if near and capacity["storageClassName"] == name_of(found) and limit and amount(limit) >= size(claim):
                return ""
        return "full"


def size(claim: dict) -> Fraction:
    """How much a claim wants."""
    return amount(claim["spec"].get("resources", {}).get("requests", {}).get("storage", "0"))


def room(volume: dict) -> Fraction:
    """How much a volume has."""
    return amount(volume["spec"].get("capacity", {}).get("storage", "0"))


def mode(obj: dict) -> str:
    """Filesystem or Block."""
    return str(obj["spec"].get("volumeMode") or "Filesystem")


def is_for(reference: dict, claim: dict) -> bool:
    """Whether a volume's claimRef means a claim."""
    if (reference["name"], reference["namespace"]) != (name_of(claim), namespace_of(claim)):
        return False
    return reference.get("uid") in (None, "", claim["metadata"].get("uid"))


def reaches(volume: dict, node: dict) -> bool:
    """Whether a volume can be used on a node."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    nameless = {"metadata": {"name": "", "labels": labels.labels_of(node)}}
    return required is None or any(labels.term_holds(term, nameless) for term in required["nodeSelectorTerms"])


def allows(term: dict, node: dict) -> bool:
    """Whether a topology term of a storage class matches a node."""
    expressions = term.get("matchLabelExpressions") or []
    return bool(expressions) and all(labels.labels_of(node).get(e["key"]) in e["values"] for e in expressions)
