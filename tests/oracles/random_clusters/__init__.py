"""Random clusters in which every plugin of kube-scheduler has something to say; the same seed gives the same cluster.

`random_cluster(seed, features=("spread", "interpod"))` gives a Case: nodes, assigned pods, the objects beside them and pending pods.
`node` and `pod` are the smaller generators for plugins that look at one node and its own pods alone.
"""

from __future__ import annotations

from tests.oracles.random_clusters.cases import Case, random_cluster
from tests.oracles.random_clusters.dice import ALL, Dice
from tests.oracles.random_clusters.plain import node, pod
from tests.oracles.random_clusters.server import as_sent

__all__ = ["ALL", "Case", "Dice", "as_sent", "node", "pod", "random_cluster"]
