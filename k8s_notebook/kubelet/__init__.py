"""What happens on nodes: simulated kubelets, their pods' life cycles as data, and the containers' logs."""
