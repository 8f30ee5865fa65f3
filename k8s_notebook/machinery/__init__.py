"""What every controller shares: the protocol to a cluster, actions, local views, the reconcile loop."""
