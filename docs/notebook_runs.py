"""Run the notebooks of the docs anew and store what they show: `python docs/notebook_runs.py`."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).with_name("notebooks")
SECONDS = 600


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook with the outputs that it has in an empty folder, on one thread; its commands are those of this
    environment. What shows nothing, as a bar that has gone, is left out."""
    ran = NotebookNode(notebook | {"cells": [NotebookNode(cell) for cell in notebook.cells]})
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": beside, "OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    environment.pop("MPLBACKEND", None)  # figures are the kernel's to show
    NotebookClient(ran, timeout=SECONDS, coalesce_streams=True, resources={"metadata": {"path": str(folder)}}).execute(
        env=environment
    )
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if any(output.get("data", {"text": output}).values())]
    return ran


def main() -> None:
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else sorted(NOTEBOOKS.glob("*.ipynb")):
        with TemporaryDirectory() as folder:
            ran = run(nbformat.read(path, as_version=4), Path(folder))
        for cell in ran.cells:
            cell.metadata.pop("execution", None)  # when it ran
        nbformat.write(ran, path)
        print(path.name)


if __name__ == "__main__":
    main()
