"""Which release this package is, and which Kubernetes its embedded clusters say they are."""

from __future__ import annotations

from collections.abc import Mapping

VERSION = "0.1.0"
"""The version of this package: the build reads it here."""

KUBERNETES = "v1.36.3"
GIT_VERSION = f"{KUBERNETES}+k8s-notebook"

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
