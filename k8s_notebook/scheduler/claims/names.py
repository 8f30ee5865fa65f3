"""The ResourceClaims of a pod: those that it names, and those that were made for it from templates."""

from __future__ import annotations

from typing import NamedTuple

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.surroundings import Surroundings

CLAIMS = "resourceclaims.resource.k8s.io"
MADE_FOR = "resource.kubernetes.io/pod-claim-name"
"""The annotation of a claim that was made from a template: the entry of the pod that it is for."""


class Found(NamedTuple):
    """The claims of a pod in the order of its spec, or why one cannot be used."""

    claims: list[Obj]
    trouble: str = ""


def of_class(pod: PodClass, beside: Surroundings) -> Found:
    """The claims of the pod of a class. Claims from templates are told by their owner."""
    found = []
    for entry in pod.spec.get("resourceClaims") or ():
        name = entry.get("resourceClaimName") or _made(entry["name"], pod.namespace, pod.name, beside)
        if name is None:
            return Found([], _not_made(pod.namespace, pod.name))
        claim = beside.get(CLAIMS, pod.namespace, name)
        trouble = _unusable(claim, pod.namespace, name)
        if claim is None or trouble:
            return Found([], trouble)
        found.append(claim)
    return Found(found)


def of_pod(pod: Obj, beside: Surroundings) -> Found:
    """The claims of a pod, as its status names those that were made from templates."""
    metadata, found = pod["metadata"], []
    namespace = metadata.get("namespace") or ""
    made = {s["name"]: s.get("resourceClaimName") for s in (pod.get("status") or {}).get("resourceClaimStatuses") or ()}
    for entry in pod["spec"].get("resourceClaims") or ():
        named = entry.get("resourceClaimName")
        if named is None and entry["name"] not in made:
            return Found([], _not_made(namespace, metadata["name"]))
        name = named or made[entry["name"]]
        if name is None:
            continue
        claim = beside.get(CLAIMS, namespace, name)
        trouble = _unusable(claim, namespace, name)
        if claim is not None and not trouble and named is None and not _owned(claim, metadata):
            at, owner = f"{namespace}/{name}", f"{namespace}/{metadata['name']}"
            trouble = f"ResourceClaim {at} was not created for Pod {owner} (Pod is not owner)"
        if claim is None or trouble:
            return Found([], trouble)
        found.append(claim)
    return Found(found)


def owner_of(claim: Obj) -> str:
    """namespace/name of the pod for which a claim was made, "" for others."""
    controller = _controller(claim)
    return f"{claim['metadata'].get('namespace') or ''}/{controller['name']}" if controller.get("kind") == "Pod" else ""


def _made(entry: str, namespace: str, pod: str, beside: Surroundings) -> str | None:
    claims = beside.grouped(CLAIMS, owner_of, f"{namespace}/{pod}")
    names = (c["metadata"]["name"] for c in claims if (c["metadata"].get("annotations") or {}).get(MADE_FOR) == entry)
    return next(names, None)


def _not_made(namespace: str, name: str) -> str:
    return f'pod "{namespace}/{name}": ResourceClaim not created yet'


def _unusable(claim: Obj | None, namespace: str, name: str) -> str:
    if claim is None:
        return f'could not find ResourceClaim "{namespace}/{name}"'
    return f'resourceclaim "{name}" is being deleted' if claim["metadata"].get("deletionTimestamp") else ""


def _owned(claim: Obj, pod: Obj) -> bool:
    return bool(_controller(claim).get("uid") == pod.get("uid"))


def _controller(claim: Obj) -> Obj:
    return next((r for r in claim["metadata"].get("ownerReferences") or () if r.get("controller")), {})
