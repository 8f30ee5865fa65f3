"""What a notebook holds: clusters, and the verbs of kubectl on them."""
