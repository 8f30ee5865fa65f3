"""Decisions in the annotations that kube-scheduler-simulator writes on pods, so that its web page and other tools can show them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8s_notebook.scheduler.explain import Explanation

PREFIX = "kube-scheduler-simulator.sigs.k8s.io/"
PASSED, SUCCESS, VICTIM = "passed", "success", "preemption victim"


def as_annotations(found: Explanation) -> dict[str, str]:
    """Key -> JSON text, as the simulator has it: node -> plugin -> "passed" or the reason, or the score as a text.

    Of a refused node only the filters up to the one that refused it are there, because kube-scheduler asks no further.
    """
    finals = _scores(found, found.evidence.weighted.T.tolist())
    said: dict[str, Any] = {
        "filter-result": _filters(found),
        "score-result": _scores(found, found.evidence.raw.T.tolist()),
        "finalscore-result": finals,
        "postfilter-result": {found.nominated: {"DefaultPreemption": VICTIM}} if found.nominated else {},
        "bind-result": {"DefaultBinder": SUCCESS} if found.node else {},
    }
    written = {PREFIX + key: json.dumps(value, sort_keys=True, separators=(",", ":")) for key, value in said.items()}
    return {**written, PREFIX + "selected-node": found.node}


def _filters(found: Explanation) -> dict[str, dict[str, str]]:
    rests_on = found.evidence
    verdicts: dict[str, dict[str, str]] = {}
    for row, stop in enumerate(rests_on.stopped.tolist()):
        until = len(rests_on.filters) if stop < 0 else stop
        said = dict.fromkeys(rests_on.filters[:until], PASSED)
        verdicts[rests_on.nodes[row]] = said if stop < 0 else {**said, rests_on.filters[stop]: ", ".join(rests_on.reasons(row))}
    return verdicts


def _scores(found: Explanation, columns: list[list[int]]) -> dict[str, dict[str, str]]:
    rests_on = found.evidence
    scored = rests_on.scored.tolist()
    return {
        rests_on.nodes[row]: {name: str(value) for name, value in zip(rests_on.scores, values, strict=True)}
        for row, values in enumerate(columns)
        if scored[row]
    }
