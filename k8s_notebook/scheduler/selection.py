"""Which of several best nodes is taken.

kube-scheduler 1.36 takes the root of a binary max-heap of totals: of equal ones the first in pre-order of the heap's tree, in which
the children of i are 2i + 1 and 2i + 2. (Releases before 1.35 took any; "random" does, and "first" takes the first looked at.)
"""

from __future__ import annotations

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.node_table import Ints

V1_36, FIRST, RANDOM = 0, 1, 2


@kernels.inner
def following(index: int, size: int) -> int:
    """The index after this one in pre-order of a heap of `size` places, or `size` after the last."""
    if 2 * index + 1 < size:
        return 2 * index + 1
    while index > 0:
        if index % 2 == 1 and index + 1 < size:
            return index + 1
        index = (index - 1) // 2
    return size


@kernels.inner
def root(totals: Ints, found: int) -> int:
    """The index of the highest of `totals[:found]` that comes first in pre-order."""
    highest = totals[0]
    for i in range(found):
        highest = max(highest, totals[i])
    index = 0
    while totals[index] != highest:
        index = following(index, found)
    return index


@root.interpreted
def root_at(totals: Ints, found: int) -> int:
    """The same with whole arrays."""
    tied = np.flatnonzero(totals[:found] == totals[:found].max())
    if len(tied) == 1 or tied[0] == 0:
        return int(tied[0])
    bits = np.frexp(tied + 1)[1].astype(np.int64)
    return int(tied[np.argmin(((tied + 1) << (32 - bits)) << 6 | bits)])


@kernels.inner
def draw(state: Ints, size: int) -> int:
    """0 to size - 1, each as likely (Park and Miller's generator; `state[0]` is 1 to 2**31 - 2)."""
    state[0] = state[0] * 48271 % 2147483647
    return int(state[0] * size // 2147483647)


@kernels.inner
def pick(totals: Ints, found: int, ties: int, state: Ints) -> int:
    """The index of the total that wins."""
    if ties == V1_36:
        return root(totals, found)
    highest, tied = totals[0], 0
    for i in range(found):
        if totals[i] > highest:
            highest, tied = totals[i], 0
        if totals[i] == highest:
            tied += 1
    skip = draw(state, tied) if ties == RANDOM and tied > 1 else 0
    for i in range(found):
        if totals[i] == highest:
            if skip == 0:
                return i
            skip -= 1
    return 0


@pick.interpreted
def pick_at(totals: Ints, found: int, ties: int, state: Ints) -> int:
    """The same with whole arrays."""
    if ties == V1_36:
        return root_at(totals, found)
    tied = np.flatnonzero(totals[:found] == totals[:found].max())
    return int(tied[draw.written(state, len(tied)) if ties == RANDOM and len(tied) > 1 else 0])
