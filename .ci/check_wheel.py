"""Builds the wheel and the sdist, and says what is in them: the front end must be there, and nothing that is not ours to ship."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WANTED = ("k8s_notebook/widgets/static/views.js", "k8s_notebook/py.typed", "k8s_notebook/objects/data/")
ENABLED = "data/etc/jupyter/jupyter_server_config.d/k8s_notebook.json"
"""What makes Jupyter's server load the extension once the wheel is installed."""
UNWANTED = ("node_modules", ".venv", "artefacts", "__pycache__")
LARGEST = 3_000_000


def main() -> None:
    """Build both and check their contents."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT)], check=True)
        wheel = next(pathlib.Path(folder).glob("*.whl"))
        members = zipfile.ZipFile(wheel).namelist()
        check(wheel.name, members, wheel.stat().st_size)
        if not any(member.endswith(ENABLED) for member in members):
            sys.exit(f"{wheel.name}: {ENABLED} is missing, so Jupyter's server would not load the extension")
        subprocess.run([*pip, "install", "--quiet", "build"], check=True)
        subprocess.run(
            [sys.executable, "-m", "build", "--sdist", "--outdir", folder, str(ROOT)], check=True, stdout=subprocess.DEVNULL
        )
        sdist = next(pathlib.Path(folder).glob("*.tar.gz"))
        with tarfile.open(sdist) as opened:
            names = [n.partition("/")[2] for n in opened.getnames()]
        check(sdist.name, names, sdist.stat().st_size)


def check(name: str, members: list[str], size: int) -> None:
    """Exit with a sentence if something is missing or too much."""
    missing = [w for w in WANTED if not any(m.startswith(w) for m in members)]
    extra = [m for m in members if any(part in m for part in UNWANTED)]
    if missing or extra or size > LARGEST:
        sys.exit(f"{name}: missing {missing}, unwanted {extra[:5]}, {size:,} bytes (at most {LARGEST:,})")
    print(f"{name}: {len(members)} files, {size:,} bytes")


if __name__ == "__main__":
    main()
