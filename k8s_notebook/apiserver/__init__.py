"""The Kubernetes API over a store: verbs without HTTP, and the thin HTTP adapter around them."""
