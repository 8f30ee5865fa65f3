"""ImageLocality: nodes that have the images already."""

from __future__ import annotations

from tests.oracles.kube_scheduler.amounts import MIB
from tests.oracles.kube_scheduler.plugin import Plugin, name_of


class ImageMemory:
    """What kube-scheduler remembers about images; tell it every change in order.

    An image's size is what the first node that had it said. How many nodes have an image is counted for a node when that node or
    something on it has changed since the last decision, and not otherwise.
    """

    def __init__(self, nodes: list[dict] | None = None) -> None:
        self.images_of: dict[str, list[str]] = {}
        self.sizes: dict[str, int] = {}
        self.counted: dict[str, dict[str, int]] = {}
        self.changed: set[str] = set()
        for node in nodes or []:
            self.set_node(node)

    def set_node(self, node: dict) -> None:
        """A node came or changed."""
        name = name_of(node)
        self.images_of[name] = []
        self._forget_sizes()
        for entry in node["status"].get("images", []):
            for image in entry.get("names", []):
                self.images_of[name].append(image)
                self.sizes.setdefault(image, entry.get("sizeBytes", 0))
        self._forget_sizes()
        self.changed.add(name)

    def _forget_sizes(self) -> None:
        somewhere = {image for images in self.images_of.values() for image in images}
        self.sizes = {image: size for image, size in self.sizes.items() if image in somewhere}

    def decide(self) -> None:
        """A decision begins: count again for what changed."""
        for name in self.changed:
            self.counted[name] = {
                image: sum(image in others for others in self.images_of.values()) for image in self.images_of[name]
            }
        self.changed = set()


class ImageLocality(Plugin):
    """How many bytes need not be pulled, images on many nodes counting more."""

    name = "ImageLocality"

    def raw_scores(self, feasible: list[dict]) -> dict[str, int]:
        memory: ImageMemory | None = self.args.get("memory")
        if memory is None:
            memory = ImageMemory(self.cluster.nodes)
            memory.decide()
        return {name_of(node): self._score(node, memory) for node in feasible}

    def _score(self, node: dict, memory: ImageMemory) -> int:
        spec = self.pod["spec"]
        containers = [*spec.get("initContainers", []), *spec["containers"]]
        images = [c.get("image", "") for c in containers]
        images += [v["image"].get("reference", "") for v in spec.get("volumes") or [] if "image" in v]
        counted = memory.counted[name_of(node)]
        there = 0
        for image in images:
            if image.rfind(":") <= image.rfind("/"):
                image += ":latest"
            if image in counted:
                there += int(float(memory.sizes[image]) * (float(counted[image]) / float(len(self.cluster.nodes))))
        low, high = 23 * MIB, 1000 * MIB * len(containers)
        return 100 * (min(max(there, low), high) - low) // (high - low)
