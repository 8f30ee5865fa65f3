"""Devices for pods: which ones a claim can have on a node (as in k8s.io/dynamic-resource-allocation/structured)."""
