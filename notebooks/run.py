"""Run the notebooks unattended, and save them with their outputs: ``make notebooks``.

Names of notebooks run these alone: ``python notebooks/run.py 03``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def run(path: Path) -> None:
    """Run a notebook in its folder, and save it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    # Times and versions would change the file in every run; so would the pieces of a printed text.
    client = NotebookClient(notebook, record_timing=False, coalesce_streams=True)
    with client.setup_kernel(cwd=str(path.parent)):
        code = [(n, cell) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        for count, (index, cell) in enumerate(code, 1):
            # As nbval runs them: without a history, so the history's table names no cells.
            client.execute_cell(cell, index, execution_count=count, store_history=False)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        # A tag tells nbval which outputs differ from run to run, such as times.
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for notebook_path in sorted(Path(__file__).parent.resolve().glob("*.ipynb")):
        if notebook_path.name.startswith(tuple(sys.argv[1:]) or ""):
            run(notebook_path)
