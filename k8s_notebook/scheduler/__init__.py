"""Which node a pod goes to: kube-scheduler 1.36's decisions over arrays, with the reasons for them."""
