"""`python3 tests`: sets everything up, then runs the tests. Arguments go to pytest."""

from __future__ import annotations

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ci"))

if __name__ == "__main__":
    import environment

    environment.enter("test")
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[1:]])
