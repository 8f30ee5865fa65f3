"""Selectors, both kinds: `labels("app=web")`, `from_spec({"matchLabels": …})`, `fields("spec.nodeName=n1", kind)`."""

from __future__ import annotations

from k8s_notebook.objects.field_selectors import FieldSelector, fields, supported
from k8s_notebook.objects.label_selectors import EVERYTHING, NOTHING, LabelSelector, Requirement, from_map, from_spec, labels

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "FieldSelector",
    "LabelSelector",
    "Requirement",
    "fields",
    "from_map",
    "from_spec",
    "labels",
    "supported",
]
