"""The index of documents on real corpora: this Python's library and the installed packages.

`python -m benchmarks.retrieval`: first the library with as many of the installed packages, by name,
as make 5 000 documents, then all of them. A question counts as answered if a file of the right name
is among the five results. The queries that are timed are the questions, and lines of the documents.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from cellmage.retrieval import Index
from cellmage.retrieval.files import find_files

from .table import line, missed

QUESTIONS = {
    "Read rows of a CSV file as dictionaries by the fields of its header": "csv.py",
    "Walk a directory tree from the top down": "os.py",
    "Make a temporary directory that is removed at the end": "tempfile.py",
    "Parse command line options and print a usage message": "argparse.py",
    "Compress and decompress files in gzip format": "gzip.py",
    "Read and write zip archives": "zipfile.py",
    "Compute the median and the standard deviation of data": "statistics.py",
    "Unified diff of two sequences of lines": "difflib.py",
    "Pretty print nested data structures": "pprint.py",
    "Wrap a paragraph of text to a given width": "textwrap.py",
    "A least recently used cache decorator": "functools.py",
    "Deep copy of compound objects": "copy.py",
    "Match file names against shell style wildcards": "fnmatch.py",
    "Send mail over SMTP": "smtplib.py",
    "Rational numbers with numerator and denominator": "fractions.py",
    "Heap queue, priority queue algorithm": "heapq.py",
    "Bisection of sorted lists, insert in order": "bisect.py",
    "Run a subprocess and capture its output": "subprocess.py",
    "Thread pool executor for asynchronous calls": "thread.py",
    "Base class for context managers, ExitStack": "contextlib.py",
    "Enumerations with unique members": "enum.py",
    "Universally unique identifiers, RFC 4122": "uuid.py",
    "Rotating log files by size or by time": "handlers.py",
    "Format and print tracebacks of exceptions": "traceback.py",
    "Test cases with setUp and tearDown": "case.py",
    "Parse an ISO date and do arithmetic with timedelta": "datetime.py",
    "Cookies of HTTP, a cookie jar": "cookiejar.py",
    "Serialize objects, pickling": "pickle.py",
    "Evaluate whether a network address is private, IPv4 and IPv6": "ipaddress.py",
    "Cryptographically strong random tokens": "secrets.py",
}


MIN_DOCUMENTS = 5_000
MIN_MEGABYTES = 20
LINES = 300
"""Lines of the documents that are searched for."""


def select_roots(library: Path, packages: Path) -> list[Path]:
    """Return the library, and packages by name until there are enough documents."""
    roots = [path for path in sorted(library.iterdir()) if path.name != "site-packages"]
    count = len(find_files(roots).stamps)
    for package in sorted(path for path in packages.iterdir() if path.is_dir()):
        if count >= MIN_DOCUMENTS:
            break
        roots.append(package)
        count += len(find_files([package]).stamps)
    return roots


def measure(roots: list[Path], path: Path) -> None:
    index = Index(path)
    sizes = [int(stamp.split()[1]) for stamp in find_files(roots).stamps.values()]
    megabytes = sum(sizes) / 1e6
    is_enough = len(sizes) >= MIN_DOCUMENTS and megabytes >= MIN_MEGABYTES
    limit = f"{MIN_DOCUMENTS}, {MIN_MEGABYTES} MB"
    line("documents", f"{len(sizes)}, {megabytes:.0f} MB", limit, is_enough)
    speed = megabytes / duration(lambda: index.add(roots))
    line("build", f"{speed:.1f} MB/s", "at least 5 MB/s", speed >= 5)
    line("the file of the index", f"{path.stat().st_size / 1e6:.0f} MB")
    seconds = duration(lambda: index.add(roots))
    line("indexing unchanged files again", f"{seconds:.2f} s", "at most 1 s", seconds <= 1)
    measure_queries("a query: the 30 questions", index, list(QUESTIONS))
    measure_queries(f"a query: {LINES} lines of the documents", index, select_lines(path))
    measure_recall(index)


def duration(function: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started_at = time.perf_counter()
    function()
    return time.perf_counter() - started_at


def select_lines(path: Path) -> list[str]:
    """Return lines of six words or more, from passages all over the index."""
    with closing(sqlite3.connect(path)) as connection:
        (last,) = connection.execute("SELECT max(rowid) FROM passages").fetchone()
        rows = [(n * last // (2 * LINES),) for n in range(1, 2 * LINES)]
        select = "SELECT text FROM passages WHERE rowid = ?"
        texts = [text for row in rows for (text,) in connection.execute(select, row)]
    passages = ([line for line in text.splitlines() if len(line.split()) >= 6] for text in texts)
    return [lines[len(lines) // 2][:200] for lines in passages if lines][:LINES]


def measure_queries(label: str, index: Index, queries: list[str]) -> None:
    times = sorted(duration(partial(index.search, query)) * 1000 for query in queries)
    p95 = times[int(0.95 * len(times))]
    figure = f"{statistics.median(times):.0f} ms (p95 {p95:.0f}, most {times[-1]:.0f})"
    line(label, figure, "p95 at most 50 ms", p95 <= 50)


def measure_recall(index: Index) -> None:
    count = 0
    for question, expected in QUESTIONS.items():
        names = [Path(document.source).name for document in index.search(question)]
        count += expected in names
        if expected not in names:
            print(f"  not in the results: {expected}, but {', '.join(names)}")
    line("recall at 5", f"{count} of {len(QUESTIONS)}")


def main() -> None:
    library, packages = (Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib"))
    with tempfile.TemporaryDirectory() as folder:
        measure(select_roots(library, packages), Path(folder) / "part.db")
        print()
        measure([library, packages], Path(folder) / "all.db")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
