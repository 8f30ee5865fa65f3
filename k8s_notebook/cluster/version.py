"""Which Kubernetes an embedded cluster says it is."""

from __future__ import annotations

from collections.abc import Mapping

GIT_VERSION = "v1.36.3+k8s-notebook"

INFO: Mapping[str, str] = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": GIT_VERSION,
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "python",
    "platform": "linux/amd64",
}
"""The document of /version: clients insist on every field."""
