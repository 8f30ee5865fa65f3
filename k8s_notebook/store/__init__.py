"""What etcd promises: one counter of revisions, a versioned map, watches, a journal that survives a kill."""
