"""How long a reader waits for the tour's first two cells, and how much memory everything takes at most: the figures that matter on Binder.

`binder/start python -m benchmarks.first_cells`. Beside the kernel a JupyterLab server runs, as it does there. Linux only: memory is
read from /proc.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from jupyter_client.manager import start_new_kernel

TOUR = pathlib.Path(__file__).resolve().parent.parent / "examples" / "00-tour.ipynb"


class Memory(threading.Thread):
    """Looks at all processes of this environment again and again; `peak` is the most that they had together, in MB."""

    def __init__(self, mark: str) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0
        self.then: dict[str, float] = {}
        self.over = threading.Event()
        self._mark = mark

    def run(self) -> None:
        """Look until `over` is set."""
        while not self.over.wait(0.03):
            now = self._resident()
            if sum(now.values()) > self.peak:
                self.peak, self.then = sum(now.values()), now

    def _resident(self) -> dict[str, float]:
        """Process number and command -> resident MB."""
        found = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self._mark.encode() not in (folder / "environ").read_bytes():
                    continue
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                resident = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmRSS"))
            except (OSError, StopIteration):
                continue
            found[f"{folder.name} {command[:100]}"] = int(resident.split()[1]) / 1024
        return found


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="first-cells-") as home:
        os.environ["K8S_NOTEBOOK_HOME"] = home
        measure(home)


def measure(home: str) -> None:
    """Run the tour with its cluster in `home`, and print the figures."""
    memory = Memory(home)
    memory.start()
    lab = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", f"--ServerApp.root_dir={home}"]
    server = subprocess.Popen(lab, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        began = time.monotonic()
        kernel, client = start_new_kernel(cwd=str(TOUR.parent))
        print(f"{time.monotonic() - began:7.2f} s  until the kernel has started")
        cells = ["".join(c["source"]) for c in json.loads(TOUR.read_text())["cells"] if c["cell_type"] == "code"]
        began = time.monotonic()
        for number, source in enumerate(cells):
            answer = client.execute_interactive(source, timeout=120, output_hook=lambda message: None)["content"]
            if answer["status"] != "ok":
                raise SystemExit(f"{source}\n{answer['evalue']}")
            if number in (0, 1, len(cells) - 1):
                print(f"{time.monotonic() - began:7.2f} s  until cell {number + 1} of {len(cells)} has run")
        memory.over.set()
        memory.join()
        print(f"{memory.peak:7.0f} MB at most, of all processes together:")
        for process, resident in sorted(memory.then.items(), key=lambda pair: -pair[1]):
            if resident >= 10:
                print(f"{resident:11.0f} MB  {process}")
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    finally:
        server.terminate()
        server.wait()
        subprocess.run([sys.executable, "-m", "k8s_notebook", "delete", "--all"], stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
