"""A cluster as a networkx graph: what owns, runs, selects, routes to and uses what."""
