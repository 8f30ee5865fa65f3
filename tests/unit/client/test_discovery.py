"""Discovery as a real server answers it, and as old servers do."""

from __future__ import annotations

import json
from pathlib import Path

from k8s_notebook.client import discovery
from k8s_notebook.objects.kinds import BUILTIN, Kinds


def test_the_real_servers_answer_is_the_table(shared: Path) -> None:
    found = []
    for name in ("api", "apis"):
        answer = json.loads((shared / "data" / "kubernetes-golden" / f"discovery_{name}_v2.json").read_text())
        assert discovery.is_aggregated(answer)
        found += discovery.aggregated(answer)
    kinds = Kinds(found)
    assert {k.resource for k in kinds} == {k.resource for k in BUILTIN}
    for expected in BUILTIN:
        at = kinds.at(expected.group, expected.version, expected.plural)
        assert at is not None
        assert (at.kind, at.namespaced, at.short_names, at.categories) == (
            expected.kind, expected.namespaced, expected.short_names, expected.categories,
        )  # fmt: skip
        assert {s.name for s in at.subresources} == {s.name for s in expected.subresources}


def test_legacy_discovery() -> None:
    groups = {
        "groups": [
            {
                "name": "x",
                "preferredVersion": {"groupVersion": "x/v1"},
                "versions": [{"groupVersion": "x/v2"}, {"groupVersion": "x/v1"}],
            }
        ]
    }
    assert discovery.group_versions(groups) == ["x/v1", "x/v2"]
    resources = [
        {"name": "foos", "kind": "Foo", "namespaced": True, "verbs": ["list"], "shortNames": ["f"]},
        {"name": "foos/scale", "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get"]},
    ]
    (kind,) = discovery.legacy("x/v1", {"resources": resources})
    assert (kind.resource, kind.api_version, kind.singular, kind.short_names) == ("foos.x", "x/v1", "foo", ("f",))
    scale = kind.subresource("scale")
    assert scale is not None
    assert (scale.group, scale.kind) == ("autoscaling", "Scale")
