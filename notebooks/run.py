"""Run the notebooks unattended, and save them with their outputs: ``make notebooks``."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

for path in sorted(Path(__file__).parent.glob("*.ipynb")):
    notebook = nbformat.read(path, as_version=4)
    # Times and versions would change the file in every run.
    client = NotebookClient(notebook, record_timing=False)
    with client.setup_kernel():
        code = [(n, cell) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        for count, (index, cell) in enumerate(code, 1):
            # As nbval runs them: without a history, so the history's table names no cells.
            client.execute_cell(cell, index, execution_count=count, store_history=False)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata = {}
    nbformat.write(notebook, path)
