"""Policies for research: GPU sharing as in the OpenB trace, one run of thousands of pods in a fraction of a second.

Pods ask for thousandths of one GPU or for several whole GPUs, perhaps of certain models. A policy picks the node, and for a pod that
shares a GPU which one. `POLICIES` are those of Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with
Fragmentation Gradient Descent" (USENIX ATC 2023), placement by placement as in the authors' simulator.

    from k8s_notebook.scheduler import gpu

    openb = gpu.trace("openb", "default")             # nodes, pods, arrival orders
    run = gpu.replay(openb, policy="FGD", seed=42)
    run.used[-1] / run.capacity                       # 0.953: the share of the GPUs that is allocated
    pandas.DataFrame(run.curve())                     # per cent of arrival: allocation, fragmentation
    pandas.DataFrame(run.columns())                   # every placement

A policy of one's own is a function of a node and a pod that fits there, of what Numba compiles; the highest score wins:

>>> from k8s_notebook.scheduler import gpu
>>> def emptiest(node, pod):
...     return node.cpu
>>> machines = [{"cpu_milli": 8000, "memory_mib": 1024, "gpu": 2, "model": "T4"},
...             {"cpu_milli": 9000, "memory_mib": 1024, "gpu": 2, "model": "T4"}]
>>> halves = [{"cpu_milli": 1500, "memory_mib": 64, "num_gpu": 1, "gpu_milli": 500}] * 3
>>> run = gpu.replay(gpu.of(machines, halves), emptiest, seed=1, order=[0, 1, 2])
>>> run.node_row.tolist(), run.columns()["gpus"]
([1, 0, 1], ['0', '0', '0'])
"""

from k8s_notebook.scheduler.gpu.fragmentation import Target, target
from k8s_notebook.scheduler.gpu.policies import NAMES as POLICIES
from k8s_notebook.scheduler.gpu.policies import Node, Pod
from k8s_notebook.scheduler.gpu.runs import Run, replay
from k8s_notebook.scheduler.gpu.traces import Trace, of, trace

__all__ = ["POLICIES", "Node", "Pod", "Run", "Target", "Trace", "of", "replay", "target", "trace"]
