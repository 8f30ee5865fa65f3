"""`python -m k8s_notebook` is the k8s-notebook command."""

import sys

from k8s_notebook.cli import main

if __name__ == "__main__":
    sys.exit(main())
