"""ImageLocality: nodes that have the pod's images already are liked more (as in plugins/imagelocality, 1.36)."""

from __future__ import annotations

import numpy as np

from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass

LEAST = 23 * 2**20
MOST_PER_CONTAINER = 1000 * 2**20
A_FEW = 32
"""Nodes that are asked one by one."""


def score(pod: PodClass, cluster: Cluster, at: Ints) -> Ints:
    """0 to 100 for the bytes that need not be pulled; an image counts in proportion to how many nodes have it."""
    there = np.zeros(len(at), np.int64)
    for image in pod.images():
        there += _worth(normalised(image), cluster, at)
    containers = len(pod.spec.get("initContainers") or ()) + len(pod.spec.get("containers") or ())
    most = MOST_PER_CONTAINER * containers
    found: Ints = 100 * (np.clip(there, LEAST, most) - LEAST) // (most - LEAST)
    return found


def _worth(image: str, cluster: Cluster, at: Ints) -> Ints:
    if len(at) <= A_FEW:
        return np.array(cluster.images.worth_at(image, len(cluster), at.tolist()), np.int64)
    everywhere = np.zeros(len(cluster.names), np.int64)
    worth = cluster.images.worth(image, len(cluster))
    if worth is not None:
        everywhere[worth[0]] = worth[1]
    found: Ints = everywhere[at]
    return found


def normalised(image: str) -> str:
    """An image reference with its tag.

    >>> normalised("registry:5000/busybox"), normalised("nginx:1.27")
    ('registry:5000/busybox:latest', 'nginx:1.27')
    """
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


PLUGIN = plugin.Plugin("ImageLocality", weight=1, score=score, reads_images=True)
