"""What a user would send to an API server to get an object of a case."""

from __future__ import annotations

from tests.oracles.random_clusters.affinity import PREFERRED, REQUIRED
from tests.oracles.random_clusters.dice import Json

SENT = ("name", "namespace", "labels", "annotations", "ownerReferences")


def as_sent(obj: Json) -> Json:
    """The object without what the server fills in or would refuse; the rest of its status has to be sent separately."""
    metadata = {key: value for key, value in obj["metadata"].items() if key in SENT}
    made = {key: value for key, value in obj.items() if key != "status"} | {"metadata": metadata}
    if obj["kind"] == "Pod":
        made["spec"] = _pod_spec(obj["spec"])
    return made


def _pod_spec(spec: Json) -> Json:
    """A pod's spec whose label selectors do not contain what matchLabelKeys and mismatchLabelKeys say."""
    made = dict(spec)
    if "topologySpreadConstraints" in spec:
        made["topologySpreadConstraints"] = [_unmerged(c) for c in spec["topologySpreadConstraints"]]
    if "affinity" in spec:
        made["affinity"] = {name: _stanza(part) if name.startswith("pod") else part for name, part in spec["affinity"].items()}
    return made


def _stanza(part: Json) -> Json:
    required = [_unmerged(term) for term in part.get(REQUIRED, [])]
    preferred = [{**w, "podAffinityTerm": _unmerged(w["podAffinityTerm"])} for w in part.get(PREFERRED, [])]
    return {REQUIRED: required, PREFERRED: preferred}


def _unmerged(term: Json) -> Json:
    keys = term.get("matchLabelKeys", []) + term.get("mismatchLabelKeys", [])
    if not keys:
        return term
    selector = term["labelSelector"]
    kept = [e for e in selector.get("matchExpressions", []) if e["key"] not in keys]
    return {**term, "labelSelector": {**selector, "matchExpressions": kept}}
