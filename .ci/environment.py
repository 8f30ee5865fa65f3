"""Makes the project's own environment, `.venv`, with nothing but Python; used by the two commands of the README.

Standard library only. A second run finds everything there and takes a fraction of a second.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / "bin" / "python"
OLDEST = (3, 11)


def enter(extras: str = "") -> None:
    """Return if this interpreter is the project's environment with `extras`; else make that and start again inside it."""
    if sys.version_info < OLDEST:
        sys.exit(f"k8s_notebook needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}.")
    if os.name == "nt":
        sys.exit("k8s_notebook runs on Linux and macOS; on Windows use it inside WSL2.")
    if not PYTHON.exists():
        _create()
    stamp = FOLDER / f"installed{'-' + extras if extras else ''}"
    if not stamp.exists() or stamp.read_text() != _wanted():
        _install(extras)
        stamp.write_text(_wanted())
    if pathlib.Path(sys.prefix).resolve() != FOLDER.resolve():
        sys.stdout.flush()
        os.environ["PATH"] = f"{PYTHON.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        os.execv(PYTHON, [str(PYTHON), *sys.argv])


def _wanted() -> str:
    """What the environment is made from: it is made again when this changes."""
    parts = [sys.version, (ROOT / "pyproject.toml").read_text()]
    sources = sorted((ROOT / "labextension").rglob("*"))
    parts += [
        p.read_text()
        for p in sources
        if p.is_file() and "node_modules" not in p.parts and p.suffix in {".ts", ".json", ".css", ".mjs"}
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _create() -> None:
    print(f"Making an environment in {FOLDER} (once) ...", file=sys.stderr, flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(FOLDER, ignore_errors=True)
        if "ensurepip" in made.stdout + made.stderr:
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            sys.exit(f"This Python has no `venv`. On Debian and Ubuntu: apt install python{version}-venv; then run this again.")
        sys.exit(f"The environment could not be made: {(made.stderr or made.stdout).strip().splitlines()[-1]}")


def _install(extras: str) -> None:
    print("Installing k8s_notebook and what it needs (a few minutes the first time) ...", file=sys.stderr, flush=True)
    shutil.rmtree(ROOT / "k8s_notebook" / "widgets" / "static", ignore_errors=True)
    what = f"{ROOT}[{extras}]" if extras else str(ROOT)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--editable", what]
    if subprocess.run(pip).returncode:
        sys.exit("The installation failed; the lines above say why. Running the command again continues where it stopped.")
