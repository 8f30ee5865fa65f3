"""The client: any cluster that a kubeconfig names, behind `machinery.api.Api`."""
