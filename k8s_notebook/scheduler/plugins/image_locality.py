"""ImageLocality: nodes that have the pod's images already are liked more (as in plugins/imagelocality, 1.36)."""

from __future__ import annotations

import numpy as np

from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass

LEAST = 23 * 2**20
MOST_PER_CONTAINER = 1000 * 2**20


def score(pod: PodClass, cluster: Cluster, at: Ints) -> Ints:
    """0 to 100 for the bytes that need not be pulled; an image counts in proportion to how many nodes have it."""
    there = np.zeros(len(cluster.names), np.int64)
    for image in pod.images():
        worth = cluster.images.worth(normalised(image), len(cluster))
        if worth is not None:
            there[worth[0]] += worth[1]
    containers = len(pod.spec.get("initContainers") or ()) + len(pod.spec.get("containers") or ())
    most = MOST_PER_CONTAINER * containers
    found: Ints = 100 * (np.clip(there[at], LEAST, most) - LEAST) // (most - LEAST)
    return found


def normalised(image: str) -> str:
    """An image reference with its tag.

    >>> normalised("registry:5000/busybox"), normalised("nginx:1.27")
    ('registry:5000/busybox:latest', 'nginx:1.27')
    """
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


PLUGIN = plugin.Plugin("ImageLocality", weight=1, score=score, reads_images=True)
