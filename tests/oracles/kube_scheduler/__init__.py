"""kube-scheduler 1.36 as plainly as it can be written: one pod, a list of nodes, a list of running pods, what lies beside them.

Slow on purpose: no arrays, no caches, no shared code with the package. `answer(Cluster(nodes, pods, objects), pod)` decides.
"""

from __future__ import annotations

from tests.oracles.kube_scheduler.cluster import Answer, Cluster, Verdict, Victims
from tests.oracles.kube_scheduler.cycle import answer, schedule
from tests.oracles.kube_scheduler.filtering import names_nodes
from tests.oracles.kube_scheduler.images import ImageMemory
from tests.oracles.kube_scheduler.order import enough, heap_root, in_order
from tests.oracles.kube_scheduler.profile import Profile, profile_of
from tests.oracles.kube_scheduler.sequence import decide_all, settle

__all__ = [
    "Answer",
    "Cluster",
    "ImageMemory",
    "Profile",
    "Verdict",
    "Victims",
    "answer",
    "decide_all",
    "enough",
    "heap_root",
    "in_order",
    "names_nodes",
    "profile_of",
    "schedule",
    "settle",
]
