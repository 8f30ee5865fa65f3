"""How much of a node's free GPUs is useless to the pods that are to be expected.

As in Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent" (USENIX ATC 2023)
and pkg/utils/frag.go of hkust-adsl/kubernetes-scheduler-simulator.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from k8s_notebook import kernels
from k8s_notebook.scheduler.gpu.traces import Ints, Trace

Floats = npt.NDArray[np.float64]

POPULAR = 0.95
"""The share of pods that the target workload stands for."""


class Target(NamedTuple):
    """The target workload: what pods of the trace most often ask for, the most frequent first."""

    cpu: Ints
    gpus: Ints
    milli: Ints
    models: Ints
    """the allowed GPU models, as bit sets"""
    weight: Floats
    """how frequent; together 1"""
    spec: Ints
    """the number of the text in `Trace.specs`"""


def target(trace: Trace, share: float = POPULAR) -> Target:
    """The most frequent (cpu, gpus, milli, spec) that together are `share` of the pods; equally frequent ones larger first."""
    pods = trace.pods
    counts = Counter(zip(*(c.tolist() for c in (pods.cpu, pods.milli, pods.gpus, pods.spec)), strict=True))
    ranked = sorted(counts.items(), key=lambda item: (item[1], *item[0][:3], trace.specs[item[0][3]]), reverse=True)
    total, covered, taken = len(pods.cpu), 0, 0
    while covered < share * total:
        covered += ranked[taken][1]
        taken += 1
    weight = np.array([count / total for _, count in ranked[:taken]])
    if taken < len(ranked):
        weight /= covered / total
    cpu, milli, gpus, spec = np.array([kind for kind, _ in ranked[:taken]], np.int64).reshape(-1, 4).T.copy()
    return Target(cpu, gpus, milli, trace.allowed()[spec], weight, spec)


@kernels.on_demand
def fragmentation(cpu: int, gpus: Ints, model: int, target: Target) -> float:
    """Thousandths of GPUs of a node that its expected pods cannot use (F_n): for each, all that is free if it does not fit at
    all, else what is free on GPUs that are too full for it.

    The parts are added up by the reason, as the original does: policies compare truncated differences of this float.
    """
    free = 0
    for g in range(len(gpus)):
        free += gpus[g]
    lack_both, lack_gpu, lack_cpu, no_gpu_wanted, no_gpu_no_cpu, no_access = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for m in range(len(target.weight)):
        weight, enough_cpu, milli = target.weight[m], cpu >= target.cpu[m], target.milli[m]
        if milli == 0:
            if enough_cpu:
                no_gpu_wanted += weight * free
            else:
                no_gpu_no_cpu += weight * free
            continue
        if model < 0 or (target.models[m] >> model) & 1 == 0:
            no_access += weight * free
            continue
        fitting, too_full = 0, 0
        for g in range(len(gpus)):
            if gpus[g] >= milli:
                fitting += 1
            else:
                too_full += gpus[g]
        if fitting >= target.gpus[m]:
            if enough_cpu:
                lack_gpu += weight * too_full
            else:
                lack_cpu += weight * free
        elif enough_cpu:
            lack_gpu += weight * free
        else:
            lack_both += weight * free
    return lack_both + lack_gpu + lack_cpu + no_gpu_wanted + no_gpu_no_cpu + no_access
