"""``make zoo``: try every cell, print the matrix, and write docs/models.md."""

from __future__ import annotations

import sys

from tests.zoo.cells import CELLS
from tests.zoo.matrix import DOCUMENT, document, failures, try_all


def main() -> int:
    """Return 1 if a cell is wrong."""
    rows = try_all()
    width = max(map(len, rows))
    print(" " * width, *CELLS, sep="  ")
    for title, row in rows.items():
        marks = (f"{cell.mark:>{len(column)}}" for column, cell in row.items())
        print(f"{title:<{width}}", *marks, sep="  ")
    if found := failures(rows):
        print(*found, sep="\n")
        return 1
    DOCUMENT.write_text(document(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
