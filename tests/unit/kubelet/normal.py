"""The normal form in which statuses and events of a real kubelet and of ours are compared."""

from __future__ import annotations

import json
import re

from k8s_notebook.objects import Obj

_SUBSTITUTIONS = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "T"),
    (r"(containerd://)?(localhost/busybox@sha256:|sha256:)?[0-9a-f]{64}", "ID"),
    (r"10\.244\.\d+\.\d+", "PODIP"),
    (r'"exitCode": (137|143)', '"exitCode": "killed"'),
)


def normal_status(status: Obj, uid: str, host: str) -> Obj:
    """A pod's status without times, addresses and ids; a condition is one line; exit codes 137 and 143 are the same."""
    text = json.dumps(status).replace(uid, "UID").replace(host, "HOSTIP")
    for pattern, word in _SUBSTITUTIONS:
        text = re.sub(pattern, word, text)
    found: Obj = json.loads(text)
    found["conditions"] = [_line(c) for c in found["conditions"]]
    found.pop("qosClass", None)
    return found


def _line(condition: Obj) -> str:
    said = f"{condition['type']}={condition['status']} {condition.get('reason', '')}: {condition.get('message', '')}".strip(": ")
    return f"{said} @{condition['observedGeneration']}" + ("" if condition["lastProbeTime"] is None else " probed")


def normal_event(event: Obj, uid: str) -> list[str]:
    """type, reason, message, field path."""
    about = event["involvedObject"]
    return [event["type"], event["reason"], event["message"].replace(uid, "UID"), about.get("fieldPath", "")]
